"""The multiplexer, AT+CMUX: 3GPP TS 27.010, basic option, the responding side.

Each DLCI has an AT interpreter, settings and a data mode of its own; SIM, radio and the one data call
are the modem's. What real SIM800s do beyond the standard is from a trace of one: the MSC command right
after UA, no way out but CLD. Section numbers are those of 27.010.
"""

from collections.abc import Callable

from .data_mode import DataMode
from .escape import Escape
from .interpreter import Interpreter
from .output import Output

FLAG = 0xF9
SABM, UA, DM, DISC, UIH, UI = 0x2F, 0x63, 0x0F, 0x43, 0xEF, 0x03
PF = 0x10
# types of control messages (5.4.6.3), without EA and C/R
NSC, TEST, PSC, FCOFF, FCON, CLD, MSC = 0x10, 0x20, 0x40, 0x60, 0xA0, 0xC0, 0xE0
NAMES = {SABM: "SABM", UA: "UA", DM: "DM", DISC: "DISC", UIH: "UIH", UI: "UI"}

DLCIS = (1, 2, 3, 4)  # manual page 96
FC, RTC = 0x02, 0x04  # signals of MSC
SIGNALS = 0x0D  # RTC and RTR, as traced
AHEAD = 2  # frames given to the line at once; the rest waits, each DLCI in turn
QUEUE_LIMIT = 1 << 16  # bytes waiting on a DLCI; more are lost


def fcs(data: bytes) -> int:
    """The checksum of annex B: CRC-8 of x^8 + x^2 + x + 1, bits reversed, inverted."""
    crc = 0xFF
    for byte in data:
        for bit in range(8):
            crc = crc >> 1 ^ (0xE0 if (crc ^ byte >> bit) & 1 else 0)
    return 0xFF - crc


def frame(dlci: int, cr: bool, control: int, info: bytes = b"") -> bytes:
    """One frame with its flags (5.2.1)."""
    head = bytes((dlci << 2 | cr << 1 | 1, control)) + length(len(info))
    covered = head if control & ~PF == UIH else head + info
    return bytes((FLAG, *head, *info, fcs(covered), FLAG))


def length(count: int) -> bytes:
    """A length field: one byte below 128, else two (5.2.1.5)."""
    return bytes((count << 1 | 1,)) if count < 128 else bytes((count << 1 & 0xFE, count >> 7))


class Deframer:
    """Finds frames in bytes: feed() gives them as (dlci, C/R, P/F, control, info).

    `bad` counts what began like a frame and was none; one may then begin within it.
    """

    def __init__(self, n1: int):
        self.n1 = n1
        self.bad = 0
        self._bytes = bytearray()

    @property
    def partial(self) -> bool:
        return len(self._bytes) > 1

    def abandon(self) -> list[tuple]:
        """The line fell silent within a frame: frames that are in what has come of it."""
        self.bad += 1
        del self._bytes[0]
        return self.feed(b"")

    def feed(self, data: bytes) -> list[tuple]:
        self._bytes += data
        found = []
        while (start := self._bytes.find(FLAG)) >= 0:
            del self._bytes[:start]
            if self._bytes[1:2] == b"\xf9":
                del self._bytes[0]
                continue
            size = self._size()
            if size is None or size > len(self._bytes):
                return found
            if size and (got := self._parse(size)):
                found.append(got)
                del self._bytes[: size - 1]  # its last flag may open the next
            else:
                self.bad += 1
                del self._bytes[0]
        self._bytes.clear()
        return found

    def _size(self) -> int | None:
        """Of the frame that begins here, flags included; None: not known yet; 0: it is none."""
        head = self._bytes[1:5]
        if head and not head[0] & 1:
            return 0
        if len(head) > 1 and head[1] & ~PF not in NAMES:
            return 0
        if len(head) < 3 or (not head[2] & 1 and len(head) < 4):
            return None
        long = not head[2] & 1
        count = head[2] >> 1 | (head[3] << 7 if long else 0)
        return 0 if count > self.n1 else 6 + long + count

    def _parse(self, size: int) -> tuple | None:
        body, check, flag = self._bytes[1 : size - 2], self._bytes[size - 2], self._bytes[size - 1]
        control = body[1] & ~PF
        head = 3 if body[2] & 1 else 4
        if flag != FLAG or check != fcs(body[:head] if control == UIH else body):
            return None
        dlci, cr, pf = body[0] >> 2, bool(body[0] & 2), bool(body[1] & PF)
        return dlci, cr, pf, control, bytes(body[head:])


