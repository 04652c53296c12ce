"""The network as the modem sees it: registration over time, operators, attach, signal."""

from collections.abc import Callable

from . import scenario

REGISTERED = (1, 5)


class Radio:
    """Registration states follow the scenario's times once `search()` is called.

    `changed(kind)` is called with "creg" or "cgreg" when a state or the cell changes.
    `later(seconds, action, *args)` must return something with cancel().
    """

    def __init__(self, radio: scenario.Radio, later: Callable, changed: Callable[[str], None]):
        self.radio = radio
        self.later = later
        self.changed = changed
        self.csq = radio.csq
        self.lac, self.cell = radio.lac, radio.cell
        self.position = radio.position
        self.apns = dict(radio.apns)
        self.refuse_apns = False
        self.pdp_silent = False  # activations of a PDP context are not answered
        self.gone: int | None = (
            None  # there is no network: +CREG says this whatever the scenario has
        )
        self.creg = 0
        self.cgreg = 0
        self.attached = False
        self.detached_by_user = False
        self._granted = 0  # the +CGREG state the network would give
        self.chosen: scenario.Operator | None = None
        self._timers: list = []

    @property
    def registered(self) -> bool:
        return self.creg in REGISTERED

    @property
    def operator(self) -> scenario.Operator | None:
        """The one registered with, or None."""
        if not self.registered:
            return None
        if self.chosen:
            return self.chosen
        known = self.radio.operators
        return next((o for o in known if o.status == 2), next(iter(known), None))

    def forget(self) -> None:
        """The modem starts anew: what its user chose is gone."""
        self.chosen = None
        self.detached_by_user = False

    def search(self) -> None:
        """Begin to look for a network: the scenario's registration begins."""
        self.stop()
        if self.gone is not None:
            self.lose(self.gone)
            return
        packet = self.radio.gprs_registration or self.radio.registration
        for kind, times in (("creg", self.radio.registration), ("cgreg", packet)):
            for after, stat in times:
                self._timers.append(self.later(after, self.set, kind, stat))

    def settle(self) -> None:
        """Be at once where the scenario's registration ends."""
        self._cancel()
        if self.gone is not None:
            self.lose(self.gone)
            return
        packet = self.radio.gprs_registration or self.radio.registration
        for kind, times in (("creg", self.radio.registration), ("cgreg", packet)):
            if times:
                self.set(kind, times[-1][1])

    def stop(self) -> None:
        """No longer look for, or be on, a network."""
        self._cancel()
        self.set("creg", 0)
        self.set("cgreg", 0)

    def _cancel(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def set(self, kind: str, stat: int) -> None:
        if kind == "cgreg":
            self._granted = stat
            if self.detached_by_user:
                stat = 0
            self.attached = stat in REGISTERED
        if getattr(self, kind) != stat:
            setattr(self, kind, stat)
            self.changed(kind)

    def lose(self, stat: int) -> None:
        """Registration is gone; the times of the scenario no longer count."""
        self._cancel()
        self.set("creg", stat)
        self.set("cgreg", stat)

    def attach(self, on: bool) -> None:
        granted = self._granted
        self.detached_by_user = not on
        self.set("cgreg", granted)

    def move(self, lac: str, cell: str) -> None:
        """Another cell."""
        self.lac, self.cell = lac, cell
        self.changed("creg")
        self.changed("cgreg")

    def knows(self, apn: str) -> bool:
        return not self.refuse_apns and apn in self.apns
