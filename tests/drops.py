"""Scripts that drop objects without closing them, in every state, for the VM (tests/vm) and the chip (tests/firmware).

DROP has `kinds`, {name: function that makes such an object and drops it}, and run(count), which calls them in turn while
threads allocate, until so many objects were dropped. It prints what memory that took for good.
"""

import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

DROP = """
import _thread, errno, esp32, gc, io, socket, time, tls

kinds = {}
made = [0]

def kind(function):
    kinds[function.__name__] = function
    return function

def drop(*objects):
    # They are the caller's only ones, and go with it.
    made[0] += len(objects)

# --- threads that would notice if what they allocate was swept away under them

state = {"run": True, "ends": 0, "damaged": 0, "turns": 0}

def allocate():
    kept = [[n, {n: [n]}, (b"%d" % n) * 8] for n in range(16)]
    n = len(kept)
    while state["run"]:
        for _ in range(8):
            n += 1
            kept[n % 16] = [n, {n: [n]}, (b"%d" % n) * 8]
            number, table, text = kept[(n * 7) % 16]
            if table != {number: [number]} or text != (b"%d" % number) * 8:
                state["damaged"] += 1
        state["turns"] += 1
        time.sleep_ms(1)
    state["ends"] += 1

def free():
    return sum(heap[1] for heap in esp32.idf_heap_info(esp32.HEAP_DATA))

last = []  # called before memory is measured

def settle(seconds):
    for call in last:
        call()
    # What TCP keeps of a connection has its time; lwIP closes a dropped one by its timer.
    for _ in range(3):
        gc.collect()
        time.sleep_ms(1000)
    time.sleep(seconds)
    gc.collect()

def run(count, threads=3, seconds=130, names=None):
    names = names or list(kinds)
    for _ in range(threads):
        _thread.start_new_thread(allocate, ())
    turn = 0
    # What is loaded and allocated once, and what TCP always keeps of its latest connections, is there after the first.
    for part in (count // 4, count):
        while made[0] < part or turn % len(names):
            kinds[names[turn % len(names)]]()
            turn += 1
            if turn % 4 == 0:
                gc.collect()
        settle(seconds)
        if part < count:
            before = gc.mem_alloc(), free()
    print("python=%d" % (gc.mem_alloc() - before[0]))
    print("c=%d" % (before[1] - free()))
    state["run"] = False
    while state["ends"] < threads:
        time.sleep_ms(10)
    print("dropped=%d" % made[0])
    print("damaged=%d" % state["damaged"])
    print("turns=%d" % state["turns"])

# --- TLS, over streams in memory

class End(io.IOBase):
    def __init__(self):
        self.input = b""
        self.other = None
        self.ended = self.full = self.broken = self.slow = False

    def readinto(self, buf):
        n = min(len(buf), len(self.input))
        if n == 0:
            return 0 if self.ended else None
        buf[:n] = self.input[:n]
        self.input = self.input[n:]
        return n

    def write(self, buf):
        if self.broken:
            raise OSError(errno.EIO)
        if self.full:
            return None
        if self.slow:
            time.sleep_ms(2)  # other threads run
        if self.other:
            self.other.input += bytes(buf)
        return len(buf)

    def ioctl(self, request, arg):
        return arg if request == 3 else 0

def read(name):
    with open(name, "rb") as file:
        return file.read()

client = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
client.verify_mode = tls.CERT_NONE
server = tls.SSLContext(tls.PROTOCOL_TLS_SERVER)
server.load_cert_chain(read("server.der"), read("server-key.der"))

def tried(secure):
    try:
        secure.do_handshake()
        return True
    except OSError as error:
        if error.errno != errno.EAGAIN:
            raise
        return False

def pair(steps):
    ends = End(), End()
    ends[0].other, ends[1].other = ends[1], ends[0]
    both = (
        client.wrap_socket(ends[0], server_hostname="device.example", do_handshake_on_connect=False),
        server.wrap_socket(ends[1], server_side=True, do_handshake_on_connect=False),
    )
    done = [False, False]
    for _ in range(steps):
        for i in range(2):
            if done[i]:
                both[i].read(1)  # its last message is held back until it waits
            else:
                done[i] = tried(both[i])
    return both, ends

def output_held():
    end = End()
    end.full = True
    secure = client.wrap_socket(end, do_handshake_on_connect=False)
    tried(secure)
    return end, secure

def established():
    both, ends = pair(4)
    both[0].write(b"hello")
    assert both[1].read(5) == b"hello"
    return both, ends

@kind
def tls_new():
    drop(client.wrap_socket(End(), do_handshake_on_connect=False))

@kind
def tls_waits():
    secure = client.wrap_socket(End(), do_handshake_on_connect=False)
    tried(secure)
    drop(secure)

@kind
def tls_output_held():
    end, secure = output_held()
    end.full, end.slow = False, True
    drop(secure)

@kind
def tls_output_held_stream_raises():
    end, secure = output_held()
    end.full, end.broken = False, True
    drop(secure)

@kind
def tls_close_raises():
    end, secure = output_held()
    end.full, end.broken = False, True
    try:
        secure.close()
        print("failed=close")
    except OSError:
        pass
    drop(secure)

@kind
def tls_in_handshake():
    both, ends = pair(1)
    drop(*both)

@kind
def tls_established():
    both, ends = established()
    drop(*both)

@kind
def tls_output_unsent():
    both, ends = established()
    ends[0].full = True
    try:
        both[0].write(b"x")
    except OSError:
        pass
    drop(*both)

@kind
def tls_stream_raises():
    both, ends = established()
    ends[0].broken = True
    try:
        both[0].write(b"x")
    except OSError:
        pass
    drop(*both)

@kind
def tls_peer_gone():
    both, ends = established()
    both[1].close()
    ends[0].ended = True
    try:
        both[0].read(1)
    except OSError:
        pass
    drop(both[0])

@kind
def tls_refused():
    end = End()
    end.input = bytes(range(64))
    secure = client.wrap_socket(end, do_handshake_on_connect=False)
    try:
        secure.do_handshake()
    except OSError:
        pass
    drop(secure)

@kind
def tls_session():
    both, ends = established()
    session = both[0].session
    again = client.wrap_socket(End(), server_hostname="device.example", do_handshake_on_connect=False, session=session)
    tried(again)
    drop(session, again, *both)

@kind
def tls_context():
    trusting = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    trusting.load_verify_locations(read("root.der"))
    serving = tls.SSLContext(tls.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(read("server.der"), read("server-key.der"))
    secure = trusting.wrap_socket(End(), server_hostname="device.example", do_handshake_on_connect=False)
    tried(secure)
    drop(trusting, serving, secure)

# --- sockets, over the loopback

port = [0]

def listening(backlog=2):
    port[0] += 1
    address = "127.0.0.1", 20000 + port[0] % 20000
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(address)
    listener.listen(backlog)
    listener.settimeout(5)
    return listener, address

def connecting(address):
    one = socket.socket()
    one.setblocking(False)
    try:
        one.connect(address)
    except OSError:
        pass  # in progress, or refused at once
    return one

def connected():
    listener, address = listening()
    one = connecting(address)
    other = listener.accept()[0]
    one.settimeout(5)
    other.settimeout(5)
    return listener, one, other

@kind
def socket_tcp_new():
    drop(socket.socket())

@kind
def socket_tcp_bound():
    one = socket.socket()
    port[0] += 1
    one.bind(("127.0.0.1", 20000 + port[0] % 20000))
    drop(one)

@kind
def socket_tcp_connecting():
    listener, address = listening()
    drop(connecting(address), listener)

@kind
def socket_tcp_refused():
    one = connecting(("127.0.0.1", 9))
    time.sleep_ms(50)
    drop(one)

@kind
def socket_tcp_listening():
    drop(listening()[0])

@kind
def socket_tcp_not_accepted():
    for backlog in (1, 2):
        listener, address = listening(backlog)
        one = connecting(address)
        time.sleep_ms(50)
        drop(listener, one)

@kind
def socket_tcp_listener_closed():
    listener, address = listening(1)
    one = connecting(address)
    time.sleep_ms(50)
    listener.close()
    drop(listener, one)

@kind
def socket_tcp_connected():
    drop(*connected())

@kind
def socket_tcp_input_unread():
    listener, one, other = connected()
    one.send(b"x" * 100)
    time.sleep_ms(50)
    drop(listener, one, other)

@kind
def socket_tcp_output_unsent():
    listener, one, other = connected()
    one.setblocking(False)
    try:
        while one.send(b"x" * 1000):
            pass
    except OSError:
        pass
    drop(listener, one, other)

@kind
def socket_tcp_peer_closed():
    listener, one, other = connected()
    other.close()
    time.sleep_ms(50)
    drop(listener, one)

@kind
def socket_tcp_peer_reset():
    listener, one, other = connected()
    one.send(b"x")
    time.sleep_ms(50)
    other.close()
    time.sleep_ms(50)
    drop(listener, one)

@kind
def socket_udp():
    port[0] += 1
    address = "127.0.0.1", 20000 + port[0] % 20000
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.bind(address)
    other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    other.sendto(b"x" * 100, address)
    time.sleep_ms(5)
    drop(one, other)

@kind
def socket_raw():
    drop(socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))

@kind
def socket_not_made():
    try:
        socket.socket(socket.AF_INET, "x")
    except TypeError:
        drop(None)
"""

