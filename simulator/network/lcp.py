"""The Link Control Protocol (RFC 1661) as a SIM800's PPP end speaks it."""

from . import automaton
from .automaton import Automaton, Option
from .hdlc import DEFAULT_ASYNCMAP

MRU, ASYNCMAP, AUTH, MAGIC, PFC, ACFC = 1, 2, 3, 5, 7, 8  # option types (RFC 1661 6, RFC 1662 7.1)
PROTOCOL_REJ, ECHO_REQ, ECHO_REP, DISCARD_REQ = 8, 9, 10, 11

AUTH_VALUES = {"none": b"", "pap": b"\xc0\x23", "chap": b"\xc2\x23\x05"}  # CHAP: MD5

MINIMUM_MRU = 128
DEFAULT_MRU = 1500


class LCP(Automaton):
    """LCP of one PPPEnd, which is told what happens by its methods lcp_up, lcp_down, lcp_finished,
    protocol_rejected(protocol), and asked for its present `config` and faults."""

    name = "LCP"
    codes = range(automaton.CONF_REQ, DISCARD_REQ + 1)

    def __init__(self, end, transmit, restart: float, retries: int):
        super().__init__(end.clock, transmit, restart, retries)
        self._end = end
        self._refused: set[int] = set()  # types of ours the far end rejected
        self._more_escapes = 0  # what the far end asked us to add to our asyncmap
        # What the far end's request says about sending to it.
        self.send_asyncmap = DEFAULT_ASYNCMAP
        self.send_mru = DEFAULT_MRU
        self.send_pfc = self.send_acfc = False

    # What we asked for, and so what we may be sent.

    @property
    def asyncmap(self) -> int:
        if ASYNCMAP in self._refused:
            return DEFAULT_ASYNCMAP
        return self._end.config.asyncmap | self._more_escapes

    @property
    def pfc(self) -> bool:
        return self.state == automaton.OPENED and PFC not in self._refused

    @property
    def acfc(self) -> bool:
        return self.state == automaton.OPENED and ACFC not in self._refused

    # Options. Ours are those seen from real SIM800s: neither MRU nor magic number.

    def options(self) -> list[Option]:
        ours = [(ASYNCMAP, self.asyncmap.to_bytes(4, "big"))]
        if auth := AUTH_VALUES[self._end.config.auth]:
            ours.append((AUTH, auth))
        ours += [(PFC, b""), (ACFC, b"")]
        return [option for option in ours if option[0] not in self._refused]

    def judge(self, options: list[Option]) -> tuple[list[Option], list[Option]]:
        lengths = {MRU: 2, ASYNCMAP: 4, MAGIC: 4, PFC: 0, ACFC: 0}
        reject, nak = [], []
        if self._end.nak_forever:
            self._naks = 0  # nor does it ever go over to rejecting
            return [], [(MRU, (1000 + self._rounds % 400).to_bytes(2, "big"))]
        for kind, value in options:
            number = int.from_bytes(value, "big")
            if kind not in lengths or len(value) != lengths[kind]:
                reject.append((kind, value))  # also AUTH: the network does not prove who it is
            elif kind == MRU and number < MINIMUM_MRU:
                nak.append((kind, MINIMUM_MRU.to_bytes(2, "big")))
            elif kind == ASYNCMAP and number | self._end.config.asyncmap != number:
                nak.append((kind, (number | self._end.config.asyncmap).to_bytes(4, "big")))
            elif kind == MAGIC and not number:
                nak.append((kind, self._end.random.randbytes(4)))
        return reject, nak

    def accepted(self, options: list[Option]) -> None:
        theirs = {kind: int.from_bytes(value, "big") for kind, value in options}
        self.send_asyncmap = theirs.get(ASYNCMAP, DEFAULT_ASYNCMAP)
        self.send_mru = theirs.get(MRU, DEFAULT_MRU)
        self.send_pfc = PFC in theirs
        self.send_acfc = ACFC in theirs

    def naked(self, options: list[Option]) -> None:
        for kind, value in options:
            if kind == ASYNCMAP and len(value) == 4:
                self._more_escapes |= int.from_bytes(value, "big")
            # Another auth protocol is not ours to choose: we ask again until it is taken,
            # rejected, or the rounds are used up.

    def rejected(self, options: list[Option]) -> None:
        for kind, _ in options:
            if kind == AUTH:
                self._end.auth_rejected()
                return
            self._refused.add(kind)

    def layer_up(self) -> None:
        self._end.lcp_up()

    def layer_down(self) -> None:
        self._refused.clear()
        self._more_escapes = 0
        self._end.lcp_down()

    def layer_finished(self) -> None:
        self._end.lcp_finished()

    def idle(self) -> bool:
        return self._end.mute

    # The other packets, which count only when LCP is up (RFC 1661 5.7 to 5.9).

    def extra(self, code: int, ident: int, data: bytes) -> None:
        if self.state != automaton.OPENED or len(data) < (2 if code == PROTOCOL_REJ else 4):
            self.discarded += 1
        elif code == PROTOCOL_REJ:
            self._end.protocol_rejected(int.from_bytes(data[:2], "big"))
        elif code == ECHO_REQ:
            self._echo_request(ident, data[4:])

    def _echo_request(self, ident: int, data: bytes) -> None:
        """Answer it, if PPPEnd.echo_replies, after its echo_delay."""
        if not self._end.echo_replies:
            self._end.log("echo not answered", id=ident)
        elif self._end.echo_delay:
            self._clock.call_later(self._end.echo_delay, self._echo_reply, ident, data)
        else:
            self._echo_reply(ident, data)

    def _echo_reply(self, ident: int, data: bytes) -> None:
        if self.state == automaton.OPENED:  # still
            self._end.log("echo", id=ident)
            self.send(ECHO_REP, ident, bytes(4) + data)  # no magic number agreed on: 0

    def reject_protocol(self, protocol: int, payload: bytes) -> None:
        self._ident = (self._ident + 1) & 0xFF
        room = self.send_mru - 6
        self.send(PROTOCOL_REJ, self._ident, protocol.to_bytes(2, "big") + payload[:room])
