"""Host names, in the one form that DNS, HTTP and TLS share, and what is none: for all that takes one.

What is wrong with a name is said before anything is sent: a name that one of them reads otherwise than the other (a NUL
ends it for C) would lead to one host and be checked against another.
"""

from micropython import const
from printable import printable

_NAME = const(253)  # characters (RFC 1035 2.3.4, without the lengths of labels and root)
_LABEL = const(63)


def is_address(host):
    """Whether it is an IPv4 address, as a str."""
    parts = host.split(".") if isinstance(host, str) else ()
    return len(parts) == 4 and all(
        part.isdigit() and str(int(part)) == part and int(part) < 256 for part in parts
    )


def to_ascii(host):
    """A host's name as it goes into packets (str): small letters, no dot at the end, what is not ASCII as A-labels.

    host: name or IPv4 address, str or bytes; "bücher.example" is "xn--bcher-kva.example" (RFC 5891, Punycode: RFC 3492).
    Names in other scripts than those in alabel.py have to be given as A-labels. Raises ValueError for what is none.
    """
    if not isinstance(host, str):
        host = str(host, "utf-8")
    name = (
        host[:-1] if host.endswith(".") else host
    )  # the root, which no certificate and no Host names
    if max(name.encode() or b".") > 127:
        from alabel import to_a_labels

        name = to_a_labels(name)
    name = name.lower()
    labels = name.split(".")
    if is_address(name):
        return name
    if not all(97 <= byte <= 122 or 48 <= byte <= 57 or byte in b"-._" for byte in name.encode()):
        why = "a host has letters, digits, dots and hyphens alone"
        if max(name.encode()) > 127:
            why = 'it has what is not known here: give its ASCII form, which begins with "xn--"'
    elif not all(labels):
        why = "there is nothing before, between or behind its dots"
    elif len(name) > _NAME or max(map(len, labels)) > _LABEL:
        why = "a host has 253 characters at most, 63 between two dots"
    elif labels[-1].isdigit():
        why = "an IPv4 address has four numbers of 0 to 255"
    else:
        return name
    raise ValueError('"{}" is no host: {}'.format(printable(host[:_NAME]), why))
