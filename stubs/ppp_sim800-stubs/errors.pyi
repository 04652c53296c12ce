"""What can go wrong, one small family. Every message is a sentence that says what to try.

SIM800Error is an OSError, so that a script which retries its upload on OSError also covers the link."""

class SIM800Error(OSError):
    """Base of all errors raised by this package; `str(error)` is the whole story.

    `code`: the number the modem, the network or mbedTLS gave, None where there was none."""

    code: int | None

    def __init__(self, message: str, code: int | None = None) -> None: ...

class ConfigError(SIM800Error):
    """An argument cannot be used (APN, user, PIN, board ...). Nothing was sent to the modem."""

class ModemSilent(SIM800Error):
    """The modem says nothing, or nothing that can be read: power, wiring or baud rate."""

class ModemRestarted(SIM800Error):
    """The modem booted or switched off by itself while in use, most often for want of power."""

class ATError(SIM800Error):
    """The modem refused a command.

    `command` is the command as sent (secrets masked), `result` the modem's words, `code` the number
    behind +CME ERROR or +CMS ERROR, None for a plain ERROR."""

    command: str
    result: str

    def __init__(self, command: str, result: str, code: int | None = None) -> None: ...

class ATTimeout(SIM800Error):
    """A command got no final result in its time, or was not even taken whole; `command` as sent (secrets masked)."""

    command: str

    def __init__(self, command: str, timeout: int, unsent: bytes | bool = False) -> None: ...

class SIMError(SIM800Error):
    """The SIM card cannot be used."""

class SIMAbsent(SIMError):
    """No SIM card, or one that cannot be read."""

class PINRequired(SIMError):
    """The SIM asks for a PIN and none was given."""

class PINWrong(SIMError):
    """The SIM refused the PIN. It is not tried again by itself; `tries` says how many are left."""

    tries: int | None

    def __init__(self, message: str, tries: int | None = None) -> None: ...

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

    `until`: when that day or month ends, in Unix seconds (UTC); None for the budget, and where no clock was ever set."""

    until: int | None

class LinkBusy(PPPError):
    """Another task, thread or `with` block has the link. `ended`: it took it away from this call, which had begun."""

    ended: bool

class NameNotFound(PPPError):
    """A host name has no address that can be used here, no name server answered, or the link is down."""

class SMSError(SIM800Error):
    """A short message was not sent, read or deleted.

    `code` is the number behind +CMS ERROR, None without one; `sent` how many parts of a long message went."""

    sent: int

    def __init__(self, message: str, code: int | None = None, sent: int = 0) -> None: ...

class CallError(SIM800Error):
    """A voice call did not come about.

    `reason` is the modem's word: "BUSY", "NO ANSWER", "NO CARRIER" ..., None if it had none."""

    reason: str | None

    def __init__(self, message: str, reason: str | None = None) -> None: ...

class USSDError(SIM800Error):
    """The network did not answer a USSD code, or does not know it."""

class HTTPError(SIM800Error):
    """The modem's own HTTP, or a request by the old API, failed. `code`: of +HTTPACTION (600 and above), or None."""

class LocationError(SIM800Error):
    """The modem's place could not be had. `code`: of +CIPGSMLOC or +CLBS, or None."""

class NoTime(SIM800Error):
    """No source told the time, or none that can be believed."""

class TLSError(SIM800Error):
    """There is no TLS connection, because of the server, of what is on the way to it, or of the clock.

    `reason` is one of the words below; `host` the name the server was asked for; `code` mbedTLS's number or
    None. Of the server's certificate, as far as it matters for the reason, else None or (): `names` it is for,
    `issuer` that nobody here trusts, `since` and `until` when it is valid, as "2026-12-31T23:59:59Z".

    "clock not set", "clock corrected" (try again), "expired", "not yet valid", "wrong host", "unknown issuer",
    "bad signature", "weak key",
    "weak signature", "wrong purpose", "bad certificate", "wrong key" (not the one pinned),
    "no shared cipher or version", "refused" (by the server), "closed", "timeout", "no memory", "protocol",
    "no random numbers" (the chip's)"""

    reason: str
    host: str | None
    names: tuple[str, ...]
    issuer: str | None
    since: str | None
    until: str | None

    def __init__(
        self,
        message: str,
        reason: str,
        host: str | None = None,
        code: int | None = None,
        names: tuple[str, ...] = (),
        issuer: str | None = None,
        since: str | None = None,
        until: str | None = None,
    ) -> None: ...
