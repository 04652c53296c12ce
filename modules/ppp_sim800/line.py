"""The line to the modem: the UART, its rate, who has it, and what it carries. Nobody else writes any of that.

It carries AT commands, or PPP, or both by a multiplexer. find.py brings a line of unknown mode to command mode.
"""

from micropython import const

from .at.channel import Channel
from .at.digest import DIAL_FAILED
from .errors import ATError, ATTimeout, ConfigError, LinkBusy, ModemRestarted, ModemSilent
from .lock import NOBODY, Hold, Lock
from .profile import BAUDRATE, DIAL, FAST, SETUP_CHANNEL, has_text, shown, timeout_of
from .run import Deadline, Interrupted, sleep_ms, wait, watched

# Modes
OFF = "off"  # no power
UNKNOWN = "unknown"  # to be found: it was just switched on, has restarted, or does not answer
COMMAND = "command"
ASLEEP = "asleep"  # slow clock: it must be woken first
DATA = "data"  # PPP has it
SUSPENDED = "suspended"  # command mode, with PPP's call standing
MULTIPLEXED = "multiplexed"  # AT and PPP have a part each
_LISTENING = (COMMAND, SUSPENDED, MULTIPLEXED)

_NO_CARRIER_MS = const(1000)
_IDLE_MS = const(3000)  # for a command in flight to end
_FIND_MS = const(90000)  # for another task that looks for the modem
# So many times the multiplexer does not open, then so many calls are plain: it may have been noise.
_MUX_TRIES = const(3)
_PLAIN_CALLS = const(8)
_HELD = const(2)  # commands in a row that the modem does not take: AT's part of the line is dead

# Closes a multiplexer in basic mode: CLD on DLCI 0 (3GPP TS 27.010 5.4.6.3.3). Noise to any other modem.
_CLOSE_DOWN = const(b"\xf9\x03\xef\x05\xc3\x01\xf2\xf9")
_FLAGS = const(264)  # end whatever frame was begun


