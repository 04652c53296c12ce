"""The SIM card: its state, its codes, what is written on it."""

class SIM:
    """The card in `modem`."""

    async def state(self) -> str:
        """What the card waits for (M 78): "READY", "SIM PIN", "SIM PUK" ...; "NOT INSERTED" without one."""

    async def tries(self) -> int | None:
        """How often a wrong PIN may still be entered, None if the firmware does not tell (M 157)."""

    async def unlock(self, pin: str) -> None:
        """Enter the PIN (str of 4 to 8 digits), once. Raises PINWrong, PUKRequired, SIMError."""

    async def unblock(self, puk: str, pin: str) -> None:
        """Enter the PUK (str of 8 digits) of a blocked card, and its new PIN. Once: ten wrong ones end the card.

        Raises PINWrong, SIMError."""

    async def change_pin(self, old: str, new: str) -> None:
        """Change the PIN (str of 4 to 8 digits each). The card must ask for its PIN, see ask_pin() (M 95).

        Raises PINWrong, PUKRequired, SIMError."""

    async def ask_pin(self, on: bool, pin: str) -> None:
        """Let the card ask for its PIN at each start (on=True), or not (M 74). Does nothing if it is so already.

        Raises PINWrong, PUKRequired, SIMError."""

    async def ready(self, pin: str | None = None, settle: int = 10000) -> None:
        """Bring the card to READY, with its PIN if it asks for one. At most 30 s.

        settle: milliseconds to wait then, at most, while the modem still reads the card and refuses what needs it.

        The PIN is entered only while no wrong one has been: a script that runs at every boot would else
        block the card. Raises SIMAbsent, PINRequired, PINWrong, PUKRequired, SIMError."""

    async def imsi(self) -> str:
        """IMSI, a str of digits (M 77). Raises SIMError."""

    async def iccid(self) -> str:
        """Serial number of the card, a str of 19 or 20 digits (M 159). Raises SIMError."""

    async def number(self) -> str | None:
        """Telephone number (str) as the card knows it, None if it does not (M 89). Raises SIMError."""
