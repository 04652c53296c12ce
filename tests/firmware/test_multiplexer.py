"""modules/cmux in the firmware image: PPP and AT commands at once, natively."""

import pytest
from cmux_hands import HANDS
from sim800.scenario import Modem

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
before, python = heap(), gc.mem_free()
mux = enter()
one, two = mux.open(1), mux.open(2, 256)
until(lambda: one.state() == two.state() == cmux.OPEN)
print("ram=%d" % (before - heap()))
print("python=%d" % (python - gc.mem_free()))
nic = up(two)
answers, longest, stop = 0, 0, False

def ask():
    global answers, longest
    while not stop:
        start = time.ticks_ms()
        answers += b"+CSQ: 18,0" in at(one, b"AT+CSQ")
        longest = max(longest, time.ticks_diff(time.ticks_ms(), start))
        time.sleep_ms(100)

_thread.start_new_thread(ask, ())
print("got=%d" % sum(get(30000) for _ in range(3)))
stop = True
time.sleep_ms(500)
print("answers=%d" % answers)
print("longest=%d" % longest)
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
    assert int(played.value("answers")) > 20
    assert int(played.value("longest")) <= 1000  # ms, on a machine that may be busy
    assert played.value("end") == r"b'\r\nNO CARRIER\r\n'"
    assert played.value("at") == r"b'AT\r\r\nOK\r\n'"
    assert played.value("stats") == "(0, 0, 0)"
    assert int(played.value("ram")) <= 2600  # of the chip's own
    assert int(played.value("python")) <= 2600  # of Python's heap, in PSRAM


def test_rounds_lose_no_memory(play):
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
after = rounds(50)
print("idf=%d" % (before[0] - after[0]))
print("gc=%d" % (before[1] - after[1]))
""",
        modem=READY,
        timeout=120,
    )
    assert int(played.value("idf")) <= 64
    assert int(played.value("gc")) <= 512


@pytest.mark.parametrize("end", ["", "uart.deinit()\n", "mux.deinit()\n", "do('cmux_cld')\n"])
def test_ends_with_ppp_up(play, end):
    """Soft reset, UART or multiplexer gone under a link: no panic, and all can be begun anew."""
    played = play(HANDS + "mux = enter()\none, two = channels(mux, 1, 2)\nnic = up(two)\n" + end
                  + "print('up=1')\n", modem=READY)  # fmt: skip
    assert played.value("up") == "1"
