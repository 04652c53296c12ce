"""For asyncio: what blocks in ppp_sim800 is awaited here.

from ppp_sim800 import aio
nic = aio.PPP("internet")
await nic.connect()
print(await nic.modem.radio.signal())"""

from .interface import PPP as PPP
from .modem import Modem as Modem
