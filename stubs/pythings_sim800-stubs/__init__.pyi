"""The API of Pythings' SIM800L driver, for scripts written for it, over ppp_sim800.

from pythings_sim800 import Modem  # or from SIM800L
modem = Modem(MODEM_PWKEY_PIN=4, MODEM_RST_PIN=5, MODEM_POWER_ON_PIN=23, MODEM_TX_PIN=26, MODEM_RX_PIN=27)
modem.initialize()
modem.connect(apn="internet")
print(modem.http_request("https://example.org/", "GET").content)

`http_request` goes over PPP and the microcontroller's own TLS, which checks the server's certificate,
whatever the modem's firmware. What is new is written as such. Errors besides those of the old driver are
ppp_sim800's, each an Exception that says what to try."""

from ssl import SSLContext

from machine import UART
from ppp_sim800 import PPP

class Logger:
    """Shows the AT dialogue when `Logger.level` is "DEBUG"; secrets are masked."""

    level: str

    @classmethod
    def debug(cls, text: object) -> None: ...

class GenericATError(Exception):
    """The modem answered ERROR, or (new) +CME ERROR."""

class Response:
    """A server's answer: `status_code` (int), `content` (str)."""

    status_code: int
    content: str

    def __init__(self, status_code: int | str, content: str) -> None: ...

class Board:
    """The board those pins make, see docs/board.md; a pin may be None. `uart`: use this one, and no pins."""

    PRESS_ON_MS: int
    PRESS_OFF_MS: int

    def __init__(
        self,
        uart: UART | None,
        pwkey: int | None,
        rst: int | None,
        power_on: int | None,
        tx: int | None,
        rx: int | None,
    ) -> None: ...
    def uart(self, baudrate: int) -> UART: ...
    def supply(self, on: bool) -> None: ...
    def pwrkey(self, pressed: bool) -> None: ...
    def reset(self, pressed: bool) -> bool: ...

class Modem:
    """A SIM800. Pins are named as the modem sees them; `uart` is used instead of all of them.

    New: without any of them the frozen board is used. `ssl_context` is the ssl.SSLContext for https, None:
    what requests takes by itself, which trusts Mozilla's roots. `nic` is the ppp_sim800.PPP behind it, once initialized."""

    ssl_context: SSLContext | None
    ssl_available: bool
    MODEM_PWKEY_PIN: int | None
    MODEM_RST_PIN: int | None
    MODEM_POWER_ON_PIN: int | None
    MODEM_TX_PIN: int | None
    MODEM_RX_PIN: int | None
    uart: UART | None
    initialized: bool
    modem_info: str | None
    nic: PPP | None

    def __init__(
        self,
        uart: UART | None = None,
        MODEM_PWKEY_PIN: int | None = None,
        MODEM_RST_PIN: int | None = None,
        MODEM_POWER_ON_PIN: int | None = None,
        MODEM_TX_PIN: int | None = None,
        MODEM_RX_PIN: int | None = None,
    ) -> None: ...
    def initialize(self) -> None:
        """Find the modem, switched on if need be. Raises ModemSilent."""

    def execute_at_command(
        self, command: str, data: str | bytes | int | None = None, clean_output: bool = True
    ) -> str:
        """Do what a key stands for; returns the answer's lines (str).

        A query is asked beside PPP, which waits for it only where the modem has no multiplexer. For the modem's
        own HTTP PPP is taken down; get_ip_addr() and http_request() bring it up again. "inithttp" then opens the modem's own bearer with the APN of
        connect(). New: "postlen" only marks that data follows; its length in bytes is that of "dumpdata".
        Raises GenericATError, Exception (unknown command, timeout)."""

    def get_info(self) -> str:
        """As ATI says it, e.g. "SIM800 R14.18"."""

    def battery_status(self) -> str:
        """As AT+CBC says it, e.g. "+CBC: 0,83,3994": charging, percent, millivolts."""

    def scan_networks(self) -> list[dict[str, str]]:
        """A list of {"name", "shortname", "id"}. Up to two minutes."""

    def get_current_network(self) -> str | None:
        """The operator's name, None without one."""

    def get_signal_strength(self) -> float:
        """AT+CSQ's 0 to 31 through 30 (float); new: 0.0, not 3.3, where the modem knows of no signal."""

    def get_ip_addr(self) -> str | None:
        """The address (str) of PPP, or of the bearer where a script has opened that by itself; None without.

        Brings PPP up again where connect() had it up."""

    def connect(self, apn: str, user: str = "", pwd: str = "") -> None:
        """Bring PPP up; does nothing if it is. Raises Exception if not initialized, ppp_sim800.SIM800Error."""

    def disconnect(self) -> None:
        """Take PPP down, or the bearer."""

    def http_request(
        self,
        url: str,
        mode: str = "GET",
        data: str | bytes | None = None,
        content_type: str = "application/json",
    ) -> Response:
        """GET, or POST `data` (str or bytes), over PPP; returns a Response. Redirections are followed (new).

        Raises AssertionError unless `url` is http or https, Exception if not connected, TLSError (`reason`
        says why the server is not believed), NameNotFound, HTTPError (`fate` says what became of the request, as with
        requests)."""
