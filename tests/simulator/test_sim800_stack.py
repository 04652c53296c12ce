"""The modem's own TCP/IP stack, to real servers on the loopback, in scaled real time."""

import asyncio
import contextlib
import ssl
from contextlib import asynccontextmanager

import pytest
from network.air import GPRS, Air
from network.certificates import make
from network.sockets import only_tls10
from sim800.scenario import APN
from sim800_rig import LiveRig, modem_test, scenario
from stand_in import CERTIFICATES

HOST = "203.0.113.5"
READY = scenario(modem={"echo": False, "ipr": 115200})
STATES = "+CIPSTATUS"


class Server:
    """TCP and UDP that give back what they get; of TCP, `readers` and `writers` as they come."""

    def __init__(self, echo=True, context=None):
        self.echo, self.context = echo, context
        self.got = bytearray()
        self.writers = []

    async def __aenter__(self):
        loop = asyncio.get_running_loop()
        self._tcp = await asyncio.start_server(
            self._serve, "127.0.0.1", 0, ssl=self.context, limit=1 << 20
        )
        self.port = self._tcp.sockets[0].getsockname()[1]
        self._udp, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=("127.0.0.1", 0)
        )
        self.udp_port = self._udp.get_extra_info("sockname")[1]
        return self

    async def __aexit__(self, *_):
        self._tcp.close()
        self._udp.close()
        for writer in self.writers:
            writer.close()

    async def _serve(self, reader, writer):
        self.writers.append(writer)
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                self.got += data
                if self.echo:
                    writer.write(data)
                    await writer.drain()
        writer.close()

    def connection_made(self, transport):
        self.transport = transport

    def connection_lost(self, error):
        pass

    def datagram_received(self, data, address):
        self.got += data
        self.transport.sendto(b"<" + data + b">", address)


@asynccontextmanager
async def served(setup=READY, speed=20.0, **server):
    """A modem that can reach echo.example, TCP at port 7 and UDP at port 8; port 9 is silent."""
    async with Server(**server) as far:
        setup = scenario(
            setup,
            names={"echo.example": HOST, "dark.example": "", **setup.names},
            routes={(HOST, 7): far.port, (HOST, 8): far.udp_port, (HOST, 9): 0, **setup.routes},
        )
        async with LiveRig(setup, speed) as rig:
            await rig.ask("+CMEE=1")
            yield rig, far


async def up(rig, *before):
    for command in before:
        assert await rig.ask(command) == "OK", command
    assert await rig.ask('+CSTT="internet";+CIICR') == "OK"
    rig.line.feed(b"AT+CIFSR\r")
    assert await rig.until(b"64\r\n") == b"\r\n10.64.64.64\r\n"


async def state(rig):
    rig.line.feed(b"AT+CIPSTATUS\r")
    await rig.until(b"\r\nOK\r\n\r\nSTATE: ")
    return (await rig.until(b"\r\n")).decode().strip()


async def links(rig):
    await state(rig)
    text = await rig.until(b'C: 5,,"","","","INITIAL"\r\n')
    return text.decode().strip().splitlines()


async def read(rig, what):
    """What AT+CIPRXGET=2 or 3 gives: the numbers, and the data."""
    text = (await rig.ask(f"+CIPRXGET={what}")).removesuffix("\r\nOK")
    head, _, data = text.removeprefix("+CIPRXGET: ").partition("\r\n")
    return head, data


async def connect(rig, where='"TCP","echo.example",7', says=b"CONNECT OK"):
    assert await rig.ask(f"+CIPSTART={where}") == "OK"
    return await rig.until(says + b"\r\n")


async def send(rig, data, form=None, says=b"SEND OK\r\n"):
    """AT+CIPSEND with a length; returns what is said after the data."""
    rig.line.feed(f"AT+CIPSEND={form or len(data)}\r".encode())
    assert await rig.until(b"> ") == b"\r\n> "
    rig.line.feed(data)
    return await rig.until(says)


def live(function):
    def test():
        asyncio.run(asyncio.wait_for(function(), 60))

    test.__name__, test.__doc__ = function.__name__, function.__doc__
    return test


# -- states ------------------------------------------------------------------------------------


