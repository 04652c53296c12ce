"""The board: its bus as a client sees it, the wirings, pulses, and the power chips' registers."""

import asyncio
from types import SimpleNamespace

import pytest
from board.bus import LINE_LIMIT, Bus, _Connection
from board.chips import AXP192, IP5306, Battery
from board.tcall import BOARDS, FLASH, INPUT_ONLY, PSRAM, BoardError, Nack, TCall
from hypothesis import given
from hypothesis import strategies as st
from network.clock import Clock
from network.journal import Journal
from sim800.scenario import Scenario

NEWEST = "SIM800L_IP5306_20200811"


class HandClock(Clock):
    """A clock moved by hand; timers fire when it passes them."""

    def __init__(self):
        super().__init__()
        self.time = 0.0
        self.timers = []

    def now(self):
        return self.time

    def call_later(self, seconds, callback, *args):
        timer = SimpleNamespace(at=self.time + seconds, run=lambda: callback(*args))
        timer.cancel = lambda: self.timers.remove(timer) if timer in self.timers else None
        self.timers.append(timer)
        return timer

    def advance(self, seconds):
        end = self.time + seconds
        while due := [timer for timer in self.timers if timer.at <= end]:
            timer = min(due, key=lambda timer: timer.at)
            self.timers.remove(timer)
            self.time = timer.at
            timer.run()
        self.time = end


class FakeModem:
    """Notes what is done to it."""

    def __init__(self, clock):
        self.clock = clock
        self.calls = []
        self.line = SimpleNamespace(path="/dev/pts/99")
        self.on_ri = None

    def __getattr__(self, name):
        if name not in ("supply", "pwrkey", "reset", "dtr"):
            raise AttributeError(name)
        return lambda value: self.calls.append((name, value))


class Bench:
    """A board with a fake modem, a clock moved by hand, and its bus without a socket."""

    def __init__(self, name=NEWEST, battery=None):
        self.clock = HandClock()
        self.journal = Journal(self.clock)
        self.modem = FakeModem(self.clock)
        self.board = TCall(self.clock, BOARDS[name], self.modem, self.journal, battery)
        self.bus = Bus(self.clock, "unused", self.board)
        self.events = []
        self.board.on_event = self.events.append

    def ask(self, line):
        return self.bus.answer(line.encode())

    def seen(self, prefix=""):
        return self.journal.seen("board", prefix)


@pytest.fixture
def bench():
    return Bench()


# --- wirings ----------------------------------------------------------------------------------


@pytest.mark.parametrize("wiring", BOARDS.values(), ids=BOARDS)
def test_wirings_are_possible(wiring):
    outputs = [wiring.supply, wiring.tx, wiring.pwrkey, wiring.rst, wiring.dtr, wiring.led]
    inputs = [wiring.rx, wiring.ri, wiring.irq]
    both = [wiring.sda, wiring.scl]
    pins = [pin for pin in outputs + inputs + both if pin is not None]
    assert len(set(pins)) == len(pins)
    assert not set(pins) & {*FLASH, *PSRAM, 0, 1, 3}  # nor the console's
    assert not set(outputs + both) & set(INPUT_ONLY)
    assert wiring.name.startswith(f"{wiring.modem}_{wiring.chip}_")


def test_boards_are_as_the_vendor_lists_them():
    table = {
        name: (w.supply, w.tx, w.rx, w.pwrkey, w.rst, w.dtr, w.ri, w.led, w.led_active_low)
        for name, w in BOARDS.items()
    }
    assert table == {
        "SIM800L_IP5306_20190610": (23, 27, 26, 4, 5, None, None, 13, False),
        "SIM800L_IP5306_20200811": (23, 27, 26, 4, 5, 32, 33, 13, False),
        "SIM800L_AXP192_20200327": (23, 27, 26, 4, 5, 32, 33, 13, False),
        "SIM800C_AXP192_20200609": (25, 27, 26, 4, None, 32, 33, 12, True),
    }


def test_the_scenarios_board_exists():
    assert Scenario().board in BOARDS


# --- pins -------------------------------------------------------------------------------------


