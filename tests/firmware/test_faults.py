"""One test for each fault of upstream's network.PPP that patches/ cure; each fails on the unpatched image."""

import statistics

import pytest
from emulated import get_rate, numbers, post_times, raw_rate
from emulator import Missing, find_image
from sim800.scenario import APN, Event, Radio

ROUNDS = pytest.mark.parametrize(
    "rounds", [3, pytest.param(100, marks=pytest.mark.slow)], ids=lambda n: f"{n}_rounds"
)

# To CONNECT, with the line then in the script's hands.
DIAL = """
from ppp_sim800.pdp import dial
from ppp_sim800.run import run
nic.active(True)
nic.modem.radio.register()
run(dial(nic.modem.aio, nic.config("apn"), False))
"""


@pytest.fixture(scope="session")
def unpatched():
    """Upstream's image without our patches, for ratios: SIM_IMAGE_UNPATCHED; None if it is not named."""
    try:
        return find_image("SIM_IMAGE_UNPATCHED", None)
    except Missing as missing:
        pytest.skip(str(missing))


def test_names_are_resolved(bench):
    """micropython #18737: getaddrinfo() never runs the scheduler, on which PPP's input hung."""
    bench.need_host()

    async def body(chip):
        return await bench.told(
            chip,
            bench.up
            + """
for _ in range(5):
    start = time.ticks_ms()
    try:
        socket.getaddrinfo(HOST, 80)
    except OSError as error:
        print("error=%s" % error)
    print("ms=%d" % time.ticks_diff(time.ticks_ms(), start))
""",
        )

    played = bench(body)
    assert not [line for line in played.lines if line.startswith("error=")], played.lines
    limit = 5000 if bench.on_board else 1000
    assert max(numbers(played.lines, "ms")) < limit


@pytest.mark.parametrize("runs", [5, pytest.param(20, marks=pytest.mark.slow)])
def test_uploads_do_not_crawl(bench, unpatched, runs):
    """60 kB by POST, in milliseconds. QEMU does not pace what a UART sends: half a second on an idle machine, where an
    upload that crawls takes minutes."""
    bench.need_simulator()

    async def body(chip):
        return await post_times(chip, runs)

    took = bench(body)
    assert len(took) == runs
    assert max(took) <= 5_000, took
    if unpatched:
        before = bench(body, image=unpatched)  # connections that were lost are not among them
        assert not before or statistics.median(took) <= 0.15 * statistics.median(before), (
            took,
            before,
        )


@pytest.mark.parametrize("runs", [1, pytest.param(5, marks=pytest.mark.slow)])
def test_downloads_are_as_fast_as_the_uart(bench, unpatched, runs):
    """60 kB by GET at 115200 baud: the bytes on the line in a second, beside what a raw UART is given."""
    bench.need_simulator()

    async def body(chip):
        raw = await raw_rate(chip)
        rates = [await get_rate(chip) for _ in range(runs)]
        return statistics.median(rates) / raw

    ratio = bench(body)
    assert ratio >= 0.97
    if unpatched:
        assert ratio >= 0.99 * bench(body, image=unpatched)


def test_timer_0_is_left_to_scripts(bench):
    """UART.irq(IRQ_RXIDLE), upstream's way to PPP's input, ends when a script uses the same timer."""
    bench.need_host()

    async def body(chip):
        return await bench.told(
            chip,
            bench.up
            + """
timer = machine.Timer(0)
ticks = []
timer.init(period=20, callback=lambda t: ticks.append(0))
socket.getaddrinfo("192.0.2.1", 80)
reply = b""
s = socket.socket()
try:
    s.settimeout(15)
    s.connect(socket.getaddrinfo(HOST, 80)[0][-1])
    s.write(b"GET / HTTP/1.0\\r\\nHost: " + HOST.encode() + b"\\r\\n\\r\\n")
    reply = s.read(5)
except OSError as error:
    print("error=%s" % error)
timer.deinit()
print("reply=%s ticks=%d" % (reply.decode(), len(ticks) > 0))
""",
        )

    assert bench(body).value("reply") == "HTTP/ ticks=1"


