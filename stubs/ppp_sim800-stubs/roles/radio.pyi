"""The radio: registration, operators, signal, cell, attachment to GPRS."""

class Radio:
    """The radio of `modem`."""

    async def on(self) -> None:
        """Switch the radio on (M 104). It then looks for a network by itself."""

    async def off(self) -> None:
        """Switch the radio off: no network, no data, a tenth of the current; SIM and AT go on (M 104)."""

    async def registration(self) -> str:
        """Registration as a word (M 82): "home", "roaming", "searching", "denied", "off", "unknown"."""

    async def cell(self) -> tuple[int, int] | None:
        """Where the modem is: (location area code, cell id), each an int; None if not registered (M 82)."""

    async def register(self, timeout: int = 120000) -> None:
        """Wait until the network has taken the modem, for calls and for GPRS, at most `timeout` milliseconds.

        Raises NoNetwork, RegistrationDenied, RegistrationError."""

    async def attach(self, timeout: int = 30000) -> None:
        """Attach to GPRS (M 213), trying again for `timeout` milliseconds. Raises RegistrationError."""

    async def detach(self) -> None:
        """Detach from GPRS: no data until attach() or connect(); calls and messages go on (M 213)."""

    async def signal(self) -> int | None:
        """Signal strength in dBm (-115 to -52), None where it is not known (M 83)."""

    async def signal_percent(self) -> int | None:
        """Signal strength in percent of the best the modem tells (0 to 100), None where it is not known."""

    async def operator(self) -> str | None:
        """Name of the operator the modem is registered with, None if with none (M 80). At most 45 s."""

    async def scan(self) -> list[tuple[str, str, str, int]]:
        """Search for operators, up to 45 s and more (M 80).

        Returns a list of (name, short name, number, status): status 0 unknown, 1 available, 2 current,
        3 forbidden; number is country and network, e.g. "26201"."""

    async def choose(self, number: str | None = None) -> None:
        """Use one operator and no other, e.g. "26201", or with None the one the SIM likes best (M 80).

        Returns when the modem has it; registration follows, see register(). At most 2 minutes.
        Raises RegistrationDenied, NoNetwork."""
