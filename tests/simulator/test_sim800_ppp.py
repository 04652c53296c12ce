"""The modem with its real PPP end: from ATD to an address, and the ways it ends."""

import socket
import struct

from network import hdlc
from network.ppp import PPPEnd
from sim800.scenario import APN, Event
from sim800_rig import Rig, run, scenario

LCP, PAP, IPCP = 0xC021, 0xC023, 0x8021
REQUEST, ACK, NAK, TERMINATE, TERMINATE_ACK = 1, 2, 3, 5, 6


class PPPRig(Rig):
    """A rig whose DTE answers PPP like a plain host: no options but an address, blank PAP."""

    def __init__(self, setup):
        super().__init__(setup)
        self.deframer = hdlc.Deframer()
        self.address = None
        self.user = b""

    def _make_ppp(self, config, send, on_end, on_up):
        self.ppps.append(PPPEnd(self.clock, config, send, on_end, on_up, journal=self.journal))
        return self.ppps[-1]

    def put(self, protocol, code, ident, data=b""):
        packet = struct.pack("!BBH", code, ident, 4 + len(data)) + data
        self.line.feed(hdlc.frame(protocol, packet))

    def ask_address(self, address):
        self.put(IPCP, REQUEST, 9, b"\x03\x06" + socket.inet_aton(address))

    async def talk(self, seconds):
        """Answer PPP for so long; returns what was said outside of frames."""
        said = b""
        for _ in range(round(seconds / 0.05)):
            await self.wait(0.05)
            out = self.take()
            if b"~" in out:
                start, end = out.index(b"~"), out.rindex(b"~") + 1
                said += out[:start] + out[end:]
                out = out[start:end]
            else:
                said += out
                continue
            for content in self.deframer.feed(out):
                self._answer(*hdlc.unpack(content, acfc=True, pfc=True))
        return said

    def _answer(self, protocol, packet):
        code, ident, data = packet[0], packet[1], packet[4:]
        if protocol in (LCP, IPCP) and code == REQUEST:
            self.put(protocol, ACK, ident, data)
            if protocol == LCP:
                # asyncmap 0xffffffff is the default and so never naked
                self.put(LCP, REQUEST, 8)
            elif self.address is None:
                self.ask_address("0.0.0.0")
        elif protocol == LCP and code == ACK:
            size = bytes([len(self.user)])
            self.put(PAP, REQUEST, 1, size + self.user + b"\0")
        elif protocol == IPCP and code == NAK:
            self.address = socket.inet_ntoa(data[2:6])
            self.ask_address(self.address)
        elif protocol == LCP and code == TERMINATE:
            self.put(LCP, TERMINATE_ACK, ident)


SETUP = scenario(modem={"echo": False})


async def up(rig):
    await rig.say('AT+CGDCONT=1,"IP","internet"\r')
    rig.line.feed(b"ATD*99***1#\r")
    assert await rig.talk(3) == b"\r\nCONNECT 115200\r\n"
    assert rig.address == "10.64.64.64" and rig.ppps[-1].up


def check(body, setup=SETUP):
    async def test():
        async with PPPRig(setup) as rig:
            await body(rig)

    run(test)


def test_up_and_terminated_by_the_board():
    async def body(rig):
        await up(rig)
        assert rig.journal.seen("ppp", "up") or rig.journal.seen("ppp", "IPCP up")
        rig.put(LCP, TERMINATE, 20)
        assert (await rig.talk(5)) == b"\r\nNO CARRIER\r\n"
        assert await rig.say("AT\r") == b"\r\nOK\r\n"
        rig.address = None
        await up(rig)  # and once more

    check(body)


def test_event_at_ip():
    async def body(rig):
        await up(rig)
        assert await rig.talk(3) == b"\r\nNO CARRIER\r\n"

    check(body, scenario(SETUP, events=(Event("no_carrier", when="ip", after=4),)))


def test_terminated_by_the_network():
    async def body(rig):
        await up(rig)
        rig.modem.inject("lcp_terminate")
        assert await rig.talk(2) == b"\r\nNO CARRIER\r\n"

    check(body)


def test_nobody_answers():
    async def body(rig):
        out = await rig.say("ATD*99#\r", 30)
        assert out.startswith(b"\r\nCONNECT 115200\r\n~")
        assert out.endswith(b"~\r\nNO CARRIER\r\n")
        frames = list(hdlc.Deframer().feed(out))
        assert 5 <= len(frames) <= 7 and all(f.startswith(b"\xff\x03\xc0\x21\x01") for f in frames)

    check(body)


def test_found_in_data_mode_hangs_up_by_itself():
    async def body(rig):
        await rig.wait(30)
        assert rig.take().endswith(b"~\r\nNO CARRIER\r\n")
        assert await rig.say("AT\r") == b"\r\nOK\r\n"

    check(body, scenario(SETUP, modem={"start": "data"}))


