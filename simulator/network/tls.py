"""How each of the local HTTPS servers does TLS: versions, ciphers, sessions, and whom it lets in."""

import ssl
import warnings
from dataclasses import dataclass
from pathlib import Path
from ssl import TLSVersion


@dataclass(frozen=True)
class Behaviour:
    """TLS versions from `lowest` to `highest`; ciphers: OpenSSL's names, "" for its choice; sessions: by
    "tickets", by "ids" (kept at the server), or "none"; clients: must have a certificate."""

    lowest: TLSVersion = TLSVersion.TLSv1_2
    highest: TLSVersion = TLSVersion.MAXIMUM_SUPPORTED
    ciphers: str = ""
    sessions: str = "tickets"
    clients: bool = False


BEHAVIOURS = {
    "ids": Behaviour(sessions="ids"),
    "nosession": Behaviour(sessions="none"),
    "mutual": Behaviour(clients=True),
    "tls10": Behaviour(TLSVersion.TLSv1, TLSVersion.TLSv1),
    "tls11": Behaviour(TLSVersion.TLSv1_1, TLSVersion.TLSv1_1),
    "tls13only": Behaviour(TLSVersion.TLSv1_3),
    "nullcipher": Behaviour(highest=TLSVersion.TLSv1_2, ciphers="NULL-SHA256"),
}


def behaviour(server: str) -> Behaviour:
    return BEHAVIOURS.get(server, Behaviour())


def server_context(directory: Path, server: str) -> ssl.SSLContext:
    """A new context, with session keys of its own, from the certificates in `directory`."""
    how = behaviour(server)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # OpenSSL would not even load the weak certificates, nor speak old versions.
    context.set_ciphers(f"{how.ciphers or 'DEFAULT'}:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = how.lowest
        context.maximum_version = how.highest
    if how.sessions != "tickets":
        context.options |= ssl.OP_NO_TICKET
    context.load_cert_chain(directory / f"{server}.pem")
    if how.clients:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(directory / "client-root.pem")
    return context
