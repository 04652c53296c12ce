"""What can go wrong, one small family. Every message is a sentence that says what to try.

SIM800Error is an OSError, so that a script which retries its upload on OSError also covers the link.
"""

from printable import printable

from .profile import shown


class SIM800Error(OSError):
    """Base of all errors raised by this package; `str(error)` is the whole story.

    `code`: the number the modem, the network or mbedTLS gave, None where there was none.
    """

    def __init__(self, message, code=None):
        super().__init__(printable(message))
        self.code = code


class ConfigError(SIM800Error):
    """An argument cannot be used (APN, user, PIN, board ...). Nothing was sent to the modem."""


class ModemSilent(SIM800Error):
    """The modem says nothing, or nothing that can be read: power, wiring or baud rate."""


class ModemRestarted(SIM800Error):
    """The modem booted or switched off by itself while in use, most often for want of power."""


class ATError(SIM800Error):
    """The modem refused a command.

    `command` is the command as sent (secrets masked), `result` the modem's words, `code` the number
    behind +CME ERROR or +CMS ERROR, None for a plain ERROR.
    """

    def __init__(self, command, result, code=None):
        command = shown(command)
        super().__init__("the modem answered {} to {}".format(result, command), code)
        self.command = command
        self.result = result


class ATTimeout(SIM800Error):
    """A command got no final result in its time, or was not even taken whole; `command` as sent (secrets masked)."""

    def __init__(self, command, timeout, unsent=False):
        command = shown(command)
        super().__init__(
            (
                "the modem did not take {} within {:.1f} s, its flow control says stop: try again, then ensure() "
                "or connect() makes the line anew"
                if unsent
                else "the modem did not finish {} within {:.1f} s: if it happens again, "
                "check the supply and restart the modem"
            ).format(command, timeout / 1000)
        )
        self.command = command


class SIMError(SIM800Error):
    """The SIM card cannot be used."""


class SIMAbsent(SIMError):
    """No SIM card, or one that cannot be read."""


class PINRequired(SIMError):
    """The SIM asks for a PIN and none was given."""


class PINWrong(SIMError):
    """The SIM refused the PIN. It is not tried again by itself; `tries` says how many are left."""

    def __init__(self, message, tries=None):
        super().__init__(message)
        self.tries = tries


class PUKRequired(SIMError):
    """The SIM is blocked until its PUK is entered."""


class RegistrationError(SIM800Error):
    """The mobile network cannot be used."""


class RegistrationDenied(RegistrationError):
    """The network refuses this SIM."""


class NoNetwork(RegistrationError):
    """No network took the modem in the given time."""


class RoamingRefused(RegistrationError):
    """The modem is abroad, and PPP(roaming=) does not allow data there."""


class PPPError(SIM800Error):
    """There is no data connection."""


class APNRefused(PPPError):
    """The network refuses this access point name."""


class NoCarrier(PPPError):
    """The data call was refused, or ended before it carried anything."""


class AuthRefused(PPPError):
    """User name and password were refused."""


class NegotiationFailed(PPPError):
    """The data call stands, but PPP did not come up in time."""


class NoAnswer(PPPError):
    """PPP is up, but nothing comes from the network: no data left on the SIM, or a dead bearer."""


class BudgetSpent(PPPError):
    """Recovering the link has used up its data budget, or all together the day's or the month's limit, see PPP.config().

    `until`: when that day or month ends, in Unix seconds (UTC); None for the budget, and where no clock was ever set.
    """

    until = None


class LinkBusy(PPPError):
    """Another task, thread or `with` block has the link. `ended`: it took it away from this call, which had begun."""

    ended = False


class NameNotFound(PPPError):
    """A host name has no address that can be used here, no name server answered, or the link is down."""


class TLSError(SIM800Error):
    """There is no TLS connection, because of the server, of what is on the way to it, or of the clock.

    `reason` is one of the words below; `host` the name the server was asked for; `code` mbedTLS's number or
    None. Of the server's certificate, as far as it matters for the reason, else None or (): `names` it is for,
    `issuer` that nobody here trusts, `since` and `until` when it is valid, as "2026-12-31T23:59:59Z".

    "clock not set", "clock corrected" (try again), "expired", "not yet valid", "wrong host", "unknown issuer",
    "bad signature", "weak key",
    "weak signature", "wrong purpose", "bad certificate", "wrong key" (not the one pinned),
    "no shared cipher or version", "refused" (by the server), "closed", "timeout", "no memory", "protocol",
    "no random numbers" (the chip's)
    """

    def __init__(
        self, message, reason, host=None, code=None, names=(), issuer=None, since=None, until=None
    ):
        super().__init__(message, code)
        self.reason = reason
        self.host = host
        self.names = names
        self.issuer = issuer
        self.since = since
        self.until = until


# Those that are loaded with what raises them.
_ROLES = (
    ("CallError", "ppp_sim800.roles.calls"),
    ("HTTPError", "ppp_sim800.roles.http"),
    ("LocationError", "ppp_sim800.roles.location"),
    ("NoTime", "nettime.ntp"),
    ("SMSError", "ppp_sim800.roles.sms"),
    ("USSDError", "ppp_sim800.roles.ussd"),
)


def load(homes, name):
    """The module where `name` is, of `homes`: (name, module) each; None if it is in none."""
    for known, module in homes:
        if known == name:
            return __import__(module, None, None, True)
    return None


def __getattr__(name):
    if module := load(_ROLES, name):
        return getattr(module, name)
    raise AttributeError(name)
