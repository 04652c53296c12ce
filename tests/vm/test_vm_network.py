"""The VM alone: network.PPP, sockets and TLS over a serial line with a real PPP end behind it."""

import asyncio
import datetime
import subprocess

import pytest
from network.air import IDEAL
from network.clock import Clock
from network.internet import Internet
from network.ppp import PPPEnd
from sim800.data_mode import ppp_config
from sim800.scenario import APN, PPP
from sim800.serial import Line
from vmbench import VM, Bench

pytestmark = pytest.mark.skipif(not VM.exists(), reason="build/vm/micropython is not built")

UP = """\
import machine, network, socket, time, usocket, sys
uart = machine.UART(1, 115200, tx=27, rx=26, rxbuf=4096, txbuf=2048)
nic = network.PPP(uart)

def wait(what, timeout=20000):
    end = time.ticks_add(time.ticks_ms(), timeout)
    while not what():
        if time.ticks_diff(end, time.ticks_ms()) < 0:
            raise OSError("timeout")
        time.sleep_ms(10)

def up(**kw):
    nic.connect(**kw)
    wait(nic.isconnected)

def took(f, *args):
    t = time.ticks_ms()
    try:
        r = f(*args)
    except OSError as e:
        r = e.args[0]
    return r, time.ticks_diff(time.ticks_ms(), t)

def do(action):
    print("@" + action)
    time.sleep_ms(300)

"""
AUTH = "security=nic.SEC_PAP, user='', key=''"


class Far:
    """What is at the far end of the line: PPP, and an internet behind it."""

    def __init__(self, clock, line, internet, config, silent):
        self.clock, self.line, self.internet, self.config = clock, line, internet, config
        self.silent = silent
        self.ends: list[str] = []
        self.end: PPPEnd | None = None
        line.on_data = self.receive

    def start(self):
        self.end = PPPEnd(
            self.clock, self.config, self.line.send, self.ended, internet=self.internet
        )
        self.end.muted = self.silent
        self.end.start()

    def ended(self, reason):
        # As a modem would: it says so, and takes the next caller.
        self.ends.append(reason)
        self.line.send(b"\r\nNO CARRIER\r\n")
        self.end = None

    def receive(self, data):
        if self.end is None:
            self.start()
        self.end.receive(data)

    def mute(self):
        self.end.muted = True

    def terminate(self):
        self.end.terminate()

    def no_dns(self):
        self.internet.names = dict.fromkeys(self.internet.names, "")

    def talk(self):
        self.end.muted = True
        self.line.send(b"\r\n+CSQ: 18,0\r\n")

    def unmute(self):
        self.end.muted = False


@pytest.fixture
def online(tmp_path, internet):
    """online(script) runs a script with the far end there; its lines, and the far end as `.far`.

    Lines that begin with @ name what the far end is to do then.
    """

    class Online:
        def __call__(self, script, *, speed=10, silent=False, apn=None, names=None, code=0, **env):
            return asyncio.run(self.go(script, speed, silent, apn, names, code, env))

        async def go(self, script, speed, silent, apn, names, code, env):
            clock = Clock(speed)
            line = Line(clock)
            line.dead = False
            config = ppp_config(PPP(), apn or APN())
            net = Internet(
                clock, IDEAL, {**internet.names, **(names or {})}, internet.routes, config.dns
            )
            bench = Bench(tmp_path)
            bench.device = line.path
            await net.start()
            line.start()
            try:
                self.far = Far(clock, line, net, config, silent)
                process = bench.start(UP + script, speed=speed, **env)
                lines = await asyncio.wait_for(self.read(process, bench), 40)
                assert await asyncio.to_thread(process.wait) == code, "\n".join(lines)
                return lines
            finally:
                if self.far.end:
                    self.far.end.close()
                line.stop()
                await net.stop()
                bench.close()

        async def read(self, process: subprocess.Popen, bench):
            lines = []
            while line := await asyncio.to_thread(process.stdout.readline):
                line = line.rstrip("\n")
                if line == "@interrupt":
                    process.send_signal(2)
                elif line.startswith("@"):
                    getattr(self.far, line[1:])()
                else:
                    lines.append(line)
            return lines

    return Online()


