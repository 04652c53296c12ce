"""Why there is no TLS connection: what `tls` raised, turned into a TLSError."""

import errno

from micropython import const
from ppp_sim800 import rtc
from ppp_sim800.errors import SIM800Error, TLSError

# mbedtls/ssl.h
_ILLEGAL_PARAMETER = const(-0x6600)
_HANDSHAKE_FAILURE = const(-0x6E00)
_BAD_PROTOCOL_VERSION = const(-0x6E80)
_BAD_INPUT_DATA = const(-0x7100)
_CONN_EOF = const(-0x7280)
_FATAL_ALERT = const(-0x7780)
_CLOSE_NOTIFY = const(-0x7880)
_BAD_CERTIFICATE = const(-0x7A00)
# mbedtls/x509.h: a certificate that cannot be read, or has what mbedTLS does not know
_X509_FIRST = const(-0x2DFF)
_X509_LAST = const(-0x2080)

# MBEDTLS_X509_BADCERT_..., the gravest first
_REASONS = (
    (0x8, "unknown issuer"),
    (0x4000, "weak signature"),
    (0x18000, "weak key"),
    (0x4, "wrong host"),
    (0x1, "expired"),
    (0x200, "not yet valid"),
    (0x3800, "wrong purpose"),
)

_WORDS = {
    "weak signature": "is signed with a hash that can be forged: SHA-256 is needed",
    "weak key": "has a key that can be broken: RSA from 2048 bits, or P-256, is needed",
    "wrong purpose": "is not one for servers",
}
# By whether the issuer was sent along and may sign
_ISSUER = {
    None: '{} is signed by "{}", which is not trusted here: load that CA if you trust it; or its server does not send '
    "all certificates up to a known one",
    False: '{} is signed by "{}", which is no CA, or not one for that: do not trust it, somebody may be in between',
    True: '{} says it is signed by "{}", and is not: do not trust it, it is forged or damaged',
}
_SELF = "{} is signed by itself: load it by load_verify_locations() if it is your own server's"

# Alerts (RFC 5246 7.2.2, RFC 6066 9, RFC 8446 6.2)
_HANDSHAKE = const(40)
_CERTIFICATES = (42, 43, 44, 45, 46, 48, 49, 116)
_NO_COMMON = (_HANDSHAKE, 70, 71)
_UNRECOGNIZED_NAME = const(112)


def clock_not_set(host):
    """The TLSError for a clock that cannot be right."""
    return TLSError(
        "the clock is not set (it says {}), so the certificate of {} cannot be checked: connect() sets it from "
        "the network or by NTP; or call ntp.set_clock(), or set machine.RTC() to UTC".format(
            rtc.text(rtc.now()), host
        ),
        "clock not set",
        host,
    )


def wrong_key(host):
    """The TLSError for a server without any of the pinned keys."""
    return TLSError(
        "{} has none of the pinned keys: it has a new one, or somebody is in between".format(host),
        "wrong key",
        host,
    )


def explain(error, host, certificate_seen):
    """The TLSError for what a handshake with `host` ended with.

    error: the OSError or ValueError from `tls`; certificate_seen: the server had shown its certificate by then.
    """
    if isinstance(error, SIM800Error):
        return error
    if isinstance(error, ValueError):
        flags = getattr(error, "verify_code", None)
        return (
            _refused(flags, error.certs, host) if flags else TLSError(str(error), "protocol", host)
        )
    code = error.errno
    reason, words = _failed(error, code, certificate_seen)
    return TLSError("{} {}".format(host, words), reason, host, code)


