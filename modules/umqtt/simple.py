"""A client for MQTT 3.1.1, QoS 0 and 1, with micropython-lib's names (umqtt.simple).

Made from umqtt.simple 1.3.4 as PyPI has it: MIT licence, Copyright (c) MicroPython Developers, originally written by
Paul Sokolovsky. Every wait has an end, and lengths count bytes. It needs no more than socket, select and, for TLS, ssl.
"""

import errno
import select
import socket
import struct
from time import ticks_diff, ticks_ms

from micropython import const

_MOST = const(268435455)  # remaining length: four bytes of seven bits
_LONG = const(1024)  # a message from here on is written behind its head, not copied
_EXTRA_MS = const(600000)  # no packet is waited for longer than that and the timeout
_IDLE_MS = const(300000)  # without a keepalive, an idle connection is asked after so long
_LOOK_MS = const(500)  # wait_msg() looks so often whether a ping is due

_PUBACK = const(0x40)
_SUBACK = const(0x90)
_UNSUBACK = const(0xB0)
_PINGRESP = const(0xD0)
# What a server may send besides PUBLISH, and how long it is
_LENGTHS = {0x20: 2, _PUBACK: 2, _SUBACK: 3, _UNSUBACK: 2, _PINGRESP: 0}

# The return codes of CONNACK
_REFUSED = {
    1: "{} does not take MQTT 3.1.1: use another broker, or another of its ports",
    2: "{} does not take the client id: use one of 23 letters and digits at most, and no other client's",
    3: "{} is not available now: try again later",
    4: "{} refuses user or password: check both",
    5: "{} does not authorise this client: check user, password, client id, and what they may do there",
}
_BROKEN = {
    errno.ETIMEDOUT: "{} does not answer: check that the link is up, and host and port; then connect again",
    errno.ECONNREFUSED: "{} takes no connection at that port: check the port, and that the broker runs",
    errno.ECONNRESET: "{} closed the connection: connect again; if it does so each time, check port, TLS, client id, "
    "and what this client may do there",
    errno.ENOMEM: "no memory for the connection to {}: free some, then connect again",
}
_OTHER = "the connection to {} is broken ({}): check that the link is up, then connect again"


class MQTTException(OSError):
    """What the broker has refused, or done wrong; `str(error)` is the whole story.

    `code`: the return code of CONNACK (1 to 5), 0x80 of SUBACK; None for what breaks the protocol or is too long.
    """

    def __init__(self, message, code=None):
        super().__init__(message)
        self.code = code


