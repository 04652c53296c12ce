"""Host names to addresses, by questions of its own (RFC 1035): lwIP's getaddrinfo() holds up all else meanwhile."""

from .errors import NameNotFound
from .probe import ask_dns


def lookup(servers, host):
    """Procedure: the IPv4 address (dotted str) of a host name, from `servers` (dotted str); 12 s at most.

    Raises NameNotFound.
    """
    if host.replace(".", "").isdigit():
        return host
    labels = [label.encode() for label in host.split(".")]
    if all(0 < len(label) < 64 for label in labels):
        name = b"".join([bytes((len(label),)) + label for label in labels])
        # As probe.py's: recursion desired, one question, A, IN.
        question = b"\x01\0\0\x01\0\0\0\0\0\0" + name + b"\0\0\x01\0\x01"
        answer, _ = yield from ask_dns(servers, _nothing, question)
        if not answer:
            raise NameNotFound(
                'cannot resolve "{}": no name server answered: check that the SIM has data left, then connect '
                "again".format(host)
            )
        address = _address(answer, len(question) + 2)
        if address:
            return address
    raise NameNotFound(
        'cannot resolve "{}": there is no such name: check the spelling'.format(host)
    )


def _nothing():
    return False  # nothing but the answer will do


def _address(answer, at):
    # The first address in an answer, whose records begin at `at`, or None.
    try:
        for _ in range(answer[6] << 8 | answer[7]):
            while 0 < answer[at] < 0xC0:
                at += answer[at] + 1
            at += 2 if answer[at] else 1  # a pointer, or the root
            size = answer[at + 8] << 8 | answer[at + 9]
            if answer[at] == 0 and answer[at + 1] == 1 and size == 4:
                return "{}.{}.{}.{}".format(*answer[at + 10 : at + 14])
            at += size + 10
    except IndexError:
        pass  # cut short
    return None
