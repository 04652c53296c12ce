"""Brings a modem whose mode nobody knows to command mode, then to the fast rate where that proves clean.

What it can have been left in is tried with the likeliest and the harmless first: without its reset pin about 15 s.
"""

from micropython import const

from . import profile
from .errors import ATError, ATTimeout, ModemSilent
from .run import Deadline, sleep_ms

_GUARD_MS = const(750)  # after answers()'s last wait, to a silence of 1 s before +++ (M 36)
_ESCAPE_MS = const(1050)  # the OK comes after another one
_TAIL = const(8)  # bytes of what came last that are looked at
_PROOFS = const(4)  # times 600 characters without a fault, to trust the fast rate


async def find(line, press, reset, presumed_off):
    """Find the modem at the far end of `line`. Returns whether there may be a data call still: hang_up() then.

    press: coroutine function, presses its key too briefly to switch off one that is on (but a SIM800C). reset:
    coroutine function, presses its reset pin; False where that is not wired. presumed_off: press the key first.
    Raises ModemSilent.
    """
    if await line.answers():
        return False
    for rate in profile.LIKELY_RATES:
        if rate != line.rate and await line.answers_at(rate, 1):
            return False
    if await _out_of_data_mode(line, profile.LIKELY_RATES, presumed_off and press):
        return True
    for rate in profile.LIKELY_RATES:
        line.open(rate)
        if await line.close_down():
            return False
    if presumed_off and await line.answers_at(profile.BAUDRATE, 5):
        return False
    # One that does not echo only learns to here; then +++ comes back.
    if await _answers_at_any(line, profile.OTHER_RATES, 1):
        return False
    if await _out_of_data_mode(line, profile.OTHER_RATES, not presumed_off and press):
        return True
    if await _answers_at_any(line, profile.LIKELY_RATES + profile.OTHER_RATES, 1):
        return False
    if await reset() and await line.answers_at(profile.BAUDRATE, 10):
        return False
    # The key may have switched it off.
    await press()
    if await line.answers_at(profile.BAUDRATE, 10):
        return False
    if await _answers_at_any(line, profile.OTHER_RATES + profile.LIKELY_RATES, 2):
        return False
    raise ModemSilent(
        "no answer from the modem at {} baud or any other rate: check its supply (3.4 to 4.4 V, bursts of "
        "2 A), that TX and RX are not swapped, that PWRKEY is wired, and DTR if AT+CSCLK=1 is stored".format(
            profile.BAUDRATE
        )
    )


async def _answers_at_any(line, rates, tries):
    for rate in rates:
        if await line.answers_at(rate, tries):
            return True
    return False


async def _out_of_data_mode(line, rates, press):
    # The silence before +++ need be kept but once: to a modem at another rate what was sent is noise, and the time
    # after it silence again. To press its key takes as long; one that was off boots in about 3 s meanwhile (HW 3.2.1).
    if press:
        await press()
    else:
        await sleep_ms(_GUARD_MS)
    for rate in rates:
        line.open(rate)
        if await _escaped(line):
            return True
    return False


async def _escaped(line):
    # True if the modem was in data mode, or in command mode and sends back what it gets.
    uart = line.uart
    while uart.any():
        uart.read()
    uart.write(b"+++")
    deadline = Deadline(_ESCAPE_MS)
    heard = b""
    while deadline.left():
        await sleep_ms(20)
        heard = (heard + (uart.read() or b""))[-_TAIL:]
        if b"OK" in heard or b"+++" in heard:
            return await line.answers()
    return False


async def use_fast(line):
    """Change to the fast rate. Not stored, so a restart of the modem ends it. False if the line does not carry it."""
    if line.rate != profile.FAST and not await line.try_command("AT+IPR={}".format(profile.FAST)):
        return True  # the modem cannot; nothing is wrong with the line
    # The OK still comes at the old rate (M 55).
    if await line.answers_at(profile.FAST, 3) and await _is_clean(line):
        return True
    await use_first(line)
    return False


async def use_first(line):
    """Change to the first rate. Raises ModemSilent."""
    rate = line.rate
    for _ in range(10):  # noise may garble it on the way
        line.uart.write(b"\rAT+IPR=%d\r" % profile.BAUDRATE)
        await sleep_ms(100)
        if await line.answers_at(profile.BAUDRATE, 2):
            return
        line.open(rate)
    line.lose()
    raise ModemSilent("the modem was lost while changing its rate: try again")


async def _is_clean(line):
    # What is echoed must come back as it went.
    try:
        for _ in range(_PROOFS):
            lines = await line.command("AT" + "+GSN;" * 29 + "+GSN", bytes.isdigit, 3000)
            if len(lines) != 31 or lines.count(lines[0]) != 30:
                return False
    except (ATError, ATTimeout):
        return False
    return True