def test_nothing_happens_to_the_modem_by_itself(bench):
    assert bench.ask("reset power_on") == "ok"
    assert bench.modem.calls == []


def test_supply_and_keys_reach_the_modem(bench):
    for line in ("pin 23 out 1", "pin 4 out 1", "pin 4 out 0", "pin 4 out 1", "pin 5 out 0"):
        assert bench.ask(line) == "ok"
    bench.ask("pin 32 out 0")
    assert bench.modem.calls == [
        ("supply", True),
        ("pwrkey", True),
        ("pwrkey", False),
        ("reset", True),
        ("dtr", False),
    ]


def test_the_first_low_on_the_supply_counts(bench):
    bench.ask("pin 23 out 0")
    assert bench.modem.calls == [("supply", False)]


def test_width_of_a_pulse_is_in_the_journal(bench):
    bench.ask("pin 4 out 0")
    bench.clock.advance(1.2)
    bench.ask("pin 4 out 0")  # again: no edge
    bench.ask("pin 4 out 1")
    low, high = bench.seen("PWRKEY")
    assert (low.what, high.what) == ("PWRKEY low", "PWRKEY high")
    assert high.fields == {"pin": 4, "width": 1.2}


def test_an_undriven_key_is_released(bench):
    bench.ask("pin 4 out 0")
    bench.clock.advance(0.5)
    assert bench.ask("pin 4 in none") == "ok 1"
    assert bench.modem.calls == [("pwrkey", True), ("pwrkey", False)]
    assert bench.seen("PWRKEY high")[0].fields["width"] == 0.5


def test_reset_lets_all_outputs_go(bench):
    for line in ("pin 23 out 1", "pin 4 out 0", "pin 32 out 0", "pin 13 out 1"):
        bench.ask(line)
    bench.modem.calls.clear()
    assert bench.ask("reset watchdog") == "ok"
    assert sorted(bench.modem.calls) == [("dtr", True), ("pwrkey", False), ("supply", False)]
    assert bench.seen("reset watchdog") and bench.seen("LED off") and bench.seen("supply off")


def test_a_held_supply_survives_deep_sleep_but_not_a_power_cut(bench):
    bench.ask("pin 23 out 1")
    assert bench.ask("pin 23 hold 1") == "ok"
    bench.ask("reset deepsleep")
    assert bench.ask("pin 23 read") == "ok 1"
    bench.ask("pin 23 out 0")  # the pad is frozen
    assert bench.ask("pin 23 read") == "ok 1"
    assert bench.modem.calls == [("supply", True)]
    bench.ask("pin 23 hold 0")
    assert bench.modem.calls == [("supply", True), ("supply", False)]
    bench.ask("pin 23 out 1")
    bench.ask("pin 23 hold 1")
    bench.ask("reset power_on")
    assert bench.modem.calls[-1] == ("supply", False)


def test_what_is_not_wired_reaches_nobody():
    bench = Bench("SIM800C_AXP192_20200609")
    for pin in (5, 23, 14):
        bench.ask(f"pin {pin} out 1")
        bench.ask(f"pin {pin} out 0")
    assert bench.modem.calls == []
    bench.ask("pin 25 out 1")
    assert bench.modem.calls == [("supply", True)]
    old = Bench("SIM800L_IP5306_20190610")
    old.ask("pin 32 out 0")
    assert old.modem.calls == [] and old.modem.on_ri is None


def test_an_led_that_is_active_low():
    bench = Bench("SIM800C_AXP192_20200609")
    bench.ask("pin 12 out 0")
    bench.ask("pin 12 out 1")
    assert [e.what for e in bench.seen("LED")] == ["LED on", "LED off"]


def test_levels_of_pins(bench):
    assert bench.ask("pin 14 in up") == "ok 1"
    assert bench.ask("pin 14 in down") == "ok 0"
    assert bench.ask("pin 14 in none") == "ok 0"
    assert bench.ask("pin 36 in up") == "ok 0"  # has no pull resistors
    assert bench.ask("pin 14 out 1") == "ok"
    assert bench.ask("pin 14 read") == "ok 1"
    assert bench.ask("pin 21 read") == "ok 1"  # I2C is pulled up
    assert bench.ask("pin 23 read") == "ok 0"


