"""The time from an NTP server: one question, one answer (SNTP, RFC 4330; packet as in RFC 5905 7.3).

The answer is not signed, so it is only taken if it can be nobody else's: it must echo 64 random bits, and the
time must be possible (rtc.py). Before the clock is set by it, it is compared: with the clock, the modem's, or that of a
second server.
"""

import os
import socket
import struct
import time

from micropython import const
from ppp_sim800.dns import resolve
from ppp_sim800.errors import NameNotFound, SIM800Error
from ppp_sim800.run import Deadline, run, sleep_ms

from . import rtc

HOST = "pool.ntp.org"
_HOSTS = (HOST, "1.pool.ntp.org")  # other servers by the second name

_PORT = const(123)
_SIZE = const(48)
_QUESTION = const(0x23)  # leap 0, version 4, mode 3: client
_ANSWER = const(4)  # mode: server
_NOT_SYNCHRONISED = const(3)  # leap indicator

_ERA_0 = const(2208988800)  # seconds from 1900 to 1970
_FIRST_BIT = const(0x80000000)

_TRIES = const(3)
_COMPARE_MS = const(15000)  # for two servers, the look-up of their names included
_SAME = const(5)  # seconds between two servers that agree
_MODEM_SAME = const(60)  # ... a server and the modem's clock, which drifts
_ONE = const(3600)  # seconds for which a time is trusted that nothing agrees with
_SURE = const(86400)
_SLOWEST_MS = const(5000)  # for an answer; on GPRS most take one


class NoTime(SIM800Error):
    """No source told the time, or none that can be believed."""


def query(host=HOST, timeout=15000):
    """Ask one NTP server for the time.

    timeout: milliseconds for all tries together, without the look-up of the name (12 s at most).
    Returns Unix seconds. Raises NoTime: the message says what was wrong with the server or its answer.
    """
    return run(_query(host, timeout))


async def _query(host, timeout):
    try:
        address = await resolve(host)
    except NameNotFound as error:
        raise NoTime("no time from {}: {}".format(host, error))
    return await _ask(host, address, timeout, _TRIES)


async def _ask(host, address, timeout, tries):
    deadline = Deadline(timeout)
    for _ in range(tries):
        seconds = await _exchange(host, address, min(_SLOWEST_MS, deadline.left()))
        if seconds is not None:
            return seconds
    raise NoTime(
        "no time from {}: it did not answer; check that the SIM has data left".format(host)
    )


def set_clock(host=HOST, timeout=15000):
    """Set the machine's clock from an NTP server. Returns whether that has been done. Arguments: see query()."""
    try:
        return rtc.set(query(host, timeout), _SURE)  # whoever names a server trusts it
    except OSError:  # NoTime, or no memory for a socket
        return False


async def compare(modem, told, vain):
    """Set the machine's clock by NTP, where two sources agree, or there is but one and nothing to be said against it.
    22 s at most.

    modem: seconds by which the modem's clock is ahead of the machine's, None: it is
    not set; told: whether the network has set that. vain: how often all this was in vain; then one server is asked,
    another each time, and the second only if the first has answered.
    """
    deadline = Deadline(_COMPARE_MS)
    # (seconds ahead of the clock, by how many others may differ) of each source
    sources = [(modem, _MODEM_SAME)] if modem is not None else []
    if rtc.trust >= 0 and rtc.is_set():
        # The chip's clock drifts, most in deep sleep.
        sources.append((0, min(_SURE, 60 + abs(rtc.now() - rtc.checked) // 64)))
    first = ahead = None
    for i in range(2):
        if deadline.left() < _SLOWEST_MS or (i and vain and ahead is None):
            break
        host = _HOSTS[(i + vain) % 2]
        try:
            address = await resolve(host)
            if address == first:
                break
            first = address
            timeout = deadline.left() // (2 - i)
            other, ahead = ahead, await _ask(host, address, timeout, 1 if vain else 2) - rtc.now()
        except OSError:
            continue
        for seconds, differ in sources:
            if abs(ahead - seconds) <= differ:
                rtc.set(rtc.now() + ahead, _SURE)
                return
        if other is not None:
            return  # two that differ: neither is to be believed
        sources.append((ahead, _SAME))
    if ahead is None and told:
        ahead = modem
    elif ahead is not None and rtc.trust >= _SURE and abs(ahead) >= _SURE and rtc.is_set():
        return  # a clock that two agreed on goes by no server alone
    if ahead is not None:
        rtc.set(rtc.now() + ahead, _ONE)


async def _exchange(host, address, timeout):
    # Returns Unix seconds, or None if no answer came.
    nonce = os.urandom(8)
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.connect((address, _PORT))  # takes datagrams from there alone
        # The time of sending is nobody's business: random bits in its place come back all the same.
        sock.send(bytes((_QUESTION,)) + bytes(39) + nonce)
        asked = time.ticks_ms()
        deadline = Deadline(timeout)
        while deadline.left():
            try:
                answer = sock.recv(_SIZE)
            except OSError:  # nothing yet, or refused by a host on the way
                answer = None
            if answer and answer[24:32] == nonce:
                elapsed = time.ticks_diff(time.ticks_ms(), asked)
                return _time_of(host, answer) + (elapsed // 2 + 500) // 1000
            # Anything else is late, doubled or forged: it says nothing.
            await sleep_ms(20)
    except OSError as error:
        if isinstance(error, NoTime):
            raise
    finally:
        sock.close()
    return None


def _time_of(host, answer):
    # The Unix time when this answer was sent. Raises NoTime if it must not be used.
    why = _objection(answer)
    if why:
        raise NoTime("no time from {}: {}; use another server".format(host, why))
    seconds, fraction = struct.unpack_from("!II", answer, 40)
    if not seconds & _FIRST_BIT:
        seconds += 1 << 32  # the count starts anew in February 2036 (RFC 4330 3)
    seconds += (fraction >> 31) - _ERA_0
    if not rtc.is_possible(seconds):
        raise NoTime(
            "no time from {}: it says {}, which cannot be; use another server".format(
                host, rtc.text(seconds)
            )
        )
    return seconds


def _objection(answer):
    # What speaks against an answer (RFC 4330 5), or None.
    if len(answer) < _SIZE:
        return "its answer is cut short"
    first, stratum = answer[0], answer[1]
    if first & 7 != _ANSWER or not 3 <= (first >> 3) & 7 <= 4:
        return "the reply is not from an NTP server"
    if stratum == 0:
        return "it wants to be left alone ({})".format(_word(answer[12:16]))  # kiss-o'-death
    if first >> 6 == _NOT_SYNCHRONISED or stratum > 15:
        return "it does not know the time itself"
    delay, dispersion = struct.unpack_from("!iI", answer, 4)
    if not -0x10000 < delay < 0x10000 or dispersion >= 0x10000:
        return "it is unsure by more than a second"
    if answer[40:48] == bytes(8):
        return "its answer has no time in it"
    return None


def _word(code):
    return "".join(chr(byte) if 32 < byte < 127 else "?" for byte in code)
