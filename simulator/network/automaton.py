"""The option negotiation automaton of RFC 1661, which LCP and IPCP share.

The table is the RFC's own (section 4.1), with its names for events and actions. Sans-IO: packets
come in by `receive`, go out by the `transmit` callback, time is the clock's `call_later`.
"""

from collections.abc import Callable

CONF_REQ, CONF_ACK, CONF_NAK, CONF_REJ, TERM_REQ, TERM_ACK, CODE_REJ = range(1, 8)

_STATES = (
    INITIAL := "initial",
    STARTING := "starting",
    CLOSED := "closed",
    STOPPED := "stopped",
    CLOSING := "closing",
    STOPPING := "stopping",
    REQ_SENT := "req-sent",
    ACK_RCVD := "ack-rcvd",
    ACK_SENT := "ack-sent",
    OPENED := "opened",
)

# Each cell: actions, then the next state's number as in the RFC; "-" cannot happen and is ignored.
_ROWS = """
      0      1          2    3             4     5     6             7             8             9
up    2      irc,scr/6  -    -             -     -     -             -             -             -
down  -      -          0    tls/1         0     1     1             1             1             tld/1
open  tls/1  1          irc,scr/6  3       5     5     6             7             8             9
close 0      tlf/0      2    2             4     4     irc,str/4     irc,str/4     irc,str/4     tld,irc,str/4
to+   -      -          -    -             str/4 str/5 scr/6         scr/6         scr/8         -
to-   -      -          -    -             tlf/2 tlf/3 tlf/3         tlf/3         tlf/3         -
rcr+  -      -          sta/2 irc,scr,sca/8 4    5     sca/8         sca,tlu/9     sca/8         tld,scr,sca/8
rcr-  -      -          sta/2 irc,scr,scn/6 4    5     scn/6         scn/7         scn/6         tld,scr,scn/6
rca   -      -          sta/2 sta/3        4     5     irc/7         scr/6         irc,tlu/9     tld,scr/6
rcn   -      -          sta/2 sta/3        4     5     irc,scr/6     scr/6         irc,scr/8     tld,scr/6
rtr   -      -          sta/2 sta/3        sta/4 sta/5 sta/6         sta/6         sta/6         tld,zrc,sta/5
rta   -      -          2    3             tlf/2 tlf/3 6             6             8             tld,scr/6
ruc   -      -          scj/2 scj/3        scj/4 scj/5 scj/6         scj/7         scj/8         scj/9
rxj+  -      -          2    3             4     5     6             6             8             9
rxj-  -      -          tlf/2 tlf/3        tlf/2 tlf/3 tlf/3         tlf/3         tlf/3         tld,irc,str/5
"""


def _table() -> dict[tuple[str, str], tuple[list[str], str]]:
    table = {}
    for row in _ROWS.strip().splitlines()[1:]:
        event, *cells = row.split()
        for state, cell in zip(_STATES, cells, strict=True):
            if cell != "-":
                actions, _, number = cell.rpartition("/")
                table[event, state] = (actions.split(",") if actions else [], _STATES[int(number)])
    return table


_TABLE = _table()
_TIMED = {CLOSING, STOPPING, REQ_SENT, ACK_RCVD, ACK_SENT}

Option = tuple[int, bytes]


def parse_options(data: bytes) -> list[Option] | None:
    """The options of a Configure packet as (type, value), or None when lengths do not fit."""
    options = []
    while data:
        if len(data) < 2 or not 2 <= data[1] <= len(data):
            return None
        options.append((data[0], data[2 : data[1]]))
        data = data[data[1] :]
    return options


def build_options(options: list[Option]) -> bytes:
    return b"".join(bytes([kind, len(value) + 2]) + value for kind, value in options)


