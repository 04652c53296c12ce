"""A modem with its air and its internet, put together."""

from pathlib import Path
from typing import Self

from network.clock import Clock
from network.internet import Internet
from network.journal import Journal
from network.passt import PasstError
from network.pcap import Writer as PcapWriter
from network.ppp import PPPEnd

from .modem import SIM800
from .scenario import Scenario
from .serial import Line


class Surroundings:
    """What is around a DTE: modem, air, internet, as the scenario says. Nothing outlives `stop()`.

    A chip as the DTE is a subclass's: world.World's is MicroPython for Linux, emulator.Emulator's is an ESP32.
    `speed`: simulated seconds per real second, for all parts alike. `pcap`: file that gets the PPP line's
    packets. `symlink`: path of a symbolic link to the modem's serial port. `clock`: another one than Clock(speed).
    """

    def __init__(
        self,
        scenario: Scenario,
        *,
        speed: float = 1.0,
        pcap: Path | None = None,
        symlink: str | None = None,
        clock: Clock | None = None,
    ):
        self.scenario = scenario
        self.clock = clock or Clock(speed)
        self.journal = Journal(self.clock)
        self._pcap_path = pcap
        self._pcap: PcapWriter | None = None
        self.internet = Internet(
            self.clock,
            scenario.air,
            scenario.names,
            scenario.routes,
            scenario.ppp.dns,
            self.journal,
        )
        self.line = Line(self.clock, symlink)
        self.modem = SIM800(
            self.clock, scenario, self.line, self._make_ppp, self.journal, self.internet
        )

    def _make_ppp(self, config, send, on_end, on_up):
        return PPPEnd(
            self.clock,
            config,
            send,
            on_end,
            on_up,
            internet=self.internet,
            journal=self.journal,
            pcap=self._pcap,
        )

    async def start(self) -> None:
        if self._pcap_path:
            self._pcap = PcapWriter(self._pcap_path, self.clock)
        try:
            await self.internet.start()
        except PasstError as error:
            self.no_internet(error)
        await self.modem.start()

    def no_internet(self, error: PasstError) -> None:
        """passt does not run: TCP and UDP would go nowhere."""
        raise error

    async def stop(self) -> None:
        await self.modem.stop()
        await self.internet.stop()
        if self._pcap:
            self._pcap.close()

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *_) -> None:
        await self.stop()
