"""Where the modem is (AT+CIPGSMLOC, AT+CLBS), and the time by NTP (AT+CNTP)."""

import asyncio
import calendar
import datetime
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from network import ntp
from network.servers import Servers
from sim800_rig import LiveRig, Rig, modem_test, run, scenario
from stand_in import CERTIFICATES

READY = scenario(
    modem={"echo": False, "ipr": 115200},
    radio={"position": (-0.127758, 51.5)},
    utc="2026-06-15T12:00:00",
)
NTP = "203.0.113.5"


async def opened(rig):
    assert await rig.say('AT+CMEE=1;+SAPBR=3,1,"APN","internet";+SAPBR=1,1\r') == b"\r\nOK\r\n"


# -- location ---------------------------------------------------------------------------------


@modem_test(READY)
async def test_place_and_time(rig):
    await opened(rig)
    await rig.wait(30 - rig.clock.now())
    assert await rig.say("AT+CIPGSMLOC=1,1\r") == (
        b"\r\n+CIPGSMLOC: 0,-0.127758,51.500000,2026/06/15,12:00:30\r\n\r\nOK\r\n"
    )
    assert await rig.say("AT+CIPGSMLOC=2,1\r") == (
        b"\r\n+CIPGSMLOC: 0,2026/06/15,12:00:30\r\n\r\nOK\r\n"
    )
    assert await rig.say("AT+CLBS=1,1\r") == (
        b"\r\n+CLBS: 0,-0.127758,51.500000,550\r\n\r\nOK\r\n"
    )
    assert await rig.say("AT+CLBS=4,1\r") == (
        b"\r\n+CLBS: 0,-0.127758,51.500000,550,2026/06/15,12:00:30\r\n\r\nOK\r\n"
    )
    rig.modem.inject("position", longitude=100, latitude=-1)
    assert b" 0,100.000000,-1.000000," in await rig.say("AT+CIPGSMLOC=1,1\r")


@modem_test(READY)
async def test_what_location_refuses(rig):
    await opened(rig)
    for bad in ("3,1", "0,1", "1,4", "1", "", "1,1,1", '"1",1'):
        for name in ("CIPGSMLOC", "CLBS"):
            assert await rig.say(f"AT+{name}={bad}\r") == b"\r\n+CME ERROR: 765\r\n", bad
    assert await rig.say("AT+CIPGSMLOC\r") == b"\r\n+CME ERROR: 3\r\n"
    assert await rig.say("AT+CIPGSMLOC=?\r") == b"\r\n+CIPGSMLOC: (1-2),(1-3)\r\n\r\nOK\r\n"


def test_old_firmware_has_no_clbs():
    async def body():
        async with Rig(scenario(READY, modem={"profile": "R13.08"})) as rig:
            await opened(rig)
            assert await rig.say("AT+CLBS=1,1\r") == b"\r\n+CME ERROR: 100\r\n"
            assert b"+CIPGSMLOC: 0," in await rig.say("AT+CIPGSMLOC=1,1\r")

    run(body)


@modem_test(READY, limit=200)
async def test_location_codes(rig):
    await rig.say("AT+CMEE=1\r")
    assert await rig.say("AT+CIPGSMLOC=1,1\r") == b"\r\n+CIPGSMLOC: 601\r\n\r\nOK\r\n"
    assert await rig.say("AT+CLBS=1,1\r") == b"\r\n+CLBS: 3\r\n\r\nOK\r\n"
    await opened(rig)
    for code in (404, 408, 601, 602, 603, 604):
        rig.modem.inject("location_ends", code=code)
        answer = f"\r\n+CIPGSMLOC: {code}\r\n\r\nOK\r\n".encode()
        assert await rig.say("AT+CIPGSMLOC=1,1\r") == answer
    rig.modem.radio.position = None
    assert await rig.say("AT+CIPGSMLOC=2,1\r") == b"\r\n+CIPGSMLOC: 404\r\n\r\nOK\r\n"
    assert await rig.say("AT+CLBS=1,1\r") == b"\r\n+CLBS: 3\r\n\r\nOK\r\n"
    rig.modem.inject("carrier_lost")
    assert await rig.say("AT+CIPGSMLOC=1,1\r", 59.5) == b""
    assert await rig.say("", 1) == b"\r\n+CIPGSMLOC: 408\r\n\r\nOK\r\n"


@modem_test(scenario(READY, modem={"latency": 1}))
async def test_bearer_lost_while_asking(rig):
    await rig.say('AT+SAPBR=3,1,"APN","internet"\r', 1)
    await rig.say("AT+SAPBR=1,1\r", 5)
    assert await rig.say("AT+CIPGSMLOC=1,1\r", 0.5) == b""
    rig.modem.inject("pdp_deact")
    await rig.wait(0.1)
    assert rig.take() == b"\r\n+SAPBR 1: DEACT\r\n\r\n+CIPGSMLOC: 601\r\n\r\nOK\r\n"


# -- NTP --------------------------------------------------------------------------------------


