"""The modem's real-time clock, and the network's time (NITZ)."""

import datetime

from network.clock import Clock

from .scenario import Operator, Radio, Scenario

DEFAULT = datetime.datetime(2004, 1, 1)  # what it shows after it was without power


class RealTimeClock:
    """Local time and its zone in quarter hours east of UTC; starts anew when it was without power.

    Raises ValueError for a scenario.utc that is no time.
    """

    def __init__(self, clock: Clock, scenario: Scenario):
        self.clock = clock
        self._set: tuple[datetime.datetime, float, int] | None = None
        self.says = ""  # instead of the time, a fault
        if scenario.utc is None:
            self._start = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
            return
        try:
            self._start = datetime.datetime.fromisoformat(scenario.utc)
        except ValueError:
            self._start = None
        if self._start is None or self._start.tzinfo is not None:
            raise ValueError(
                f"scenario.utc is {scenario.utc!r}: write UTC like '2026-06-15T12:00:00'"
            )

    def lose(self) -> None:
        """The power is gone."""
        self._set = None

    def utc(self) -> datetime.datetime:
        """The time the network knows, whatever the modem believes."""
        return self._start + datetime.timedelta(seconds=self.clock.now())

    def read(self) -> tuple[datetime.datetime, int]:
        """Local time and zone, as the modem believes."""
        if self._set is None:
            self.set(DEFAULT, 0)
        then, since, zone = self._set
        return then + datetime.timedelta(seconds=self.clock.now() - since), zone

    def set(self, local: datetime.datetime, zone: int) -> None:
        self._set = (local, self.clock.now(), zone)

    def network_time(self, radio: Radio) -> tuple[datetime.datetime, int]:
        """Local time and zone, as the network knows them."""
        return self.utc() + datetime.timedelta(minutes=15 * radio.zone), radio.zone

    def nitz(self, radio: Radio, operator: Operator, ciev: bool) -> list[str]:
        """Take the network's time; returns the URCs that tell it (manual 5.2.4, AT+CLTS).

        Their form is that of real modems (+CTZV with the hours of summer time, unquoted);
        `ciev`: the newer firmware's, with +CIEV: 10 where the older has *PSNWID.
        """
        utc = self.utc()
        moved = self._set is None or self._set[2] != radio.zone
        self.set(*self.network_time(radio))
        zone, dst = f"{radio.zone:+d}", radio.dst
        stamp = f"{utc.year},{utc.month},{utc.day},{utc.hour},{utc.minute},{utc.second}"
        # the zone is told only where it is another, as seen
        changed = [f"+CTZV: {zone},{dst}"] if moved else []
        urcs = [*changed, f'*PSUTTZ: {stamp},"{zone}",{dst}', f"DST: {dst}"]
        o = operator
        if ciev:
            return [*urcs, f'+CIEV: 10,"{o.plmn}","{o.name}","{o.short}", 0, 0']
        return [f'*PSNWID: "{o.plmn[:3]}","{o.plmn[3:]}","{o.name}",0,"{o.short}",0', *urcs]
