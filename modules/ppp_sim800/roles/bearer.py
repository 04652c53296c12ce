"""The bearer of the modem's own applications, HTTP and location. PPP needs none and stands in its way."""

from ..at.text import fields, quoted
from ..errors import ATError, ConfigError, NoCarrier
from . import Role

_CONNECTED = "1"


class Bearer(Role):
    """Bearer profile 1 of `modem` (M chapter 9)."""

    def __init__(self, line, radio, access, counters):
        super().__init__(line)
        self._radio = radio
        self._access = access  # returns (APN, user, password), None where they are not known
        self._counters = counters

    def count(self, count):
        """So many bytes were carried over it."""
        if self._counters:
            self._counters.add(own=count)
            self._counters.save()

    async def address(self):
        """Its IP address (str), None while it is closed."""
        return await self._line.ask("AT+SAPBR=2,1", "+SAPBR: 1,", read=_read_address)

    async def open(self, apn=None, user="", password="", timeout=120000):
        """Open it; does nothing if it is open. HTTP and location do so by themselves where a PPP object knows the APN.

        apn, user, password: as for PPP, None: what the PPP object has. timeout: milliseconds for the network
        to be found; opening takes at most 85 s more. It stays open until close() or PPP's connect().
        Raises RegistrationError, NoCarrier; BudgetSpent and RoamingRefused as PPP's connect().
        """
        self._line.forbid_call("bearer.open()")
        if self._access:
            own = self._access()
            if apn is None:
                apn, user, password = own
        values = (
            ("CONTYPE", "GPRS"),
            ("APN", quoted(apn or "", "the APN", 64)),
            ("USER", quoted(user, "user", 32)),
            ("PWD", quoted(password, "password", 32)),
        )
        if await self.address():
            return
        if apn is None:
            raise ConfigError(
                "no APN is known: call modem.bearer.open(apn) first, or use the modem of a PPP object"
            )
        await self._radio.register(timeout)
        if self._access:
            self._access()  # it may be abroad
        for name, value in values:
            await self._line.command('AT+SAPBR=3,1,"{}","{}"'.format(name, value))
        try:
            await self._line.command("AT+SAPBR=1,1")
        except ATError as error:
            raise NoCarrier(
                'the modem cannot open a bearer to APN "{}" ({}): check APN, user and password; PPP must be down'.format(
                    apn, error.result
                )
            )

    async def close(self):
        """Close it; does nothing if it is closed. At most 65 s."""
        await self._line.try_command("AT+SAPBR=0,1", timeout=65000)


def _read_address(line):
    _, status, address = fields(line)
    return address if status == _CONNECTED else None
