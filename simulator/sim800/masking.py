"""Keeps PIN, PUK and passwords out of the journal, but tells them apart."""

import re

LIMIT = 1000  # different secrets remembered

_WORD = r'(?P<secret>"[^"]*"?|[^,;]+)'
_SECRETS = [
    re.compile(rf"(?P<keep>{before}){secret}", re.IGNORECASE)
    for before, secret in (
        (r"\+CPIN=", r"(?P<secret>[^;]+)"),
        (r'\+CPWD="?\w+"?,', r"(?P<secret>[^;]+)"),
        (r'\+CLCK="?\w+"?,\d,', _WORD),
        (r'\+CSTT="[^"]*","[^"]*",', _WORD),
        (r'\+CIPCSGP=1,"[^"]*","[^"]*",', _WORD),
        (r'\+SAPBR=3,\d+,"PWD",', _WORD),
        (r"\+CGAUTH=\d+,\d+,", _WORD),
        (r'\+HTTPPARA="USERDATA",', _WORD),
    )
]

_SHOWN = re.compile(r"(?P<keep>PWD|USERDATA): .*")


def shown(text: str) -> str:
    """A line the modem says, without the secrets that reading a parameter shows."""
    return _SHOWN.sub(r"\g<keep>: ****", text)


class Mask:
    """Numbers secrets in the order they first come, so that a log shows which came again."""

    def __init__(self):
        self._numbers: dict[str, int] = {}

    def __call__(self, line: str) -> tuple[str, tuple[int, ...]]:
        """The line with `****` for its secrets, and their numbers."""
        found = []

        def hide(match: re.Match) -> str:
            for word in match["secret"].split(","):
                if len(self._numbers) >= LIMIT:
                    self._numbers.clear()
                found.append(self._numbers.setdefault(word.strip(' "'), len(self._numbers) + 1))
            return match["keep"] + "****"

        for pattern in _SECRETS:
            line = pattern.sub(hide, line)
        return line, tuple(found)
