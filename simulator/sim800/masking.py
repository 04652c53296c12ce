"""Keeps PIN, PUK and passwords out of the journal, but tells them apart."""

import re

LIMIT = 1000  # different secrets remembered

_WORD = r'(?P<secret>"[^"]*"?|[^,;]+)'
_REST = r"(?P<secret>[^;]+)"
_SECRETS = [
    re.compile(rf"(?P<keep>{before}){secret}", re.IGNORECASE)
    for before, secret in (
        (r"\+\w*PIN2?\s*=", _REST),
        (r"\+\w*(?:POP3|SMTPAUTH|FTPPW|PASS|CERT|BTPAIR|CPUC)\w*\s*=", _REST),
        (r'\+CPWD\s*=\s*"?\w+"?,', _REST),
        (r'\+CLCK\s*=\s*"?\w+"?,\s*\d,', _WORD),
        (r'\+CSTT\s*=\s*"[^"]*","[^"]*",', _WORD),
        (r'\+CIPCSGP\s*=\s*1,"[^"]*","[^"]*",', _WORD),
        (r'\+SAPBR\s*=\s*3,\d+,"PWD",', _WORD),
        (r"\+CGAUTH\s*=\s*\d+,\d+,", _WORD),
        (r'\+HTTPPARA\s*=\s*"USERDATA",', _WORD),
        # A URL's user and query; what a service's code has behind its number.
        (r"://", r'(?P<secret>[^"]*)(?=@)'),
        (r'://[^"?]*\?', r'(?P<secret>[^"]+)'),
        (r'\+CUSD=\d,"(?:00[0-9A-F]{2}){4}', r"(?P<secret>[0-9A-F]{16,})"),
        (r"\*[*#]*\d+\*", r'(?P<secret>(?=(?:\D*\d){4})[^"#;]+)'),
    )
]

_SHOWN = re.compile(r"(?P<keep>PWD|USERDATA): .*")


def shown(text: str) -> str:
    """A line the modem says, without the secrets that reading a parameter shows."""
    return _SHOWN.sub(r"\g<keep>: ****", text)


def code(text: str) -> str:
    """What is dialled, or a USSD code, without what it has behind the service's number."""
    return Mask()(text)[0]


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