@live
async def test_every_state_of_a_single_connection():
    async with served(scenario(READY, modem={"latency": 1.0})) as (rig, far):
        assert await state(rig) == "IP INITIAL"
        assert await rig.ask('+CSTT="internet","me","secret"') == "OK"
        assert await state(rig) == "IP START"
        rig.line.feed(b"AT+CIICR\r")
        while rig.modem.stack.phase == "IP START":
            await asyncio.sleep(0.001)
        assert rig.modem.stack.shown == "IP CONFIG"
        await rig.until(b"\r\nOK\r\n")
        assert await state(rig) == "IP GPRSACT"
        assert await rig.ask('+CIPSTART="TCP","echo.example",7') == "+CME ERROR: 3"
        rig.line.feed(b"AT+CIFSR\r")
        await rig.until(b"\r\n10.64.64.64\r\n")
        assert await state(rig) == "IP STATUS"
        assert await rig.ask('+CIPSTART="TCP","203.0.113.5","9"') == "OK"
        assert await state(rig) == "TCP CONNECTING"
        rig.line.feed(b"AT+CIPCLOSE\r")
        assert await rig.until(b"\r\nCLOSE OK\r\n") == b"\r\nCLOSE OK\r\n"
        assert await state(rig) == "TCP CLOSED"
        # only AT+CIPSHUT leads back (page 223)
        assert await rig.ask('+CIPSTART="TCP","echo.example",7') == "+CME ERROR: 3"
        rig.line.feed(b"AT+CIPSHUT\r")
        await rig.until(b"\r\nSHUT OK\r\n")
        assert await state(rig) == "IP INITIAL"
        await up(rig)
        assert await connect(rig) == b"\r\nCONNECT OK\r\n"
        assert await state(rig) == "CONNECT OK"
        assert await rig.ask("+CIFSR;E0") == "10.64.64.64"
        assert await rig.ask("+CIPMUX=1") == "+CME ERROR: 3"
        assert await rig.ask('+CSTT="internet"') == "ERROR"
        assert await rig.ask("+CIICR") == "ERROR"
        assert await rig.ask("D*99#") == "ERROR"
        assert await rig.ask('+CIPSTART="TCP","echo.example",7') == "+CME ERROR: 3"
        assert await rig.until(b"CONNECT\r\n") == b"\r\nALREADY CONNECT\r\n"
        assert far.writers and await state(rig) == "CONNECT OK"


@live
async def test_a_single_connection_opens_its_context_itself():
    async with served() as (rig, _):
        # the factory's APN is not known here
        assert await rig.ask('+CIPSTART="TCP","echo.example",7') == "OK"
        assert await rig.until(b"FAIL\r\n") == b"\r\nSTATE: PDP DEACT\r\n\r\nCONNECT FAIL\r\n"
        rig.line.feed(b"AT+CIPSHUT\r")
        await rig.until(b"\r\nSHUT OK\r\n")
        assert await rig.ask('+CIPCSGP=1,"internet"') == "OK"
        assert await rig.ask("+CIPCSGP?") == '+CIPCSGP: 1,"internet","",""'
        await connect(rig)
        assert await state(rig) == "CONNECT OK"
        # several do not
        rig.line.feed(b"AT+CIPSHUT\r")
        await rig.until(b"\r\nSHUT OK\r\n")
        assert await rig.ask("+CIPMUX=1") == "OK"
        assert await rig.ask('+CIPSTART=0,"TCP","echo.example",7') == "+CME ERROR: 3"


@live
async def test_connections_that_fail():
    async with served() as (rig, _):
        await up(rig, "+CIPMUX=1")
        assert await connect(rig, f'0,"TCP","{HOST}",1', b"FAIL") == b"\r\n0, CONNECT FAIL\r\n"
        assert await connect(rig, '1,"TCP","no.example",7', b"FAIL") == b"\r\n1, CONNECT FAIL\r\n"
        assert (await links(rig))[0] == f'C: 0,0,"TCP","{HOST}","1","CLOSED"'
        assert await rig.ask(f'+CIPSTART=2,"TCP","{HOST}",9') == "OK"
        assert await rig.ask("+CIPSTATUS=2") == f'+CIPSTATUS: 2,0,"TCP","{HOST}","9","CONNECTING"'
        begin = rig.clock.now()
        assert await rig.until(b"FAIL\r\n") == b"\r\n2, CONNECT FAIL\r\n"
        assert 70 < rig.clock.now() - begin < 80