def test_ri_is_told_to_who_listens(bench):
    bench.modem.on_ri(False)
    assert bench.events == []
    assert bench.ask("pin 33 in up") == "ok 0"
    bench.modem.on_ri(False)
    bench.modem.on_ri(True)
    bench.modem.on_ri(False)
    assert bench.events == ["pin 33 1", "pin 33 0"]
    bench.ask("reset soft")
    bench.modem.on_ri(True)
    assert len(bench.events) == 2
    assert bench.ask("pin 33 read") == "ok 1"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("pin 34 out 1", "pin 34 is an input only"),
        ("pin 6 read", "belongs to the flash"),
        ("pin 16 in up", "belongs to the PSRAM"),
        ("uart 2 17 16", "belongs to the PSRAM"),
        ("uart 1 35 26", "cannot be a UART's TX"),
        ("uart 3 27 26", "no UART 3"),
        ("pin 24 read", "there is no pin 24"),
        ("pin 99999 read", "there is no pin 99999"),
        ("pin 4 out 2", "should be pin <n> out <0|1>"),
        ("pin 4", "should be pin <n>"),
        ("pin x read", "the pin is 'x' and should be a number"),
        ("pin -1 read", "should be a number"),
        ("pin ٤ read", "not ASCII"),
        ("pin 4  read", "should be pin"),
        ("pin 4 read\r", "control characters"),
        ("", "there is no request ''"),
        ("HELLO", "there is no request 'HELLO'"),
        ("hello you", "should be hello"),
        ("i2c 22 21 117 0 1", "should be hex"),
        ("i2c 22 21 128 - 1", "may be 127 at most"),
        ("i2c 22 21 0xZ - 1", "the I2C address"),
        ("i2c 22 21 117 00 1025", "may be 1024 at most"),
        ("i2c 22 21 117 00", "should be i2c"),
        ("reset", "should be reset <cause>"),
        ("reset ;", "should be a word"),
    ],
)
def test_wrong_requests_get_a_sentence(bench, line, says):
    answer = bench.ask(line)
    assert answer.startswith("error ") and says in answer
    assert bench.modem.calls == []


_REQUEST_WORDS = """
    hello pin i2c uart reset out in read hold none up down 0 1 4 5 16 21 22 23 26 27 33 34 40 117
    0x75 0x34 - 00 0037 120d zz 99999 soft power
"""
_WORDS = st.sampled_from(_REQUEST_WORDS.split())


@given(st.lists(st.lists(_WORDS, max_size=7), max_size=20), st.sampled_from(sorted(BOARDS)))
def test_likely_requests_always_get_one_answer(requests, name):
    bench = Bench(name)
    for words in requests:
        answer = bench.ask(" ".join(words))
        assert answer == "ok" or answer.startswith(("ok ", "error "))
        assert "\n" not in answer and answer.isascii()


@given(st.binary(max_size=60))
def test_any_request_gets_one_answer(line):
    answer = Bench().bus.answer(line.replace(b"\n", b""))
    assert answer == "ok" or answer.startswith(("ok ", "error "))
    assert "\n" not in answer and answer.isascii()


# --- UART and I2C -----------------------------------------------------------------------------


def test_uart_wired_right(bench):
    assert bench.ask("uart 1 27 26") == "ok /dev/pts/99"
    assert bench.ask("uart 2 27 26") == "ok /dev/pts/99"
    assert bench.seen() == []


@pytest.mark.parametrize(
    ("pins", "note"),
    [
        ("26 27", "UART 1 has TX and RX swapped"),
        ("27 14", "UART 1 is half wired"),
        ("14 26", "UART 1 is half wired"),
        ("14 15", None),
    ],
)
def test_uart_wired_wrong_is_silent(bench, pins, note):
    assert bench.ask(f"uart 1 {pins}") == "ok -"
    assert [e.what for e in bench.seen()] == ([note] if note else [])


