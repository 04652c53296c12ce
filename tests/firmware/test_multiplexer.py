"""modules/cmux in the firmware image: PPP and AT commands at once, natively."""

import pytest
from cmux_hands import HANDS
from sim800.scenario import Modem

# An answer comes within 300 ms; of twenty one may be late, on a machine that may be busy.
LATE = 0.05
READY = Modem(start="command", ipr=115200, latency=0.2)

TRAFFIC = """
import _thread, esp32

def heap():
    gc.collect()
    return sum(region[1] for region in esp32.idf_heap_info(esp32.HEAP_DATA))

def get(count):
    s = socket.socket()
    s.settimeout(30)
    s.connect(socket.getaddrinfo("bulk.example", 9)[0][-1])
    s.write(b"GET %d\\n" % count)
    got = 0
    buffer = bytearray(1024)
    while got < count:
        n = s.readinto(buffer)
        if not n:
            break
        got += n
    s.close()
    return got
"""


def test_ppp_and_commands_at_once(play):
    played = play(
        HANDS
        + TRAFFIC
        + """
mux = one = two = None  # no part of what is measured
before, python = heap(), gc.mem_free()
mux = enter()
one, two = mux.open(1, 512), mux.open(2, 256)  # as ppp_sim800.multiplexer
until(lambda: one.state() == two.state() == cmux.OPEN)
print("ram=%d" % (before - heap()))
print("python=%d" % (python - gc.mem_free()))
nic = up(two)
answers, late, stop = 0, 0, False

def ask():
    global answers, late
    while not stop:
        start = time.ticks_ms()
        answers += b"+CSQ: 18,0" in at(one, b"AT+CSQ")
        late += time.ticks_diff(time.ticks_ms(), start) > 300
        time.sleep_ms(100)

_thread.start_new_thread(ask, ())
print("got=%d" % sum(get(30000) for _ in range(3)))
stop = True
time.sleep_ms(500)
print("answers=%d" % answers)
print("late=%d" % late)
nic.disconnect()
until(lambda: nic.status() not in (3, 4))
nic.active(False)
until(lambda: two.any() >= 14)
print("end=%s" % two.read())
leave(mux)
print("at=%s" % at(uart, b"AT"))
print("stats=%s" % (mux.stats()[1:],))
""",
        modem=READY,
        timeout=120,
    )
    assert played.value("got") == "90000"
    answers = int(played.value("answers"))
    assert answers > 20
    assert int(played.value("late")) <= LATE * answers
    assert played.value("end") == r"b'\r\nNO CARRIER\r\n'"
    assert played.value("at") == r"b'AT\r\r\nOK\r\n'"
    assert played.value("stats") == "(0, 0, 0)"
    # The chip's own memory, and Python's heap in PSRAM.
    assert int(played.value("ram")) + int(played.value("python")) <= 4096


@pytest.mark.parametrize(
    "count", [50, pytest.param(1000, marks=pytest.mark.slow)], ids=lambda n: f"{n}_rounds"
)
def test_rounds_lose_no_memory(play, count):
    played = play(
        HANDS
        + TRAFFIC
        + """
def rounds(count):
    for _ in range(count):
        mux = enter()
        one, two = channels(mux, 1, 2)
        leave(mux)
    mux = one = two = None
    gc.collect()
    time.sleep_ms(100)
    return heap(), gc.mem_free()

before = rounds(3)
after = rounds({count})
print("idf=%d" % (before[0] - after[0]))
print("gc=%d" % (before[1] - after[1]))
""".replace("{count}", str(count)),
        modem=READY,
        timeout=max(120, count),
    )
    assert int(played.value("idf")) <= 64
    assert int(played.value("gc")) <= 512


UNDER_WAY = (
    HANDS
    + """
mux = enter()
one, two = channels(mux, 1, 2)
nic = up(two)
"""
)