class Line:
    """To the modem on `board`. Its `lock` is for what changes its mode, or must not have it changed.

    on_urc: called with an unsolicited line; what it returns ends the command in flight. on_restart: called with what
    told that the modem has restarted; returns the error. find: coroutine function, from UNKNOWN to COMMAND.
    """

    def __init__(self, board, on_urc, on_restart, find, trace=None):
        self.board = board
        self.mode = OFF
        self.off_reason = None
        self.rate = BAUDRATE
        self.uart = None  # the machine.UART, None before the first power-up
        self.lock = Lock()
        self._on_urc = on_urc
        self._on_restart = on_restart
        self._find = find
        self._trace = trace and (lambda direction, line: trace(direction, shown(line)))
        self._channel = Channel(None, self._unsolicited, self._trace, allow=self._allow)
        self._mux = None
        self._ended = False  # the data call has
        # Times the modem said OK to it, and nothing more; from _MUX_TRIES on plain calls since.
        self._mux_failures = 0
        self._expected = {}  # beginning of a URC: [Hold of who waits for it, the line, None until it came]

    async def exclusive(
        self, procedure, what, timeout, gives_way=NOBODY, urgent=False, needless=None
    ):
        """Await `procedure` with the lock held; see Lock.acquire() for the rest. Raises LinkBusy; its `ended` says that
        the procedure had begun, and was ended by others."""
        hold = await self.lock.acquire(what, timeout, gives_way, urgent, needless)
        if hold is None:
            return None
        try:
            return await watched(procedure, hold.check)
        except Interrupted as error:
            busy = LinkBusy("{}: connect() again".format(error))
            busy.ended = True
            raise busy
        finally:
            self.lock.release(hold)

    # The UART

    def open(self, rate):
        """Use the UART, at `rate` baud."""
        self._channel.uart = self.uart = self.board.uart(rate)
        self.rate = rate
        if self.mode == OFF:
            self.mode = UNKNOWN

    def off(self, reason=None):
        """The modem is switched off; `reason` (str) says why, where nobody asked for it."""
        self.mode = OFF
        self.off_reason = reason
        self.rate = BAUDRATE
        self._ended = True

    def lose(self):
        """The modem's mode is not known any more. Its first rate is where it begins after a restart."""
        if self.mode != OFF:
            self.mode = UNKNOWN
        self._ended = True

    def found(self):
        """The modem is in command mode."""
        self.mode = COMMAND

    # AT commands

    def _unsolicited(self, line, in_step):
        # Looked for, the modem may be in a data call, whose bytes say anything. A message is believed: it is on the card.
        # In the middle of somebody's text nothing else is.
        doubt = in_step is None or (not in_step and self.mode not in _LISTENING)
        if doubt and not line.startswith("+CMTI:"):
            return None
        if line in ("+CDRIND: 2", "+PDP: DEACT"):  # M 155
            self._ended = True
            return None
        for expected, wanted in self._expected.items():
            if line.startswith(expected) and wanted[1] is None and not wanted[0].is_gone():
                wanted[1] = line
                return None
        return self._on_urc(line)

    def _allow(self):
        # Looked at when a command's turn has come: the line may have gone meanwhile. False: _prepare() first.
        if self.mode == DATA:
            raise ConfigError(
                "the line carries PPP: send AT commands in `with nic.command_mode():`, or disconnect() first"
            )
        if self.mode == OFF:
            raise ModemSilent("the modem is off: call active(True), connect() or modem.on() first")
        return self.mode in _LISTENING or self.lock.is_mine()

    async def _prepare(self):
        # Before a command where the modem does not listen. Whoever has the lock knows what to do.
        if self.mode == ASLEEP and self.lock.is_mine():
            await self._wake()
        elif not self._allow():
            search = self._bring_back()
            await self.exclusive(search, "a search for the modem", _FIND_MS, needless=self._allow)

    async def _bring_back(self):
        await (self._wake() if self.mode == ASLEEP else self._find())

    async def command(self, command, prefix=None, timeout=None, **kwargs):
        """Send an AT command and return its answer's lines, see Channel.converse(). A modem that sleeps or whose mode is
        unknown is woken or found first. timeout: milliseconds; None: the manual's, see profile.py."""
        if timeout is None:
            timeout = timeout_of(command)
        kwargs.setdefault("show", shown(command))
        kwargs.setdefault("doubt", has_text(command))
        try:
            lines = None
            while lines is None:
                if self.mode not in _LISTENING:
                    await self._prepare()
                lines = await self._channel.command(command, prefix, timeout, **kwargs)
            return lines
        except ATTimeout:
            if await self._has_fallen_back():
                raise self._on_restart("AT at its first rate")
            raise

    async def ask(self, command, prefix, timeout=None, read=None):
        """The first line of an answer that must have one, or what `read` makes of it."""
        lines = await self.command(command, prefix, timeout)
        if len(lines) < 2:
            raise ATError(command, "nothing but " + lines[-1])
        try:
            return read(lines[0]) if read else lines[0]
        except ValueError:  # damaged on its way
            raise ATError(command, lines[0])

    async def try_command(self, command, prefix=None, timeout=None, **kwargs):
        """As command(), but a refusal is no error. Returns whether the modem took it."""
        try:
            await self.command(command, prefix, timeout, **kwargs)
            return True
        except ATError:
            return False

    async def command_and_urc(self, command, urc, timeout, **kwargs):
        """Send a command whose outcome comes later, in a URC that begins with `urc`; returns that line."""
        deadline = Deadline(timeout)
        while urc in self._expected and not self._expected[urc][0].is_gone():
            if not deadline.left():
                raise ATTimeout(command, timeout)
            await sleep_ms(50)
        self.expect(urc)
        try:
            await self.command(command, timeout=timeout, **kwargs)
            while self.came(urc) is None:
                if not deadline.left():
                    raise ATTimeout(command, timeout)
                await sleep_ms(20)
                self._channel.poll()
            return self.came(urc)
        finally:
            self.expect(urc, False)

    def expect(self, urc, wanted=True):
        """Keep the next URC that begins with `urc`, instead of making it an event; or no longer."""
        if wanted:
            self._expected[urc] = [Hold(self.lock, urc), None]
        else:
            self._expected.pop(urc, None)

    def came(self, urc):
        """That URC, None if it has not come."""
        return self._expected[urc][1]

    def is_free(self, urgent):
        """Whether a command would not have to wait for others. urgent: it is worth waking or finding the modem."""
        if urgent and self.mode in (ASLEEP, UNKNOWN):
            return not self.lock.is_held()
        return self.mode in _LISTENING and not self._channel.turn.is_held()

    def poll(self):
        """Take in what the modem said unasked. Raises ModemRestarted."""
        if self.mode not in (OFF, DATA) and not (self.mode == UNKNOWN and self.lock.is_held()):
            self._channel.poll()

    def forbid_call(self, what):
        """Raise ConfigError if there is a data call, beside which the modem cannot do `what` (str)."""
        if self.mode in (MULTIPLEXED, SUSPENDED):
            raise ConfigError("the link is up: disconnect() before " + what)

    def is_doubtful(self):
        """Whether the last command had no final result."""
        return self._channel.timeouts > 0

    async def answers(self, tries=2):
        """Whether the modem listens to AT, at the present rate."""
        return await self._channel.sync(tries)

    async def answers_at(self, rate, tries):
        """The same at `rate` baud."""
        deadline = Deadline(100)
        while self.uart and not self.uart.txdone() and deadline.left():
            await sleep_ms(5)
        self.open(rate)
        return await self._channel.sync(tries)

    async def _has_fallen_back(self):
        # A restart ends the faster rate; RDY is noise then.
        if self.rate != FAST or self.mode not in (COMMAND, SUSPENDED, DATA):
            return False
        if await self.answers_at(BAUDRATE, 3):
            return True
        self.open(FAST)
        return False

    # Slow clock

    async def sleep(self):
        """Let the modem sleep: by DTR where the board has it, else after 5 s without a byte (M 162)."""
        by_pin = self.hold_dtr(True)
        await self.command("AT+CSCLK={}".format(1 if by_pin else 2))
        self.mode = ASLEEP
        self.hold_dtr(False)

    async def _wake(self):
        self.poll()  # what woke us, perhaps
        self.mode = UNKNOWN
        if not self.hold_dtr(True):
            self.uart.write(b"A")  # lost; it wakes
        await wait(120)  # > 50 ms by DTR, > 100 ms by a character
        if not await self.answers(5):
            raise ModemSilent("the modem did not wake up: reset() it, check DTR if it is wired")
        self.mode = COMMAND
        await self.command("AT+CSCLK=0")

    def hold_dtr(self, active):
        """False where it is not wired; a board need not know of it."""
        return hasattr(self.board, "dtr") and self.board.dtr(active)

    # The data call

    @property
    def multiplexed(self):
        """Whether AT commands go beside PPP."""
        return self._mux is not None

    @property
    def stream(self):
        """What PPP reads and writes."""
        return self._mux.data if self._mux else self.uart

    @property
    def carries_ppp(self):
        """Whether what PPP sends now reaches the modem's PPP."""
        return self.mode == DATA or (self._mux is not None and not self.call_ended)

    @property
    def call_ended(self):
        """Whether it is known, without asking, that there is no data call."""
        if self._mux and not self._ended:
            try:
                self._channel.poll()
            except ModemRestarted:
                self._ended = True
            if not self._mux.is_open() or self._channel.held >= _HELD:
                self._ended = True
        return self._ended

    async def multiplex(self):
        """Let AT commands go beside PPP from now on, where modem and firmware can. True if that is new: its part of the
        line has settings of its own."""
        if self._mux:
            return False
        if self._mux_failures >= _MUX_TRIES:
            self._mux_failures += 1
            if self._mux_failures >= _MUX_TRIES + _PLAIN_CALLS:
                self._mux_failures = _MUX_TRIES - 1
            return False
        try:
            from .mux import Multiplexer
        except ImportError:  # the firmware is without
            return False
        mux = self._mux = Multiplexer(self.uart, self._trace)
        started = await self._channel.alone(
            mux.start(self._channel, self.rate, self._mux_failures)
        )
        self.rate = mux.rate
        if not started:
            self._mux_failures += mux.accepted
            await self.stop_multiplexer()  # the line is plain as before
            return False
        self._mux_failures = 0
        self._ended = False
        self.mode = MULTIPLEXED
        for channel in (self._channel, mux.channel()):
            await channel.sync(3)
            try:
                await channel.command(SETUP_CHANNEL)
            except ATError:
                pass
        return True

    async def start_call(self):
        """Dial into data mode. Raises ATError, ATTimeout."""
        self._ended = False
        if self._mux:
            await self._connect(self._mux.channel().command, DIAL)
        else:
            await self._channel.alone(self._enter_data_mode(DIAL))

    def _connect(self, send, command):
        # Nothing behind CONNECT is taken from the UART.
        return send(command, None, timeout_of(command), (b"CONNECT",), DIAL_FAILED, limit=1)

    async def _enter_data_mode(self, command):
        self._allow()
        # From now on: where it is cut short, CONNECT may have come a moment too late to be seen.
        was, self.mode = self.mode, DATA
        try:
            await self._connect(self._channel.converse, command)
        except ATError:
            self.mode = was
            raise

    async def stop_multiplexer(self):
        """A plain line, if it is multiplexed. True if the modem answers."""
        mux, self._mux = self._mux, None
        if not mux:
            return False
        try:
            await self._channel.preempt(_IDLE_MS)
            await mux.stop()
        finally:
            mux.free()
            self._channel.move(self.uart)
            self.lose()
        if await self.answers(1) or await self.close_down():
            self.mode = COMMAND
        return self.mode == COMMAND

    async def close_down(self):
        """Lead the modem out of a multiplexer that nobody has here. True if it answers."""
        self._channel.write(b"\xf9" * _FLAGS + _CLOSE_DOWN)
        await sleep_ms(100)
        return await self.answers(1)

    async def take_back(self, terminated=False):
        """To command mode, whatever a data call left; UNKNOWN if the modem does not answer.

        terminated: PPP has been, so the modem says NO CARRIER and is in command mode.
        Returns whether there may be a call still: hang_up() then.
        """
        self._ended = self.call_ended or True  # hears what has been said
        if self.mode == SUSPENDED:
            self.mode = COMMAND
            return True
        mux = self._mux
        if not mux and self.mode != DATA:
            return False
        channel = mux.channel() if mux else self._channel
        said = terminated and await channel.await_end(b"NO CARRIER", _NO_CARRIER_MS)
        if mux:
            answers = await self.stop_multiplexer()
        else:
            answers = said or await channel.sync(1)
        stands = mux and answers and not said  # it may outlast the multiplexer
        if not answers:
            await self._channel.escape()
            answers = stands = await self._channel.sync(3)
        self.mode = COMMAND if answers else UNKNOWN
        return stands

    async def preempt(self):
        """End the command in flight, if there is one, in 3 s at most."""
        await self._channel.preempt(_IDLE_MS)

    async def suspend(self, ppp):
        """Take the line from `ppp` (a network.PPP), with the call standing, to command mode (M 36).

        True if the modem listens; else PPP has the line again.
        """
        ppp.config(stream=None)
        try:
            for _ in range(2):  # a byte late on its way spoils the silence
                if await self._channel.escape() or await self._channel.sync(2):
                    self.mode = SUSPENDED
                    break
        finally:
            if self.mode == DATA:
                ppp.config(stream=self.stream)
        return self.mode == SUSPENDED

    async def resume(self, ppp):
        """Give the line back to `ppp` (M 37). False if there is no call any more."""
        try:
            await self._channel.alone(self._enter_data_mode("ATO"))
        except (ATError, ATTimeout, ModemRestarted):
            if self.mode == SUSPENDED:
                self.mode = COMMAND
            return False
        ppp.config(stream=self.stream)
        return True

    async def has_ended(self, ppp):
        """Whether the modem is in command mode though `ppp` has the line: it said NO CARRIER or RDY, and PPP took
        that for noise. Asked in words a PPP end takes for noise, too. Takes the line for 0.7 to 1.8 s."""
        if self.call_ended:
            return True
        mux = self._mux
        ppp.config(stream=None)
        try:
            if mux:
                self._ended = await mux.channel().sync(2) or await self._is_deaf()
            elif await self._channel.sync(2) or await self._has_fallen_back():
                self._ended = True
                self.mode = COMMAND
        finally:
            if not self._ended:
                ppp.config(stream=self.stream)
        return self._ended

    async def _is_deaf(self):
        # Is there no multiplexer in the modem any more? A command in flight will tell.
        if self._channel.turn.is_held() or await self._channel.sync(3):
            return False
        if self._mux and self._mux.stray():
            self._on_restart("something outside of the multiplexer")
        return True