class MQTTClient:
    """A connection to a broker.

    client_id, user, password: str or bytes. port: 0 is 1883, with TLS 8883. keepalive: seconds after which at the
    latest the broker hears of this client, 0 to 65535, 0: it does not count; see check_msg(). ssl: True, or a context
    (ssl.SSLContext) to use. ssl_params, with ssl=True: arguments of ssl.wrap_socket(), such as key, cert and cadata;
    server_hostname is `server` unless it is among them.

    Raises from all its methods: OSError, with a number and a sentence, if the connection cannot be had or is lost, it
    is closed then; MQTTException for what the broker refuses or does wrong; ValueError for arguments that cannot be
    sent. By TLS also the errors of ssl, and for an unknown name ppp_sim800.NameNotFound, where there is ppp_sim800.
    """

    TIMEOUT = 60  # seconds for a broker to answer, see connect()
    MAX_SIZE = 65536  # bytes of a packet that comes: longer ones are skipped

    def __init__(
        self,
        client_id,
        server,
        port=0,
        user=None,
        password=None,
        keepalive=0,
        ssl=None,
        ssl_params={},  # noqa: B006  (as upstream has it; it is only read)
    ):
        if port == 0:
            port = 8883 if ssl else 1883
        self.client_id = client_id
        self.sock = None
        self.server = server
        self.port = port
        self.ssl = ssl
        self.ssl_params = ssl_params
        self.pid = 0
        self.cb = None
        self.user = user
        self.pswd = password
        self.keepalive = keepalive
        self.lw_topic = None
        self.lw_msg = None
        self.lw_qos = 0
        self.lw_retain = False
        self._limit = self.TIMEOUT * 1000
        self._up = False  # the socket can be used
        self._acks = {}  # what is waited for: type and packet id, and the answer once it has come
        self._held = 0  # milliseconds spent in the callback
        self._pinged = None  # when a ping was sent that is not answered yet
        self._sent = False  # all of a message went out
        self._skipped = None  # the error for a message that was too long, until it is told

    def set_callback(self, f):
        """Have f(topic, message), both bytes, called for each message that comes."""
        self.cb = f

    def set_last_will(self, topic, msg, retain=False, qos=0):
        """What the broker publishes when this client vanishes. Call it before connect()."""
        _check(topic, qos, 2)
        self.lw_topic = topic
        self.lw_msg = msg
        self.lw_qos = qos
        self.lw_retain = retain

    def connect(self, clean_session=True, timeout=None):
        """Connect to the broker. Returns True if it has kept a session of this client, which takes clean_session=False.

        timeout: seconds, for each step of this and of all that follows, also of a later connection; None: as before,
        60 at first. MQTTException.code tells why the broker refuses.
        """
        if timeout is not None:
            self._limit = int(timeout * 1000)
        if not 0 <= self.keepalive <= 65535:
            raise ValueError("keepalive is not within 0 and 65535 seconds")
        flags = bool(clean_session) << 1
        out = bytearray()
        _add_str(out, self.client_id)
        if self.lw_topic:
            flags |= 4 | self.lw_qos << 3 | bool(self.lw_retain) << 5
            _add_str(out, self.lw_topic)
            _add_str(out, self.lw_msg)
        if self.user:
            flags |= 0x80
            _add_str(out, self.user)
            if self.pswd is not None:
                flags |= 0x40
                _add_str(out, self.pswd)
        head = bytearray(b"\x10")
        _add_len(head, 10 + len(out))
        head.extend(struct.pack("!H4sBBH", 4, b"MQTT", 4, flags, self.keepalive))
        head.extend(out)

        self._close()
        self._acks = {}
        self._skipped = None
        self.sock = self._plain = socket.socket()
        self._up = True
        try:
            self._plain.settimeout(self._limit / 1000)
            self.sock.connect(socket.getaddrinfo(self.server, self.port)[0][-1])
            if self.ssl is True:
                import ssl

                params = {"server_hostname": self.server}
                params.update(self.ssl_params or {})
                self.sock = ssl.wrap_socket(self.sock, **params)
            elif self.ssl:
                self.sock = self.ssl.wrap_socket(self.sock, server_hostname=self.server)
            self._poller = select.poll()
            self._poller.register(self.sock, select.POLLIN)
            self._write(head)
            # What is waited for before there is a session is CONNACK.
            resp = self._await(
                0x20, 0, "{} does not answer CONNECT within {} s: check that it is an MQTT broker"
            )
        except BaseException as e:
            raise self._failed(e)
        if resp[1]:
            raise self._failed(
                MQTTException(
                    _REFUSED.get(resp[1], "{} refuses this client ({})").format(
                        self.server, resp[1]
                    ),
                    resp[1],
                )
            )
        return resp[0] & 1

    def disconnect(self):
        """Take leave of the broker, which then does not publish the last will."""
        if self._up:
            try:
                self._write(b"\xe0\0")
            finally:
                self._close()

    def ping(self):
        """Ask for a sign of life, which wait_msg(), check_msg() or the next ping() take in.

        Raises OSError if the one before has not been answered in time.
        """
        while self._up and self._pinged is not None and self._next(0):
            pass
        self._alive()
        if self._pinged is None:
            self._ping()

    def publish(self, topic, msg, retain=False, qos=0):
        """Publish a message (str or bytes). With qos=1 the broker has it on return.

        An OSError says that this is not known: it may have arrived.
        """
        self._publish(topic, msg, retain, qos, self._next_pid() if qos else 0, 0)

    def _next_pid(self):
        self.pid = self.pid % 65535 + 1
        return self.pid

    def _publish(self, topic, msg, retain, qos, pid, dup):
        topic = _bytes(topic)
        _check(topic, qos, 1)
        if b"#" in topic or b"+" in topic:
            raise ValueError("a message goes to one topic: no # or + in it")
        msg = _bytes(msg)
        pkt = bytearray((0x30 | dup << 3 | qos << 1 | bool(retain),))
        _add_len(pkt, 2 + len(topic) + (2 if qos else 0) + len(msg))
        _add_str(pkt, topic)
        if qos:
            pkt.extend(struct.pack("!H", pid))
        if len(msg) <= _LONG:
            pkt.extend(msg)
            msg = None
        self._sent = False
        self._write(pkt)
        if msg:
            self._write(msg)
        self._sent = True
        if qos:
            self._await(
                _PUBACK, pid, "{} has not acknowledged a message within {} s: it may have arrived"
            )

    def subscribe(self, topic, qos=0):
        """Have messages of a topic, which may have wildcards, sent to the callback. Raises MQTTException if refused."""
        if self.cb is None:
            raise ValueError("there is no callback for messages: call set_callback() first")
        _check(topic, qos, 1)
        if self._subunsub(0x82, _SUBACK, topic, qos)[2] == 0x80:
            raise MQTTException(
                "{} refuses a subscription to {!r}: check what this client may do there".format(
                    self.server, topic
                ),
                0x80,
            )

    def unsubscribe(self, topic):
        """The opposite of subscribe()."""
        self._subunsub(0xA2, _UNSUBACK, topic, None)

    def _subunsub(self, op, ack, topic, qos):
        pid = self._next_pid()
        body = bytearray(struct.pack("!H", pid))
        _add_str(body, topic)
        if qos is not None:
            body.append(qos)
        pkt = bytearray((op,))
        _add_len(pkt, len(body))
        pkt.extend(body)
        self._write(pkt)
        return self._await(ack, pid, "{} has not acknowledged a subscription within {} s")

    def wait_msg(self):
        """Wait for a packet and process it: messages go to the callback, all else is dealt with here.

        Returns what kind of packet it was, None for the answer to a ping. Waits as long as the broker shows that it
        is there, see check_msg(). Raises MQTTException for a message that is longer than MAX_SIZE or than there is
        memory for; it has been skipped, and the connection goes on.
        """
        while True:
            op = self._told() or self._next(_LOOK_MS)
            if op:
                return self._told(op)
            self._alive()

    def check_msg(self):
        """As wait_msg(), but return None at once if there is nothing.

        Call it, or wait_msg(), often: where nothing has been heard for 3/4 of `keepalive`, or without one for five
        minutes, they ping; and they raise OSError if that is not answered within as long, or the timeout.
        """
        op = self._told() or self._next(0)
        if op:
            return self._told(op)
        self._alive()

    def _told(self, op=None):
        # What wait_msg() and check_msg() return. Raises what there is to tell of a message.
        error, self._skipped = self._skipped, None
        if error:
            raise error
        return None if op == _PINGRESP else op

    def _alive(self):
        # Nothing has come: ping if it is time to, and find out if there is nobody any more.
        now = ticks_ms()
        idle = self.keepalive * 750 or _IDLE_MS
        if self._pinged is None:
            if self._up and max(ticks_diff(now, self._rx), ticks_diff(now, self._tx)) < idle:
                return
            self._ping()
        elif ticks_diff(now, self._pinged) >= min(idle, self._limit):
            raise self._late(
                "{} has not answered a ping within {} s: the connection is dead, connect again",
                min(idle, self._limit),
            )

    def _ping(self):
        self._write(b"\xc0\0")
        self._pinged = self._tx

    def _await(self, op, pid, words):
        # What comes behind the packet's head in the answer of type `op` to packet `pid`. Others are processed meanwhile.
        key = op << 16 | pid
        self._acks[key] = None
        start, held = ticks_ms(), self._held
        while self._acks.get(key) is None:
            # The callback may take its time, while the answer waits to be read.
            left = self._limit - ticks_diff(ticks_ms(), start) + self._held - held
            if left <= 0:
                self._acks.pop(key, None)
                raise self._late(words, self._limit)
            self._next(left)
        return self._acks.pop(key)

    def _next(self, ms):
        # Process the next packet, if one begins within `ms`. Returns its type and flags, None if there is none.
        start = ticks_ms()
        self._check_up()
        first = None
        try:
            self._plain.setblocking(False)
            while True:
                first = self.sock.read(1)
                if first:
                    packet = self._packet(first[0])
                    break
                if first is not None:
                    raise self._gone()
                left = ms - ticks_diff(ticks_ms(), start)
                if left <= 0:
                    return None
                self._wait(select.POLLIN, left)
        except BaseException as e:
            # In the middle of a packet, nobody knows where the next one begins.
            raise self._failed(e) if first or isinstance(e, OSError) else e
        self._rx = ticks_ms()
        self._pinged = None
        if isinstance(packet, tuple):
            self._deliver(*packet)
            return packet[0]
        op = packet[0]
        body = packet[1:]
        key = op << 16 | (body[0] << 8 | body[1] if op in (_PUBACK, _SUBACK, _UNSUBACK) else 0)
        if key in self._acks:
            self._acks[key] = body
        return op

    def _deliver(self, op, topic, msg, pid, sz):
        if msg is None:
            self._skipped = MQTTException(
                "a message of {} bytes was skipped, topic {!r}: it is longer than MAX_SIZE, or than there is memory "
                "for".format(sz, topic and topic[:60])
            )
        elif self.cb:
            start, held, plain = ticks_ms(), self._held, self._plain
            self.cb(topic, msg)
            self._held = held + ticks_diff(ticks_ms(), start)
            if not self._up or self._plain is not plain:
                return  # it has left this connection
        else:
            return  # not acknowledged: the broker keeps it
        if pid is not None:
            self._write(struct.pack("!BBH", _PUBACK, 2, pid))

    def _packet(self, op):
        # The packet that begins with `op`: (op, topic, message, packet id, length) of a PUBLISH, else bytes.
        self._start, self._allow = ticks_ms(), self._limit
        self._togo = 4
        sz = self._recv_len()
        self._togo = sz
        if op & 0xF0 != 0x30:
            if sz != _LENGTHS.get(op):
                raise self._wrong("type {:#x} with {} bytes".format(op, sz))
            return bytes((op,)) + self._read(sz)
        if op & 4:
            raise self._wrong(
                "a message with QoS {}, which was not subscribed to".format(op >> 1 & 3)
            )
        if sz < 2:
            raise self._wrong("a message without a topic")
        topic_len = self._read(2)
        topic_len = topic_len[0] << 8 | topic_len[1]
        if topic_len + (op & 2) > self._togo:
            raise self._wrong("a topic that is longer than its packet")
        # A modem takes a second for a kB or two.
        self._allow += min(sz, _EXTRA_MS)
        topic = msg = pid = None
        try:
            if sz > self.MAX_SIZE and topic_len > _LONG:
                raise MemoryError
            topic = self._read(topic_len)
            if op & 2:
                pid = self._read(2)
                pid = pid[0] << 8 | pid[1]
            if sz > self.MAX_SIZE:
                raise MemoryError
            msg = self._read(self._togo)
        except MemoryError:
            buf = memoryview(bytearray(128))
            while self._togo:
                self._readinto(buf[: min(128, self._togo)])
        return op, topic, msg, pid, sz

    def _recv_len(self):
        n = sh = 0
        while sh < 28:
            b = self._read(1)[0]
            n |= (b & 0x7F) << sh
            if not b & 0x80:
                return n
            sh += 7
        raise self._wrong("a length without an end")

    def _read(self, n):
        # n bytes of a packet. If there is no memory for them, none is lost: _togo knows how many are still to come.
        data = self.sock.read(n) if n else b""
        if data == b"" and n:
            raise self._gone()
        if data is None:
            data = b""
        self._togo -= len(data)
        if len(data) < n:
            buf = bytearray(n)
            buf[: len(data)] = data
            self._readinto(memoryview(buf)[len(data) :])
            data = bytes(buf)
        return data

    def _readinto(self, buf):
        while buf:
            n = self.sock.readinto(buf)
            if n:
                self._togo -= n
                buf = buf[n:]
            elif n is not None:
                raise self._gone()
            left = self._allow - ticks_diff(ticks_ms(), self._start)
            if left <= 0:
                raise self._late(
                    "{} has not sent the rest of a packet within {} s: connect again", self._allow
                )
            if not n:
                self._wait(select.POLLIN, left)

    def _write(self, data):
        self._check_up()
        start, allow = ticks_ms(), self._limit + min(len(data), _EXTRA_MS)
        data = memoryview(data)
        try:
            self._plain.setblocking(False)
            while data:
                n = self.sock.write(data)
                if n:
                    data = data[n:]
                left = allow - ticks_diff(ticks_ms(), start)
                if data and left <= 0:
                    raise self._late("{} has not taken a packet within {} s: connect again", allow)
                if not n:
                    self._wait(select.POLLOUT, left)
        except BaseException as e:
            raise self._failed(e)
        self._tx = ticks_ms()

    def _wait(self, what, ms):
        self._poller.modify(self.sock, what)
        self._poller.poll(ms)

    def _check_up(self):
        if not self._up:
            raise OSError(
                errno.ENOTCONN, "not connected to {}: call connect() first".format(self.server)
            )

    def _close(self):
        self._up = False
        self._poller = self._pinged = None
        if self.sock:
            self.sock.close()

    def _failed(self, e):
        # Close the connection. Returns the error, in words.
        if self._up:
            self._close()
            if type(e) is OSError:
                words = _BROKEN.get(e.errno, _OTHER)
                e = OSError(e.errno, words.format(self.server, (e.args[1:2] or e.args)[0]))
        return e

    def _gone(self):
        return self._failed(OSError(errno.ECONNRESET))

    def _late(self, words, ms):
        if self._up:
            self._close()
        return OSError(errno.ETIMEDOUT, words.format(self.server, (ms + 500) // 1000))

    def _wrong(self, what):
        return MQTTException(
            "{} sends what is no MQTT ({}): check host and port, then connect again".format(
                self.server, what
            )
        )


def _bytes(data):
    if isinstance(data, str):
        return data.encode()
    return data if isinstance(data, (bytes, bytearray)) else bytes(memoryview(data))


def _add_str(out, s):
    s = _bytes(s)
    if len(s) > 65535:
        raise ValueError(
            "MQTT has no place for more than 65535 bytes of a topic, id, user, password or will"
        )
    out.extend(struct.pack("!H", len(s)))
    out.extend(s)


def _add_len(out, n):
    if n > _MOST:
        raise ValueError("MQTT has no packets of more than 268435455 bytes")
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)


def _check(topic, qos, most):
    if not topic:
        raise ValueError("a topic is needed")
    if not 0 <= qos <= most:
        raise ValueError("QoS {} is not known here: use 0 or 1".format(qos))