ANEW = (
    HANDS
    + """
uart.write(b"\\xf9" * 264 + cmux.CLD)  # it may multiplex still
time.sleep_ms(300)
uart.write(b"\\r")
time.sleep_ms(300)
uart.read()
print("plain=%d" % (b"OK" in at(uart, b"AT")))
mux = enter()
one, two = channels(mux, 1, 2)
nic = up(two)
s = socket.socket()
s.settimeout(30)
s.connect(socket.getaddrinfo("bulk.example", 9)[0][-1])
s.write(b"GET 2000\\n")
print("asked=%d" % (b"+CSQ: 18,0" in at(one, b"AT+CSQ")))
print("got=%d" % len(s.read(2000)))
s.close()
nic.disconnect()
until(lambda: nic.status() not in (3, 4))
nic.active(False)
leave(mux)
print("left=%d" % (b"OK" in at(uart, b"AT")))
"""
)


@pytest.mark.parametrize("end", [None, "uart.deinit()", "mux.deinit()", 'do("cmux_cld")'])
def test_ends_with_ppp_up(bench, end):
    """Soft reset (None), UART or multiplexer gone under a link: no panic, and all can be begun anew."""
    bench.need_simulator()

    async def body(chip):
        await bench.told(chip, UNDER_WAY)
        if end is None:
            await chip.soft_reset()
            return await bench.told(chip, ANEW)
        ended = (
            "\nuntil(lambda: mux.state() == cmux.CLOSED)\ntime.sleep_ms(500)\nnic.active(False)\n"
        )
        return await bench.told(chip, end + ended + ANEW)

    played = bench(body, modem=READY)
    assert played.lines[-4:] == ["plain=1", "asked=1", "got=2000", "left=1"]


@pytest.mark.slow
def test_link_and_commands_for_ten_minutes(play):
    """The package's link loaded both ways, and a command every 0.2 s: all arrives as it was sent."""
    played = play(
        TRAFFIC
        + """
import binascii, gc, hashlib, socket

SIZE = 60000

def connected():
    s = socket.socket()
    s.settimeout(30)
    s.connect(socket.getaddrinfo("bulk.example", 9)[0][-1])
    return s

def down():
    s = connected()
    s.write(b"GET %d\\n" % SIZE)
    digest, got = hashlib.sha256(), 0
    while got < SIZE:
        piece = s.read(min(2000, SIZE - got))
        if not piece:
            break
        got += len(piece)
        digest.update(piece)
    s.close()
    return got, binascii.hexlify(digest.digest())

def up(data, digest):
    s = connected()
    s.write(b"PUT %d\\n" % len(data))
    s.write(data)
    answer = s.readline()
    s.close()
    return answer == b"OK %d %s\\n" % (len(data), digest)

nic = ppp_sim800.PPP("internet")
nic.connect()
asked = answered = late = 0
stop = False

def ask():
    global asked, answered, late
    while not stop:
        start = time.ticks_ms()
        asked += 1
        answered += nic.modem.radio.signal() is not None
        late += time.ticks_diff(time.ticks_ms(), start) > 300
        time.sleep_ms(200)

data = bytes(n * 7 + (n >> 8) & 0xFF for n in range(SIZE))
sent = binascii.hexlify(hashlib.sha256(data).digest())
wanted = None
rounds = wrong = 0
begun = time.time()
_thread.start_new_thread(ask, ())
while time.time() - begun < 600:
    got, digest = down()
    wanted = wanted or digest
    wrong += got != SIZE or digest != wanted
    wrong += not up(data, sent)
    rounds += 1
    if rounds == 3:
        gc.collect()
        before = heap(), gc.mem_free()
stop = True
time.sleep(1)
gc.collect()
print("lost=%d %d" % (before[0] - heap(), before[1] - gc.mem_free()))
print("rounds=%d" % rounds)
print("wrong=%d" % wrong)
print("asked=%d" % asked)
print("unanswered=%d" % (asked - answered))
print("late=%d" % late)
print("connects=%d" % nic.stats().connects)
print("state=" + nic.status())
nic.disconnect()
""",
        modem=READY,
        timeout=200,
    )
    print(*played.lines, sep="\n")
    assert int(played.value("rounds")) > 20
    assert played.value("wrong") == "0"
    asked = int(played.value("asked"))
    assert asked > 1000
    assert played.value("unanswered") == "0"
    assert int(played.value("late")) <= LATE * asked
    assert played.value("connects") == "1"
    assert played.value("state") == "up"
    assert not played.journal.seen("ppp", "damaged")
    assert max(map(int, played.value("lost").split())) <= 1000
