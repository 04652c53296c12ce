"""Faults as large as the real ones: what a flash erase, a lost SABM, another N1 or a false CONNECT do to the line."""

import asyncio
import termios
from types import SimpleNamespace

from network.ppp import PPPEnd
from sim800.serial import FIFO
from sim800_rig import PtyRig, Rig, modem_test, run, scenario
from test_sim800_cmux import SABM0, UA0, at, enter, frames, sabm, ua, uih

PLAIN = scenario(modem={"echo": False, "ipr": 115200})
FAST = scenario(modem={"echo": False, "ipr": 460800})


def test_a_flash_erase_loses_what_the_fifo_does_not_hold():
    async def body():
        async with PtyRig(FAST, speed=0.2, baud=termios.B460800) as rig:
            rig.modem.inject("flash_erased", seconds=0.05)
            rig.line.send(bytes(5000))  # 0.11 s
            await asyncio.sleep(1.0)
            lost = rig.line.to_dte.overrun
            assert lost > 1000
            assert len(rig.got) == 5000 - lost
            rig.take()
            rig.line.send(b"whole again")
            await rig.until(b"whole again")

    asyncio.run(body())


def test_a_flash_is_erased_again_and_again_until_it_is_not():
    async def body():
        async with PtyRig(FAST, baud=termios.B460800) as rig:
            damage = rig.line.to_dte
            rig.modem.inject("flash_erased", seconds=0.02, every=0.1)
            for _ in range(2):
                before = damage.overrun
                await asyncio.sleep(0.1)
                rig.line.send(bytes(FIFO + 5000))
                await asyncio.sleep(0.2)
                assert damage.overrun > before
            rig.modem.inject("flash_erased", seconds=0)
            before = damage.overrun
            rig.line.send(bytes(5000))
            await asyncio.sleep(0.3)
            assert damage.overrun == before

    asyncio.run(body())


@modem_test(PLAIN)
async def test_sabm_lost_while_msc_is_not_answered(rig):
    assert (await rig.say("AT+CMUX=0\r", 0.1)).endswith(b"\r\nOK\r\n")
    rig.modem.inject("cmux_lose_sabm")
    assert await rig.say(SABM0) == UA0  # there is no MSC yet
    msc = uih(0, bytes((0xE3, 5, 7, 13)), 0)
    assert await rig.say(sabm(1)) == ua(1) + msc
    assert await rig.say(sabm(2)) == b""
    assert not rig.modem.mux.ports[2].open
    assert rig.journal.seen("cmux", "SABM lost")
    assert (await rig.say(sabm(2))).startswith(ua(2))  # one only


@modem_test(PLAIN)
async def test_another_n1_than_asked_for(rig):
    rig.modem.inject("cmux_otherwise", longest=31)
    await enter(rig, "AT+CMUX=0,0,5,127\r")
    assert (await at(rig, 1, "AT")).endswith(b"\r\nOK\r\n")
    assert await at(rig, 1, "AT" + " " * 40) == b""  # too long for it
    await rig.wait(1)
    got = frames(await rig.say(uih(1, b"AT+CSCS=?\r"), 0.2))
    assert max(len(info) for _, _, info in got) == 31
    rig.modem.inject("cmux_otherwise")
    assert rig.modem.mux_otherwise == (None, None)


@modem_test(PLAIN)
async def test_another_rate_than_before(rig):
    rig.modem.inject("cmux_otherwise", baud=9600)
    assert (await rig.say("AT+CMUX=0\r", 0.1)).endswith(b"\r\nOK\r\n")
    assert rig.line.rate == 9600
    assert UA0 not in await rig.say(SABM0)
    rig.line.dte = 9600
    assert await rig.say(SABM0) == UA0
    assert rig.modem.mux.n1 == 127


@modem_test(scenario(modem={"ipr": 115200}))
async def test_connect_and_no_data_mode(rig):
    rig.modem.inject("false_connect")
    await rig.say('AT+CGDCONT=1,"IP","internet"\r')
    assert (await rig.say("ATD*99#\r", 2)).endswith(b"\r\nCONNECT 115200\r\n")
    lcp = bytes.fromhex("7eff7d23c0217d217d217d207d347e")
    assert await rig.say(lcp) == lcp  # command echo
    assert rig.ppps == []
    rig.modem.inject("false_connect", on=False)
    assert (await rig.say("\rATD*99#\r", 2)).endswith(b"~hello~")


def test_input_fails_for_a_while():
    async def body():
        async with Rig(PLAIN) as rig:
            config = SimpleNamespace(**vars(rig.modem.scenario.ppp), auth="none", user=None)
            rig.modem.make_ppp = lambda _, send, on_end, on_up: PPPEnd(
                rig.clock, config, send, on_end, on_up
            )
            await rig.say('AT+CGDCONT=1,"IP","internet"\r')
            assert b"~\xff\x7d\x23\xc0\x21" in await rig.say("ATD*99#\r", 2)
            rig.modem.inject("ppp_input_fails", seconds=4)
            assert await rig.say("", 3.9) == b""  # its Configure-Request comes every 3 s
            assert b"~\xff\x7d\x23\xc0\x21" in await rig.say("", 3.5)
            rig.modem.inject("ppp_input_fails")
            assert (await rig.say("", 3.5)) == b""
            assert rig.modem.ppp is not None

    run(body)
