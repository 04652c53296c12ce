"""Takes out of a report what identifies a modem, a card, a person or a place, and leaves its form.

What is masked has a `*` for each of its characters, so a transcript can still be compared by form. There are two nets:
what is known to be secret is taken out as such, wherever it stands; and whatever looks like an identity is, also in
what a modem says that nobody has foreseen.
"""

import re

MASK = "*"
# The longest run of digits that stays: dates (20140625) in a firmware's name are the longest that say anything.
DIGITS = 8
SHORTEST = 3  # characters of a secret that is looked for: a shorter one is in every word

_RULES = tuple(
    re.compile(pattern)
    for pattern in (
        # IMEI, IMSI, ICCID, numbers, and what has them in hex (UCS2: 0034003900…)
        rf"[0-9]{{{DIGITS + 1},}}[0-9A-Fa-f]*",
        r"(?<![0-9A-Fa-f])[0-9A-Fa-f]{24,}",
        # numbers: "+49…", also short ones in quotes; and +49… anywhere
        r'(?<=")\+?[0-9*#]{5,}(?=")',
        r"(?<![0-9,])\+[0-9][0-9 ()/-]{4,}[0-9]",
        # IPv4, MAC, IPv6
        r"(?<![0-9.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![0-9.])",
        r"(?<![0-9A-Fa-f:])[0-9A-Fa-f]{1,2}(?:[:-][0-9A-Fa-f]{2}){5}(?![0-9A-Fa-f:-])",
        r"(?<![0-9A-Fa-f:])(?:[0-9A-Fa-f]{1,4}:){3,}[0-9A-Fa-f:]*(?![0-9A-Fa-f:])",
        r"(?<![0-9A-Fa-f:])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{1,4})*::[0-9A-Fa-f:]*[0-9A-Fa-f]",
    )
)
# The cell says where somebody lives; a name says who he is.
_GROUPS = tuple(
    re.compile(pattern)
    for pattern in (
        r'\+CG?REG:[^"\r\n]*"([0-9A-Fa-f]+)"(?:,\s*"([0-9A-Fa-f]+)")?',
        r'\+CNUM:\s*"([^"\r\n]*)"',
        r"\+CENG:([^\r\n]*)",
        r"\+CIPGSMLOC:([^\r\n]*)",
        r"\+CLBS:([^\r\n]*)",
        # messages: their text is on the next line
        r"\+C(?:MT|DS|MGR|MGL):([^\r\n]*(?:\r?\n[^\r\n]*)?)",
        r'\+CUSD:([^"]*"[^"]*"?)',
        r"\+CLIP:([^\r\n]*)",
    )
)


_KEPT = frozenset(' \t\r\n.:,"+()/-')  # the form of an address or a quoted number is worth knowing


class Mask:
    """What is known to be secret in this run: `host`, `secrets` (user, password, PIN), `apn`, each "" where there is none.

    A host becomes host.example, the access point "internet": a simulated network knows that one.
    """

    def __init__(self, host: str = "", apn: str = "", secrets: tuple[str, ...] = ()):
        words = []
        if len(host) >= SHORTEST:
            words.append((rf"(?<![0-9A-Za-z-]){re.escape(host)}(?![0-9A-Za-z-])", "host.example"))
        if apn:  # in quotes alone: many are words such as "net"
            words.append((f'"{re.escape(apn)}"', '"internet"'))
        self._words = [(re.compile(pattern, re.IGNORECASE), word) for pattern, word in words]
        self._secrets = [
            re.compile(re.escape(secret), re.IGNORECASE)
            for secret in secrets
            if len(secret) >= SHORTEST
        ]

    def text(self, text: str) -> str:
        for pattern, word in self._words:
            text = pattern.sub(word, text)
        # All look at the text as it is: what one has hidden must not hide the rest from another.
        hidden = set()
        for pattern in _RULES:
            for match in pattern.finditer(text):
                hidden.update(at for at in range(*match.span()) if text[at] not in _KEPT)
        for pattern in _GROUPS:
            for match in pattern.finditer(text):
                for number in range(1, match.re.groups + 1):
                    hidden.update(at for at in range(*match.span(number)) if text[at] not in _KEPT)
        for pattern in self._secrets:
            for match in pattern.finditer(text):
                hidden.update(range(*match.span()))
        if not hidden:
            return text
        return "".join(MASK if at in hidden else sign for at, sign in enumerate(text))

    def __call__(self, value):
        """The same of whatever JSON has: str, list, dict; numbers stay."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(str(name)): self(what) for name, what in value.items()}
        if isinstance(value, (list, tuple)):
            return [self(what) for what in value]
        return value
