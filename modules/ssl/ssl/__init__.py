"""TLS with CPython's names, over MicroPython's `tls`: a client verifies its server unless told otherwise.

create_default_context() trusts the root certificates in the firmware. Connections to the same host are
resumed (ppp_sim800.tls_sessions). What goes wrong in a handshake is raised as SSLError, which is
ppp_sim800.TLSError: its message is a sentence, its fields say what was wrong with the certificate.
"""

import errno
import hashlib
import sys

import tls
from hostname import to_ascii
from micropython import const
from nettime import rtc
from ppp_sim800.errors import ConfigError, TLSError
from printable import printable
from tls import (
    CERT_NONE,
    CERT_OPTIONAL,
    CERT_REQUIRED,
    PROTOCOL_TLS_CLIENT,
    PROTOCOL_TLS_SERVER,
    SSLSession,
)
from trust import roots_date

from . import errors, sessions, x509

# The day of Mozilla's set of root certificates that is in the firmware: "2026-10-19"
ROOTS_DATE = "{}-{:02}-{:02}".format(*roots_date())

SSLError = TLSError  # CPython's name

_REFUSE = const(
    -0x3000
)  # MBEDTLS_ERR_X509_FATAL_ERROR: what a verify callback answers to end the handshake


class _Handshake:
    """What is known of a connection while its handshake is under way, and mbedTLS's verify callback for it."""

    def __init__(self, host, key, session, pins, address):
        self.host = host
        self.address = address
        self.key = key
        self.session = session
        self.pins = pins
        self.seen = False  # the server has shown its certificate
        self.begins = 0  # when that does (Unix seconds)
        self.own_ends = self.ends = sessions.EVER  # when it ends, and the first of its chain
        self.pinned = not pins  # a key in its chain is pinned

    def __call__(self, certificate, depth):
        # For each certificate of the chain, the server's own last.
        if not self.pinned:
            try:
                self.pinned = public_key_digest(certificate) in self.pins
            except ValueError:
                pass  # this one is not pinned then
        begins, ends = x509.dates(certificate)
        # 9999 is for ever, and does not fit into what seconds are counted in.
        last = rtc.unix(*ends) if ends[0] < 2100 else sessions.EVER
        self.ends = min(self.ends, last)
        if depth:
            return 0
        self.seen = True
        self.begins, self.own_ends = rtc.unix(*begins), last
        return 0 if self.pinned else _REFUSE

    def tag(self):
        # What is to be known of the session of this connection. One that was resumed is as old as it was.
        if self.session and not self.seen:
            return self.session.tag
        return sessions.tag(self.key, self.ends)