GET = """\
def get(host, port=80, n=20000):
    s = socket.socket()
    s.connect(socket.getaddrinfo(host, port)[0][-1])
    s.write(b"GET /bytes/%d HTTP/1.0\\r\\nHost: x\\r\\n\\r\\n" % n)
    size = 0
    while True:
        d = s.recv(4096)
        if not d:
            break
        size += len(d)
    s.close()
    return size - n
"""


# The link


def test_up_and_down_and_up_again(online):
    lines = online(
        f"up({AUTH})\n"
        "print(nic.ifconfig(), nic.ipconfig('addr4'), nic.status(), network.ipconfig('dns'))\n"
        "nic.disconnect()\nwait(lambda: nic.status() == 0, 2000)\nprint(nic.isconnected())\n"
        f"up({AUTH})\nprint(nic.status(), nic.ipconfig('addr4')[0])\nnic.disconnect()\n"
        "wait(lambda: nic.status() == 0, 2000)\nprint(uart.any() > 0 or b'NO CARRIER' in (uart.read() or b'NO CARRIER'))"
    )
    assert lines == [
        "('10.64.64.64', '255.255.255.255', '192.168.254.254', '10.64.0.1')"
        " ('10.64.64.64', '255.255.255.255') 4 10.64.0.1",
        "False",
        "4 10.64.64.64",
        "True",
    ]
    assert online.far.ends[0] == "terminated"


def test_no_address_before_connect(online):
    assert online(
        "print(nic.ifconfig()[:3], nic.ipconfig('addr4'), nic.status(), nic.isconnected())"
    ) == ["('0.0.0.0', '0.0.0.0', '0.0.0.0') ('0.0.0.0', '0.0.0.0') 0 False"]


@pytest.mark.parametrize("auth", ["pap", "chap"])
def test_authentication(online, auth):
    script = (
        f"try:\n    up(security=nic.SEC_{auth.upper()}, user='me', key=('se' + 'cret')[:6])\n"
        "except OSError:\n    pass\nprint(nic.status())\n"
    )
    assert online(script, apn=APN(auth=auth, user="me", password="secret")) == ["4"]
    # Refused: -5 is the other end hanging up, -7 its refusal.
    assert online(script, apn=APN(auth=auth, user="me", password="other")) in (
        ["-7"],
        ["-5"],
    )


@pytest.mark.parametrize(("auth", "fits"), [("pap", 255), ("chap", 256)])
def test_names_as_long_as_the_protocol_has_room(online, auth, fits):
    """What is longer is cut off, which the other end refuses; nothing is written past a buffer."""
    script = (
        f"name = {{}} * 'u'\ntry:\n    up(security=nic.SEC_{auth.upper()}, user=name, key='secret')\n"
        "except OSError:\n    pass\nprint(nic.status())\n"
    )
    for length in (fits, fits + 1, 2000):
        apn = APN(auth=auth, user=length * "u", password="secret")
        ended = online(script.format(length), apn=apn)
        assert ended in ([["4"]] if length == fits else [["-7"], ["-5"]]), length


def test_active_makes_and_removes_the_interface(online):
    lines = online(
        "print(nic.active(), nic.active(True), nic.status(), nic.active(True))\n"
        "print(nic.active(False), nic.status(), nic.active(False))\n"
        f"nic.active(True)\nup({AUTH})\nprint(nic.active())\n"
        "print(nic.active(False), nic.status(), nic.isconnected())\n"
        "do('terminate')\n"
        f"up({AUTH})\nprint(nic.active())"
    )
    assert lines == ["False True 1 True", "False 0 False", "True", "False 0 False", "True"]


