"""modules/cmux in the VM, against the simulated modem and with network.PPP on one of its channels."""

import pytest
from cmux_hands import HANDS
from sim800 import cmux
from sim800.scenario import Event, Modem
from vmbench import VM, Bench

READY = Modem(start="command", ipr=115200, latency=0.2)


@pytest.fixture
def talk(play):
    def talk(script, **more):
        return play(HANDS + script, modem=more.pop("modem", READY), **more)

    return talk


def said(played):
    """What the script printed, without what do() leaves."""
    return [line for line in played.lines if line != "done" and not line.startswith("@")]


def test_commands_beside_a_download(talk):
    played = talk("""
mux = enter()
one, two = channels(mux, 1, 2)
nic = up(two)
s = socket.socket()
s.connect(socket.getaddrinfo("bulk.example", 9)[0][-1])
s.write(b"GET 40000\\n")
got, answers = 0, 0
one.write(b"AT+CSQ\\r")
while got < 40000:
    got += len(s.recv(500))
    if one.any() > 20:
        answers += b"+CSQ: 18,0" in one.read()
        one.write(b"AT+CSQ\\r")
s.close()
print("answers=%d" % (answers > 3))
nic.disconnect()
until(lambda: nic.status() not in (3, 4))
nic.active(False)
until(lambda: two.any() >= 14)
print("end=%s" % two.read())
leave(mux)
print("at=%s" % at(uart, b"AT"))
print("stats=%s" % (mux.stats()[1:],))
""")
    assert played.value("answers") == "1"
    assert played.value("end") == r"b'\r\nNO CARRIER\r\n'"
    assert played.value("at") == r"b'AT\r\r\nOK\r\n'"
    assert played.value("stats") == "(0, 0, 0)"


def test_errors_are_sentences(talk):
    played = talk("""
error(cmux.CMUX, 5)
error(cmux.CMUX, uart, n1=8)
error(cmux.CMUX, uart, t1=1)
mux = enter()
error(mux.open, 5)
error(mux.open, 1, rxbuf=10)
one = mux.open(1)
error(mux.open, 1)
error(one.write, b"too soon")
until(lambda: one.state() == cmux.OPEN)
one.close()
until(lambda: one.state() == cmux.CLOSED)
error(one.write, b"closed")
print(one.read(), one.any())
one, two = channels(mux, 1, 2)
uart.deinit()
print(mux.state() == cmux.CLOSED)
error(one.write, b"gone")
error(mux.open, 3)
""")
    assert played.lines == [
        "OSError: a multiplexer needs a machine.UART",
        "ValueError: n1 must be 16 to 255",
        "ValueError: t1 must be 10 to 2550 milliseconds",
        "ValueError: there is no DLCI 5: use 1 to 4",
        "ValueError: rxbuf must be 254 to 32768",
        "OSError: DLCI 1 is in use: close() it first",
        "OSError: DLCI 1 is not open: open() it, then wait for its state()",
        "OSError: DLCI 1 is not open: open() it, then wait for its state()",
        "b'' 0",
        "True",
        "OSError: the UART was closed under the multiplexer: begin anew",
        "OSError: the UART was closed under the multiplexer: begin anew",
    ]


def test_a_modem_that_does_not_multiplex(talk):
    """It echoes our frames, and says nothing else."""
    played = talk("""
mux = cmux.CMUX(uart)
one = mux.open(1)
start = time.ticks_ms()
until(lambda: mux.state() != cmux.OPENING)
print(mux.state() == cmux.SILENT, one.state() == cmux.CLOSED)
print("ms=%d" % time.ticks_diff(time.ticks_ms(), start))
print(b"OK" in at(uart, b"AT"))
""")
    assert played.lines[0] == "True True"
    assert 1100 <= int(played.value("ms")) <= 2000
    assert played.lines[-1] == "True"


def test_found_multiplexing(talk):
    played = talk(
        """
print(at(uart, b"AT", ms=500))
uart.write(b"\\xf9" * 140 + cmux.CLD)
time.sleep_ms(100)
print(uart.read())
print(at(uart, b"AT"))
""",
        modem=Modem(start="cmux", ipr=115200),
    )
    answer = cmux.frame(0, False, cmux.UIH, b"\xc1\x01")
    assert played.lines == ["b''", repr(answer), r"b'AT\r\r\nOK\r\n'"]


def test_a_lost_ua_costs_t1(talk):
    played = talk("""
mux = enter(n2=3)
until(lambda: mux.state() == cmux.OPEN)
do("cmux_lose_ua count=2")
start = time.ticks_ms()
one, = channels(mux, 1)
print("ms=%d" % time.ticks_diff(time.ticks_ms(), start))
do("cmux_lose_ua count=99")
two = mux.open(2)
until(lambda: two.state() != cmux.OPENING)
print(two.state() == cmux.SILENT)
print(b"OK" in at(one, b"AT"))
""")
    assert 600 <= int(played.value("ms")) <= 900
    assert said(played)[1:] == ["True", "True"]


def test_stopped_by_the_modem(talk):
    played = talk("""
mux = enter()
one, two = channels(mux, 1, 2)
do("cmux_stop dlci=1")
until(lambda: one.write(b"x") is None)
print(b"OK" in at(two, b"AT"))
do("cmux_stop dlci=1 on=0")
until(lambda: one.write(b"\\r") == 1)
print(b"OK" in at(one, b"AT"))
do("cmux_fcoff")
until(lambda: one.write(b"x") is None)
print(two.write(b"x"))
leave(mux)
print(b"OK" in at(uart, b"AT"))
""")
    assert said(played) == ["True", "True", "None", "True"]