class SSLContext:
    """Settings for connections: whom to trust, and who one is oneself.

    protocol: PROTOCOL_TLS_CLIENT or PROTOCOL_TLS_SERVER. As in CPython, a client's context requires a valid
    certificate but trusts nobody yet. Raises SSLError without a true source of random numbers.
    """

    def __init__(self, protocol=PROTOCOL_TLS_CLIENT):
        try:
            self._context = tls.SSLContext(protocol)
        except OSError as error:
            raise errors.no_context(error)
        self._pins = ()
        # A digest of all that decides whom this context trusts: sessions are not shared beyond it.
        self._identity = sys.version.encode()

    @property
    def verify_mode(self):
        """CERT_REQUIRED (a client's default), CERT_OPTIONAL or CERT_NONE."""
        return self._context.verify_mode

    @verify_mode.setter
    def verify_mode(self, mode):
        self._context.verify_mode = mode
        self._add("mode", bytes((mode,)))

    @property
    def max_fragment_length(self):
        """Bytes of data in a record that the server is asked to keep to: 512 to 4096, None: TLS's 16384."""
        return self._context.max_fragment_length

    @max_fragment_length.setter
    def max_fragment_length(self, length):
        self._context.max_fragment_length = length
        # A server keeps to that of the session it resumes, which mbedTLS refuses if it has asked for another.
        self._add("fragments", str(length))

    def load_default_certs(self):
        """Trust the root certificates in the firmware (Mozilla's). Raises OSError if there are none."""
        self._context.load_default_certs()
        self._add("default", b"")

    def load_verify_locations(self, cafile=None, cadata=None):
        """Trust a CA, or a server's own certificate if it is signed by itself. One that a CA has signed vouches for no
        server: load its CA.

        cafile: name of a file; cadata: its content (str or bytes). PEM (one or more certificates) or DER (one).
        Raises ConfigError when that cannot be read or is no certificate; nothing of the file is trusted then.
        """
        if cafile is None and cadata is None:
            raise ConfigError("load_verify_locations() needs cafile or cadata")
        every = [data for data in (_content(cafile, "cafile"), cadata) if data is not None]
        contexts = [self._context]
        if len(every) > 1:
            contexts.insert(0, tls.SSLContext(PROTOCOL_TLS_CLIENT))  # both or none: try them first
        for context in contexts:
            for data in every:
                try:
                    context.load_verify_locations(data)
                except ValueError:
                    raise ConfigError(
                        "{} is no certificate: PEM or DER is needed".format(
                            "cadata" if data is cadata else _named("cafile", cafile)
                        )
                    )
        for data in every:
            self._add("ca", data)

    def load_cert_chain(self, certfile, keyfile=None):
        """The certificate (and those up to its CA) and key to show to the other side.

        certfile, keyfile: names of files (str), or their content (bytes, PEM also as str), PEM or DER; keyfile None: the
        key is in certfile too. Raises ConfigError when they cannot be read, are not what they should be, or the key is
        another certificate's: then neither is kept; and when the context has a certificate already.
        """
        cert = _content(certfile, "certfile")
        private = cert if keyfile is None else _content(keyfile, "keyfile")
        try:
            self._context.load_cert_chain(cert, private)
        except ValueError as error:
            what = str(error)
            raise ConfigError(
                "load_cert_chain(): {}{}".format(
                    what, ": PEM or DER is needed" if what.startswith("invalid") else ""
                )
            )
        self._add("own", cert)

    def pin_keys(self, *digests):
        """Besides all else, accept only servers that have one of these public keys.

        digests: SHA-256 of the key (SubjectPublicKeyInfo, DER; see public_key_digest()) as 32 bytes or 64
        hexadecimal digits. Of any certificate in the chain: pin the server's, or its CA's; and one in reserve.
        Raises ConfigError.
        """
        try:
            pins = tuple(bytes.fromhex(d) if isinstance(d, str) else bytes(d) for d in digests)
        except (ValueError, TypeError):
            pins = (b"",)
        if not pins or any(len(pin) != 32 for pin in pins):
            raise ConfigError(
                "pin_keys() needs SHA-256 digests: 32 bytes or 64 hexadecimal digits"
            )
        self._pins = pins
        self._add("pins", b"".join(pins))

    def get_ciphers(self):
        """The names of the cipher suites that can be used."""
        return self._context.get_ciphers()

    def set_ciphers(self, ciphers):
        """Use only these cipher suites, a list of names from get_ciphers(). Raises ConfigError."""
        try:
            self._context.set_ciphers(ciphers)
        except (OSError, TypeError):
            raise ConfigError("set_ciphers() needs a list of names from get_ciphers()")
        self._add("ciphers", repr(ciphers))

    def set_alpn_protocols(self, protocols):
        """Tell the other side by ALPN what the connection is for.

        protocols: a list of names, the preferred one first, such as ["x-amzn-mqtt-ca"] for MQTT at AWS's port 443.
        selected_alpn_protocol() of what wrap_socket() returns is the one that was agreed upon, or None.
        Raises ConfigError.
        """
        try:
            self._context.set_alpn_protocols(protocols)
        except (OSError, TypeError):
            raise ConfigError("set_alpn_protocols() needs a list of names of 1 to 255 bytes")
        self._add("alpn", repr(protocols))

    def wrap_socket(
        self,
        sock,
        server_side=False,
        do_handshake_on_connect=True,
        server_hostname=None,
        session=None,
        server_port=0,
    ):
        """Do TLS on a connected socket; returns the socket to use from then on.

        server_hostname: the host's name or IPv4 address, which the certificate must be for. session: an
        SSLSession to resume instead of the one that is kept for this host, if it is not a day old, and no certificate
        by which its server has proved itself has expired; server_port: tells it from others
        of the same host, 0: the port that the socket is connected to. Raises SSLError; ValueError for what
        cannot be a host, and for a session that is of another host, port or settings.
        """
        if self._pins and (server_side or self.verify_mode != CERT_REQUIRED):
            raise ConfigError(
                "pinned keys are only looked at by a client whose verify_mode is CERT_REQUIRED: set that"
            )
        if server_side:
            return self._context.wrap_socket(
                sock,
                server_side=True,
                do_handshake_on_connect=do_handshake_on_connect,
                verify_callback=_Handshake(None, None, None, (), None),
            )
        if server_hostname:
            server_hostname = to_ascii(server_hostname)
        if self.verify_mode != CERT_NONE:
            if not server_hostname:
                raise ConfigError(
                    "server_hostname is needed: the certificate must be for that host"
                )
            if not rtc.is_set():
                rtc.doubt()
                if not rtc.is_set():
                    raise errors.clock_not_set(server_hostname)
        address, port = _peer(sock)
        key = sessions.key(self._identity, server_hostname, server_port or port)
        if session is None:
            session = sessions.offer(key) if server_hostname else None
        elif not sessions.is_of(session.tag, key):
            raise ValueError(
                "the session is of another host, port or settings than this connection: leave it out"
            )
        elif not sessions.is_good(session.tag):
            session = None
        handshake = _Handshake(server_hostname, key, session, self._pins, address)
        try:
            secure = self._context.wrap_socket(
                sock,
                server_hostname=server_hostname,
                do_handshake_on_connect=do_handshake_on_connect,
                verify_callback=handshake,
                session=session,
                session_tag=handshake.tag,
            )
        except (OSError, ValueError) as error:
            raise _failed(error, handshake)
        if do_handshake_on_connect:
            self._done(secure, handshake)
        return secure

    def continue_handshake(self, secure):
        """For asyncio: go on with the handshake of a non-blocking socket from wrap_socket(), with
        do_handshake_on_connect=False.

        Returns True when it is done, False if the socket must be polled first. Raises SSLError.
        """
        handshake = secure.verify_callback
        try:
            secure.do_handshake()
        except (OSError, ValueError) as error:
            if isinstance(error, OSError) and error.errno == errno.EAGAIN:
                return False
            raise _failed(error, handshake)
        self._done(secure, handshake)
        return True

    def last_address(self, host, port, gone=False):
        """The IPv4 address (dotted str) at which a server has proved itself to be `host` within the last day, by a session
        that can be resumed; None if that is not known. Where no connection to it comes about ask for the name, and say
        so by gone=True: the address of the next connection is kept then.
        """
        if self.verify_mode != CERT_REQUIRED:
            return None
        return sessions.address(sessions.key(self._identity, host, port), gone)

    def handshake_failed(self, secure, error):
        """The SSLError for a handshake that its caller ends with this OSError, such as one that took too long."""
        return _failed(error, secure.verify_callback)

    def _done(self, secure, handshake):
        if not handshake.host:
            return
        reused = secure.session_reused
        sessions.keep(handshake.key, secure.session, handshake.session, reused, handshake.address)
        if not reused and self.verify_mode == CERT_REQUIRED:
            ends = handshake.own_ends
            rtc.confirm(handshake.begins, ends if ends < sessions.EVER else 0)

    def _add(self, what, data):
        # Of what was set since the beginning, in order.
        if isinstance(data, str):
            data = data.encode()
        self._identity = hashlib.sha256(self._identity + what.encode() + b"\0" + data).digest()


