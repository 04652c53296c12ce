"""How the link is brought back when one of its invariants (invariants.py) does not hold, and when to try again."""

import random

import machine
from micropython import const

from .at.text import check_timeout
from .budget import Budget
from .errors import (
    ATTimeout,
    BudgetSpent,
    ConfigError,
    LinkBusy,
    ModemSilent,
    NoAnswer,
    NoCarrier,
    NoNetwork,
    PINRequired,
    PINWrong,
    PUKRequired,
    RoamingRefused,
    SIM800Error,
    SIMError,
)
from .invariants import Invariants
from .lock import OTHERS, OWNER
from .pdp import release
from .run import Deadline, Interrupted, wait, watched

_TICK_MS = const(1000)
_REGISTER_MS = const(120000)  # for the network to be found
_LEAST_MS = const(30000)  # ... also by an attempt begun late
_PAUSE_MS = const(1000)  # after the first failure; doubled from one to the next
_LONGEST_PAUSE_MS = const(20000)
_PROVEN_MS = const(60000)  # a link that lasted so long begins at the first rung again
_SESSION_BYTES = const(1000)  # what a data call costs, besides what it carried: operators round up

# What is done before the next attempt.
_LADDER = const(
    (
        "ppp",  # PPP and call anew
        "ppp",
        "redial",  # the PDP context, too
        "attach",  # detach from GPRS, attach again
        "radio",  # radio off and on
        "modem",  # AT+CFUN=1,1
        "reset",  # the RST pin
        "power",  # off, supply cut, on
        "board",  # machine.reset(), if allowed
    )
)
_FINAL = (ConfigError, PINRequired, PINWrong, PUKRequired)  # only a human can help
_DEAF = (ModemSilent, ATTimeout)

# Settings, see PPP.config(): name, default, what it must be.
SETTINGS = (
    ("probe", "dns", '"dns", (address, port) or None'),
    ("silence", 10000, "milliseconds"),
    ("fresh", 60000, "milliseconds"),
    ("idle_probe", 0, "milliseconds, 0 for never"),
    ("hour_budget", 100_000, "bytes"),
    ("day_budget", 1_000_000, "bytes"),
    ("day_limit", None, "bytes, or None for no limit"),
    ("month_limit", None, "bytes, or None for no limit"),
    ("reset_board", False, "a bool"),
    ("cclk_utc", False, "a bool"),
)