@live
async def test_wrong_user_or_apn():
    apns = {"internet": APN(user="me", password="pass")}
    async with served(scenario(READY, radio={"apns": apns})) as (rig, _):
        for given, error in (
            ('"internet","me","hush"', "149"),
            ('"other"', "148"),
            ('"internet","me","pass"', None),
        ):
            assert await rig.ask(f"+CSTT={given}") == "OK"
            result = "OK" if error is None else f"+CME ERROR: {error}"
            assert await rig.ask("+CIICR") == result
            if error:
                assert await state(rig) == "PDP DEACT"
                assert await rig.ask("+CIFSR") == "ERROR"
                rig.line.feed(b"AT+CIPSHUT\r")
                await rig.until(b"\r\nSHUT OK\r\n")
        assert "hush" not in "\n".join(map(str, rig.journal.entries))


@modem_test(READY)
async def test_bad_parameters(rig):
    await rig.say("AT+CMEE=1\r")
    wrong, not_now = b"\r\n+CME ERROR: 765\r\n", b"\r\n+CME ERROR: 3\r\n"
    allowed_later = {  # the parameters, if there are any, are right
        *(
            "+CIPSTART",
            "+CIPSEND",
            "+CIPSEND=1",
            "+CIPSEND=0,1",
            "+CIPACK",
            "+CIPACK=0",
            "+CIPCLOSE",
            "+CIPCLOSE=1",
        ),
        *(
            "+CIPCLOSE=0,1",
            "+CIPRXGET=2,100",
            "+CIPRXGET=4",
            "+CIPSTATUS=0",
            '+CDNSGIP="a.example"',
        ),
    }
    for command in (
        '+CIPSTART="TCP","a.example"',
        '+CIPSTART="TCP","a.example",0',
        '+CIPSTART="TCP","a.example",65536',
        '+CIPSTART="SCTP","a.example",7',
        '+CIPSTART=0,"TCP","a.example",7',
        "+CIPSTART",
        "+CIPSEND=1461",
        "+CIPSEND=0",
        "+CIPSEND",
        "+CIPSEND=1",
        "+CIPACK",
        "+CIPACK=0",
        "+CIPCLOSE=1",
        "+CIPCLOSE=2",
        "+CIPRXGET=5",
        "+CIPRXGET=1,0",
        "+CIPRXGET=2,100",
        "+CIPRXGET=4",
        "+CIPSTATUS=0",
        "+CIPMUX=2",
        "+CIPHEAD=2",
        "+CIPATS=1,101",
        '+CDNSCFG="8.8.8"',
        '+CDNSGIP="a.example"',
    ):
        expected = not_now if command in allowed_later else wrong
        assert await rig.say(f"AT{command}\r") == expected, command
    assert await rig.say("AT+CIPCLOSE\r") == b"\r\nERROR\r\n"
    assert await rig.say("AT+CIPMODE=1\r") == b"\r\n+CME ERROR: 4\r\n"
    await rig.say("AT+CIPMUX=1\r")
    for command in (
        '+CIPSTART="TCP","a.example",7',
        '+CIPSTART=6,"TCP","a.example",7',
        "+CIPSEND",
        "+CIPSEND=0,1",
        "+CIPACK",
        "+CIPCLOSE",
        "+CIPCLOSE=0,1",
        "+CIPRXGET=2,0",
        "+CIPRXGET=2,0,1461",
        "+CIPRXGET=3,0,731",
        "+CIPSTATUS=6",
    ):
        expected = not_now if command in allowed_later else wrong
        assert await rig.say(f"AT{command}\r") == expected, command