def test_i2c_finds_the_boards_own_chip_only():
    for name, address in ((NEWEST, 0x75), ("SIM800L_AXP192_20200327", 0x34)):
        bench = Bench(name)
        acks = [n for n in range(128) if bench.ask(f"i2c 22 21 {n} - 0") == "ok -"]
        assert acks == [address]
        assert bench.ask(f"i2c 21 22 {address} - 0") == "error nack"
        assert bench.ask(f"i2c 22 21 {address:#x} 00 1").startswith("ok ")


def test_i2c_over_the_bus(bench):
    assert bench.ask("i2c 22 21 117 00 1") == "ok 37"
    assert bench.ask("i2c 22 21 117 0035 0") == "ok -"
    assert bench.ask("i2c 22 21 117 00 2") == "ok 351d"


# --- the socket -------------------------------------------------------------------------------


class Client:
    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    @classmethod
    async def connect(cls, bus):
        return cls(*await asyncio.open_unix_connection(bus.path))

    async def line(self):
        return (await asyncio.wait_for(self.reader.readline(), 10)).decode().rstrip("\n")

    async def ask(self, text):
        self.writer.write(text.encode() + b"\n")
        return await self.line()


def with_bus(tmp_path, talk, name=NEWEST):
    """Run `talk(bus, board, modem)` against a served board."""

    async def main():
        clock = Clock()
        modem = FakeModem(clock)
        board = TCall(clock, BOARDS[name], modem, Journal(clock))
        bus = Bus(clock, tmp_path / "board", board)
        await bus.start()
        try:
            await talk(bus, board, modem)
        finally:
            await bus.stop()
        assert not (tmp_path / "board").exists()

    asyncio.run(main())


def test_a_client_talks(tmp_path):
    async def talk(bus, board, modem):
        client = await Client.connect(bus)
        assert await client.ask("hello") == f"ok {NEWEST}"
        assert await client.ask("pin 33 in none") == "ok 1"
        modem.on_ri(False)
        assert await client.line() == "!pin 33 0"
        # pieces, and several at once
        client.writer.write(b"pin 23 ou")
        await client.writer.drain()
        client.writer.write(b"t 1\nnonsense\n\npin 23 read\nhel")
        assert await client.line() == "ok"
        assert (await client.line()).startswith("error ")
        assert (await client.line()).startswith("error ")
        assert await client.line() == "ok 1"
        assert await client.ask("lo") == f"ok {NEWEST}"

    with_bus(tmp_path, talk)


def test_a_line_too_long_gets_one_error(tmp_path):
    async def talk(bus, board, modem):
        client = await Client.connect(bus)
        for length in (LINE_LIMIT + 1, 3 * LINE_LIMIT, 300_000):
            assert "longer than 4096 bytes" in await client.ask("x" * length)
        assert await client.ask("hello") == f"ok {NEWEST}"

    with_bus(tmp_path, talk)


def test_a_new_connection_takes_over_as_a_reset(tmp_path):
    async def talk(bus, board, modem):
        old = await Client.connect(bus)
        await old.ask("pin 23 out 1")
        await old.ask("pin 33 in up")
        new = await Client.connect(bus)
        assert await new.ask("pin 23 read") == "ok 0"
        assert modem.calls == [("supply", True), ("supply", False)]
        assert await old.line() == ""  # closed
        modem.on_ri(False)  # nobody listens any more
        assert await new.ask("hello") == f"ok {NEWEST}"
        new.writer.close()

    with_bus(tmp_path, talk)


def test_a_client_that_leaves_leaves_its_pins(tmp_path):
    async def talk(bus, board, modem):
        client = await Client.connect(bus)
        await client.ask("pin 23 out 1")
        await client.ask("pin 33 in up")
        client.writer.close()
        await client.writer.wait_closed()
        modem.on_ri(False)
        assert modem.calls == [("supply", True)]

    with_bus(tmp_path, talk)