def test_input_flows_while_python_computes(bench):
    """Nothing of Python runs, not even its scheduler, while input for 2 s comes; all of it is there after."""
    bench.need_simulator()

    async def body(chip):
        return await bench.told(
            chip,
            bench.up
            + """
s = socket.socket()
s.connect(socket.getaddrinfo("203.0.113.15", 9)[0][-1])
s.settimeout(5)
s.write(b"GET 5000\\n")
@micropython.viper
def spin(n: int) -> int:
    x = 0
    for i in range(n):
        x += i
    return x
start = time.ticks_ms()
while time.ticks_diff(time.ticks_ms(), start) < 2000:
    spin(2000000)
s.setblocking(False)
print("came=%d" % len(s.read(5000) or b""))
""".replace("import network", "import micropython, network"),
        )

    assert bench(body).value("came") == "5000"


def test_dead_peer_is_noticed(bench):
    """The bearer dies without a word: LCP's echo is not answered."""
    bench.need_simulator()

    async def body(chip):
        return await bench.told(
            chip,
            bench.up
            + """
ppp = nic.link.ppp
do("carrier_lost")
start = time.ticks_ms()
while ppp.isconnected() and time.ticks_diff(time.ticks_ms(), start) < 60000:
    time.sleep_ms(100)
print("noticed=%d" % time.ticks_diff(time.ticks_ms(), start))
while ppp.status() > 0 and time.ticks_diff(time.ticks_ms(), start) < 70000:
    time.sleep_ms(100)
print("status=%d" % ppp.status())
timed("again", nic.connect)
""",
            timeout=150,
        )

    played = bench(body)
    assert int(played.value("noticed")) <= 40_000
    assert played.value("status") == "-9"
    assert played.value("again") == "ok"


HEAP = """
import gc, esp32
gc.collect()
gc.collect()
print("heap=%d" % gc.mem_free())
print("idf=%d" % sum(part[1] for part in esp32.idf_heap_info(esp32.HEAP_DATA)))
"""