@modem_test(READY)
async def test_what_the_commands_tell_of_themselves(rig):
    for command, answer in (
        ("+CIPMUX?", "+CIPMUX: 0"),
        ("+CIPSEND=?", "+CIPSEND: <length>"),
        ("+CIPSEND?", "+CIPSEND: 1460"),
        ("+CIPRXGET=?", "+CIPRXGET: (0-4),(1-1460)"),
        ("+CIPRXGET?", "+CIPRXGET: 0"),
        ("+CIPQSEND=?", "+CIPQSEND: (0,1)"),
        ("+CIPSPRT=?", "+CIPSPRT: (0-2)"),
        ("+CIPSPRT?", "+CIPSPRT: 1"),
        ("+CIPTKA?", "+CIPTKA: 1,7200,75,9"),
        ("+CIPTKA=1,60", ""),
        ("+CIPTKA?", "+CIPTKA: 1,60,75,9"),
        ("+CIPATS=1,4", ""),
        ("+CIPATS?", "+CIPATS: 1,4"),
        ("+CIPMODE?", "+CIPMODE: 0"),
        ('+CLPORT="UDP",4000', ""),
        ("+CLPORT?", "TCP: 0\r\nUDP: 4000"),
        ("+CDNSCFG?", "PrimaryDns: 10.64.0.1\r\nSecondaryDns: 10.64.0.2"),
        ('+CDNSCFG="8.8.8.8"', ""),
        ("+CDNSCFG?", "PrimaryDns: 8.8.8.8\r\nSecondaryDns: 0.0.0.0"),
        ("+CIPMUX=1", ""),
        ("+CIPSEND=?", "+CIPSEND: (0-5),<length>"),
        ("+CIPRXGET=?", "+CIPRXGET: (0-4),(0-5),(1-1460)"),
        ("+CIPSTATUS=3", '+CIPSTATUS: 3,,"","","","INITIAL"'),
    ):
        before = f"\r\n{answer}\r\n" if answer else ""
        assert await rig.say(f"AT{command}\r") == f"{before}\r\nOK\r\n".encode(), command


# -- data --------------------------------------------------------------------------------------


@live
async def test_sending_in_all_forms():
    async with served(echo=False) as (rig, far):
        await up(rig)
        await connect(rig)
        every = bytes(range(256)) * 5
        assert await send(rig, every) == b"\r\nSEND OK\r\n"
        assert far.got == every
        # a text, up to Ctrl-Z
        rig.line.feed(b"AT+CIPSEND\r")
        await rig.until(b"\r\n> ")
        rig.line.feed(b"one\rtwo\x1a")
        assert await rig.until(b"OK\r\n") == b"\r\n> \r\nSEND OK\r\n"
        assert far.got == every + b"one\rtwo"
        rig.line.feed(b"AT+CIPSEND\r")
        await rig.until(b"\r\n> ")
        rig.line.feed(b"never\x1b")
        assert await rig.until(b"OK\r\n") == b"\r\nOK\r\n"
        # the line is in command mode at once, and what came too much was no data
        rig.line.feed(b"AT+CIPSEND=3\r")
        await rig.until(b"\r\n> ")
        rig.line.feed(b"abcAT+CIPACK\r")
        assert await rig.until(b"\r\nSEND OK\r\n") == b"\r\nSEND OK\r\n"
        total = len(every) + 10
        expected = f"\r\n+CIPACK: {total},{total},0\r\n\r\nOK\r\n".encode()
        assert await rig.until(b"\r\nOK\r\n") == expected
        assert far.got == every + b"one\rtwoabc"


@live
async def test_prompt_and_echo():
    async with served(echo=False) as (rig, far):
        await up(rig)
        await connect(rig)
        assert await rig.ask("+CIPSPRT=0") == "OK"
        rig.line.feed(b"AT+CIPSEND=3\r")
        await asyncio.sleep(0.1)
        assert rig.take() == b""
        rig.line.feed(b"abc")
        assert await rig.until(b"OK\r\n") == b"\r\nSEND OK\r\n"
        assert await rig.ask("+CIPSPRT=2") == "OK"
        rig.line.feed(b"AT+CIPSEND=3\r")
        await asyncio.sleep(0.1)
        rig.line.feed(b"def")
        while len(far.got) < 6:
            await asyncio.sleep(0.01)
        assert await rig.ask("+CIPSPRT=1") == "OK"
        assert await rig.ask("E1") == "OK"
        rig.line.feed(b"AT+CIPSEND=3\r")
        assert await rig.until(b"> ") == b"AT+CIPSEND=3\r\r\n> "
        rig.line.feed(b"ghi")
        assert await rig.until(b"OK\r\n") == b"ghi\r\nSEND OK\r\n"
        # AT+CIPATS sends what there is
        assert await rig.ask("+CIPATS=1,2;E0") == "AT+CIPATS=1,2;E0\r\r\nOK"
        rig.line.feed(b"AT+CIPSEND=100\r")
        await rig.until(b"> ")
        rig.line.feed(b"jk")
        begin = rig.clock.now()
        assert await rig.until(b"OK\r\n") == b"\r\nSEND OK\r\n"
        assert 1.5 < rig.clock.now() - begin < 6
        assert far.got == b"abcdefghijk"