def _failed(error, code, certificate_seen):
    # (reason, what the server did) for a handshake that failed for other reasons than its certificate.
    if code == errno.ENOMEM:
        return (
            "no memory",
            "cannot be reached by TLS for want of memory: free some, then try again",
        )
    if code in (errno.ETIMEDOUT, errno.EAGAIN):
        return "timeout", "stopped answering in the TLS handshake: try again"
    if not isinstance(code, int) or code > 0 or code in (_CONN_EOF, _CLOSE_NOTIFY):
        return (
            "closed",
            "closed the connection in the TLS handshake: try again; if it does so each time, it may not do TLS "
            "at that port",
        )
    detail = error.args[2] if len(error.args) > 2 else None
    if code == _FATAL_ALERT:
        return _alert(detail, certificate_seen)
    if code in (_BAD_PROTOCOL_VERSION, _HANDSHAKE_FAILURE):
        return "no shared cipher or version", "does no TLS that is safe: it must do TLS 1.2"
    if code == _BAD_CERTIFICATE or _X509_FIRST <= code <= _X509_LAST:
        return (
            "bad certificate",
            "has a certificate that cannot be used: it is damaged, or has restrictions that are not known here",
        )
    if code in (_BAD_INPUT_DATA, _ILLEGAL_PARAMETER) and detail:
        return (
            "protocol",
            "insists on a cipher that was not offered (suite 0x{:04X}): it may be unsafe, so let that server be "
            "mended".format(detail),
        )
    if code == _BAD_INPUT_DATA:
        return "protocol", "sends more in one message than the 16 kB that fit ({})".format(code)
    return "protocol", "does not do TLS, or does it wrong ({})".format(code)


def _alert(alert, certificate_seen):
    if alert in _CERTIFICATES or (alert == _HANDSHAKE and certificate_seen):
        return "refused", "wants a client certificate that it trusts: see load_cert_chain()"
    if alert in _NO_COMMON:
        return (
            "no shared cipher or version",
            "and this client have no cipher or TLS version in common: it must do TLS 1.2 with ECDHE and AES-GCM",
        )
    if alert == _UNRECOGNIZED_NAME:
        return "wrong host", "is no name that its server knows: check it"
    return "refused", "refused the TLS handshake (alert {})".format(alert)


def _refused(flags, certs, host):
    mask, reason = next((row for row in _REASONS if flags & row[0]), (flags, "bad certificate"))
    # (depth, flags, subject, issuer, valid from, valid to, names, issuer may sign) of the one at fault
    fault = None
    for cert in certs:
        if cert[1] & mask:
            fault = cert
    whose = "the certificate of " + host
    if fault and fault[0]:
        whose = 'the certificate of "{}", which has signed for {},'.format(_common(fault[2]), host)
    if reason in _WORDS:
        return TLSError(whose + " " + _WORDS[reason], reason, host, flags)
    if not fault or reason == "bad certificate":  # without fault, there was no memory for more
        return TLSError("{} is not valid (flags {:#x})".format(whose, flags), reason, host, flags)
    if reason == "wrong host":
        names = tuple(map(_host, fault[6]))
        words = "is for {}: check the name".format(", ".join(names) or "no host")
        return TLSError(whose + " " + words, reason, host, flags, names=names)
    if reason in ("expired", "not yet valid"):
        since, until = _date(fault[4]), _date(fault[5])
        words = "{} is {}: it is valid from {} to {}, and now is {}".format(
            whose, reason, since, until, rtc.text(rtc.now())
        )
        return TLSError(words, reason, host, flags, since=since, until=until)
    issuer = _common(fault[3])
    words = _ISSUER[fault[7]]
    if fault[7]:
        reason = "bad signature"
    elif not fault[0] and fault[2] == fault[3]:
        words = _SELF
    return TLSError(words.format(whose, issuer), reason, host, flags, issuer=issuer)


def _common(name):
    # "O=Example, CN=Example CA" -> "Example CA"
    at = name.find("CN=")
    return name[at + 3 :].split(", ")[0] if at >= 0 else name


def _host(name):
    if isinstance(name, str):
        return name
    return ".".join(map(str, name)) if len(name) == 4 else name.hex(":")


def _date(when):
    return "{}-{:02}-{:02}T{:02}:{:02}:{:02}Z".format(*when)