# network.PPP over a stream in Python, with its peer in the stream: in the VM only.
DROP_PPP = """
import network

class Line(io.IOBase):
    IRQ_RXIDLE = 0

    def __init__(self):
        self.input = self.frame = b""
        self.answers = True
        self.asked = {}

    def irq(self, handler=None, trigger=0):
        pass

    def ioctl(self, request, arg):
        return arg if request == 3 else 0

    def readinto(self, buf):
        n = min(len(buf), len(self.input))
        if n == 0:
            return None
        buf[:n] = self.input[:n]
        self.input = self.input[n:]
        return n

    def write(self, buf):
        *frames, rest = (self.frame + bytes(buf)).split(b"\\x7e")
        self.frame = rest
        for frame in frames:
            if frame and self.answers:
                parts = frame.split(b"\\x7d")
                packet = parts[0] + b"".join(bytes([p[0] ^ 0x20]) + p[1:] for p in parts[1:])
                if packet[:4] == b"\\xff\\x03\\x00\\x21":
                    self.datagram = packet[4:-2]
                elif packet[:2] == b"\\xff\\x03":
                    self.packet(packet[2:4], packet[4], packet[5], packet[8:-2])
        return len(buf)

    def packet(self, protocol, code, number, data):
        if code == 1:
            if protocol == b"\\x80\\x21":
                wanted = data.replace(b"\\x03\\x06\\0\\0\\0\\0", b"\\x03\\x06\\x0a\\0\\0\\x02")
                for option in (b"\\x81", b"\\x83"):
                    wanted = wanted.replace(option + b"\\x06\\0\\0\\0\\0", option + b"\\x06\\x0a\\0\\0\\x01")
                self.send(protocol, 2 if wanted == data else 3, number, wanted)
            elif protocol == b"\\xc0\\x21":
                self.send(protocol, 2, number, data)
            if not self.asked.get(protocol):
                self.asked[protocol] = True
                self.send(protocol, 1, 1, b"" if protocol == b"\\xc0\\x21" else b"\\x03\\x06\\x0a\\0\\0\\x01")
        elif code == 5:
            self.send(protocol, 6, number, b"")

    def send(self, protocol, code, number, data):
        self.put(protocol + bytes([code, number, 0, len(data) + 4]) + data)

    def put(self, packet):
        packet = b"\\xff\\x03" + packet
        check = 0xFFFF
        for byte in packet:
            check ^= byte
            for _ in range(8):
                check = check >> 1 ^ (0x8408 if check & 1 else 0)
        packet += bytes([~check & 0xFF, ~check >> 8 & 0xFF])
        escaped = b"".join(b"\\x7d" + bytes([b ^ 0x20]) if b < 0x20 or b in b"\\x7d\\x7e" else bytes([b]) for b in packet)
        self.input += b"\\x7e" + escaped + b"\\x7e"

    def accept(self):
        # SYN and ACK to the SYN that came last.
        asked = self.datagram
        addresses = asked[16:20] + asked[12:16]
        sequence = int.from_bytes(asked[24:28], "big") + 1 & 0xFFFFFFFF
        tcp = asked[22:24] + asked[20:22] + b"\\0\\0\\0\\1" + sequence.to_bytes(4, "big") + b"\\x50\\x12\\x10\\0"
        tcp += inet_checksum(addresses + b"\\0\\x06\\0\\x14" + tcp) + b"\\0\\0"
        head = b"\\x45\\0\\0\\x28\\0\\0\\0\\0\\x40\\x06"
        self.put(b"\\0\\x21" + head + inet_checksum(head + addresses) + addresses + tcp)

def inet_checksum(data):
    total = sum(data[i] << 8 | data[i + 1] for i in range(0, len(data), 2))
    total = (total & 0xFFFF) + (total >> 16)
    total += total >> 16
    return bytes([~total >> 8 & 0xFF, ~total & 0xFF])

def ppp_up():
    line = Line()
    nic = network.PPP(line)
    nic.connect()
    for _ in range(50):
        nic.poll()
        if nic.isconnected():
            return nic, line
        time.sleep_ms(1)
    raise OSError("PPP is not up: %d" % nic.status())

@kind
def ppp_new():
    drop(network.PPP(Line()))

@kind
def ppp_active():
    nic = network.PPP(Line())
    nic.active(True)
    drop(nic)

@kind
def ppp_negotiating():
    line = Line()
    line.answers = False
    nic = network.PPP(line)
    nic.connect()
    drop(nic)

@kind
def ppp_lcp_open():
    line = Line()
    nic = network.PPP(line)
    nic.connect()
    nic.poll()
    line.answers = False
    nic.poll()
    drop(nic)

@kind
def ppp_is_up():
    nic, line = ppp_up()
    drop(nic)

@kind
def ppp_up_with_connections():
    nic, line = ppp_up()
    address = nic.ifconfig()[0]
    waiting = connecting(("10.0.0.1", 80))
    drop(nic)
    drop(waiting)

@kind
def ppp_dropped_connection_is_accepted():
    nic, line = ppp_up()
    connecting(("10.0.0.1", 80))
    gc.collect()
    gc.collect()
    line.accept()
    nic.poll()
    if line.datagram[33] & 2 == 2:  # it has acknowledged that, or begun to end
        print("Error: not accepted")
    drop(nic, None)

@kind
def ppp_up_and_kept_connection():
    nic, line = ppp_up()
    kept = connecting(("10.0.0.1", 80))
    nic = None
    line = None
    gc.collect()
    time.sleep_ms(5)
    drop(kept, None)

@kind
def ppp_terminating():
    nic, line = ppp_up()
    line.answers = False
    nic.disconnect()
    drop(nic)

@kind
def ppp_terminated_by_peer():
    nic, line = ppp_up()
    line.send(b"\\xc0\\x21", 5, 9, b"")
    nic.poll()
    drop(nic)

@kind
def ppp_again():
    nic, line = ppp_up()
    nic.active(False)
    nic.active(True)
    drop(nic)
"""