class Automaton:
    """One control protocol's state; subclasses say what its options mean.

    clock: for the restart timer; transmit(packet): to the far end; restart: seconds between
    retransmissions; retries: how often a Configure-Request is repeated before giving up.
    """

    name = "?"
    codes = range(CONF_REQ, CODE_REJ + 1)  # packets understood, others get a Code-Reject
    max_terminate = 2
    max_failure = 5  # Naks sent without an Ack; from then on Reject
    # Both ends may go on answering each other for ever without agreeing, which the RFC leaves open.
    # Since last up, at most so many Configure-Requests, and times the retries of time-outs:
    max_rounds = 40
    max_timeouts = 3
    linger = 0.1  # after the far end's Terminate-Request, before the line is given up (unverified)

    def __init__(self, clock, transmit: Callable[[bytes], None], restart: float, retries: int):
        self.state = INITIAL
        self.failure = ""  # why the layer finished
        self.discarded = 0  # packets that were no answer to anything or malformed
        self._clock = clock
        self._transmit = transmit
        self._restart = restart
        self._retries = retries
        self._timer = None
        self._counter = 0
        self._rounds = 0
        self._timeouts = 0
        self._naks = 0
        self._ident = 0
        self._awaited: int | None = None  # identifier of the Configure-Request not yet answered
        self._sent: list[Option] = []
        self._packet = (0, 0, b"")  # code, identifier and data that caused the present event
        self._agreed: list[Option] = []  # the far end's request that we acknowledge
        self._reply = (0, b"")  # code and data of the answer to the present Configure-Request

    # What a protocol adds.

    def options(self) -> list[Option]:
        """Our Configure-Request."""
        raise NotImplementedError

    def judge(self, options: list[Option]) -> tuple[list[Option], list[Option]]:
        """(options to reject, options to nak with a value we would take) of what was asked."""
        raise NotImplementedError

    def accepted(self, options: list[Option]) -> None:
        """The far end's request was acknowledged by us."""

    def naked(self, options: list[Option]) -> None:
        """The far end suggests other values."""

    def rejected(self, options: list[Option]) -> None:
        """The far end wants to hear no more of these."""

    def extra(self, code: int, ident: int, data: bytes) -> None:
        """A packet with a code above Code-Reject that `codes` lists."""

    def layer_up(self) -> None: ...
    def layer_down(self) -> None: ...
    def layer_finished(self) -> None: ...

    def idle(self) -> bool:
        """True while time must stand still (a dead bearer)."""
        return False

    # Events.

    def up(self) -> None:
        self._event("up")

    def down(self) -> None:
        self._event("down")

    def open(self) -> None:
        self._event("open")

    def close(self) -> None:
        self._event("close")

    def reject(self, fatal: bool) -> None:
        """A Code-Reject or Protocol-Reject came; fatal: for something we cannot do without."""
        if fatal:
            self.failure = self.failure or "terminated"
        self._event("rxj-" if fatal else "rxj+")

    def abort(self) -> None:
        """Stop the timer and forget all, without a word."""
        self._stop_timer()
        self.state = INITIAL

    def receive(self, packet: bytes) -> None:
        """A packet from the far end; what is malformed is silently discarded (RFC 1661 5)."""
        length = int.from_bytes(packet[2:4], "big")
        if len(packet) < 4 or not 4 <= length <= len(packet) or self.state in (INITIAL, STARTING):
            self.discarded += 1
            return
        code, ident, data = packet[0], packet[1], packet[4:length]
        self._packet = (code, ident, packet[:length])
        if code not in self.codes:
            self._event("ruc")
        elif code == CONF_REQ:
            self._receive_request(data)
        elif code in (CONF_ACK, CONF_NAK, CONF_REJ):
            self._receive_answer(code, ident, data)
        elif code == TERM_REQ:
            if self.state == OPENED:
                self.failure = self.failure or "terminated"
            self._event("rtr")
        elif code == TERM_ACK:
            self._event("rta")
        elif code == CODE_REJ:
            self.reject(bool(data) and data[0] in range(1, 8))
        else:
            self.extra(code, ident, data)

    def _receive_request(self, data: bytes) -> None:
        options = parse_options(data)
        if options is None:
            self.discarded += 1
            return
        reject, nak = self.judge(options)
        if nak and not reject and self._naks >= self.max_failure:
            # Not converging: reject what it asked for, no longer ask for what it did not.
            kinds = {kind for kind, _ in nak}
            reject, nak = [option for option in options if option[0] in kinds], []
        if reject:
            self._reply = (CONF_REJ, build_options(reject))
            self._event("rcr-")
        elif nak:
            self._naks += 1
            self._reply = (CONF_NAK, build_options(nak))
            self._event("rcr-")
        else:
            self._naks = 0
            self._reply = (CONF_ACK, data)
            self._agreed = options
            self._event("rcr+")

    def _receive_answer(self, code: int, ident: int, data: bytes) -> None:
        options = parse_options(data)
        # An answer counts once, and only if it is to the last request: an old or doubled one
        # must not take down what is up.
        valid = ident == self._awaited and options is not None
        if valid and code == CONF_ACK:
            valid = options == self._sent
        elif valid and code == CONF_REJ:
            valid = bool(options) and all(option in self._sent for option in options)
        if not valid and self.state not in (CLOSED, STOPPED):
            self.discarded += 1
            return
        self._awaited = None
        if code == CONF_ACK:
            self._event("rca")
            return
        if valid:
            (self.naked if code == CONF_NAK else self.rejected)(options)
        self._event("rcn")

    def _event(self, event: str) -> None:
        if (event, self.state) not in _TABLE:
            return
        actions, self.state = _TABLE[event, self.state]
        for action in actions:
            getattr(self, "_" + action)()
        if self.state not in _TIMED:
            self._stop_timer()

    # The timer.

    def _start_timer(self, seconds: float) -> None:
        self._stop_timer()
        self._timer = self._clock.call_later(seconds, self._timeout)

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _timeout(self) -> None:
        self._timer = None
        terminating = self.state in (CLOSING, STOPPING)
        if self.idle() and not terminating:
            self._start_timer(self._restart)
        elif terminating:
            self._event("to+" if self._counter > 0 else "to-")
        else:
            self._timeouts += 1
            most = self.max_timeouts * max(1, self._retries)
            hopeless = self._counter <= 0 or self._timeouts > most
            if hopeless:
                self.failure = self.failure or "retries"
            self._event("to-" if hopeless else "to+")

    # Actions, by their names in the RFC.

    def _tlu(self) -> None:
        self._rounds = self._timeouts = 0
        self.layer_up()

    def _tld(self) -> None:
        self.layer_down()

    def _tls(self) -> None: ...

    def _tlf(self) -> None:
        self._stop_timer()
        self.layer_finished()

    def _irc(self) -> None:
        terminating = self.state in (CLOSING, STOPPING)
        self._counter = self.max_terminate if terminating else self._retries + 1

    def _zrc(self) -> None:
        self._counter = 0
        self._start_timer(self.linger)

    def _scr(self) -> None:
        self._counter -= 1
        self._rounds += 1
        options = self.options()
        if self._awaited is None or options != self._sent:
            self._ident = self._awaited = (self._ident + 1) & 0xFF
            self._sent = options
        self._start_timer(self._restart)
        if self._rounds <= self.max_rounds:
            self.send(CONF_REQ, self._awaited, build_options(options))

    def _sca(self) -> None:
        self.send(CONF_ACK, self._packet[1], self._reply[1])
        self.accepted(self._agreed)

    def _scn(self) -> None:
        self.send(self._reply[0], self._packet[1], self._reply[1])

    def _str(self) -> None:
        self._counter -= 1
        self._ident = (self._ident + 1) & 0xFF
        self._start_timer(self._restart)
        self.send(TERM_REQ, self._ident, b"")

    def _sta(self) -> None:
        self.send(TERM_ACK, self._packet[1], b"")

    def _scj(self) -> None:
        self._ident = (self._ident + 1) & 0xFF
        self.send(CODE_REJ, self._ident, self._packet[2][:1496])

    def send(self, code: int, ident: int, data: bytes) -> None:
        self._transmit(bytes([code, ident]) + (len(data) + 4).to_bytes(2, "big") + data)