def test_closed_by_the_modem(talk):
    played = talk("""
mux = enter()
one, two = channels(mux, 1, 2)
do("cmux_disc dlci=2")
until(lambda: two.state() == cmux.CLOSED)
print(b"OK" in at(one, b"AT"))
two, = channels(mux, 2)
nic = up(two)
do("cmux_cld")
until(lambda: mux.state() == cmux.CLOSED)
print(one.state() == two.state() == cmux.CLOSED)
uart.write(b"\\r")  # ends the line our answer to CLD has begun: the modem multiplexes no more
time.sleep_ms(100)
print(b"OK" in at(uart, b"AT"))
nic.active(False)
""")
    assert said(played) == ["True"] * 3


def test_what_nobody_reads_stops_the_modem(talk):
    """Python is busy: the modem is told to wait, nothing is lost, and PPP beside it is not held up."""
    played = talk(
        """
mux = enter()
one, = channels(mux, 1)
three = mux.open(3, 4096)
until(lambda: three.state() == cmux.OPEN)
for _ in range(10):
    three.write(b"AT&V\\r")
    time.sleep_ms(300)
print("held=%d" % (2048 <= three.any() <= 4096))
print("beside=%s" % (b"OK" in at(one, b"AT")))
got = b""
while got.count(b"OK\\r\\n") < 10:
    until(three.any)
    got += three.read(100)
print("commands=%d" % got.count(b"AT&V"))
print("stats=%s" % (mux.stats()[1:],))
""",
        speed=1,
    )
    assert played.value("held") == "1"
    assert played.value("beside") == "True"
    assert played.value("commands") == "10"
    assert played.value("stats") == "(0, 0, 0)"


@pytest.mark.parametrize("fault", ["drop_bytes", "double_bytes", "flip_bits"])
def test_noise_on_the_line(talk, fault):
    """Commands may fail, but never hang; when the noise is over all works."""
    played = talk(f"""
mux = enter()
one, two = channels(mux, 1, 2)
nic = up(two)
do("{fault} rate=0.01")
for _ in range(30):
    at(one, b"AT+CSQ", ms=300)
do("{fault} rate=0")
time.sleep_ms(1200)
at(one, b"", ms=300)
print(b"+CSQ" in at(one, b"AT+CSQ"))
print(mux.stats()[1] > 0)
leave(mux)
print(b"OK" in at(uart, b"AT"))
nic.active(False)
""")
    assert said(played) == ["True"] * 3


def test_reset_of_the_modem(talk):
    played = talk(
        """
mux = enter()
one, = channels(mux, 1)
until(lambda: mux.stats()[2] > 0, 20000)  # RDY, outside of frames
print(at(one, b"AT", ms=500))
mux.deinit()
print(b"OK" in at(uart, b"AT"))
""",
        events=(Event("modem_reset", when="start", after=2),),
    )
    assert played.lines[-2:] == ["b''", "True"]


def test_a_thousand_rounds_lose_no_memory(talk):
    played = talk(
        """
def rounds(count):
    for _ in range(count):
        mux = enter()
        until(lambda: mux.state() == cmux.OPEN)
        one, = channels(mux, 1)
        leave(mux)
    mux = one = None
    gc.collect()
    return gc.mem_free()

before = rounds(20)
after = rounds(1000)
print("lost=%d" % (before - after))
""",
        modem=Modem(start="command", ipr=115200, latency=0),
        speed=20,
        timeout=300,
    )
    assert int(played.value("lost")) <= 256


def test_irq_and_poll(talk):
    played = talk("""
import select
mux = enter()
one, = channels(mux, 1)
called = []
one.irq(lambda c: called.append(c is one), one.IRQ_RXIDLE)
one.write(b"AT\\r")
until(lambda: called)
print(called[0])
one.irq(None)
poll = select.poll()
poll.register(one, select.POLLIN)
time.sleep_ms(100)
one.read()
print(poll.ipoll(0) and list(poll.poll(0)))
one.write(b"AT\\r")
print(len(poll.poll(1000)))
one.close()
until(lambda: one.state() == cmux.CLOSED)
print(poll.poll(0)[0][1] & select.POLLHUP != 0)
""")
    assert played.lines == ["True", "[]", "1", "True"]


@pytest.mark.skipif(not VM.exists(), reason="build/vm/micropython is not built")
def test_nothing_is_read_behind_the_last_frame(tmp_path):
    """What comes right behind the answer to CLD is the UART's."""
    bench = Bench(tmp_path)
    try:
        process = bench.start(
            """
import cmux, machine, time
uart = machine.UART(1, 115200, tx=27, rx=26, rxbuf=1024, txbuf=1024)
mux = cmux.CMUX(uart)
while mux.state() != cmux.OPEN:
    time.sleep_ms(1)
mux.close()
while mux.state() != cmux.CLOSED:
    time.sleep_ms(1)
time.sleep_ms(50)
print(uart.read())
"""
        )
        assert bench.receive(6)[0] == bytes.fromhex("f9033f011cf9")
        bench.send(bytes.fromhex("f9037301d7f9"))
        assert bench.receive(8)[0] == bytes.fromhex("f903ef05c301f2f9")
        bench.send(cmux.frame(0, False, cmux.UIH, b"\xc1\x01") + b"\r\nRDY\r\n")
        assert process.communicate(timeout=10)[0] == repr(b"\r\nRDY\r\n") + "\n"
    finally:
        bench.close()
