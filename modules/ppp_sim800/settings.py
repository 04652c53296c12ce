"""What the operator gives, and the board: access point, user, password, PIN; all checked."""

import network

from .at.text import is_address, quoted
from .errors import ConfigError
from .roles.sim import check_code

_default = []  # the board that is used where none is given: there is but one


class Settings:
    """See interface.PPP for the arguments. Raises ConfigError."""

    def __init__(self, apn, user, password, auth, pin):
        # For an access point that names no server: Quad9 and Cloudflare.
        self.dns = ("9.9.9.9", "1.1.1.1")
        if auth not in ("pap", "chap", None):
            raise ConfigError('auth must be "pap", "chap" or None')
        self._auth = auth
        self.set("apn", apn)
        self.set("user", user)
        self.set("password", password)
        self.set("pin", pin)

    def set(self, name, value):
        """Change one of them. False if there is none of that name."""
        if name == "apn":
            self.apn = _check_apn(value)
        elif name == "user":
            self.user = quoted(value, name, 127)
        elif name == "password":
            self._password = quoted(value, name, 127)
        elif name == "pin":
            if value is not None:
                check_code(value, "the PIN")
            self.pin = value
        elif name == "dns":
            self.dns = _check_servers(value)
        else:
            return False
        return True

    def login(self):
        """As network.PPP.connect() takes it."""
        if self._auth is None:
            return {}
        security = network.PPP.SEC_PAP if self._auth == "pap" else network.PPP.SEC_CHAP
        return {"security": security, "user": self.user, "key": self._password}

    def of_bearer(self):
        """(APN, user, password)."""
        return self.apn, self.user, self._password


def _check_apn(apn):
    if not isinstance(apn, str):
        raise ConfigError(
            'the APN must be a str such as "internet", not {}'.format(type(apn).__name__)
        )
    if not apn:
        raise ConfigError("the APN is empty: ask your operator for its name")
    quoted(apn, "the APN", 99)
    if " " in apn:
        raise ConfigError("the APN must not contain blanks")
    return apn


def _check_servers(servers):
    if servers is None:
        return ()
    servers = tuple(servers) if isinstance(servers, (tuple, list)) else (servers,)
    for server in servers:
        if not is_address(server):
            raise ConfigError(
                'dns must be IPv4 addresses such as "9.9.9.9", or None, not {!r}'.format(server)
            )
    return servers


def default_board():
    """What the frozen module `board` knows."""
    try:
        from board import Board
    except ImportError:
        raise ConfigError("no board is known to this firmware: pass board=, see docs/board.md")
    if not _default:
        _default.append(Board())
    return _default[0]
