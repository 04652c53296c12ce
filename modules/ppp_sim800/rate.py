"""The rate of a line in command mode: the fast one where it proves clean, else the first.

Pages are those of the SIM800 Series AT Command Manual V1.09 ("M").
"""

from micropython import const

from .errors import ATError, ATTimeout, ModemSilent
from .profile import BAUDRATE, FAST
from .run import sleep_ms

_PROOFS = const(4)  # times 600 characters without a fault, to trust the fast rate


async def use_fast(line):
    """Change to the fast rate. Not stored, so a restart of the modem ends it. False if the line does not carry it."""
    if line.rate != FAST and not await line.try_command("AT+IPR={}".format(FAST)):
        return True  # the modem cannot; nothing is wrong with the line
    # The OK still comes at the old rate (M 55).
    if await line.answers_at(FAST, 3) and await _is_clean(line):
        return True
    await use_first(line)
    return False


async def use_first(line):
    """Change to the first rate. Raises ModemSilent."""
    rate = line.rate
    for _ in range(10):  # noise may garble it on the way
        line.uart.write(b"\rAT+IPR=%d\r" % BAUDRATE)
        await sleep_ms(100)
        if await line.answers_at(BAUDRATE, 2):
            return
        line.open(rate)
    line.lose()
    raise ModemSilent("the modem was lost while changing its rate: try again")


async def _is_clean(line):
    # What is echoed must come back as it went.
    try:
        for _ in range(_PROOFS):
            lines = await line.command("AT" + "+GSN;" * 29 + "+GSN", bytes.isdigit, 3000)
            if len(lines) != 31 or len(set(lines[:-1])) != 1:
                return False
    except (ATError, ATTimeout):
        return False
    return True
