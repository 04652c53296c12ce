"""The time from an NTP server: one question, one answer (SNTP, RFC 4330; packet as in RFC 5905 7.3).

The answer is not signed, so it is only taken if it can be nobody else's: it must echo 64 random bits, and the
time must be possible (rtc.py). Before the clock is set by it, it is compared: with the clock, the modem's, or that of a
second server."""

HOST: str

def query(host: str = "pool.ntp.org", timeout: int = 15000) -> int:
    """Ask one NTP server for the time.

    timeout: milliseconds for all tries together, without the look-up of the name (12 s at most).
    Returns Unix seconds. Raises NoTime: the message says what was wrong with the server or its answer."""

def set_clock(host: str = "pool.ntp.org", timeout: int = 15000) -> bool:
    """Set the machine's clock from an NTP server. Returns whether that has been done. Arguments: see query()."""