class Supervisor:
    """Looks after `link`, a link.Link."""

    def __init__(self, link):
        self._link = link
        self._failures = 0
        self._last_error = None
        self._kept = None  # what the counters have of the budgets
        self.settings = {name: default for name, default, _ in SETTINGS}
        self.invariants = Invariants(link, self.settings, self._spend)
        self._read_budgets()

    def _read_budgets(self):
        # As they were kept over a reset, or by another PPP object that had the modem meanwhile.
        hour, day, passed = self._link.counters.budget()
        if (hour, day) != self._kept:
            self._kept = hour, day
            passed *= 1000
            self._hour = Budget(self.settings["hour_budget"], 3_600_000, hour, passed)
            self._day = Budget(self.settings["day_budget"], 86_400_000, day, passed)

    def set(self, name, value):
        """Change a setting. Raises ConfigError."""
        if name == "probe":
            from hostname import is_address

            good = value in ("dns", None) or (
                isinstance(value, tuple)
                and len(value) == 2
                and is_address(value[0])
                and type(value[1]) is int
                and 0 < value[1] < 65536
            )
        elif name.endswith("_limit"):
            good = value is None or (type(value) is int and value > 0)
        else:
            least = name not in ("idle_probe", "reset_board", "cclk_utc")
            good = type(value) is type(self.settings[name]) and value >= least
        if not good:
            wanted = next(wanted for known, _, wanted in SETTINGS if known == name)
            raise ConfigError("{} must be {}, not {!r}".format(name, wanted, value))
        self.settings[name] = value
        if name == "probe":
            self.invariants.forget()
        self._hour.size = self.settings["hour_budget"]
        self._day.size = self.settings["day_budget"]
        self._link.modem.clock.is_utc = self.settings["cclk_utc"]
        self.restrict()

    def restrict(self):
        """Have the link obey what is set."""
        self._link.restrict(self.settings["day_limit"], self.settings["month_limit"])

    def _spend(self, count, now=True):
        self._read_budgets()
        self._hour.spend(count)
        self._day.spend(count)
        self._kept = self._hour.used, self._day.used
        self._link.counters.keep_budget(self._hour.used, self._day.used, now)

    def _pay(self):
        # Before it dials: whatever ends the attempt, a supply that fails, too, it has cost something.
        self._spend(_SESSION_BYTES)

    # Recovery

    async def ensure(self, timeout, wdt):
        """See interface.PPP.ensure()."""
        check_timeout(timeout)
        deadline = Deadline(timeout)
        fresh = self.settings["fresh"]
        self._link.wanted = True
        self._link.feed = wdt and wdt.feed
        while not await self._look(deadline, fresh, wdt, "ensure()", OWNER):
            pass

    async def keep_up(self, wdt):
        """See interface.PPP.keep_up()."""
        link = self._link
        link.wanted = True
        link.feed = wdt and wdt.feed
        while True:
            try:
                if link.wanted:
                    idle = self.settings["idle_probe"] or None
                    await self._look(Deadline(600000), idle, wdt, "keep_up()", OTHERS)
            except _FINAL:
                raise
            except (OSError, MemoryError):
                pass  # status("reason") and an event tell it
            await _fed(wait(_TICK_MS), wdt)

    async def _look(self, deadline, idle, wdt, what, gives_way):
        # False if it gave way to who takes the link down.
        link = self._link
        try:
            look = self._look_and_recover(deadline, idle)
            await _fed(link.exclusive(look, what, deadline.left(), gives_way), wdt)
            return True
        except LinkBusy as error:
            if not error.ended:
                raise
            while link.line.lock.is_urgent():
                await _fed(wait(50), wdt)
            return False

    async def _look_and_recover(self, deadline, idle):
        link = self._link
        state = link.state
        if link.rules:
            await link.rules.obey()
            if error := link.rules.refusal():
                raise error
        invariants = self.invariants
        lost = await invariants.broken(idle)
        if link.age() > _PROVEN_MS and link.traffic()[2] is not None:
            self._failures = 0
        if state.name in ("up", "lost"):
            self._last_error = None  # of before
        if lost is None:
            link.counters.save()
            if not invariants.pauses:
                await invariants.restore()
            return
        if state.name == "up":
            link.lose(lost)
        mending = state.name == "lost"
        self._read_budgets()
        while True:
            unpaid = max(self._hour.wait_ms(_SESSION_BYTES), self._day.wait_ms(_SESSION_BYTES))
            pause = max(unpaid, self._pause_ms())
            if pause > deadline.left():
                if unpaid > deadline.left():
                    raise BudgetSpent(
                        "no further attempt for {} s: the data budget is used up ({} bytes an hour, {} a day); last: {}".format(
                            unpaid // 1000,
                            self._hour.size,
                            self._day.size,
                            self._last_error or state.reason,
                        )
                    )
                raise self._last_error or NoCarrier(
                    "the link was lost ({}), and there was no time to try again: allow more".format(
                        state.reason or state.name
                    )
                )
            state.enter("recovering", state.reason)
            await wait(pause)
            while await link.modem.in_call():
                if not deadline.left():
                    raise NoCarrier(
                        "there is a voice call, and no data beside it: wait for its end, or hang_up()"
                    )
                await wait(_TICK_MS)
            await self._climb()
            in_vain = -link.counters.carried()
            try:
                await link.bring_up(min(_REGISTER_MS, max(_LEAST_MS, deadline.left())), self._pay)
            except BaseException as error:  # one that was cut short, too, has cost something
                in_vain += link.counters.carried()
                self._spend(in_vain)
                refused = isinstance(error, (BudgetSpent, RoamingRefused))
                self._failures += not (refused or isinstance(error, Interrupted))
                if refused or not isinstance(error, SIM800Error) or isinstance(error, _FINAL):
                    raise
                self._failed(error)
                continue
            if not (mending or self._failures):
                self._spend(-_SESSION_BYTES, False)
            # Counted as a failure until it has proved itself.
            self._failures += 1
            if lost == "nothing heard":
                invariants.distrusts = True
            if not invariants.distrusts or await invariants.ask() is not False:
                await invariants.restore()
                return
            link.lose("nothing heard")
            self._last_error = NoAnswer(
                "PPP is up, but nothing comes from the network: check that the SIM has data left, and "
                "config(probe=...) if this access point has no name server"
            )

    def _failed(self, error):
        self._last_error = error
        if isinstance(error, _DEAF):
            # Nothing below can reach it.
            self._skip_to("reset")
        elif isinstance(error, SIMError):
            # A card is looked at when the modem starts.
            self._skip_to("modem")
        elif isinstance(error, NoNetwork):
            self._skip_to("radio")

    def _pause_ms(self):
        if not self._failures:
            return 0
        longest = min(_LONGEST_PAUSE_MS, _PAUSE_MS << min(self._failures - 1, 8))
        return longest * random.randint(75, 125) // 100

    def _rungs(self):
        return _LADDER if self.settings["reset_board"] else _LADDER[:-1]

    def _skip_to(self, rung):
        # Leave out those below.
        rungs = self._rungs()
        self._failures += max(0, rungs.index(rung) - self._failures % len(rungs))

    async def _climb(self):
        # Do what the ladder says; whether it helped the next attempt tells.
        link, modem = self._link, self._link.modem
        rungs = self._rungs()
        rung = rungs[self._failures % len(rungs)]
        try:
            await link.take_down()
            if rung == "redial":
                await release(link.line)
            elif rung == "attach":
                await modem.radio.detach()
            elif rung == "radio":
                await modem.radio.off()
            elif rung == "modem":
                await modem.restart()
            elif rung == "reset":
                await modem.press_reset()
            elif rung == "power":
                await modem.stop()
            elif rung == "board":
                link.counters.save(True)
                machine.reset()
        except SIM800Error as error:
            self._last_error = error


def _fed(procedure, wdt):
    # The same, feeding `wdt` (a machine.WDT, or None) each time it waits.
    return watched(procedure, wdt and wdt.feed)
