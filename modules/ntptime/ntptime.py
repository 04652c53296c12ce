"""micropython-lib's names for the time from an NTP server, over nettime.ntp: an answer must echo what was asked,
and be no time of the past (nettime.rtc). Errors are NoTime, an OSError, in a sentence.
"""

from time import gmtime

from nettime import ntp, rtc

host = ntp.HOST
timeout = 15  # seconds; one is too short on GPRS


def time():
    """Seconds since the epoch of time.time(), by `host`. Raises NoTime."""
    return ntp.query(host, int(timeout * 1000)) - rtc.unix(*gmtime(0)[:6])


def settime():
    """Set the machine's clock (UTC). Raises NoTime."""
    rtc.set(ntp.query(host, int(timeout * 1000)))
