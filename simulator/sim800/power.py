"""Supply, PWRKEY and RESET: pulses and their widths, and what they do (hardware design 3.2)."""

from collections.abc import Callable

from network.clock import Clock
from network.journal import Journal

ON_WIDTH = 1.0  # PWRKEY low this long switches on
OFF_WIDTH = 1.5  # ... and this long switches a running SIM800L off
OFF_WIDTH_C = 1.0  # ... a SIM800C
RESTART_WIDTH = 33.0  # ... and this long restarts a running one
RESET_WIDTH = 0.105
DOWN_TIME = 2.0  # from the decision to switch off to being off
REST_TIME = 0.8  # off at least this long before PWRKEY is heard again
SLACK = 0.05  # share by which a pulse may be shorter: the edges reach us late by chance


class Power:
    """Turns levels into `boot(why)`, `powering_down()` (switching off begins) and `die(why)`.

    `state` is "off", "on" or "powering down". PWRKEY and RESET are levels as the modem's pins
    see them (low is pressed).
    """

    def __init__(
        self,
        clock: Clock,
        journal: Journal,
        boot: Callable[[str], None],
        powering_down: Callable[[], None],
        die: Callable[[str], None],
        released: Callable[[], None],
        off_width: float = OFF_WIDTH,
    ):
        self.clock = clock
        self.journal = journal
        self.boot, self.powering_down, self.die, self.released = boot, powering_down, die, released
        self.off_width = off_width
        self.supplied = False
        self.state = "off"
        self._key_since: float | None = None  # PWRKEY low since
        self._key_used = False  # this press already did something, or counts for nothing
        self._reset_since: float | None = None
        self._off_at = float("-inf")
        self._timers: dict[str, object] = {}

    def close(self) -> None:
        for name in list(self._timers):
            self._cancel(name)

    def _later(self, name: str, seconds: float, action: Callable[[], None]) -> None:
        self._cancel(name)
        self._timers[name] = self.clock.call_later(seconds, action)

    def _cancel(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()

    def supply(self, on: bool) -> None:
        """VBAT comes or goes. Cutting it kills a running modem without a word."""
        if on == self.supplied:
            return
        self.supplied = on
        self.journal.add("pin", f"supply {'on' if on else 'off'}")
        if not on:
            self._cancel("key")
            self._cancel("down")
            self.cut("supply cut")
            self._off_at = float("-inf")
        elif self._key_since is not None:
            # held low from before: counts from now
            self._key_since = self.clock.now()
            self._key_used = False
            self._later("key", ON_WIDTH, self._key_held)

    def pwrkey(self, low: bool) -> None:
        now = self.clock.now()
        if low:
            if self._key_since is not None:
                return
            self._key_since = now
            self._key_used = False
            self.journal.add("pin", "PWRKEY low")
            if not self.supplied:
                return
            if self.state == "powering down" or now < self._off_at + REST_TIME:
                self._key_used = True
                return
            wait = RESTART_WIDTH if self.state == "on" else ON_WIDTH
            self._later("key", wait, self._key_held)
            return
        if self._key_since is None:
            return
        width = now - self._key_since
        effect = self._key_released(width)
        self.journal.add("pin", "PWRKEY high", width=round(width, 3), effect=effect)
        self._key_since = None
        self._cancel("key")

    def _key_held(self) -> None:
        """PWRKEY is low long enough to act before its release."""
        self._cancel("key")
        if self._key_used or not self.supplied:
            return
        self._key_used = True
        if self.state == "off":
            self.switch_on("PWRKEY")
        elif self.state == "on":
            self.restart("PWRKEY held over 33 s")

    def _key_released(self, width: float) -> str:
        if not self.supplied:
            return "none: no supply"
        if self._key_used:
            if self.state == "on":
                self.released()
                return "power on"
            return "none: too soon after power off"
        if self.state == "off":
            if width < ON_WIDTH * (1 - SLACK):
                return f"none: shorter than {ON_WIDTH:g} s"
            self._key_held()
            self.released()
            return "power on"
        if width < self.off_width * (1 - SLACK):
            return f"none: shorter than {self.off_width:g} s"
        self.switch_off()
        return "power off"

    def reset(self, low: bool) -> None:
        now = self.clock.now()
        if low:
            if self._reset_since is None:
                self._reset_since = now
                self.journal.add("pin", "RESET low")
            return
        if self._reset_since is None:
            return
        width = now - self._reset_since
        self._reset_since = None
        if not self.supplied or self.state != "on":
            effect = "none: not running"
        elif width <= RESET_WIDTH * (1 - SLACK):
            effect = f"none: not longer than {RESET_WIDTH * 1000:g} ms"
        else:
            effect = "reset"
        self.journal.add("pin", "RESET high", width=round(width, 3), effect=effect)
        if effect == "reset":
            self.restart("RESET")

    def switch_on(self, why: str) -> None:
        self.state = "on"
        self.boot(why)

    def restart(self, why: str) -> None:
        """The modem dies and boots again at once."""
        self.die(why)
        self.state = "on"
        self.boot(why)

    def switch_off(self) -> None:
        """The orderly way: takes DOWN_TIME."""
        if self.state != "on":
            return
        self.state = "powering down"
        self.powering_down()
        self._later("down", DOWN_TIME, self._down)

    def _down(self) -> None:
        self._cancel("down")
        self.cut("power down")

    def cut(self, why: str) -> None:
        """Off at once."""
        if self.state == "off":
            return
        self._cancel("down")
        self.state = "off"
        self._off_at = self.clock.now()
        self._key_used = True  # a key still held does not start it again
        self.die(why)