def test_pulses_over_the_socket_have_their_width(tmp_path):
    async def talk(bus, board, modem):
        client = await Client.connect(bus)
        began = bus.clock.now()
        await client.ask("pin 4 out 0")
        await asyncio.sleep(0.05)
        await client.ask("pin 4 out 1")
        ended = bus.clock.now()
        (entry,) = board.journal.seen("board", "PWRKEY high")
        assert 0.049 <= entry.fields["width"] <= ended - began + 0.001

    with_bus(tmp_path, talk)


def test_a_path_too_long_is_refused(bench):
    with pytest.raises(ValueError, match="longer than the 107 bytes"):
        Bus(bench.clock, "/tmp/" + "x" * 120, bench.board)


def connect(bus):
    """A connection without a socket and the list of what it writes."""
    written = []
    transport = SimpleNamespace(
        write=written.append,
        get_write_buffer_size=lambda: 0,
        is_closing=lambda: False,
        abort=lambda: None,
    )
    connection = _Connection(bus)
    connection.connection_made(transport)
    return connection, written


def test_a_long_line_in_pieces_gets_one_error(bench):
    connection, written = connect(bench.bus)
    for piece in (b"x" * (LINE_LIMIT + 1), b"x", b"\nhel", b"lo\n"):
        connection.data_received(piece)
    assert written == [
        b"error the request is longer than 4096 bytes\n",
        b"ok %b\n" % NEWEST.encode(),
    ]


@given(st.binary(max_size=200), st.integers(1, 50))
def test_any_bytes_in_any_pieces_get_an_answer_a_line(data, size):
    connection, written = connect(Bench().bus)
    for start in range(0, len(data), size):
        connection.data_received(data[start : start + size])
    answers = b"".join(written).splitlines()
    assert len([a for a in answers if not a.startswith(b"!")]) == data.count(b"\n")


# --- power chips ------------------------------------------------------------------------------


def make(chip, **battery):
    reasons = []
    clock = HandClock()
    return chip(clock, Battery(**battery), reasons.append), clock, reasons


def get(chip, register, count=1):
    return int.from_bytes(chip.transfer(bytes([register]), count))


def put(chip, register, *values):
    chip.transfer(bytes([register, *values]), 0)


def test_register_pointer_moves_on():
    chip, _, _ = make(IP5306)
    assert chip.transfer(b"\x00", 3) == bytes([0x37, 0x1D, 0x04])
    assert chip.transfer(b"\x00", 1) + chip.transfer(b"", 2) == bytes([0x37, 0x1D, 0x04])
    put(chip, 0x00, 0x35, 0x00, 0x0C)
    assert chip.transfer(b"\xff", 2) == bytes([0x00, 0x35])  # and wraps round


def test_ip5306_reserved_bits_keep_their_value():
    chip, _, _ = make(IP5306)
    put(chip, 0x00, 0xFF)
    assert get(chip, 0x00) == 0x37
    put(chip, 0x01, 0x00)
    assert get(chip, 0x01) == 0x18
    put(chip, 0x55, 0xFF)  # no such register
    put(chip, 0x70, 0xFF)  # read only
    assert get(chip, 0x55) == get(chip, 0x70) == 0


@pytest.mark.parametrize(
    ("percent", "level"), [(100, 0x00), (76, 0x00), (75, 0x80), (26, 0xC0), (25, 0xE0), (0, 0xF0)]
)
def test_ip5306_battery_level(percent, level):
    chip, _, _ = make(IP5306, percent=percent)
    assert get(chip, 0x78) == level


def test_ip5306_charging():
    chip, _, _ = make(IP5306, usb=True, charging=True)
    assert (get(chip, 0x70), get(chip, 0x71)) == (0x08, 0x00)
    chip.battery = Battery(usb=True, full=True)
    assert (get(chip, 0x70), get(chip, 0x71)) == (0x08, 0x08)
    put(chip, 0x00, 0x27)  # charger off
    assert (get(chip, 0x70), get(chip, 0x71)) == (0x00, 0x00)
    chip.battery = Battery()
    assert (get(chip, 0x70), get(chip, 0x71)) == (0x00, 0x00)


