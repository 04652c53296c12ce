"""The modem's end of the PPP line: framing, LCP, authentication and IPCP put together."""

import re
from random import Random

from . import hdlc
from .auth import CHAP, PAP
from .automaton import CLOSED, INITIAL, OPENED, STOPPED
from .ipcp import IPCP
from .lcp import LCP

IP, P_IPCP, P_LCP = 0x0021, 0x8021, 0xC021  # PPP protocol numbers
# An AT command that came where frames should. A bare AT is none: it is how a host asks whether PPP is over.
_COMMAND = re.compile(rb"(?:AT|at)[!-}][ -}]*\r")


class PPPEnd:
    """What answers PPP in a SIM800 between CONNECT and NO CARRIER.

    clock: network.clock.Clock, or anything with its now() and call_later().
    config: an object with the attributes of sim800.scenario.PPP, and `auth`, `user`, `password`
        of its APN; read when needed, so it may be replaced while running.
    send(bytes): to the serial line. on_end(reason): PPP is over: "terminated" (by either side),
        "retries" (no answer in time), "auth" (refused). on_up(): IPCP is up.
    internet: network.internet.Internet, or anything with its attach, detach and send.
    journal: network.journal.Journal, where an AT command sent into PPP is told, too; pcap: network.pcap.Writer.

    Faults, each an attribute to be set at any time: `muted` (takes everything, says nothing, time
    stands still), `loopback` (sends back what it gets),
    `cut` (goes on as if nothing were, but IP packets go nowhere, as on a dead bearer behind a modem that lives),
    `unheard` (nothing it says arrives),
    `nak_forever` (agrees to no LCP request), `refuse_auth` (refuses the next authentication),
    `bad_fcs` (share of frames sent damaged, 0 to 1), `echo_replies` (answers LCP echo at all), `echo_delay`
    (seconds until it does), `name_servers` (tells them in IPCP), `reject_codes` (knows no packet: each gets a Code-Reject),
    `says` (what it says beside: tuple of (moment, protocol, packet); moments are "begin", when the far end's first packet
    came, "lcp" and "ip"; a packet whose identifier is None has that of the far end's last of the protocol).
    """

    def __init__(
        self, clock, config, send, on_end, on_up=None, internet=None, journal=None, pcap=None
    ):
        self.clock = clock
        self.config = config
        self.muted = self.loopback = self.nak_forever = self.refuse_auth = self.cut = False
        self.unheard = False
        self.bad_fcs = self.echo_delay = 0.0
        self.echo_replies = self.name_servers = True
        self.reject_codes = False
        self.says: tuple[tuple[str, int, list[int | None]], ...] = ()
        self._heard: dict[int, int] = {}  # identifiers, by protocol
        self.random = Random(800)
        self.deframer = hdlc.Deframer()
        self.deframer.on_refused = self._look_for_command
        self.discarded = 0  # frames that made no sense when they came
        self.up = False
        self._send = send
        self._on_end = on_end
        self._on_up = on_up
        self._internet = internet
        self._journal = journal
        self._pcap = pcap
        self._running = False
        self._lcp = self._ipcp = self._auth = None
        self._auth_timer = None
        self._auth_tries = 0
        self._authenticated = False

    @property
    def mute(self) -> bool:
        return self.muted or self.loopback

    # What the modem does with it.

    def start(self) -> None:
        """Begin LCP; called at CONNECT. Only once for each PPPEnd."""
        restart, retries = self.config.retry_time, self.config.retries
        self._lcp = LCP(self, lambda packet: self._transmit(P_LCP, packet), restart, retries)
        self._ipcp = IPCP(self, lambda packet: self._transmit(P_IPCP, packet), restart, retries)
        self._ipcp.open()
        self._running = True
        self._lcp.up()
        self._lcp.open()

    def receive(self, data: bytes) -> None:
        """Bytes from the line, split anywhere."""
        if not self._running:
            return
        if self.loopback:
            self._send(data)
        damaged = self.deframer.bad_fcs
        for content in self.deframer.feed(data):
            if self._pcap:
                self._pcap.write(True, content)
            if self.mute:
                continue
            unpacked = hdlc.unpack(content, self._lcp.acfc, self._lcp.pfc)
            if unpacked is None:
                self.discarded += 1
            else:
                self._dispatch(*unpacked)
            if not self._running:
                return
        if self.deframer.bad_fcs > damaged:
            self.log("damaged frame", count=self.deframer.bad_fcs - damaged)

    def terminate(self) -> None:
        """Say LCP Terminate-Request; on_end("terminated") follows when it was answered or not."""
        if not self._running:
            return
        if self._lcp.state in (INITIAL, CLOSED, STOPPED):
            self._end("terminated")
            return
        self.log("terminate: sent")
        self._fail("terminated")

    def close(self, reason: str = "closed") -> None:
        """Stop at once without a word: carrier lost, modem reset. on_end is not called."""
        if self._running:
            self.log(reason)
        self._stop()

    # Frames.

    def _dispatch(self, protocol: int, payload: bytes) -> None:
        begins = not self._heard
        if protocol != IP and len(payload) > 1:
            self._heard[protocol] = payload[1]
        if begins:
            self._say("begin")
        if self.reject_codes and protocol in (P_LCP, PAP.protocol, CHAP.protocol, P_IPCP):
            self._transmit(
                protocol, bytes([7, 1]) + (len(payload) + 4).to_bytes(2, "big") + payload
            )
        elif protocol == P_LCP:
            self._lcp.receive(payload)
        elif self._lcp.state != OPENED:
            self.discarded += 1
        elif self._auth and protocol == self._auth.protocol:
            self._auth.receive(payload)
        elif not self._authenticated:
            self.discarded += 1  # RFC 1661 3.5
        elif protocol == P_IPCP:
            self._ipcp.receive(payload)
        elif protocol == IP:
            if self.up and self._internet and not self.cut:
                self._internet.send(payload)
        else:
            self.log(f"protocol rejected 0x{protocol:04x}")
            self._lcp.reject_protocol(protocol, payload)

    def _transmit(self, protocol: int, payload: bytes) -> None:
        if not self._running or self.mute:
            return
        if protocol == P_LCP:  # never depends on what was agreed on, so that it can begin anew
            content, asyncmap = hdlc.pack(protocol, payload), hdlc.DEFAULT_ASYNCMAP
        else:
            content = hdlc.pack(protocol, payload, self._lcp.send_acfc, self._lcp.send_pfc)
            asyncmap = self._lcp.send_asyncmap
        damage = self.bad_fcs and self.random.random() < self.bad_fcs
        if self._pcap and not damage:
            self._pcap.write(False, content)
        if not self.unheard:
            self._send(hdlc.enclose(content, asyncmap, damage=0x5A5A if damage else 0))

    def _say(self, moment: str) -> None:
        for when, protocol, packet in self.says:
            if when == moment:
                heard = self._heard.get(protocol, 0)
                self._transmit(protocol, bytes(heard if byte is None else byte for byte in packet))

    def _deliver(self, packet: bytes) -> None:
        if not self.up or self.cut:
            return
        if len(packet) > self._lcp.send_mru:
            self.discarded += 1
            self.log("packet above the far end's MRU dropped", length=len(packet))
            return
        self._transmit(IP, packet)

    # LCP tells.

    def lcp_up(self) -> None:
        self.deframer.asyncmap = self._lcp.asyncmap
        self.log("LCP up", asyncmap=f"0x{self._lcp.send_asyncmap:08x}", mru=self._lcp.send_mru)
        self._say("lcp")
        self._authenticated = False
        self._auth_tries = 0
        auth = self.config.auth
        if auth == "none":
            self._admit()
            return
        if auth == "pap":
            self._auth = PAP(self._transmit_auth, self._check_pap, self._auth_done)
        else:
            challenge = self.random.randbytes(16)
            self._auth = CHAP(self._transmit_auth, self._check, self._auth_done, challenge)
        self._auth.start()
        self._auth_timer = self.clock.call_later(self.config.retry_time, self._auth_timeout)

    def lcp_down(self) -> None:
        self.deframer.asyncmap = hdlc.DEFAULT_ASYNCMAP
        self.log("LCP down")
        self._stop_auth()
        self._authenticated = False
        self._ipcp.down()

    def lcp_finished(self) -> None:
        self._end(self._lcp.failure or "terminated")

    def protocol_rejected(self, protocol: int) -> None:
        self.log(f"far end rejects protocol 0x{protocol:04x}")
        if protocol == P_LCP:
            self._lcp.reject(fatal=True)
        elif protocol in (IP, P_IPCP):
            self._ipcp.reject(fatal=True)
        elif self._auth and protocol == self._auth.protocol and not self._authenticated:
            self._fail("auth")

    # Authentication.

    def auth_rejected(self) -> None:
        self.log(f"far end rejects {self.config.auth.upper()}")
        self._fail("auth")

    def _transmit_auth(self, packet: bytes) -> None:
        self._transmit(self._auth.protocol, packet)

    def _check_pap(self, user: bytes, password: bytes) -> bool:
        return self._check(user, lambda known: known == password)

    def _check(self, user: bytes, matches) -> bool:
        """Whether to let `user` in; matches(password) is asked when there is one to compare."""
        if self.refuse_auth:
            self.refuse_auth = False
            return False
        if self.config.user is None:
            return True
        if user != self.config.user.encode():
            return False
        return self.config.password is None or matches(self.config.password.encode())

    def _auth_done(self, ok: bool, user: bytes) -> None:
        self._auth_timer.cancel()
        name = user.decode("utf-8", "backslashreplace")
        self.log(f"{self._auth.name} {'ok' if ok else 'refused'} for user {name!r}")
        if ok:
            self._admit()
        else:
            self._fail("auth")

    def _auth_timeout(self) -> None:
        if not self.mute:
            self._auth_tries += 1
            if self._auth_tries > self.config.retries:
                self.log(f"no {self._auth.name} answer")
                self._fail("retries")
                return
            self._auth.repeat()
        self._auth_timer = self.clock.call_later(self.config.retry_time, self._auth_timeout)

    def _stop_auth(self) -> None:
        if self._auth_timer:
            self._auth_timer.cancel()
        self._auth = None

    def _admit(self) -> None:
        self._authenticated = True
        self._ipcp.up()

    # IPCP tells.

    def ipcp_up(self) -> None:
        self.up = True
        self.log("IPCP up", local=self.config.local, remote=self.config.remote)
        self._say("ip")
        if self._internet:
            self._internet.attach(self.config.remote, self._deliver)
        if self._on_up:
            self._on_up()

    def ipcp_down(self) -> None:
        self.up = False
        self.log("IPCP down")
        if self._internet:
            self._internet.detach()

    def ipcp_finished(self) -> None:
        self._fail(self._ipcp.failure or "terminated")

    # The end.

    def _fail(self, reason: str) -> None:
        """Take LCP down in good order; on_end(reason) follows from lcp_finished."""
        self._lcp.failure = self._lcp.failure or reason
        self._lcp.close()

    def _end(self, reason: str) -> None:
        if not self._running:
            return
        self.log({"retries": "gave up", "auth": "ended: auth refused"}.get(reason, reason))
        self._stop()
        self._on_end(reason)

    def _look_for_command(self, chunk: bytes) -> None:
        if found := _COMMAND.search(chunk):
            # without its arguments: they may be secret
            self.log("AT command in PPP", command=found[0].split(b"=")[0].decode().strip())

    def _stop(self) -> None:
        if self._running:
            self.deframer.end()
        self._running = False
        self._stop_auth()
        if self._lcp:
            self._lcp.abort()
            self._ipcp.abort()
        if self.up:
            self.up = False
            if self._internet:
                self._internet.detach()

    def log(self, what: str, **fields) -> None:
        if self._journal:
            self._journal.add("ppp", what, **fields)