def test_active_false_while_connecting_closes_first(online):
    lines = online(
        f"nic.connect({AUTH})\nt = time.ticks_ms()\nprint(nic.active(False), took(nic.connect)[0])\n"
        "wait(lambda: not nic.active())\nprint(11000 < time.ticks_diff(time.ticks_ms(), t) < 14000, nic.status())",
        silent=True,
    )
    assert lines == ["True 114", "True 0"]


def test_far_end_terminates(online):
    lines = online(
        f"up({AUTH})\ndo('terminate')\nprint(nic.status(), nic.isconnected())\n"
        "wait(lambda: nic.status() < 0)\nprint(nic.status())\nnic.disconnect()\nprint(nic.status())\n"
        f"print(nic.active(False), nic.status())\nup({AUTH})\nprint(nic.status())\n"
        f"do('terminate')\nwait(lambda: nic.status() < 0)\nup({AUTH})\nprint(nic.status())"
    )
    # lwIP says -6 (connection lost) six seconds after the address has gone.
    assert lines == ["4 False", "-6", "-6", "False 0", "4", "4"]


def test_nobody_there(online):
    lines = online(
        f"t = time.ticks_ms()\nnic.connect({AUTH})\nwait(lambda: nic.status() < 0, 90000)\n"
        "print(nic.status(), 58000 < time.ticks_diff(time.ticks_ms(), t) < 62000)",
        silent=True,
        speed=50,
    )
    assert lines == ["-6 True"]


def test_dead_peer_is_noticed(online):
    lines = online(
        f"up({AUTH})\nt = time.ticks_ms()\ndo('mute')\nwait(lambda: nic.status() < 0, 90000)\n"
        "print(nic.status(), 20000 < time.ticks_diff(time.ticks_ms(), t) < 40000)",
        speed=20,
    )
    assert lines == ["-9 True"]


def test_line_is_lent_to_commands(online):
    lines = online(
        f"up({AUTH})\nnic.config(stream=None)\nuart.init(timeout=500)\ndo('talk')\n"
        "print(uart.read())\nprint(nic.config('stream'))\ndo('unmute')\nuart.init(timeout=0)\n"
        "nic.config(stream=uart)\nprint(socket.getaddrinfo('plain.example', 80)[0][-1], nic.status())"
    )
    assert lines == ["b'\\r\\n+CSQ: 18,0\\r\\n'", "None", "('203.0.113.11', 80) 4"]


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("sys.exit(3)", 3),
        ("raise ValueError", 1),
        ("machine.reset()", 0),
        ("machine.soft_reset()", 0),
    ],
)
def test_program_may_end_with_the_link_up(online, end, code):
    lines = online(
        f"if machine.reset_cause() == 1:\n    up({AUTH})\n    print('up')\n    {end}\nprint('again')",
        code=code,
    )
    assert lines[0] == "up"
    assert "Traceback" not in lines[1:] or "ValueError" in "".join(lines)
    if "reset" in end:
        assert lines[-1] == "again"


def test_collected_objects(online):
    lines = online(
        "import gc\nnic.active(True)\nnic.active(False)\ndel nic\ngc.collect()\n"
        "for i in range(3):\n    n = network.PPP(None)\n    n.active(True)\n    n.active(False)\n    n = None\n    gc.collect()\n"
        f"nic = network.PPP(uart)\nup({AUTH})\ngc.collect()\nprint(nic.status())"
    )
    assert lines == ["4"]


def test_stream_in_python(online):
    lines = online(
        "import io\n"
        "class Stream(io.IOBase):\n"
        "    def readinto(self, b):\n        return uart.readinto(b)\n"
        "    def write(self, b):\n        return uart.write(b)\n"
        "    def irq(self, handler, trigger=0):\n        uart.irq(handler, uart.IRQ_RXIDLE if handler else 0)\n"
        "    IRQ_RXIDLE = 1\n"
        f"nic = network.PPP(Stream())\nup({AUTH})\nprint(nic.status())\nnic.disconnect()\n"
        "wait(lambda: nic.status() == 0)\nprint('down')"
    )
    assert lines == ["4", "down"]