@live
async def test_several_connections_at_once():
    async with served() as (rig, _):
        await up(rig, "+CIPMUX=1", "+CIPQSEND=1", "+CIPRXGET=1")
        for number in (0, 3, 4):
            kind = '"UDP","echo.example",8' if number == 4 else '"TCP","echo.example","7"'
            says = await connect(rig, f"{number},{kind}")
            assert says == f"\r\n{number}, CONNECT OK\r\n".encode()
        assert await state(rig) == "IP PROCESSING"
        assert (await links(rig))[:5] == [
            f'C: 0,0,"TCP","{HOST}","7","CONNECTED"',
            'C: 1,,"","","","INITIAL"',
            'C: 2,,"","","","INITIAL"',
            f'C: 3,0,"TCP","{HOST}","7","CONNECTED"',
            f'C: 4,0,"UDP","{HOST}","8","CONNECTED"',
        ]
        for number in (3, 0, 4):
            data = b"to %d" % number
            answer = await send(rig, data, f"{number},{len(data)}", b"CIPRXGET: 1,%d\r\n" % number)
            assert answer == (
                b"\r\nDATA ACCEPT:%d,4\r\n\r\n+CIPRXGET: 1,%d\r\n" % (number, number)
            )
        assert await rig.ask("+CIPRXGET=4,3") == "+CIPRXGET: 4,3,4"
        assert await read(rig, "2,0,3") == ("2,0,3,1", "to ")
        assert await read(rig, "3,0,100") == ("3,0,1,0", "30")
        assert await read(rig, "2,3,1460") == ("2,3,4,0", "to 3")
        assert await read(rig, "2,4,1460") == ("2,4,6,0", "<to 4>")
        assert await read(rig, "2,4,1460") == ("2,4,0,0", "")
        assert await rig.ask("+CIPRXGET=0") == "+CME ERROR: 3"
        assert await rig.ask('+CIPSTART=3,"TCP","echo.example",7') == "+CME ERROR: 3"
        await rig.until(b"\r\n3, ALREADY CONNECT\r\n")
        rig.line.feed(b"AT+CIPCLOSE=3,1\r")
        assert await rig.until(b"OK\r\n") == b"\r\n3, CLOSE OK\r\n"
        assert (await links(rig))[3] == f'C: 3,0,"TCP","{HOST}","7","CLOSED"'
        assert await rig.ask("+CIPSTATUS=0") == f'+CIPSTATUS: 0,0,"TCP","{HOST}","7","CONNECTED"'
        # and again
        await connect(rig, '3,"TCP","echo.example",7')


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ((), b"hello"),
        (("+CIPHEAD=1",), b"\r\n+IPD,5:hello"),
        (("+CIPHEAD=1", "+CIPSHOWTP=1"), b"\r\n+IPD,TCP,5:hello"),
        (("+CIPSRIP=1",), b"\r\nRECV FROM:203.0.113.5:7\r\nhello"),
        (("+CIPMUX=1",), b"\r\n+RECEIVE,0,5:\r\nhello"),
    ],
)
def test_data_that_is_shown_at_once(settings, expected):
    async def body():
        async with served() as (rig, far):
            await up(rig, *settings)
            several = "+CIPMUX=1" in settings
            await connect(rig, '0,"TCP","echo.example",7' if several else '"TCP","echo.example",7')
            far.writers[0].write(b"hello")
            await rig.until(expected)
            assert rig.take() == b""

    asyncio.run(asyncio.wait_for(body(), 30))


@live
async def test_much_data_shown_at_once_is_complete():
    async with served() as (rig, far):
        await up(rig, "+CIPMUX=1")
        await connect(rig, '0,"TCP","echo.example",7')
        sent = bytes(n * 7 & 255 for n in range(100_000))
        far.writers[0].write(sent)
        got = b""
        while len(got) < len(sent):
            assert await rig.until(b"\r\n+RECEIVE,0,") == b"\r\n+RECEIVE,0,"
            size = int((await rig.until(b":\r\n"))[:-3])
            assert 0 < size <= 1460
            while len(rig.line.output) < size:
                await asyncio.sleep(0.001)
            got += rig.line.output[:size]
            del rig.line.output[:size]
        assert got == sent