@pytest.mark.parametrize(("bits", "seconds"), [(0x00, 8), (0x04, 32), (0x08, 16), (0x0C, 64)])
def test_ip5306_switches_off_under_light_load(bits, seconds):
    chip, clock, reasons = make(IP5306)
    put(chip, 0x02, bits)
    put(chip, 0x00, 0x35)
    clock.advance(1000)
    assert reasons == []  # the load is not light
    chip.set_load(44)
    assert get(chip, 0x72) == 0x04
    clock.advance(seconds - 0.1)
    assert reasons == []
    clock.advance(0.2)
    assert len(reasons) == 1 and f"less than 45 mA for {seconds} s" in reasons[0]


@pytest.mark.parametrize(
    "rescue",
    [
        lambda chip: put(chip, 0x00, 0x37),
        lambda chip: chip.set_load(45),
        lambda chip: setattr(chip, "battery", Battery(usb=True)),
    ],
    ids=["keep bit", "load", "usb"],
)
def test_ip5306_stays_on(rescue):
    chip, clock, reasons = make(IP5306)
    put(chip, 0x00, 0x35)
    chip.set_load(1)
    clock.advance(31)
    rescue(chip)
    clock.advance(1000)
    assert reasons == [] and clock.timers == []


def test_ip5306_off_takes_the_board_along():
    bench = Bench()
    bench.ask("pin 23 out 1")
    bench.ask("pin 33 in up")
    gone = []
    bench.board.on_off = gone.append
    bench.ask("i2c 22 21 117 0035 0")
    bench.board.chip.set_load(0.8)
    bench.clock.advance(33)
    assert bench.modem.calls == [("supply", True), ("supply", False)]
    assert bench.events == ["off"] and "45 mA" in gone[0]
    assert bench.seen("power off: the IP5306 saw less than 45 mA for 32 s")
    assert bench.ask("pin 4 read").startswith("error the board is off")
    assert bench.ask("i2c 22 21 117 00 1").startswith("error the board is off")
    bench.board.press_reset()
    assert bench.ask("i2c 22 21 117 00 1") == "ok 37"


def test_a_modem_that_was_on_from_the_start_loses_its_supply_too():
    bench = Bench("SIM800L_AXP192_20200327")
    bench.ask("i2c 22 21 52 125d 0")
    assert bench.modem.calls == [("supply", False)]


def test_axp192_reset_values():
    chip, _, _ = make(AXP192)
    values = {0x03: 0x03, 0x10: 0x05, 0x31: 0x03, 0x33: 0xC8, 0x36: 0x5D, 0x82: 0x83, 0x83: 0x80}
    assert {register: get(chip, register) for register in values} == values


def test_axp192_unused_outputs_off():
    chip, _, reasons = make(AXP192)
    put(chip, 0x12, 0x02)  # DCDC3 alone
    assert reasons == [] and (get(chip, 0x12), get(chip, 0x10)) == (0x02, 0x00)
    put(chip, 0x10, 0x04)  # EXTEN, from the other side
    assert get(chip, 0x12) == 0x42
    put(chip, 0x12, 0xFF)
    assert get(chip, 0x12) == 0x5F


@pytest.mark.parametrize(
    ("register", "value", "reason"), [(0x12, 0x5D, "DCDC3"), (0x32, 0xC6, "everything off")]
)
def test_axp192_off(register, value, reason):
    bench = Bench("SIM800C_AXP192_20200609")
    bench.ask("pin 25 out 1")
    assert bench.ask(f"i2c 22 21 52 {register:02x}{value:02x} 0") == "ok -"
    assert bench.events == ["off"] and reason in bench.board.off
    assert bench.modem.calls[-1] == ("supply", False)
    bench.board.press_reset()
    assert bench.ask("i2c 22 21 52 12 1") == "ok 5f"


def test_axp192_low_battery():
    chip, _, reasons = make(AXP192)
    chip.battery = Battery(millivolts=2899)
    assert "2900 mV" in reasons[0]
    put(chip, 0x31, 0x00)
    assert len(reasons) == 1
    chip.battery = Battery(millivolts=2599, usb=True)
    assert len(reasons) == 1


