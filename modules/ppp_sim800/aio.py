"""For asyncio: what blocks in ppp_sim800 is awaited here.

from ppp_sim800 import aio
nic = aio.PPP("internet")
await nic.connect()
print(await nic.modem.radio.signal())
"""

from .interface import PPP  # noqa: F401
from .modem import Modem  # noqa: F401