@live
async def test_much_data_read_by_hand_waits_in_the_far_end():
    async with served() as (rig, far):
        await up(rig, "+CIPMUX=1", "+CIPRXGET=1")
        await connect(rig, '0,"TCP","echo.example",7')
        sent = bytes(n * 7 & 255 for n in range(10_000_000))
        far.writers[0].write(sent)
        await rig.until(b"+CIPRXGET: 1,0\r\n")
        await asyncio.sleep(0.5)
        kept = await rig.ask("+CIPRXGET=4,0")
        assert 0 < int(kept.rpartition(",")[2]) <= 5840
        assert far.writers[0].transport.get_write_buffer_size() > 0
        got = b""
        for _ in range(30):
            rig.line.feed(b"AT+CIPRXGET=2,0,1460\r")
            await rig.until(b"\r\n+CIPRXGET: 2,0,")
            size = int((await rig.until(b","))[:-1])
            await rig.until(b"\r\n")
            while len(rig.line.output) < size + 6:
                await asyncio.sleep(0.001)
            got += rig.line.output[:size]
            assert rig.take()[size:].startswith(b"\r\nOK\r\n")
        assert len(got) > 20000 and got == sent[: len(got)]


@live
async def test_udp():
    async with served() as (rig, far):
        await up(rig, "+CIPHEAD=1")
        await connect(rig, '"UDP","echo.example",8')
        assert await send(rig, b"ping", says=b"<ping>") == b"\r\nSEND OK\r\n\r\n+IPD,6:<ping>"
        assert far.got == b"ping"
        rig.line.feed(b"AT+CIPCLOSE=0\r")
        await rig.until(b"\r\nCLOSE OK\r\n")
        assert await state(rig) == "UDP CLOSED"
        # where nobody is, nobody says so
        rig.line.feed(b"AT+CIPSHUT\r")
        await rig.until(b"\r\nSHUT OK\r\n")
        await up(rig)
        await connect(rig, f'"UDP","{HOST}",1')
        assert await send(rig, b"lost") == b"\r\nSEND OK\r\n"


# -- the end of connections --------------------------------------------------------------------


@live
async def test_the_other_side_closes():
    async with served() as (rig, far):
        await up(rig)
        await connect(rig)
        far.writers[0].write(b"last words")
        far.writers[0].close()
        assert await rig.until(b"CLOSED\r\n") == b"last words\r\nCLOSED\r\n"
        assert await state(rig) == "TCP CLOSED"
        assert await rig.ask("+CIPSEND=3") == "+CME ERROR: 3"
        assert await rig.ask("+CIPCLOSE") == "ERROR"


@live
async def test_what_came_before_the_end_can_be_read_after_it():
    async with served() as (rig, far):
        await up(rig, "+CIPMUX=1", "+CIPRXGET=1")
        await connect(rig, '2,"TCP","echo.example",7')
        far.writers[0].write(b"last words")
        far.writers[0].close()
        assert await rig.until(b"CLOSED\r\n") == b"\r\n+CIPRXGET: 1,2\r\n\r\n2, CLOSED\r\n"
        assert (await links(rig))[2] == f'C: 2,0,"TCP","{HOST}","7","REMOTE CLOSING"'
        assert await rig.ask("+CIPCLOSE=2") == "+CME ERROR: 3"
        assert await read(rig, "2,2,4") == ("2,2,4,6", "last")
        assert await read(rig, "2,2,10") == ("2,2,6,0", " words")
        assert await rig.ask("+CIPRXGET=4,2") == "+CME ERROR: 3"
        assert (await links(rig))[2] == f'C: 2,0,"TCP","{HOST}","7","CLOSED"'


@live
async def test_the_other_side_closes_while_data_is_entered():
    async with served() as (rig, far):
        await up(rig)
        await connect(rig)
        rig.line.feed(b"AT+CIPSEND=5\r")
        await rig.until(b"\r\n> ")
        far.writers[0].close()
        rig.line.feed(b"ab")
        await rig.until(b"\r\nCLOSED\r\n")
        rig.line.feed(b"cde")
        assert await rig.until(b"FAIL\r\n") == b"\r\nSEND FAIL\r\n"
        assert await state(rig) == "TCP CLOSED"