def live(function):
    def test():
        async def body():
            moment = calendar.timegm((2031, 12, 31, 23, 30, 0))
            with Servers(CERTIFICATES, now=lambda: moment) as servers:
                setup = scenario(
                    READY,
                    names={"time.example": NTP, "dark.example": ""},
                    routes={(NTP, 123): servers.ports["ntp"], ("203.0.113.6", 123): 0},
                )
                async with LiveRig(setup, 50) as rig:
                    assert await rig.ask('+CMEE=1;+SAPBR=3,1,"APN","internet"') == "OK"
                    assert await rig.ask("+SAPBR=1,1") == "OK"
                    await asyncio.wait_for(function(rig), 30)

        asyncio.run(body())

    test.__name__, test.__doc__ = function.__name__, function.__doc__
    return test


async def synchronize(rig):
    assert await rig.ask("+CNTP") == "OK"
    await rig.until(b"\r\n+CNTP: ")
    return int(await rig.until(b"\r\n"))


@live
async def test_ntp_sets_the_clock(rig):
    assert await rig.ask("+CNTPCID=1;+CNTPCID?") == "+CNTPCID: 1"
    assert await rig.ask('+CNTP="time.example",8;+CNTP?') == '+CNTP: "time.example",8'
    assert await synchronize(rig) == 1
    assert re.match(r'\+CCLK: "32/01/01,01:3\d:\d\d\+08"', await rig.ask("+CCLK?"))
    await rig.ask(f'+CNTP="{NTP}",-47')
    assert await synchronize(rig) == 1
    assert re.match(r'\+CCLK: "31/12/31,11:4\d:\d\d-47"', await rig.ask("+CCLK?"))


@live
async def test_ntp_codes(rig):
    before = await rig.ask("+CCLK?")
    await rig.ask('+CNTP="time.example"')
    assert await synchronize(rig) == 61  # no bearer profile named
    await rig.ask("+CNTPCID=2")
    assert await synchronize(rig) == 61  # not open
    await rig.ask("+CNTPCID=1")
    for server, code in (
        ("nowhere.example", 62),
        ("203.0.113.7", 63),
        ("203.0.113.6", 65),
        ("dark.example", 62),
    ):
        await rig.ask(f'+CNTP="{server}",0')
        assert await synchronize(rig) == code, server
    assert (await rig.ask("+CCLK?"))[:16] == before[:16]  # the same day still


@live
async def test_bearer_lost_while_ntp_waits(rig):
    await rig.ask('+CNTPCID=1;+CNTP="203.0.113.6",0')
    assert await rig.ask("+CNTP") == "OK"
    assert await rig.ask("+CNTP") == "+CME ERROR: 3"  # one at a time
    rig.modem.inject("pdp_deact")
    assert await rig.until(b"\r\n+CNTP: 61\r\n")


@pytest.mark.parametrize("stratum", [0, 16])
def test_a_server_that_does_not_know_the_time(stratum):
    class Lost(asyncio.DatagramProtocol):
        def connection_made(self, transport):
            self.transport = transport

        def datagram_received(self, data, address):
            moment = datetime.datetime(2030, 1, 1)
            self.transport.sendto(ntp.answer(data, moment, ntp.Manner(stratum=stratum)), address)

    async def body():
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(Lost, ("127.0.0.1", 0))
        port = transport.get_extra_info("sockname")[1]
        async with LiveRig(scenario(READY, routes={(NTP, 123): port}), 50) as rig:
            await rig.ask('+SAPBR=3,1,"APN","internet";+SAPBR=1,1')
            await rig.ask(f'+CNTPCID=1;+CNTP="{NTP}",0')
            assert await synchronize(rig) == 64
        transport.close()

    asyncio.run(body())


@modem_test(READY)
async def test_what_ntp_refuses(rig):
    await rig.say("AT+CMEE=1\r")
    assert await rig.say("AT+CNTP\r") == b"\r\n+CME ERROR: 3\r\n"  # no server named
    for bad in ('"x",49', '"x",-48', '"x","8"', "x,8", '"",8', '"x",8,1', f'"{65 * "x"}"', ""):
        assert await rig.say(f"AT+CNTP={bad}\r") == b"\r\n+CME ERROR: 765\r\n", bad
    for bad in ("0", "4", '"1"', "1,1"):
        assert await rig.say(f"AT+CNTPCID={bad}\r") == b"\r\n+CME ERROR: 765\r\n", bad
    assert await rig.say("AT+CNTP=?;+CNTPCID=?\r") == (
        b"\r\n+CNTP: (64),(-47-48)\r\n\r\n+CNTPCID: (1-3)\r\n\r\nOK\r\n"
    )


@given(st.datetimes(datetime.datetime(1970, 1, 1), datetime.datetime(2100, 1, 1)))
def test_ntp_carries_any_time(moment):
    packet = ntp.answer(ntp.request(), moment)
    assert abs(ntp.time_of(packet) - moment) < datetime.timedelta(microseconds=2)


@given(st.binary(max_size=100))
def test_any_packet_is_a_time_or_refused(data):
    try:
        ntp.time_of(data)
    except ntp.BadAnswer:
        return
    assert len(data) >= 48


@given(st.binary(max_size=100))
def test_only_clients_are_answered(data):
    answer = ntp.answer(data, datetime.datetime(2026, 1, 1))
    assert (answer is None) == (len(data) < 48 or data[0] & 7 != 3)