# Sockets


def test_download_and_upload(online):
    lines = online(
        GET + f"up({AUTH})\nprint(get('plain.example') > 0, get('203.0.113.11') > 0)\n"
        "s = socket.socket()\ns.connect(('203.0.113.15', 9))\ns.write(b'PUT 20000\\n' + bytes(20000))\n"
        "print(s.readline().split()[:2])\ns.close()\nprint(uart)",
        speed=4,
    )
    assert lines[:2] == ["True True", "[b'OK', b'20000']"]
    assert lines[2].endswith("overruns=0)")


def test_select_and_asyncio(online):
    lines = online(
        "import select, asyncio\n"
        f"up({AUTH})\ns = socket.socket()\ns.setblocking(False)\n"
        "r, ms = took(s.connect, ('203.0.113.15', 9))\nprint(r, ms < 50)\n"
        "p = select.poll()\np.register(s, select.POLLOUT)\nprint(p.poll(5000)[0][1] == select.POLLOUT)\n"
        "s.write(b'GET 3000\\n')\np.modify(s, select.POLLIN)\nprint(p.poll(5000)[0][1] == select.POLLIN)\ns.close()\n"
        "async def main():\n"
        "    r, w = await asyncio.open_connection('203.0.113.15', 9)\n"
        "    w.write(b'GET 5000\\n')\n    await w.drain()\n    print(len(await r.readexactly(5000)))\n"
        "    w.close()\nasyncio.run(main())",
        speed=4,
    )
    assert lines == ["115 True", "True", "True", "5000"]


def test_input_flows_while_python_computes(online):
    """The native reader task of the firmware: no waiting, no scheduler, no lost bytes."""
    lines = online(
        f"up({AUTH})\ns = socket.socket()\ns.connect(('203.0.113.15', 9))\ns.write(b'GET 5000\\n')\n"
        "t = time.ticks_ms()\nwhile time.ticks_diff(time.ticks_ms(), t) < 2000:\n    pass\n"
        "s.setblocking(False)\nn = 0\n"
        "while n < 5000:\n    n += len(s.recv(1000))\nprint(n, uart)",
        speed=4,
    )
    assert lines[0].startswith("5000") and lines[0].endswith("overruns=0)")


# How blocking calls behave


def test_names_in_native_mode(online):
    lines = online(
        f"up({AUTH})\n"
        "print(usocket.getaddrinfo('plain.example', 80)[0][-1])\n"
        "print(took(usocket.getaddrinfo, 'nowhere.example', 80)[0])\n"
        "print(usocket.getaddrinfo('192.0.2.1', 8080)[0][-1])\ndo('no_dns')\n"
        "r, ms = took(usocket.getaddrinfo, 'telemetry.example', 443)\nprint(r, ms // 1000)",
        names={"nowhere.example": None},
    )
    assert lines[:3] == ["('203.0.113.11', 80)", "-202", "('192.0.2.1', 8080)"]
    code, seconds = lines[3].split()
    assert code == "-202" and 10 <= int(seconds) <= 20


def test_names_fail_in_scheduler_mode_as_on_the_chip(online):
    """MicroPython issue 18737: nobody feeds lwIP while getaddrinfo() waits; all else works."""
    lines = online(
        GET + f"up({AUTH})\n"
        "r, ms = took(usocket.getaddrinfo, 'plain.example', 80)\nprint(r, ms > 10000)\n"
        "print(get('203.0.113.11', n=2000) > 0)",
        SIM_PPP_INPUT="scheduler",
    )
    assert lines == ["-202 True", "True"]


