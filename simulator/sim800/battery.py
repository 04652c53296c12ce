"""The voltage at VBAT: what AT+CBC says of it, the warnings, and what low voltage does.

SIM800L hardware design 3.2: warnings from 3.5 V down and 4.3 V up; below 3.4 V and above 4.4 V it
powers down, but only with AT+CBATCHK=1.
"""

LOW, HIGH = 3500, 4300  # mV: a warning at these and beyond
TOO_LOW, TOO_HIGH = 3400, 4400  # beyond these it powers down, if asked to
DEAD = 3000  # below, nothing works any more
WARN_TIME = 5.0  # seconds from one warning to the next
STEP_TIME = 1.0  # how often a falling voltage is looked at
EMPTY, FULL = 3400, 4200  # mV, between which the percentage goes


class Battery:
    """`cbc` is what AT+CBC says: charging (0 no, 1 yes, 2 full), percent, mV."""

    def __init__(self, modem, cbc: tuple[int, int, int]):
        self._modem = modem
        self.cbc = cbc
        self._falls = 0.0  # mV in a second
        self._exact = float(cbc[2])
        self._timer = None  # of the falling, which goes on without the modem
        self._warning = None
        self._cut = False  # it took the supply away

    def set(self, charging: int, percent: int, millivolts: int) -> None:
        """From now on so."""
        self.cbc = (charging, percent, millivolts)
        self._exact = float(millivolts)
        self._modem.journal.add("modem", "battery", percent=percent, millivolts=millivolts)
        self._modem.on_battery(self.cbc)
        self.look()

    def fall(self, rate: float) -> None:
        """Fall by `rate` mV in a second; 0: no longer."""
        self._falls = rate
        self.stop()
        if rate:
            self._timer = self._modem.clock.call_later(STEP_TIME, self._step)

    def stop(self) -> None:
        """Forget timers."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _step(self) -> None:
        self._timer = self._modem.clock.call_later(STEP_TIME, self._step)
        self._exact = max(0.0, self._exact - self._falls * STEP_TIME)
        share = (self._exact - EMPTY) / (FULL - EMPTY)
        self.cbc = (0, round(min(100, max(1, 100 * share))), round(self._exact))
        self._modem.on_battery(self.cbc)
        self.look()

    def look(self) -> None:
        """Say or do what the voltage asks for."""
        modem, millivolts = self._modem, self.cbc[2]
        if millivolts < DEAD or self._cut:
            self._dead(millivolts < DEAD)
            return
        if modem.power.state != "on" or modem.mode == "booting":
            return
        if modem.settings["+CBATCHK"] and not TOO_LOW <= millivolts <= TOO_HIGH:
            which = "UNDER" if millivolts < TOO_LOW else "OVER"
            modem.power_down_with(f"{which}-VOLTAGE POWER DOWN")
        elif self._warning is None and not LOW < millivolts < HIGH:
            modem.urc(f"{'UNDER' if millivolts <= LOW else 'OVER'}-VOLTAGE WARNNING")
            self._warning = modem.later(WARN_TIME, self._warn_again)

    def forget(self) -> None:
        """The modem was reset: its timers are gone."""
        self._warning = None

    def _warn_again(self) -> None:
        self._warning = None
        self.look()

    def _dead(self, dead: bool) -> None:
        if dead and self._modem.power.supplied:
            self._cut = True
            self._modem.supply(False)
        elif not dead:
            self._cut = False
            self._modem.supply(True)