def test_wrong_password_and_refused_once():
    private = scenario(SETUP, radio={"apns": {"internet": APN("pap", "me", "")}})

    async def wrong(rig):
        rig.user = b"you"
        rig.line.feed(b'AT+CGDCONT=1,"IP","internet"\rATD*99#\r')
        assert (await rig.talk(10)).endswith(b"\r\nCONNECT 115200\r\n\r\nNO CARRIER\r\n")
        assert rig.journal.seen("modem", "no carrier")[0].fields["why"] == "auth"
        rig.user = b"me"
        await up(rig)

    async def once(rig):
        rig.modem.inject("pap_refuse_once")
        rig.line.feed(b'AT+CGDCONT=1,"IP","internet"\rATD*99#\r')
        assert (await rig.talk(10)).endswith(b"\r\nCONNECT 115200\r\n\r\nNO CARRIER\r\n")
        await up(rig)

    check(wrong, private)
    check(once)


# -- the fault words of PPP, on its real end ---------------------------------------------------


async def echo(rig, seconds):
    """Ask by LCP, and wait so long: what came back, as (LCP code, identifier)."""
    rig.put(LCP, 9, 77, bytes(4))
    frames = rig.deframer.feed(await rig.say(b"", seconds))
    return [tuple(hdlc.unpack(frame, acfc=True, pfc=True)[1][:2]) for frame in frames]


def test_echo_stops_for_this_call():
    async def body(rig):
        await up(rig)
        assert await echo(rig, 1) == [(10, 77)]
        rig.modem.inject("echo_stops")
        assert await echo(rig, 5) == []
        rig.modem.inject("no_carrier")
        rig.address = None
        await up(rig)
        assert await echo(rig, 1) == [(10, 77)]

    check(body)


def test_echo_late_for_all_calls():
    async def body(rig):
        rig.modem.inject("echo_late", seconds=4)
        await up(rig)
        assert await echo(rig, 3.9) == []
        assert len(list(rig.deframer.feed(await rig.say(b"", 0.2)))) == 1
        rig.modem.inject("echo_late", seconds=0)
        assert await echo(rig, 0.1) == [(10, 77)]

    check(body)


def test_ipcp_without_name_servers():
    async def ask(rig):
        await up(rig)
        rig.put(IPCP, REQUEST, 30, b"\x81\x06\0\0\0\0")
        packets = [
            hdlc.unpack(f, acfc=True, pfc=True) for f in rig.deframer.feed(await rig.say(b""))
        ]
        return [data[0] for protocol, data in packets if protocol == IPCP and data[1] == 30]

    async def body(rig):
        assert await ask(rig) == [NAK]
        rig.modem.inject("ipcp_no_dns")
        rig.modem.inject("no_carrier")
        rig.address = None
        assert await ask(rig) == [4]  # Configure-Reject

    check(body)


def test_lcp_that_never_agrees():
    async def body(rig):
        rig.modem.inject("lcp_naks")
        rig.line.feed(b'AT+CGDCONT=1,"IP","internet"\rATD*99#\r')
        await rig.talk(20)
        assert not rig.journal.seen("ppp", "LCP up")
        rig.modem.inject("lcp_naks", on=False)
        rig.modem.inject("no_carrier")
        await up(rig)

    check(body)


def test_loopback_and_damage():
    async def body(rig):
        await up(rig)
        rig.modem.inject("ppp_damaged", rate=1)
        assert await echo(rig, 1) == [] and rig.deframer.bad_fcs == 1
        rig.modem.inject("ppp_damaged", rate=0)
        assert await echo(rig, 1) == [(10, 77)]
        rig.modem.inject("ppp_loopback")
        assert await echo(rig, 1) == [(9, 77)]
        rig.modem.inject("ppp_loopback", on=False)
        assert await echo(rig, 1) == [(10, 77)]

    check(body)


def test_suspended_and_resumed():
    async def body(rig):
        await up(rig)
        await rig.talk(1)
        assert await rig.say("+++", 1.1) == b"\r\nOK\r\n"
        assert await rig.say("AT+CSQ\r") == b"\r\n+CSQ: 18,0\r\n\r\nOK\r\n"
        await rig.wait(120)
        assert await rig.say("ATO\r") == b"\r\nCONNECT 115200\r\n"
        rig.put(LCP, 9, 77, bytes(4))  # Echo-Request
        frames = list(rig.deframer.feed(await rig.say(b"", 0.1)))
        assert [hdlc.unpack(f, acfc=True, pfc=True)[1][:2] for f in frames] == [bytes((10, 77))]

    async def test():
        async with PPPRig(SETUP) as rig:
            await body(rig)

    run(test, limit=300)


def test_silent_scenario_sends_nothing():
    async def body(rig):
        assert await rig.say("ATD*99#\r", 30) == b"\r\nCONNECT 115200\r\n"

    check(body, scenario(SETUP, events=(Event("ppp_silent"),)))
