"""What can become of a request. Every message is a sentence that says what to try."""

import errno

from printable import printable

# RequestException.fate
NOT_SENT = "not sent"
UNKNOWN = "may have arrived"
PARTIAL = "answered in part"
REFUSED = "refused for good"
LATER = "refused for now"


class RequestException(OSError):
    """A request that came to nothing, or whose answer did. `str(error)` is the whole story.

    fate: what became of the request, see above. NOT_SENT: the server does not have it, or not the whole of it.
    errno: the number of the OSError below, None without one. status_code: of the answer, as far as that came, or None.
    received: bytes of the answer's body that came. response: the answer to a refused request, else None.
    retry_after: seconds (int) after which the server wants to be asked again, None if it did not say.
    """

    def __init__(self, message, fate=NOT_SENT, errno=None, response=None, received=0):
        super().__init__(printable(message))
        self.fate = fate
        self.errno = errno
        self.response = response
        self.status_code = getattr(response, "status_code", None)
        self.received = received
        self.retry_after = None


class ConnectionError(RequestException):
    """There was no connection, or it ended too early."""


class Timeout(RequestException):
    """The server, or the way to it, was too slow."""


class HTTPError(RequestException):
    """The server's answer is a refusal (400 to 599): `response`."""


class TooManyRedirects(RequestException):
    """It was sent on more often than allowed."""


_LOST = "is out of reach: bring the link up again if it is down, else try later"
_CLOSED = "closed the connection too early"
_WORDS = {
    errno.ECONNREFUSED: "takes no connection at this port: check host and port",
    errno.ECONNRESET: _CLOSED,
    errno.ENOTCONN: _CLOSED,
    errno.ECONNABORTED: _LOST,
    errno.EHOSTUNREACH: _LOST,
}
_SENT = {
    NOT_SENT: "the request was not sent",
    UNKNOWN: "the request was sent, and may have arrived",
}


def explain(error, peer, fate, seconds=None, answer=None, received=0):
    """The exception for an OSError of a connection.

    peer: host and port (str). fate: as it is in RequestException. seconds: what was waited for the peer. answer: its
    answer, of whose body so many bytes were received. The package's own errors are given back, with their `fate`.
    """
    if isinstance(error, RequestException) or hasattr(
        error, "code"
    ):  # as ppp_sim800's have: a whole sentence
        error.fate = fate
        if answer:
            error.status_code = answer.status
            error.received = received
        return error
    ending = _SENT.get(fate) or "its answer broke off after {}{}".format(
        received,
        " bytes"
        if not answer or answer.body.length is None
        else " bytes of {}".format(answer.body.length),
    )
    code = error.errno
    if code == errno.ETIMEDOUT:
        text = "{} did not answer within {} s: {}".format(peer, seconds, ending)
        return Timeout(text, fate, code, answer, received)
    words = _WORDS.get(code, "cannot be talked to (error {})".format(code))
    return ConnectionError("{} {}: {}".format(peer, words, ending), fate, code, answer, received)


def check(response):
    """Raises HTTPError for a response (status_code, reason, url, headers) whose status is 400 or above."""
    status = response.status_code
    if status < 400:
        return
    later = status in (408, 425, 429) or (status >= 500 and status not in (501, 505))
    host = response.url.split("/")[2]
    error = HTTPError(
        "{} answered {} {}: {}".format(
            host,
            status,
            response.reason,
            "ask again later"
            if later
            else "it will not take this request, however often it is sent",
        ),
        LATER if later else REFUSED,
        None,
        response,
    )
    error.retry_after = _seconds(response.headers)
    raise error


def _seconds(headers):
    # What Retry-After means, None without it or where it means nothing.
    try:
        text = headers.get("retry-after", "")
        if text.isdigit():
            return int(text[:9])
        return max(0, _time(text) - _time(headers["date"]))
    except (ValueError, KeyError, IndexError):
        return None


def _time(text):
    # "Wed, 21 Oct 2026 07:28:00 GMT" in seconds since any time.
    from time import mktime

    _, day, month, year, clock, _ = text.split()
    month = "JanFebMarAprMayJunJulAugSepOctNovDec".index(month) // 3 + 1
    hour, minute, second = [int(part) for part in clock.split(":")]
    return mktime((int(year), month, int(day), hour, minute, second, 0, 0))