@given(st.integers(0, 4504))
def test_axp192_battery_voltage(millivolts):
    chip, _, _ = make(AXP192, millivolts=millivolts)
    high, low = chip.transfer(b"\x78", 2)
    assert low < 16
    assert abs((high << 4 | low) * 1.1 - millivolts) <= 0.56


def test_axp192_currents_and_status():
    chip, _, _ = make(AXP192, milliamps=120.5)
    put(chip, 0x82, 0xFF)
    assert get(chip, 0x00) == 0x00 and get(chip, 0x01) == 0x20
    charge, discharge = chip.transfer(b"\x7a", 2), chip.transfer(b"\x7c", 2)
    assert (charge[0] << 5 | charge[1], discharge[0] << 5 | discharge[1]) == (0, 241)
    chip.battery = Battery(milliamps=500, charging=True, usb=True)
    assert get(chip, 0x00) == 0x3D and get(chip, 0x01) == 0x60
    charge, vbus = chip.transfer(b"\x7a", 2), chip.transfer(b"\x5a", 2)
    assert (charge[0] << 5 | charge[1], vbus[0] << 4 | vbus[1]) == (1000, 2941)
    put(chip, 0x33, 0x48)  # charging off
    assert get(chip, 0x00) == 0x39 and get(chip, 0x01) == 0x20


def test_axp192_adc_not_enabled_reads_zero():
    chip, _, _ = make(AXP192)
    assert get(chip, 0x7C, 2) == 0  # currents are off after a reset
    put(chip, 0x82, 0x00)
    assert get(chip, 0x78, 2) == 0


def test_axp192_coulomb_counters():
    chip, clock, _ = make(AXP192, milliamps=200.0)
    clock.advance(100)
    assert get(chip, 0xB4, 4) == 0  # not yet on
    put(chip, 0xB8, 0x80)
    clock.advance(3600)
    # mAh = 65536 * 0.5 mA * count / 3600 / 25 Hz
    count = get(chip, 0xB4, 4)
    assert 65536 * 0.5 * count / 3600 / 25 == pytest.approx(200, abs=0.4)
    chip.battery = Battery(milliamps=100.0, charging=True, usb=True)
    clock.advance(3600)
    assert get(chip, 0xB4, 4) == count
    assert 65536 * 0.5 * get(chip, 0xB0, 4) / 3600 / 25 == pytest.approx(100, abs=0.4)
    put(chip, 0xB8, 0xA0)
    assert (get(chip, 0xB0, 4), get(chip, 0xB4, 4), get(chip, 0xB8)) == (0, 0, 0x80)
    put(chip, 0xB8, 0xC0)  # paused
    clock.advance(3600)
    assert get(chip, 0xB0, 4) == 0


def test_axp192_data_buffer_survives_a_power_cut():
    chip, _, _ = make(AXP192)
    put(chip, 0x06, 0x12, 0x34)
    put(chip, 0x36, 0x00)
    chip.power_on()
    assert get(chip, 0x06, 2) == 0x1234 and get(chip, 0x36) == 0x5D


def test_axp192_interrupt_flags_are_cleared_by_ones():
    chip, _, _ = make(AXP192)
    chip.registers[0x44] = 0x48
    put(chip, 0x44, 0x08)
    assert get(chip, 0x44) == 0x40


@pytest.mark.parametrize("chip", [IP5306, AXP192])
@given(st.data())
def test_chips_survive_any_traffic(chip, data):
    device, clock, _ = make(chip)
    for write, count in data.draw(
        st.lists(st.tuples(st.binary(max_size=4), st.integers(0, 300)), max_size=5)
    ):
        assert len(device.transfer(write, count)) == count
        clock.advance(10)


def test_battery_as_cbc_tells():
    assert Battery.from_cbc((0, 87, 4012)) == Battery()
    full = Battery.from_cbc((2, 100, 4200))
    assert (full.full, full.usb, full.charging, full.percent) == (True, True, False, 100)


def test_errors_are_of_one_family():
    assert issubclass(Nack, BoardError) and str(Nack()) == "nack"
