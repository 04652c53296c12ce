"""The bearer of the modem's own applications, HTTP and location. PPP needs none and stands in its way."""

class Bearer:
    """Bearer profile 1 of `modem` (M chapter 9)."""

    async def address(self) -> str | None:
        """Its IP address (str), None while it is closed."""

    async def open(
        self, apn: str | None = None, user: str = "", password: str = "", timeout: int = 120000
    ) -> None:
        """Open it; does nothing if it is open. HTTP and location do so by themselves where a PPP object knows the APN.

        apn, user, password: as for PPP, None: what the PPP object has. timeout: milliseconds for the network
        to be found; opening takes at most 85 s more. It stays open until close() or PPP's connect().
        Raises RegistrationError, NoCarrier; BudgetSpent and RoamingRefused as PPP's connect()."""

    async def close(self) -> None:
        """Close it; does nothing if it is closed. At most 65 s."""