def test_second_thread_cures_scheduler_mode(online):
    lines = online(
        "import _thread\n"
        f"up({AUTH})\ndef spin():\n    while True:\n        time.sleep_ms(1)\n"
        "_thread.start_new_thread(spin, ())\n"
        "r, ms = took(usocket.getaddrinfo, 'plain.example', 80)\nprint(r[0][-1], ms < 1000)",
        SIM_PPP_INPUT="scheduler",
    )
    assert lines == ["('203.0.113.11', 80) True"]


SILENT = (
    f"up({AUTH})\n"
    "s = socket.socket()\ns.connect(('203.0.113.15', 9))\nhits = []\n"
    "timer = machine.Timer(1, period=10, callback=lambda t: hits.append(time.ticks_ms()))\n"
)


@pytest.mark.parametrize(
    ("mode", "in_names", "in_recv"),
    [("esp32", range(1), range(8, 13)), ("poll", range(200, 3000), range(60, 102))],
)
def test_callbacks_in_blocking_calls(online, mode, in_names, in_recv):
    """On the chip: none in getaddrinfo(), one each 100 ms in a socket."""
    lines = online(
        SILENT + "def count(f, *args):\n"
        "    t0 = time.ticks_ms()\n    r = took(f, *args)[0]\n    t1 = time.ticks_ms() - 10\n"
        "    time.sleep_ms(20)\n    print(r, len([t for t in hits if t0 < t < t1]))\n"
        "s.settimeout(1)\ncount(s.recv, 10)\n"
        "do('no_dns')\ncount(usocket.getaddrinfo, 'telemetry.example', 443)",
        SIM_BLOCKING=mode,
    )
    (recv, n_recv), (name, n_names) = (line.split() for line in lines)
    assert (recv, name) == ("110", "-202")
    assert int(n_recv) in in_recv
    assert int(n_names) in in_names


@pytest.mark.parametrize("mode", ["esp32", "poll"])
def test_ctrl_c_in_recv(online, mode):
    lines = online(
        SILENT + "timer.deinit()\nprint('@interrupt')\nt = time.ticks_ms()\n"
        "try:\n    s.recv(10)\nexcept KeyboardInterrupt:\n    print(time.ticks_diff(time.ticks_ms(), t) < 400)\n"
        "s.write(b'GET 10\\n')\nprint(len(s.recv(10)))",
        speed=1,
        SIM_BLOCKING=mode,
    )
    assert lines == ["True", "10"]


@pytest.mark.parametrize(
    ("mode", "module", "early"),
    [("esp32", "usocket", False), ("poll", "usocket", True), ("esp32", "socket", True)],
)
def test_ctrl_c_in_getaddrinfo(online, mode, module, early):
    """lwIP's own waits for the name server; the package's is ended at once."""
    lines = online(
        f"import {module} as socket\nup({AUTH})\ndo('no_dns')\nprint('@interrupt')\nt = time.ticks_ms()\n"
        "try:\n    took(socket.getaddrinfo, 'telemetry.example', 443)\n    time.sleep(60)\n"
        "except KeyboardInterrupt:\n    print('C', time.ticks_diff(time.ticks_ms(), t) < 5000)\n"
        "time.sleep(2)\nprint('end')",
        SIM_BLOCKING=mode,
    )
    assert lines == [f"C {early}", "end"]


# TLS

TLS = """\
import requests, tls
machine.RTC().datetime(%s)
context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
with open(%r, "rb") as f:
    context.load_verify_locations(f.read())

def fetch(host, context=None):
    try:
        r = requests.get("https://" + host + "/ip", ssl_context=context)
        return r.status_code, r.json()["origin"]
    except (OSError, ValueError) as e:
        return str(e).strip()
"""


def tls(internet, date="(2026, 12, 1, 0, 12, 0, 0, 0)"):
    if date == "now":
        d = datetime.datetime.now(datetime.UTC)
        date = f"({d.year}, {d.month}, {d.day}, 0, {d.hour}, {d.minute}, {d.second}, 0)"
    return TLS % (date, str(internet.root))