# cmux over a UART that nobody answers at: in the VM the one that is in use is never dropped, the next takes its place.
DROP_CMUX = """
import cmux, machine

def mux():
    return cmux.CMUX(machine.UART(2, 115200, tx=32, rx=33), t1=10)

@last.append
def cmux_last():
    mux().deinit()

@kind
def cmux_replaced():
    drop(mux())

@kind
def cmux_channels():
    one = mux()
    drop(one, one.open(1), one.open(2))

@kind
def cmux_closing():
    one = mux()
    one.close()
    drop(one)

@kind
def cmux_ended():
    one = mux()
    channel = one.open(1)
    one.deinit()
    drop(one, channel)

@kind
def cmux_silent():
    one = mux()
    time.sleep_ms(80)
    one.state()
    drop(one)

@kind
def cmux_with_ppp():
    one = mux()
    nic = network.PPP(one.open(1))
    nic.connect()
    drop(nic, one)

@kind
def cmux_uart_gone():
    one = mux()
    channel = one.open(1)
    machine.UART(2).deinit()
    one.state()
    drop(one, channel)
"""


def drop_files() -> dict[str, bytes]:
    """What DROP reads: a server's certificate and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "device.example")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.datetime(2024, 1, 1))
        .not_valid_after(datetime.datetime(2039, 1, 1))
        .sign(key, hashes.SHA256())
    )
    return {
        "server.der": certificate.public_bytes(Encoding.DER),
        "server-key.der": key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
    }
