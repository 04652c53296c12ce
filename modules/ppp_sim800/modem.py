"""A SIM800: its power, what it is. What it can do is in one file per role, in roles/; the line to it is line.py."""

import time
from collections import namedtuple

import machine
from micropython import const

from . import profile
from .at.text import fields
from .errors import ATError, ATTimeout, ConfigError, ModemRestarted, ModemSilent, SIM800Error
from .events import Events, event_of
from .find import find, use_fast, use_first
from .line import DATA, OFF, UNKNOWN, Line
from .roles.clock import Clock
from .roles.radio import REGISTERED, Radio
from .roles.sim import SIM, read_places
from .run import Async, Deadline, since, sleep_ms, wait

_SWITCH_MS = const(60000)  # for another task's use of the line to end
_ASK_MS = const(3000)  # from a vain question for messages to the next

Battery = namedtuple("Battery", ("mv", "percent", "charging"))


def _is_name(line):
    return line.startswith(b"SIM")


def _read_battery(line):
    charging, percent, mv = fields(line)
    return Battery(int(mv), int(percent), charging == "1")


class Modem(Async):
    """A SIM800 behind a board.

    board: says how the modem is wired, see docs/board.md for what it must have.
    trace: called with (">" or "<", line) for each line of the AT dialogue; secrets are masked.
    baudrate: 460800 raises the line's rate once it has proved clean; 115200 leaves it there.

    Its roles: `sim`, `radio`, `clock`, `sms`, `calls`, `http` over `bearer`.
    """

    def __init__(self, board, trace=None, baudrate=profile.FAST):
        if baudrate not in profile.LIKELY_RATES:
            raise ConfigError("baudrate must be 115200 or 460800, not {!r}".format(baudrate))
        self.line = Line(board, self._on_urc, self._on_restart, self.start, trace)
        self.events = Events()
        self._unregistered = None  # since when (ticks), as far as the modem said so
        self.sim = SIM(self.line)
        self.radio = Radio(self.line)
        self.clock = Clock(self.line)
        self._before_switch = self._access = self._counters = None
        self._roles = {}
        self._board = board
        self._wanted_rate = baudrate
        # The fast rate did not prove clean: not again before the modem has been off.
        self._noisy = False
        # After deep sleep, too: it lets go of the supply's switch, unless that was held.
        cause = machine.reset_cause()
        self._presumed_off = cause in (machine.PWRON_RESET, machine.DEEPSLEEP_RESET)
        # Least time between off and on; until the modem is asked for messages again.
        self._rest = self._asked = Deadline(0)

    def serve(self, before_switch, access, counters):
        """Be the modem of a link. before_switch: coroutine function, called before the script switches the modem.
        access: returns (APN, user, password) for `bearer`, or raises why there may be no data. counters: a
        stats.Counters."""
        self._before_switch = before_switch
        self._access = access
        self._counters = counters

    @property
    def baudrate(self):
        """The line's rate in baud."""
        return self.line.rate

    @property
    def uart(self):
        """The machine.UART to the modem, None before the first power-up."""
        return self.line.uart

    # What it says unasked

    def _on_urc(self, text):
        event = event_of(text)
        if event is None:
            if text.startswith("*PSUTTZ"):  # the network's time, which its clock has now (M 152)
                self.clock.told = 1
            return None
        name, detail = event
        if name == "sms":
            self.events.look = 2
            return None
        if name in ("restarted", "switched off"):
            # Not while it boots, or was told to.
            return None if self.line.mode == UNKNOWN else self._on_restart(text)
        if name in ("registration", "gprs"):
            self._unregistered = None if detail in REGISTERED else time.ticks_ms()
            self.radio.note(name == "gprs", detail)
        self.events.put(name, detail)
        return None

    def _on_restart(self, said):
        if said.endswith("DOWN"):
            self.line.off('the modem switched off by itself ("{}"): check its supply'.format(said))
            self._presumed_off = True
            self.events.put("switched off", said)
        else:
            self.line.lose()
            self.events.put("restarted", said)
        return ModemRestarted(
            'the modem said "{}" by itself: check its supply (bursts of 2 A), then connect again'.format(
                said
            )
        )

    async def look(self):
        """Hear what it said unasked, and look for messages, if there is need and the line is free."""
        events, line = self.events, self.line
        try:
            line.poll()
        except ModemRestarted:
            pass  # it is among the events
        look = events.look
        if not look or self._asked.left() or not line.is_free(look > 1):
            return
        events.look = 0
        try:
            await self.sim.subscribe()
            used, total, others, _ = await line.ask(profile.STORES, "+CPMS:", read=read_places)
            if used or others:  # else the role is not needed
                await self.sms.find_new()
                if used == total:
                    events.put("card full", total)
            look = 0
        except SIM800Error:
            self._asked = Deadline(_ASK_MS)
        finally:
            events.look |= look

    def take_unregistered(self, longest):
        """Whether the network has been gone for more than `longest` milliseconds; True once each time."""
        gone = self._unregistered is not None and since(self._unregistered) > longest
        if gone:
            self._unregistered = None
        return gone

    async def event(self, timeout=0):
        """The oldest thing that happened and was not asked for yet, as Event(name, detail), see events.py.

        Waits for one, at most `timeout` milliseconds; then None. While the line carries PPP the modem keeps
        what it has to say. To tell of a message it looks at the card, which takes a moment more.
        """
        deadline = Deadline(timeout)
        events = self.events
        while True:
            if self.line.mode == DATA and hasattr(self._board, "ring") and self._board.ring():
                events.put("ri")
            event = events.take()
            if not event:
                await self.look()
                event = events.take()
            if event or not deadline.left():
                return event
            await sleep_ms(min(50, deadline.left()))

    async def at(self, command, timeout=5000):
        """Send any AT command.

        command: str, e.g. "AT+CADC?"; timeout: milliseconds to its final result.
        Returns its answer's lines (list of str), the final result last. Lines that belong to no
        command (URCs) may be among them: only the caller knows.
        Raises ATError, ATTimeout, ConfigError where the command asks for data.
        """
        if not isinstance(command, str) or not command[:2].upper() == "AT" or "\r" in command:
            raise ConfigError('a command is a str beginning with "AT" on one line')
        return await self.line.command(command, lambda line: True, timeout)

    # Roles that cost memory only where they are used

    def _role(self, kind, *needs):
        role = self._roles.get(kind.__name__)
        if role is None:
            role = self._roles[kind.__name__] = kind(self.line, *needs)
        return role

    @property
    def sms(self):
        """Short messages, see roles/sms.py."""
        from .roles.sms import SMS

        return self._role(SMS, self.events)

    @property
    def calls(self):
        """Voice calls, see roles/calls.py."""
        from .roles.calls import Calls

        return self._role(Calls)

    @property
    def bearer(self):
        """The bearer of the modem's own applications."""
        from .roles.bearer import Bearer

        return self._role(Bearer, self.radio, self._access, self._counters)

    @property
    def http(self):
        """The modem's own HTTP."""
        from .roles.http import HTTP

        return self._role(HTTP, self.bearer)

    async def ussd(self, code, timeout=60000):
        """Send a USSD code such as "*100#", or a choice from the menu it led to; returns the network's answer.

        code: str of 1 to 160 characters; None ends a menu without a choice.
        timeout: milliseconds for the answer; other commands wait for it. A str, with its line ends.
        Raises ConfigError, USSDError. What the network sends by itself is the event "ussd" (M 109).
        """
        from .roles.ussd import ask

        return await ask(self.line, code, timeout)

    async def location(self, timeout=60000):
        """Where the cells say the modem is, as Location(lon, lat, time): degrees east and north, UTC.

        Asks SIMCom's server, over `bearer`; PPP must be down. timeout: milliseconds for its answer.
        Raises LocationError, and what Bearer.open() raises.
        """
        from .roles.location import locate

        return await locate(self.line, self.bearer, timeout)

    async def in_call(self):
        """Whether there is a voice call of the script's. GPRS stands still meanwhile: a SIM800 is of class B."""
        calls = self._roles.get("Calls")
        try:
            return calls is not None and calls.likely and bool(await calls.list())
        except SIM800Error:
            return False

    # Power

    async def on(self):
        """Switch the modem on, or find it on, and agree on a baud rate. At most 40 s.

        A modem that answers is left as it is. One that does not is looked for in data mode, in a multiplexer
        and at other baud rates, and its key is pressed (HW 3.2.1): 15 s without its reset key. That comes
        next, where the board has it, and the key once more. Where power has just come the key is first.
        Raises ModemSilent.
        """
        await self._switch(self.start)

    async def off(self):
        """Switch the modem off: by command, else by its key, then cut its supply. At most 12 s."""
        await self._switch(self.stop)

    async def reset(self):
        """Restart the modem: by command (M 104), else by its reset key, else by its power. At most 60 s.

        Raises ModemSilent.
        """
        await self._switch(self.restart)

    async def _switch(self, procedure):
        switch = self._switched(procedure)
        if self.line.lock.is_mine():  # inside one's own command_mode()
            await switch
        else:
            await self.line.exclusive(switch, "switching the modem", _SWITCH_MS, urgent=True)

    async def _switched(self, procedure):
        if self._before_switch:
            await self._before_switch()
        await procedure()

    # For who has the line's lock

    async def start(self):
        """As on()."""
        line = self.line
        await line.stop_multiplexer()
        line.lose()
        await line.preempt()
        await wait(self._rest.left())
        self._board.supply(True)
        line.hold_dtr(True)
        line.open(line.rate)
        if await find(line, self._press, self.press_reset, self._presumed_off):
            await self.hang_up()
        self._presumed_off = False
        try:
            await self._begin()
        except (ATError, ATTimeout):
            if line.rate != profile.FAST:
                raise
            await use_first(line)  # it may be noise, which came since that rate proved clean
            await self._begin()
        if self._wanted_rate == profile.FAST and not self._noisy:
            self._noisy = not await use_fast(line)
        elif line.rate == profile.FAST:
            await use_first(line)
        line.found()

    async def _begin(self):
        await self.set_up()
        if not await self.radio.is_on():  # somebody switched it off (M 104)
            await self.radio.on()
        if self.line.rate not in profile.LIKELY_RATES:
            await use_first(self.line)
        await self.clock.want_time()  # stores the profile: before the faster rate

    async def set_up(self):
        """Have the modem report errors as numbers, and registration."""
        for command in profile.SETUP_MODEM:
            await self.line.command(command)
        self.events.look = 1

    async def hang_up(self):
        """End the data call, unless there is a voice call: ATH would end that, too."""
        if not await self.in_call():
            await self.line.try_command("ATH")

    async def take_back(self, terminated=False):
        """To command mode, whatever a data call has left, see Line.take_back()."""
        self.events.look = 1
        if await self.line.take_back(terminated):
            await self.hang_up()

    async def _press(self):
        await self._hold_key(self._board.PRESS_ON_MS)

    async def _hold_key(self, ms):
        self._board.pwrkey(True)
        try:
            await wait(ms)
        finally:
            self._board.pwrkey(False)

    async def press_reset(self):
        """Press its reset pin; False where the board has no wire to it."""
        self.line.lose()
        if not self._board.reset(True):
            return False
        try:
            await wait(profile.RESET_MS)
        finally:
            self._board.reset(False)
        return True

    async def stop(self):
        """As off()."""
        line = self.line
        if line.mode != OFF:
            await line.preempt()
            await self.take_back()
            known = line.mode != UNKNOWN
            line.lose()
            try:
                if known:
                    await line.command("AT+CPOWD=1", ok=(b"NORMAL POWER DOWN",))
                elif await line.answers():
                    await self._press_off()
            except (ATError, ATTimeout):
                await self._press_off()
        self._board.supply(False)
        line.off()
        self._noisy = False
        self._presumed_off = True
        self._rest = Deadline(profile.REST_MS)

    async def _press_off(self):
        await self._hold_key(self._board.PRESS_OFF_MS)
        await wait(profile.LOGOFF_MS)  # logs off the network

    async def restart(self):
        """As reset()."""
        line = self.line
        if line.mode != OFF:
            await line.preempt()
            await self.take_back()
            try:
                if line.mode == UNKNOWN:
                    await self.start()
                line.lose()
                await line.command("AT+CFUN=1,1")
            except (ATError, ATTimeout, ModemSilent):
                if not await self.press_reset():
                    await self.stop()
            line.open(profile.BAUDRATE)
            await wait(profile.RESTART_MS)
        await self.start()

    # Slow clock

    async def sleep(self):
        """Let the modem doze: about 1 mA, still registered; calls and messages come in (M 162, HW 3.4).

        The next command wakes it. By DTR where the board has it wired, else the modem falls asleep after 5 s
        without a byte on the line.
        """
        self.line.forbid_call("sleep()")
        await self.line.sleep()

    async def wake(self):
        """End sleep(); does nothing if the modem is awake. Raises ModemSilent."""
        await self.line.command("AT")

    # What it is

    async def info(self):
        """What the modem says it is (ATI), e.g. "SIM800 R14.18"."""
        return await self.line.ask("ATI", _is_name)

    async def model(self):
        """Its model (M 72), e.g. "SIMCOM_SIM800L"."""
        return await self.line.ask("AT+CGMM", _is_name)

    async def firmware(self):
        """Firmware revision as a tuple of numbers, e.g. (14, 18); () if ATI does not tell."""
        for word in (await self.info()).split():
            numbers = word[1:].split(".")
            if word.startswith("R") and all(number.isdigit() for number in numbers):
                return tuple(int(number) for number in numbers)
        return ()

    async def revision(self):
        """Firmware revision in the maker's words (M 72), e.g. "1418B05SIM800L24"."""
        answer = await self.line.ask("AT+CGMR", "Revision:")
        return answer[9:].strip()

    async def imei(self):
        """IMEI, a str of 15 digits (M 71)."""
        return await self.line.ask("AT+GSN", bytes.isdigit)

    async def battery(self):
        """The modem's supply (M 83) as Battery(mv, percent, charging): millivolts, 0 to 100, bool."""
        return await self.line.ask("AT+CBC", "+CBC:", read=_read_battery)
