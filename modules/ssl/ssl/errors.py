"""Why there is no TLS connection: what `tls` raised, turned into a TLSError."""

import errno
import time

from micropython import const
from nettime import rtc
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
# MBEDTLS_ERR_CTR_DRBG_ENTROPY_SOURCE_FAILED, which `tls` takes for a number of the socket's
_NO_ENTROPY = const(0x34)
# mbedtls/x509.h: a certificate that cannot be read, or has what mbedTLS does not know
_X509_TOO_LONG = const(-0x3000)  # MBEDTLS_ERR_X509_FATAL_ERROR, by mbedTLS itself
_X509_FIRST = const(-0x2DFF)
_X509_LAST = const(-0x2080)

# MBEDTLS_X509_BADCERT_... and TRUST_BAD_... (modules/trust), the most serious first: (flags, reason, words where
# nothing is to be filled in)
_REASONS = (
    (0x8, "unknown issuer", None),
    (
        0x4000,
        "weak signature",
        "is signed with a hash that can be forged: SHA-256 is needed",
    ),
    (
        0x18000,
        "weak key",
        "has a key that can be broken: RSA from 2048 bits, or P-256, is needed",
    ),
    (0x4, "wrong host", None),
    (
        0x1000000,
        "bad certificate",
        "has a path length that does not allow so many CAs below it",
    ),
    (
        0x2000000,
        "bad certificate",
        "has name constraints that do not allow the names of what it has signed",
    ),
    (
        0x4000000,
        "bad certificate",
        "is trusted for older certificates only",
    ),
    (0x3800, "wrong purpose", "is not one for servers"),
    (0x1, "expired", None),
    (0x200, "not yet valid", None),
    (-1, "bad certificate", None),
)

# Alerts (RFC 5246 7.2.2, RFC 6066 9, RFC 8446 6.2)
_HANDSHAKE = const(40)
_CERTIFICATES = const((42, 43, 44, 45, 46, 48, 49, 116))
_NO_COMMON = const((_HANDSHAKE, 70, 71))
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


def no_context(error):
    """The error for a context that `tls` did not make."""
    if error.errno != _NO_ENTROPY:
        return error
    return TLSError(
        "the chip's source of random numbers has failed its test: switch the power off and on",
        "no random numbers",
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
    if isinstance(error, OSError):
        reason, words = _failed(error, error.errno, certificate_seen)
        return TLSError("{} {}".format(host, words), reason, host, error.errno)
    flags = getattr(error, "verify_code", None)
    return _refused(flags, error.certs, host) if flags else TLSError(str(error), "protocol", host)


def _failed(error, code, certificate_seen):
    # (reason, what the server did) for a handshake that failed for other reasons than its certificate.
    if code == errno.ENOMEM:
        return (
            "no memory",
            "cannot be reached by TLS because memory is short: free some, then try again",
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
        return (
            "no shared cipher or version",
            "offers no safe TLS version or cipher: it must support TLS 1.2 with ECDHE and AES-GCM",
        )
    if code == _X509_TOO_LONG:
        return (
            "bad certificate",
            "has more than 8 CAs between its certificate and the root, which is not believed",
        )
    if code == _BAD_CERTIFICATE or _X509_FIRST <= code <= _X509_LAST:
        return (
            "bad certificate",
            "has a certificate that cannot be used: it is damaged, or has restrictions that are not known here",
        )
    if code in (_BAD_INPUT_DATA, _ILLEGAL_PARAMETER) and detail:
        return (
            "protocol",
            "insists on a cipher that was not offered (suite 0x{:04X}), which may be unsafe: "
            "correct the server's configuration".format(detail),
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
            "and this client have no cipher or TLS version in common: it must support TLS 1.2 with ECDHE and AES-GCM",
        )
    if alert == _UNRECOGNIZED_NAME:
        return "wrong host", "is no name that its server knows: check it"
    return "refused", "refused the TLS handshake (alert {})".format(alert)


def _refused(flags, certs, host):
    for mask, reason, words in _REASONS:  # noqa: B007
        if flags & mask:
            break
    # (depth, flags, subject, issuer, valid from, valid to, names, issuer was sent and may sign) of the one at fault
    fault = None
    for cert in certs:
        if cert[1] & mask:
            fault = cert
    whose = "the certificate of " + host
    if fault and fault[0]:
        whose = 'the certificate of "{}", which has signed for {},'.format(_common(fault[2]), host)
    names = ()
    issuer = since = until = None
    if words:
        if fault and fault[0] and fault[1] & 0x800:
            words = "may not sign others"
    elif not fault or mask < 0:  # without fault, there was no memory for more
        words = "is not valid (flags {:#x})".format(flags)
    elif reason == "unknown issuer":
        issuer = _common(fault[3])
        if fault[7]:
            reason = "bad signature"
            words = 'says it is signed by "{}", and is not: do not trust it, it is forged or damaged'.format(
                issuer
            )
        elif not fault[0] and fault[2] == fault[3]:
            words = "is signed by itself: load it by load_verify_locations() if it is your own server's"
        elif fault[7] is None:
            words = (
                'is signed by "{}", which is not trusted here: load that CA if you trust it; or its server does not '
                "send all certificates up to a known one".format(issuer)
            )
        else:
            words = (
                'is signed by "{}", which is no CA, or not one for that: do not trust it, somebody may be in '
                "between".format(issuer)
            )
    elif reason == "wrong host":
        names = tuple(map(_host, fault[6]))
        words = "is for {}: check the name".format(", ".join(names) or "no host")
    else:
        since, until = _date(fault[4]), _date(fault[5])
        words = "is {}: it is valid from {} to {}, and now is {}".format(
            reason, since, until, rtc.text(rtc.now())
        )
        rtc.doubt()
        if fault[4] <= time.gmtime()[:6] <= fault[5]:
            reason = "clock corrected"
            words = "was checked by a clock that was wrong, and has been set right ({}): try again".format(
                rtc.text(rtc.now())
            )
    return TLSError(whose + " " + words, reason, host, flags, names, issuer, since, until)


def _common(name):
    # "O=Example, CN=Example CA" -> "Example CA"
    _, found, rest = name.partition("CN=")
    return rest.split(", ")[0] if found else name


def _host(name):
    if isinstance(name, str):
        return name
    return ".".join(map(str, name)) if len(name) == 4 else name.hex(":")


def _date(when):
    return "{}-{:02}-{:02}T{:02}:{:02}:{:02}Z".format(*when)