def steady(free: list[int]) -> None:
    """Free bytes after each round are, at the end, what they were after the tenth (or first) but for 1 %."""
    after = free[min(9, len(free) // 2)]
    assert free[-1] >= 0.99 * after, free


@ROUNDS
def test_soft_resets_with_the_link_up(bench, rounds):
    """Ctrl-D with PPP up: lwIP must not keep a netif in the heap that goes away. A panic fails the run."""

    async def body(chip):
        free, idf = [], []
        for _ in range(rounds):
            played = await bench.told(
                chip, bench.up + 'print("up=%d" % nic.isconnected())' + HEAP, timeout=150
            )
            assert played.value("up") == "1"
            free += numbers(played.lines, "heap")
            idf += numbers(played.lines, "idf")
            await chip.soft_reset()
        steady(free)
        steady(idf)
        if not bench.on_board:
            assert len(chip.journal.seen("ppp", "terminated")) == rounds

    bench(body)


@ROUNDS
def test_connect_and_disconnect_rounds(bench, rounds):
    async def body(chip):
        script = bench.up + f"for n in range({rounds}):\n    nic.disconnect()\n    nic.connect()\n"
        heap = "".join(f"    {line}\n" for line in HEAP.strip().splitlines())
        played = await bench.told(
            chip, script + heap + "nic.disconnect()", timeout=60 + 10 * rounds
        )
        for key in ("heap", "idf"):
            free = numbers(played.lines, key)
            assert len(free) == rounds
            steady(free)
        if not bench.on_board:
            assert len(chip.journal.seen("ppp", "terminated")) == rounds + 1

    bench(body)


def test_garbage_collection_of_a_link_that_is_up(bench):
    """A link that nobody holds any more ends without a word, and lwIP keeps nothing of it: no panic, another one works."""
    bench.need_simulator()

    async def body(chip):
        return await bench.told(
            chip,
            bench.up.replace("nic.connect()", "")
            + DIAL
            + """
def lose():
    ppp = network.PPP(nic.modem.uart)
    ppp.connect(security=ppp.SEC_PAP, user="", key="")
    for _ in range(1000):
        if ppp.isconnected():
            return print("up=1")
        time.sleep_ms(10)

def deep(n):  # writes over what the stack still holds
    return n and deep(n - 1)

lose()
for _ in range(10):
    deep(20)
    gc.collect()
    time.sleep_ms(100)
rubbish = [bytearray(1000) for _ in range(500)]
timed("again", nic.connect)
print("status=" + nic.status())
""",
            timeout=150,
        )

    played = bench(body)
    assert played.value("up") == "1"
    assert played.value("again") == "ok"
    assert played.value("status") == "up"
    assert not played.journal.seen("ppp", "terminated")


def test_active_false_ends_a_link_that_is_up(bench):
    """It says LCP Terminate, so that the modem is in command mode again, and takes bounded time."""
    bench.need_simulator()

    async def body(chip):
        return await bench.told(
            chip,
            bench.up
            + """
ppp = nic.link.ppp
start = time.ticks_ms()
ppp.active(False)
while ppp.active():
    time.sleep_ms(5)
print("ms=%d" % time.ticks_diff(time.ticks_ms(), start))
time.sleep_ms(500)
timed("again", nic.connect)
""",
        )

    played = bench(body)
    assert int(played.value("ms")) < 3000
    assert played.value("again") == "ok"
    assert played.journal.seen("ppp", "terminated")


def test_active_false_while_connecting(bench):
    """Takes bounded time, and the same object connects again at once."""
    bench.need_simulator()

    async def body(chip):
        return await bench.told(
            chip,
            bench.up.replace("nic.connect()", "")
            + DIAL
            + """
ppp = network.PPP(nic.modem.uart)
ppp.connect()
time.sleep_ms(1000)
print("connecting=%d" % (ppp.status() == 3))
start = time.ticks_ms()
ppp.active(False)
while ppp.active() and time.ticks_diff(time.ticks_ms(), start) < 20000:
    time.sleep_ms(5)
try:
    ppp.connect()
    print("again=ok")
except OSError as error:
    print("again=%s" % error)
print("ms=%d" % time.ticks_diff(time.ticks_ms(), start))
ppp.active(False)
""",
        )

    played = bench(body, events=(Event("ppp_silent"),))
    assert played.value("connecting") == "1"
    assert played.value("again") == "ok"
    assert int(played.value("ms")) < 3000


def test_connected_means_having_an_address(bench):
    async def body(chip):
        return await bench.told(
            chip,
            bench.up.replace("nic.connect()", "")
            + DIAL
            + """
ppp = network.PPP(nic.modem.uart)
ppp.connect(security=ppp.SEC_PAP, user="", key="")
start = time.ticks_ms()
while not ppp.isconnected() and time.ticks_diff(time.ticks_ms(), start) < 30000:
    pass
print("address=" + ppp.ipconfig("addr4")[0])
ppp.disconnect()
while ppp.isconnected():
    pass
try:
    print("after=%s" % (ppp.ipconfig("addr4")[0] if ppp.isconnected() else "none"))
except ValueError:
    print("after=none")
""",
        )

    played = bench(body)
    assert played.value("address") not in ("", "0.0.0.0")
    assert played.value("after") == "none"


def test_failed_link_is_ended_by_disconnect(bench):
    """Upstream's disconnect() does nothing to a link that has failed."""
    bench.need_simulator()

    async def body(chip):
        return await bench.told(
            chip,
            bench.up.replace("nic.connect()", "")
            + DIAL
            + """
ppp = network.PPP(nic.modem.uart)
ppp.connect(security=ppp.SEC_PAP, user="bee", key="wrong")
start = time.ticks_ms()
while ppp.status() >= 0 and time.ticks_diff(time.ticks_ms(), start) < 20000:
    time.sleep_ms(10)
print("failed=%d" % ppp.status())
ppp.disconnect()
while ppp.status() < 0 and time.ticks_diff(time.ticks_ms(), start) < 25000:
    time.sleep_ms(10)
print("after=%d" % ppp.status())
nic.config(user="bee", password="honey")
timed("again", nic.connect)
""",
        )

    played = bench(body, radio=Radio(apns={"internet": APN("pap", "bee", "honey")}))
    assert played.value("failed") == "-7"
    assert played.value("after") == "0"
    assert played.value("again") == "ok"


def test_status_has_names(bench):
    async def body(chip):
        return await bench.told(
            chip,
            """
import network
for name in ("INACTIVE", "ACTIVE", "CONNECTING", "CONNECTED", "CONNECT_FAIL", "AUTH_FAIL", "PEER_DEAD"):
    print("%s=%s" % (name, getattr(network.PPP, "STAT_" + name, None)))
""",
        )

    played = bench(body)
    named = {line.split("=")[0]: line.split("=")[1] for line in played.lines if "=" in line}
    assert named == {
        "INACTIVE": "0",
        "ACTIVE": "1",
        "CONNECTING": "3",
        "CONNECTED": "4",
        "CONNECT_FAIL": "-6",
        "AUTH_FAIL": "-7",
        "PEER_DEAD": "-9",
    }