@live
async def test_data_comes_while_data_is_sent():
    async with served() as (rig, far):
        await up(rig, "+CIPMUX=1", "+CIPRXGET=1", "+CIPQSEND=1")
        await connect(rig, '0,"TCP","echo.example",7')
        rig.line.feed(b"AT+CIPSEND=0,4\r")
        await rig.until(b"\r\n> ")
        far.writers[0].write(b"unasked")
        await rig.until(b"\r\n+CIPRXGET: 1,0\r\n")
        rig.line.feed(b"data")
        assert await rig.until(b"0,4\r\n") == b"\r\nDATA ACCEPT:0,4\r\n"
        while len(rig.modem.stack.links[0].received) < 11:
            await asyncio.sleep(0.001)
        assert await read(rig, "2,0,20") == ("2,0,11,0", "unaskeddata")


@live
async def test_the_network_takes_the_context():
    async with served() as (rig, far):
        await up(rig, "+CIPMUX=1")
        await connect(rig, '0,"TCP","echo.example",7')
        rig.modem.inject("pdp_deact")
        assert await rig.until(b"DEACT\r\n") == b"\r\n+PDP: DEACT\r\n"
        assert await state(rig) == "PDP DEACT"
        await links(rig)
        assert await rig.ask("+CIPSEND=0,3") == "+CME ERROR: 3"
        assert await rig.ask('+CIPSTART=0,"TCP","echo.example",7') == "+CME ERROR: 3"
        assert await rig.ask('+CDNSGIP="echo.example"') == "OK"
        assert await rig.until(b"3\r\n") == b"\r\n+CDNSGIP: 0,3\r\n"
        for _ in range(100):
            if far.writers[0].is_closing():
                break
            await asyncio.sleep(0.01)
        assert far.writers[0].is_closing()
        rig.line.feed(b"AT+CIPSHUT\r")
        await rig.until(b"\r\nSHUT OK\r\n")
        await up(rig)


@live
async def test_nothing_of_it_survives_the_power():
    async with served() as (rig, far):
        await up(rig)
        await connect(rig)
        rig.modem.supply(False)
        for _ in range(100):
            if far.writers[0].is_closing():
                break
            await asyncio.sleep(0.01)
        assert far.writers[0].is_closing()
        assert rig.take() == b""


# -- the air -----------------------------------------------------------------------------------


@live
async def test_a_slow_air_with_losses():
    async with served(speed=40.0) as (rig, far):
        rig.modem.sockets.internet = scenario(
            rig.modem.scenario, air=Air("bad", down=40_000, up=20_000, rtt=0.7, loss=0.2, seed=3)
        )
        await up(rig, "+CIPRXGET=1")
        await connect(rig)
        begin = rig.clock.now()
        assert await send(rig, bytes(1460)) in (
            b"\r\nSEND OK\r\n",
            b"\r\n+CIPRXGET: 1\r\n\r\nSEND OK\r\n",
        )
        # there and back, and 1500 bytes at 20,000 bit/s
        assert rig.clock.now() - begin > 1.3
        while len(rig.modem.stack.links[0].received) < 1460:
            await asyncio.sleep(0.001)
        assert rig.modem.sockets.up.pipe.packets and far.got == bytes(1460)


@live
async def test_quick_sending_does_not_wait_for_the_air():
    setup = scenario(READY, air=GPRS)
    async with served(setup, echo=False, speed=10.0) as (rig, far):
        await up(rig, "+CIPQSEND=1")
        await connect(rig)
        for _ in range(4):
            assert await send(rig, bytes(1460), says=b"1460\r\n") == b"\r\nDATA ACCEPT:1460\r\n"
        sent, there, left = map(int, (await rig.ask("+CIPACK")).partition(": ")[2].split(","))
        assert sent == 5840 and there + left == sent and left > 0
        for _ in range(1000):
            if (await rig.ask("+CIPACK")) == "+CIPACK: 5840,5840,0":
                break
            await asyncio.sleep(0.01)
        assert await rig.ask("+CIPACK") == "+CIPACK: 5840,5840,0"
        assert len(far.got) == 5840