def test_requests_verifies(online, internet):
    lines = online(
        tls(internet, "now") + f"up({AUTH})\nprint(fetch('telemetry.example', context))\n"
        "print(fetch('telemetry.example'))\n"
        "for host in ('wronghost', 'expired', 'unknownca'):\n    print(fetch(host + '.example', context))",
        speed=4,
    )
    assert lines[0].startswith("(200, ")
    assert '"Test Root", which is not trusted' in lines[1]
    assert "not match" in lines[2]
    assert "expired" in lines[3]
    assert "trusted CA" in lines[4]


def test_requests_needs_the_time(online, internet):
    """At power on it is 2000, and no certificate is valid yet."""
    lines = online(
        tls(internet, "(2000, 1, 1, 5, 0, 0, 0, 0)")
        + f"up({AUTH})\nprint(fetch('telemetry.example', context))",
        speed=4,
    )
    assert "future" in lines[0]


def test_requests_sends_all_of_a_text(online):
    lines = online(
        "import requests\n"
        f"up({AUTH})\n"
        "for args in ({'json': {'who': 'Bienenst\u00f6cke'}}, {'data': '\u00f6\u20ac'}, {'data': b'\\xff'}):\n"
        "    print(requests.post('http://plain.example/upload', **args).json()['length'])",
        speed=4,
    )
    assert lines == ["24", "5", "1"]


def test_errors_have_words(online, internet):
    """What a script meets that uses sockets by itself: `errno` as it was, and words behind it."""
    lines = online(
        tls(internet, "now")
        + f"""
import errno

def tell(f, *args):
    try:
        print(f(*args))
    except OSError as e:
        print(errno.errorcode[e.errno], str(e).split(": ", 1)[1:])

def sock(host, port):
    s = socket.socket()
    s.settimeout(5)
    s.connect(socket.getaddrinfo(host, port)[0][-1])
    return s

tell(socket.socket().connect, ("192.0.2.1", 80))
tell(socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto, b"x", ("192.0.2.1", 80))
up({AUTH})
tell(sock, "plain.example", 81)
tell(socket.socket().read, 1)
tell(socket.socket().write, b"x")
s = sock("plain.example", 80)
t = context.wrap_socket(sock("telemetry.example", 443), server_hostname="telemetry.example")
s.setblocking(False)
tell(s.read, 1)
tell(s.recv, 1)
s.settimeout(1)
for f in s.read, s.recv, s.readline:
    tell(f, 1)
nic.disconnect()
nic.active(False)
time.sleep(1)
for x in s, t:
    tell(x.read, 1)
    tell(x.readinto, bytearray(1))
    tell(x.write, b"x")
s = socket.socket()
s.close()
tell(s.read, 1)
"""
    )
    words = {
        "EHOSTUNREACH": ["there is no way to the host: bring the link up first"],
        "ECONNRESET": [
            "the other end refused or closed the connection: check host and port, then connect again"
        ],
        "ENOTCONN": ["there is no connection, or it has ended: connect first"],
        "EAGAIN": [],
        "ETIMEDOUT": ["no answer in time: try again, then check the link"],
        "ECONNABORTED": [
            "the connection is lost: bring the link up again if it is down, then connect again"
        ],
        "EBADF": ["this socket is closed: make a new one"],
    }
    told = [line.split(" ", 1) for line in lines]
    names = [name for name, *_ in told]
    # MicroPython 1.28 tells once that the connection is lost, and then that the socket is closed; 1.25 always the former.
    for at in 11, 12:
        names[at] = {"EBADF": "ECONNABORTED"}.get(names[at], names[at])
    assert names == [
        *["EHOSTUNREACH"] * 2,
        "ECONNRESET",
        *["ENOTCONN"] * 2,
        *["None", "EAGAIN"],
        *["ETIMEDOUT"] * 3,
        *["ECONNABORTED"] * 6,
        "EBADF",
    ]
    for name, *rest in told:
        assert rest == ([str(words[name])] if name != "None" else [])