def _failed(error, handshake):
    # The exception for what a handshake ended with.
    if handshake.session:
        sessions.drop(handshake.key)
    host = handshake.host or "the server"
    if handshake.seen and not handshake.pinned:
        return errors.wrong_key(host)
    return errors.explain(error, host, handshake.seen)


def create_default_context(*, cafile=None, cadata=None):
    """A client's context that verifies, as in CPython.

    It trusts the root certificates in the firmware; with cafile or cadata (see load_verify_locations()) those
    instead. To trust them besides, load them into the context afterwards.
    """
    context = SSLContext(PROTOCOL_TLS_CLIENT)
    context.max_fragment_length = (
        4096  # over GPRS a record of 16 kB is complete only after three seconds
    )
    if cafile is None and cadata is None:
        context.load_default_certs()
    else:
        context.load_verify_locations(cafile, cadata)
    return context


def _create_unverified_context():
    """A client's context that believes every server: anybody on the way can read and answer. CPython's name."""
    context = SSLContext(PROTOCOL_TLS_CLIENT)
    context.verify_mode = CERT_NONE
    return context


def wrap_socket(
    sock,
    server_side=False,
    key=None,
    cert=None,
    cert_reqs=CERT_REQUIRED,
    cadata=None,
    server_hostname=None,
    do_handshake=True,
):
    """MicroPython's older function, for libraries that still call it: a context for one connection."""
    if server_side:
        context = SSLContext(PROTOCOL_TLS_SERVER)
    elif cert_reqs == CERT_NONE:
        context = _create_unverified_context()
    else:
        context = create_default_context(cadata=cadata)
    if cert or key:
        context.load_cert_chain(cert, key)
    return context.wrap_socket(
        sock,
        server_side=server_side,
        do_handshake_on_connect=do_handshake,
        server_hostname=server_hostname,
    )


def public_key_digest(certificate):
    """SHA-256 (bytes) of a certificate's public key, for pin_keys(). certificate: DER."""
    return hashlib.sha256(x509.public_key(certificate)).digest()


def _peer(sock):
    # (address, port) of the other end; zeros if it is none that tells, such as a stream of one's own.
    try:
        return sock.getpeername()
    except (AttributeError, OSError):
        return "0.0.0.0", 0


def _is_data(file):
    # Bytes are, and text that has a head of PEM or the end of a line in it: no file is called so.
    return not isinstance(file, str) or "-----BEGIN" in file or "\n" in file or "\r" in file


def _named(what, file):
    # What an error calls it. A private key must never be in there: the least one has 43 characters in any notation.
    if _is_data(file) or len(file) > 40:
        return what
    return "{} {}".format(what, printable(file))


def _content(file, what):
    # The content of a file, or of what is none.
    if _is_data(file):
        return file
    try:
        with open(file, "rb") as stream:
            return stream.read()
    except OSError as error:
        raise ConfigError("{} cannot be read ({})".format(_named(what, file), error.errno))
