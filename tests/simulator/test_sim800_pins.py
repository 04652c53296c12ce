"""DTR and RI of the modem at the pins of the board: 32 and 33, where they are wired."""

import itertools

import pytest
from board.bus import Bus
from board.tcall import BOARDS, TCall
from sim800_rig import Rig, run, scenario

WIRED = [name for name, wiring in BOARDS.items() if wiring.dtr is not None]
UNWIRED = [name for name, wiring in BOARDS.items() if wiring.dtr is None]
READY = scenario(modem={"echo": False, "ipr": 115200})


class Board:
    """The modem on a board, with what the board tells unasked, and when."""

    def __init__(self, rig, name):
        self.rig, self.events = rig, []
        self.board = TCall(rig.clock, BOARDS[name], rig.modem, rig.journal)
        self.bus = Bus(rig.clock, "unused", self.board)
        self.board.on_event = lambda text: self.events.append((round(rig.clock.now(), 3), text))

    def ask(self, line):
        answer = self.bus.answer(line.encode())
        assert answer.startswith("ok"), answer
        return answer[3:]

    def pulses(self):
        """Levels of RI and how long each lasted, without the last."""
        levels = [(at, int(text[-1])) for at, text in self.events if text.startswith("pin 33 ")]
        return [
            (level, round(end - at, 3)) for (at, level), (end, _) in itertools.pairwise(levels)
        ]


def on_board(name):
    """Decorator: the test gets a rig in virtual time and its Board."""

    def wrap(function):
        def test():
            async def body():
                async with Rig(READY) as rig:
                    board = Board(rig, name)
                    await function(rig, board)
                    board.board.stop()

            run(body)

        test.__name__ = function.__name__
        return test

    return wrap


@pytest.mark.parametrize("name", WIRED)
def test_dtr_lets_the_modem_sleep_and_wakes_it(name):
    @on_board(name)
    async def test(rig, board):
        await rig.say("AT+CSCLK=1\r")
        assert await rig.say("AT\r", 1) == b""  # not driven: high, asleep
        board.ask("pin 32 out 0")
        assert await rig.say("AT\r", 0.04) == b""  # 50 ms it takes
        await rig.wait(0.02)
        assert await rig.say("AT\r") == b"\r\nOK\r\n"
        board.ask("pin 32 hold 1")
        board.ask("reset deepsleep")
        assert await rig.say("AT\r") == b"\r\nOK\r\n"  # held low through the reset
        board.ask("pin 32 hold 0")
        assert await rig.say("AT\r", 1) == b""  # let go: high again
        board.ask("pin 32 out 0")
        board.ask("pin 32 out 1")
        assert await rig.say("AT\r", 1) == b""

    test()


@on_board(WIRED[0])
async def test_dtr_ends_data_mode(rig, board):
    board.ask("pin 32 out 0")
    await rig.say('AT+CGDCONT=1,"IP","internet"\r')
    await rig.say("ATD*99#\r", 2)
    board.ask("pin 32 out 1")  # AT&D1: to command mode, the call stays
    assert rig.take() == b"\r\nOK\r\n"
    board.ask("pin 32 out 0")
    assert (await rig.say("ATO\r")).startswith(b"\r\nCONNECT")
    board.ask("reset soft")  # the ESP32 lets go of it
    assert rig.take() == b"\r\nOK\r\n"
    await rig.say("AT&D2\r")
    board.ask("pin 32 out 0")
    await rig.say("ATO\r")
    board.ask("pin 32 out 1")
    assert rig.take() == b"\r\nNO CARRIER\r\n"


@pytest.mark.parametrize("name", UNWIRED)
def test_no_dtr_and_no_ri_where_they_are_not_wired(name):
    @on_board(name)
    async def test(rig, board):
        await rig.say("AT+CSCLK=1\r")
        board.ask("pin 32 out 0")
        assert await rig.say("AT\r", 1) == b""  # nobody wakes it
        board.ask("pin 33 in up")
        rig.modem.inject("sms_received")
        await rig.wait(1)
        assert board.events == [] and board.ask("pin 33 read") == "1"

    test()


@pytest.mark.parametrize("name", WIRED)
def test_ri_is_low_for_a_message(name):
    @on_board(name)
    async def test(rig, board):
        assert board.ask("pin 33 in none") == "1"
        rig.modem.inject("sms_received")
        assert board.ask("pin 33 read") == "0"
        await rig.wait(1)
        assert board.pulses() == [(0, 0.12)]
        assert board.ask("pin 33 read") == "1"

    test()


@on_board(WIRED[0])
async def test_ri_is_low_while_it_rings(rig, board):
    board.ask("pin 33 in none")
    rig.modem.inject("ring", count=2)
    await rig.wait(0.5)
    rig.modem.inject("sms_received")  # does not end it
    await rig.wait(10)
    assert board.pulses() == [(0, 8.0)]


@on_board(WIRED[0])
async def test_ri_for_other_urcs_only_with_cfgri(rig, board):
    board.ask("pin 33 in none")
    rig.modem.inject("urc", text="HELLO")
    await rig.wait(1)
    assert board.events == []
    await rig.say("AT+CFGRI=1\r")
    rig.modem.inject("urc", text="HELLO")
    await rig.wait(1)
    assert board.pulses() == [(0, 0.12)]


@pytest.mark.parametrize("action", ["modem_reset", "supply_cut", "undervoltage_off"])
def test_ri_is_not_left_low(action):
    @on_board(WIRED[0])
    async def test(rig, board):
        board.ask("pin 33 in none")
        rig.modem.inject("ring", count=5)
        await rig.wait(1)
        assert board.ask("pin 33 read") == "0"
        rig.modem.inject(action)
        await rig.wait(5)
        assert board.ask("pin 33 read") == "1"

    test()


@on_board(WIRED[0])
async def test_a_waking_character_is_lost_with_slow_clock_2(rig, board):
    board.ask("pin 32 out 0")
    await rig.say("AT+CSCLK=2\r")
    await rig.wait(5.1)
    assert await rig.say("AT\r", 0.09) == b""
    assert await rig.say("AT\r", 0.02) == b""
    assert await rig.say("AT\r") == b"\r\nOK\r\n"
    # DTR has nothing to do with it
    await rig.wait(5.1)
    board.ask("pin 32 out 1")
    board.ask("pin 32 out 0")
    await rig.wait(0.06)
    assert await rig.say("AT\r") == b""