@live
async def test_out_of_air():
    """Without a network the data stands still, and goes on afterwards; at last it is given up."""
    async with served(echo=False, speed=100.0) as (rig, far):
        await up(rig)
        await connect(rig)
        rig.modem.radio.lose(2)
        rig.line.feed(b"AT+CIPSEND=3\r")
        await rig.until(b"\r\n> ")
        rig.line.feed(b"abc")
        await asyncio.sleep(0.3)
        assert rig.take() == b"" and far.got == b""
        rig.modem.radio.settle()
        assert await rig.until(b"OK\r\n") == b"\r\nSEND OK\r\n"
        assert far.got == b"abc"
        rig.modem.radio.lose(2)
        rig.line.feed(b"AT+CIPSEND=3\r")
        await rig.until(b"\r\n> ")
        begin = rig.clock.now()
        rig.line.feed(b"def")
        answer = await rig.until(b"FAIL\r\n")
        assert answer == b"\r\nCLOSED\r\n\r\nSEND FAIL\r\n"
        assert 640 < rig.clock.now() - begin < 700


# -- names and TLS -----------------------------------------------------------------------------


@live
async def test_names():
    async with served() as (rig, _):
        await up(rig)
        assert await rig.ask('+CDNSGIP="echo.example"') == "OK"
        said = await rig.until(b'5"\r\n')
        assert said == f'\r\n+CDNSGIP: 1,"echo.example","{HOST}"\r\n'.encode()
        for name in ("no.example", "dark.example"):
            assert await rig.ask(f'+CDNSGIP="{name}"') == "OK"
            assert await rig.until(b"8\r\n") == b"\r\n+CDNSGIP: 0,8\r\n"
        assert await rig.ask('+CDNSCFG="8.8.8.8","8.8.4.4"') == "OK"
        assert await rig.ask('+CDNSGIP="echo.example"') == "OK"
        await rig.until(b"+CDNSGIP: 1,")
        await rig.until(b"\r\n")
        # who is no name server does not answer
        assert await rig.ask('+CDNSCFG="203.0.113.77"') == "OK"
        assert await rig.ask('+CDNSGIP="echo.example"') == "OK"
        assert await rig.until(b"8\r\n") == b"\r\n+CDNSGIP: 0,8\r\n"
        assert await rig.ask('+CIPSTART="TCP","echo.example",7') == "OK"
        await rig.until(b"\r\nCONNECT FAIL\r\n")


def _context(tls10):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    context.load_cert_chain(make(CERTIFICATES) / "https.pem")
    if tls10:
        only_tls10(context)
    return context


@live
async def test_tls():
    setup = scenario(READY, modem={"profile": "R14.18"})
    async with served(setup, context=_context(True)) as (rig, far):
        await up(rig)
        assert await rig.ask("+CIPSSL=1") == "OK"
        assert await rig.ask("+CIPSSL?") == "+CIPSSL: 1"
        await connect(rig)
        assert await send(rig, b"hush", says=b"hush") == b"\r\nSEND OK\r\nhush"
        assert far.got == b"hush"
    async with served(setup, context=_context(False)) as (rig, _):
        await up(rig)
        assert await rig.ask("+CIPSSL=1") == "OK"
        assert await rig.ask('+CIPSTART="TCP","echo.example",7') == "OK"
        assert await rig.until(b"FAIL\r\n") == b"\r\nSTATE: TCP CLOSED\r\n\r\nCONNECT FAIL\r\n"


@modem_test(READY)
async def test_tls_in_old_firmware(rig):
    rig.modem.profile = rig.modem.profile.__class__(**{**vars(rig.modem.profile), "ssl": False})
    for command in ("+CIPSSL=1", "+CIPSSL?", "+CIPSSL=?"):
        assert await rig.say(f"AT{command}\r") == b"\r\nERROR\r\n", command


# -- multiplexed -------------------------------------------------------------------------------


@modem_test(READY)
async def test_a_result_of_its_own_does_not_end_the_line(rig):
    await rig.say('AT+CSTT="internet";+CIICR\r')
    assert await rig.say("AT+CIFSR\r") == b"\r\n10.64.64.64\r\n"
    assert await rig.say("AT+CIFSR;E0\r") == b"\r\n10.64.64.64\r\n\r\nOK\r\n"
    assert await rig.say("AT+CIFSR;+CIPSHUT\r") == b"\r\n10.64.64.64\r\n\r\nSHUT OK\r\n"
    assert await rig.say("AT+CIFSR;E0\r") == b"\r\nERROR\r\n"