class Port(DataMode):
    """One DLCI: the modem as whoever talks on it sees it.

    What is not its own is the modem's, to read and to set.
    """

    # fmt: off
    OWN = frozenset(("modem", "mux", "dlci", "open", "stopped", "queue", "signals", "settings", "output",
                     "interpreter", "escape", "mode", "info", "result", "wait", "wait_abortable"))
    # fmt: on

    def __init__(self, modem, mux: "Multiplexer", dlci: int):
        self.modem, self.mux, self.dlci = modem, mux, dlci
        self.open = self.stopped = False
        self.queue = bytearray()  # what is to be sent
        self.signals = SIGNALS
        self.settings = modem.settings.another()
        self.mode = "command"
        self.output = Output(self.settings, self, modem.journal, modem.later, self._urc_wait)
        self.info, self.result = self.output.info, self.output.result
        self.interpreter = Interpreter(self)
        self.wait, self.wait_abortable = self.interpreter.wait, self.interpreter.wait_abortable
        self.escape = Escape(modem.clock, self._to_ppp, self._escaped)

    def __getattr__(self, name):
        return getattr(self.modem, name)

    def __setattr__(self, name, value):
        if name in Port.OWN:
            super().__setattr__(name, value)
        else:
            setattr(self.modem, name, value)

    @property
    def pending(self) -> int:
        """As serial.Line's."""
        return len(self.queue)

    def send(self, data: bytes) -> None:
        """As serial.Line's, for Output: queue bytes for the DTE."""
        if self.open:
            self.queue += data[: QUEUE_LIMIT - len(self.queue)]
            self.mux.pump()

    def receive(self, data: bytes) -> None:
        if self.mode == "data":
            self.escape.feed(data)
        else:
            self.interpreter.receive(data)

    def begin(self) -> None:
        """SABM: the DLCI is there, in command mode."""
        if not self.open:
            self.open, self.stopped, self.mode = True, False, "command"
            self.modem.later(0.0, self.output.flush)

    def end(self, why: str) -> None:
        """The DLCI is gone, and a data call on it."""
        if self.modem.ppp is not None and self.modem.ppp_side is self:
            self.drop_call(why)
        self.open = False
        self.queue.clear()
        self.escape.stop()
        self.interpreter.reset()

    def signal(self, signals: int) -> None:
        """MSC: FC stops what is sent here; RTC is DTR (5.4.6.3.7), and AT&D says what its end does."""
        fallen = self.signals & RTC and not signals & RTC
        self.signals, self.stopped = signals, bool(signals & FC)
        if fallen:
            self.dtr_dropped()

    def _urc_wait(self) -> float | None:
        return self.interpreter.urc_wait() if self.open and self.mode == "command" else None


