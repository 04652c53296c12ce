"""TLS with CPython's names, over MicroPython's `tls`: a client verifies its server unless told otherwise.

create_default_context() trusts the root certificates in the firmware. Connections to the same host are
resumed (ppp_sim800.tls_sessions). What goes wrong in a handshake is raised as SSLError, which is
ppp_sim800.TLSError: its message is a sentence, its fields say what was wrong with the certificate."""

from socket import socket

from ppp_sim800.errors import TLSError
from tls import CERT_NONE as CERT_NONE
from tls import CERT_OPTIONAL as CERT_OPTIONAL
from tls import CERT_REQUIRED as CERT_REQUIRED
from tls import PROTOCOL_TLS_CLIENT as PROTOCOL_TLS_CLIENT
from tls import PROTOCOL_TLS_SERVER as PROTOCOL_TLS_SERVER

SSLError = TLSError
ROOTS_DATE: str

class SSLSession:
    def __init__(self, data: bytes) -> None: ...
    def to_bytes(self) -> bytes: ...

class _SSLSocket(socket):
    def selected_alpn_protocol(self) -> str | None: ...
    @property
    def session(self) -> SSLSession | None: ...
    @property
    def session_reused(self) -> bool: ...

class SSLContext:
    """Settings for connections: whom to trust, and who one is oneself.

    protocol: PROTOCOL_TLS_CLIENT or PROTOCOL_TLS_SERVER. As in CPython, a client's context requires a valid
    certificate but trusts nobody yet. Raises SSLError without a true source of random numbers."""

    def __init__(self, protocol: int = PROTOCOL_TLS_CLIENT) -> None: ...
    @property
    def verify_mode(self) -> int:
        """CERT_REQUIRED (a client's default), CERT_OPTIONAL or CERT_NONE."""

    @verify_mode.setter
    def verify_mode(self, mode: int) -> None: ...
    @property
    def max_fragment_length(self) -> int | None:
        """Bytes of data in a record that the server is asked to keep to: 512 to 4096, None: TLS's 16384."""

    @max_fragment_length.setter
    def max_fragment_length(self, length: int | None) -> None: ...
    def load_default_certs(self) -> None:
        """Trust the root certificates in the firmware (Mozilla's). Raises OSError if there are none."""

    def load_verify_locations(
        self, cafile: str | None = None, cadata: str | bytes | None = None
    ) -> None:
        """Trust a CA, or a server's own certificate if it is signed by itself. One that a CA has signed vouches for no
        server: load its CA.

        cafile: name of a file; cadata: its content (str or bytes). PEM (one or more certificates) or DER (one).
        Raises ConfigError when that cannot be read or is no certificate; nothing of the file is trusted then."""

    def load_cert_chain(self, certfile: str | bytes, keyfile: str | bytes | None = None) -> None:
        """The certificate (and those up to its CA) and key to show to the other side.

        certfile, keyfile: names of files (str), or their content (bytes, PEM also as str), PEM or DER; keyfile None: the
        key is in certfile too. Raises ConfigError when they cannot be read, are not what they should be, or the key is
        another certificate's: then neither is kept; and when the context has a certificate already."""

    def pin_keys(self, *digests: str | bytes) -> None:
        """Besides all else, accept only servers that have one of these public keys.

        digests: SHA-256 of the key (SubjectPublicKeyInfo, DER; see public_key_digest()) as 32 bytes or 64
        hexadecimal digits. Of any certificate in the chain: pin the server's, or its CA's; and one in reserve.
        Raises ConfigError."""

    def last_address(self, host: str, port: int, gone: bool = False) -> str | None:
        """The IPv4 address (dotted str) at which a server has proved itself to be `host` within the last day, by a session
        that can be resumed; None if that is not known. Where no connection to it comes about ask for the name, and say
        so by gone=True: the address of the next connection is kept then."""

    def get_ciphers(self) -> list[str]:
        """The names of the cipher suites that can be used."""

    def set_ciphers(self, ciphers: list[str]) -> None:
        """Use only these cipher suites, a list of names from get_ciphers(). Raises ConfigError."""

    def set_alpn_protocols(self, protocols: list[str] | tuple[str, ...]) -> None:
        """Tell the other side by ALPN what the connection is for.

        protocols: a list of names, the preferred one first, such as ["x-amzn-mqtt-ca"] for MQTT at AWS's port 443.
        selected_alpn_protocol() of what wrap_socket() returns is the one that was agreed upon, or None.
        Raises ConfigError."""

    def wrap_socket(
        self,
        sock: socket,
        server_side: bool = False,
        do_handshake_on_connect: bool = True,
        server_hostname: str | None = None,
        session: SSLSession | None = None,
        server_port: int = 0,
    ) -> _SSLSocket:
        """Do TLS on a connected socket; returns the socket to use from then on.

        server_hostname: the host's name or IPv4 address, which the certificate must be for. session: an
        SSLSession to resume instead of the one that is kept for this host, if it is not a day old, and no certificate
        by which its server has proved itself has expired; server_port: tells it from others
        of the same host, 0: the port that the socket is connected to. Raises SSLError; ValueError for what
        cannot be a host, and for a session that is of another host, port or settings."""

def create_default_context(
    *, cafile: str | None = None, cadata: str | bytes | None = None
) -> SSLContext:
    """A client's context that verifies, as in CPython.

    It trusts the root certificates in the firmware; with cafile or cadata (see load_verify_locations()) those
    instead. To trust them besides, load them into the context afterwards."""

def _create_unverified_context() -> SSLContext: ...
def wrap_socket(
    sock: socket,
    server_side: bool = False,
    key: str | bytes | None = None,
    cert: str | bytes | None = None,
    cert_reqs: int = CERT_REQUIRED,
    cadata: str | bytes | None = None,
    server_hostname: str | None = None,
    do_handshake: bool = True,
) -> _SSLSocket:
    """MicroPython's older function, for libraries that still call it: a context for one connection."""

def public_key_digest(certificate: bytes) -> bytes:
    """SHA-256 (bytes) of a certificate's public key, for pin_keys(). certificate: DER."""