class Multiplexer:
    """Between AT+CMUX's OK and CLD, on the line of `modem`; `leave()` is called at the end."""

    def __init__(self, modem, params: tuple[int, ...], leave: Callable[[str], None]):
        self.modem, self.params, self.leave = modem, params, leave
        self.n1, self.t2 = params[3], params[6] * 0.01
        self.n2 = params[5]
        self.ports = {dlci: Port(modem, self, dlci) for dlci in DLCIS}
        self.opened = False  # DLCI 0
        self.stopped = False  # FCoff from the DTE
        self.deaf = False  # FCoff to the DTE: what it sends all the same is lost
        self._deframer = Deframer(self.n1)
        self._asked: dict[bytes, object] = {}  # commands not answered yet, and their timers
        self._turn = 0
        self._pumping = None
        self._silence = None

    # -- in ------------------------------------------------------------------------------

    def receive(self, data: bytes) -> None:
        """Bytes from the line."""
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None
        self._frames(self._deframer.feed(data))
        if self._deframer.partial:
            self._silence = self.modem.later(self.t2, self._silent)

    def _silent(self) -> None:
        self._silence = None
        self._frames(self._deframer.abandon())

    def _frames(self, frames: list[tuple]) -> None:
        for got in frames:
            if self.modem.mux is self:  # CLD may have been among them
                self._frame(*got)

    def _frame(self, dlci: int, cr: bool, pf: bool, control: int, info: bytes) -> None:
        known = dlci == 0 or dlci in self.ports
        is_open = self.opened if dlci == 0 else known and self.ports[dlci].open
        if control != UIH:
            self._log(f"> {NAMES[control]}", dlci=dlci)
        if control in (UA, DM):
            return  # nothing was asked
        if not cr:
            self._log("not a command: C/R is 0", dlci=dlci)  # of the initiator (5.2.1.2)
        elif control == SABM and pf:
            self._open(dlci, known)
        elif control == DISC and pf:
            self._send(dlci, True, (UA if is_open else DM) | PF)
            if is_open:
                self._close(dlci)
        elif control == UIH and is_open:
            if dlci == 0:
                self._messages(info)
            elif self.deaf:
                self._log("sent while stopped by FCoff: lost", dlci=dlci, count=len(info))
            else:
                self.ports[dlci].receive(info)
        elif control == UIH:
            self._send(dlci, True, DM | PF)
        # what is left breaks the rules: no P bit, or UI, which subset 0 has not

    def _open(self, dlci: int, known: bool) -> None:
        if not known or (dlci and not self.opened):
            self._send(dlci, True, DM | PF)
            return
        if self.modem.sabm_lost and any(message[0] & 0xFC == MSC for message in self._asked):
            self.modem.sabm_lost -= 1
            self._log("SABM lost", dlci=dlci)
            return
        if dlci == 0:
            self.opened = True
        else:
            self.ports[dlci].begin()
        if self.modem.ua_lost:
            self.modem.ua_lost -= 1
            self._log("UA lost", dlci=dlci)
        else:
            self._send(dlci, True, UA | PF)
        if dlci:
            self.ask(MSC, bytes((dlci << 2 | 3, SIGNALS)))

    def _close(self, dlci: int) -> None:
        if dlci:
            self.ports[dlci].end("DISC")
        else:
            # the way back to AT commands is CLD
            self.opened = False
            for port in self.ports.values():
                port.end("DISC")

    def _messages(self, info: bytes) -> None:
        """What came on DLCI 0: type, length, value, any number of them (5.4.6.1)."""
        while len(info) >= 2 and info[0] & 1:
            head = 2 if info[1] & 1 else 3
            count = info[1] >> 1 | (info[2] << 7 if head == 3 and len(info) > 2 else 0)
            if len(info) < head + count:
                break
            kind, value, info = info[0], info[head : head + count], info[head + count :]
            if kind & 2:
                self._command(kind & 0xFC, value)
            else:
                self._answered(kind & 0xFC, value)

    def _command(self, kind: int, value: bytes) -> None:
        self._log(f"> command {kind:02x}", value=value.hex())
        if kind == MSC:
            if len(value) < 2 or value[0] >> 2 not in self.ports:
                return
            self._answer(MSC, value)
            port = self.ports[value[0] >> 2]
            if port.open:
                port.signal(value[1])
        elif kind in (FCOFF, FCON):
            self.stopped = kind == FCOFF
            self._answer(kind, b"")
        elif kind in (TEST, PSC):
            self._answer(kind, value)
        elif kind == CLD:
            self._answer(CLD, b"")
            self.leave("CLD")
            return
        else:
            self._answer(NSC, bytes((kind | 3,)))
        self.pump()

    # -- out -----------------------------------------------------------------------------

    def ask(self, kind: int, value: bytes = b"") -> None:
        """Send a command, at most N2 times more if there is no answer within T2."""
        self._ask(bytes((kind | 3,)) + length(len(value)) + value, self.n2)

    def disconnect(self, dlci: int) -> None:
        """Send DISC; its answer makes no difference."""
        self._send(dlci, False, DISC | PF)
        self._close(dlci)

    def _ask(self, message: bytes, left: int) -> None:
        self._send(0, False, UIH, message)
        old = self._asked.pop(message, None)
        if old is not None:
            old.cancel()
        self._asked[message] = self.modem.later(self.t2, self._unanswered, message, left)

    def _unanswered(self, message: bytes, left: int) -> None:
        if left:
            self._ask(message, left - 1)
            return
        self._log("no answer", message=message.hex())
        del self._asked[message]
        if message[0] & 0xFC == CLD:
            self.leave("CLD")

    def _answered(self, kind: int, value: bytes) -> None:
        for message in list(self._asked):
            # an answer tells the type, and for MSC the DLCI
            if message[0] & 0xFC == kind and message[2:3] == (value[:1] if kind == MSC else b""):
                self._asked.pop(message).cancel()
                if kind == CLD:
                    self.leave("CLD")

    def _answer(self, kind: int, value: bytes) -> None:
        self._send(0, False, UIH, bytes((kind | 1,)) + length(len(value)) + value)

    def _send(self, dlci: int, cr: bool, control: int, info: bytes = b"") -> None:
        if control != UIH:
            self._log(f"< {NAMES[control & ~PF]}", dlci=dlci)
        self.modem.output.send(frame(dlci, cr, control, info))

    def pump(self) -> None:
        """Give the line what it can take: a frame of each DLCI in turn."""
        line = self.modem.line
        while True:
            if line.pending >= AHEAD * self.n1:
                if self._pumping is None:
                    wait = line.pending * 10 / (line.rate or 115200) / 2
                    self._pumping = self.modem.later(wait, self._pump_again)
                return
            turn = [*DLCIS[self._turn :], *DLCIS[: self._turn]]
            ready = (p for p in map(self.ports.get, turn) if p.queue and not p.stopped)
            port = None if self.stopped else next(ready, None)
            if port is None:
                return
            self._turn = port.dlci % len(DLCIS)
            info = bytes(port.queue[: self.n1])
            del port.queue[: self.n1]
            self._send(port.dlci, False, UIH, info)

    def _pump_again(self) -> None:
        self._pumping = None
        self.pump()

    def end(self, why: str) -> None:
        """The modem goes back to AT commands, or off."""
        self._log("ended", why=why)
        for timer in (*self._asked.values(), self._pumping, self._silence):
            if timer is not None:
                timer.cancel()
        self._asked.clear()
        for port in self.ports.values():
            port.end(why)

    def _log(self, what: str, **fields) -> None:
        self.modem.journal.add("cmux", what, **fields)
