"""The API of Pythings' SIM800L driver, for scripts written for it, over ppp_sim800.

from pythings_sim800 import Modem  # or from SIM800L
modem = Modem(MODEM_PWKEY_PIN=4, MODEM_RST_PIN=5, MODEM_POWER_ON_PIN=23, MODEM_TX_PIN=26, MODEM_RX_PIN=27)
modem.initialize()
modem.connect(apn="internet")
print(modem.http_request("https://example.org/", "GET").content)

`http_request` goes over PPP and the microcontroller's own TLS, which checks the server's certificate,
whatever the modem's firmware. What is new is written as such. Errors besides those of the old driver are
ppp_sim800's, each an Exception that says what to try.
"""

import machine
import ppp_sim800
import requests
from ppp_sim800.at.text import fields, quoted
from ppp_sim800.errors import (
    ATError,
    ATTimeout,
    ConfigError,
    NameNotFound,
    SIM800Error,
    TLSError,
)
from ppp_sim800.roles.radio import operator_name, parse_operators
from ppp_sim800.run import run

_TIMEOUT_S = 60  # for one step of a request: a name, a connection, an answer

# Keys of execute_at_command(): the command, how its answer's lines begin, seconds.
_COMMANDS = {
    "modeminfo": ("ATI", "SIM", 5),
    "fwrevision": ("AT+CGMR", "Revision:", 5),
    "battery": ("AT+CBC", "+CBC:", 5),
    "scan": ("AT+COPS=?", "+COPS:", 120),
    "network": ("AT+COPS?", "+COPS:", 45),
    "signal": ("AT+CSQ", "+CSQ:", 5),
    "checkreg": ("AT+CREG?", "+CREG:", 5),
    "setapn": ('AT+SAPBR=3,1,"APN","{}"', None, 5),
    "setuser": ('AT+SAPBR=3,1,"USER","{}"', None, 5),
    "setpwd": ('AT+SAPBR=3,1,"PWD","{}"', None, 5),
    "initgprs": ('AT+SAPBR=3,1,"Contype","GPRS"', None, 5),
    "opengprs": ("AT+SAPBR=1,1", None, 85),
    "getbear": ("AT+SAPBR=2,1", "+SAPBR: ", 5),
    "inithttp": ("AT+HTTPINIT", None, 5),
    "sethttp": ('AT+HTTPPARA="CID",1', None, 5),
    "checkssl": ("AT+CIPSSL=?", "+CIPSSL:", 5),
    "enablessl": ("AT+HTTPSSL=1", None, 5),
    "disablessl": ("AT+HTTPSSL=0", None, 5),
    "initurl": ('AT+HTTPPARA="URL","{}"', None, 5),
    "doget": ("AT+HTTPACTION=0", "+HTTPACTION: 0,", 120),
    "setcontent": ('AT+HTTPPARA="CONTENT","{}"', None, 5),
    "postlen": None,
    "dumpdata": ("AT+HTTPDATA={},{}", None, 5),
    "dopost": ("AT+HTTPACTION=1", "+HTTPACTION: 1,", 120),
    "getdata": ("AT+HTTPREAD", "+HTTPREAD:", 5),
    "closehttp": ("AT+HTTPTERM", None, 5),
    "closebear": ("AT+SAPBR=0,1", None, 65),
}

# Asked beside PPP; all others need the modem's own bearer, for which PPP must go.
_QUERIES = (
    "modeminfo",
    "fwrevision",
    "battery",
    "scan",
    "network",
    "signal",
    "checkreg",
    "checkssl",
)

_SETTINGS = {"setapn": "apn", "setuser": "user", "setpwd": "password"}


class Logger:
    """Shows the AT dialogue when `Logger.level` is "DEBUG"; secrets are masked."""

    level = "INFO"

    @classmethod
    def debug(cls, text):
        if cls.level == "DEBUG":
            print("DEBUG:", text)


class GenericATError(Exception):
    """The modem answered ERROR, or (new) +CME ERROR."""


class Response:
    """A server's answer: `status_code` (int), `content` (str)."""

    def __init__(self, status_code, content):
        self.status_code = int(status_code)
        self.content = content


class Board:
    """The board those pins make, see docs/board.md; a pin may be None. `uart`: use this one, and no pins."""

    PRESS_ON_MS = 1200
    PRESS_OFF_MS = 2000

    def __init__(self, uart, pwkey, rst, power_on, tx, rx):
        self._uart = uart
        self._sized = False
        self._tx, self._rx = tx, rx
        pins = (None, None, None) if uart else (pwkey, rst, power_on)
        self._key, self._rst, self._power = [
            None if pin is None else machine.Pin(pin) for pin in pins
        ]
        for pin in (self._key, self._rst):
            if pin:
                pin.init(machine.Pin.OUT, value=1)

    def uart(self, baudrate):
        if self._uart is None:  # the pins are named as the modem sees them
            self._uart = machine.UART(1, baudrate, tx=self._rx, rx=self._tx)
        if self._sized:
            self._uart.init(baudrate=baudrate)
        else:
            self._uart.init(baudrate=baudrate, timeout=0, rxbuf=8192, txbuf=4096)
            self._sized = True
        return self._uart

    def supply(self, on):
        if self._power:
            self._power.init(machine.Pin.OUT, value=1 if on else 0)

    def pwrkey(self, pressed):
        if self._key:
            self._key.value(0 if pressed else 1)

    def reset(self, pressed):
        if self._rst is None:
            return False
        self._rst.value(0 if pressed else 1)
        return True


class Modem:
    """A SIM800. Pins are named as the modem sees them; `uart` is used instead of all of them.

    New: without any of them the frozen board is used. `ssl_context` is the ssl.SSLContext for https, None:
    what requests takes by itself, which trusts Mozilla's roots. `nic` is the ppp_sim800.PPP behind it, once initialized.
    """

    ssl_context = None
    ssl_available = True  # here: not the modem's

    def __init__(
        self,
        uart=None,
        MODEM_PWKEY_PIN=None,
        MODEM_RST_PIN=None,
        MODEM_POWER_ON_PIN=None,
        MODEM_TX_PIN=None,
        MODEM_RX_PIN=None,
    ):
        self.MODEM_PWKEY_PIN = MODEM_PWKEY_PIN
        self.MODEM_RST_PIN = MODEM_RST_PIN
        self.MODEM_POWER_ON_PIN = MODEM_POWER_ON_PIN
        self.MODEM_TX_PIN = MODEM_TX_PIN
        self.MODEM_RX_PIN = MODEM_RX_PIN
        self.uart = uart
        self.initialized = False
        self.modem_info = None
        self.nic = None
        self._apn = None  # known: PPP can be brought up
        self._online = False  # connect() was called; AT commands may have taken PPP down for now
        self._length = 0  # of the body that the modem's own HTTP holds

    def _start(self):
        if self.nic:
            return
        wires = (
            self.uart,
            self.MODEM_PWKEY_PIN,
            self.MODEM_RST_PIN,
            self.MODEM_POWER_ON_PIN,
            self.MODEM_TX_PIN,
            self.MODEM_RX_PIN,
        )
        board = Board(*wires) if any(wire is not None for wire in wires) else None
        nic = ppp_sim800.PPP("unknown", board=board, trace=_trace)
        nic.active(True)
        self.nic = nic
        self.uart = nic.modem.uart

    def initialize(self):
        """Find the modem, switched on if need be. Raises ModemSilent."""
        self._start()
        self.modem_info = self.execute_at_command("modeminfo")
        self.initialized = True

    # Commands

    def execute_at_command(self, command, data=None, clean_output=True):
        """Do what a key stands for; returns the answer's lines (str).

        A query is asked beside PPP, which waits for it only where the modem has no multiplexer. For the modem's
        own HTTP PPP is taken down; get_ip_addr() and http_request() bring it up again. "inithttp" then opens the modem's own bearer with the APN of
        connect(). New: "postlen" only marks that data follows; its length in bytes is that of "dumpdata".
        Raises GenericATError, Exception (unknown command, timeout).
        """
        if command not in _COMMANDS:
            raise Exception('Unknown command "{}"'.format(command))
        if command == "postlen":
            return ""
        self._start()
        nic = self.nic
        if nic.isconnected() and command == "getbear":
            return '+SAPBR: 1,1,"{}"'.format(nic.ifconfig()[0])
        if command in _QUERIES and nic.isconnected():
            with nic.command_mode():
                return self._converse(command, data, clean_output)
        if nic.status() in ("up", "suspended", "lost"):
            nic.disconnect()
            if command == "closebear":
                self._online = False
                return ""
        return self._converse(command, data, clean_output)

    def _converse(self, command, data, clean_output):
        nic = self.nic
        try:
            if command == "inithttp" and self._online:
                nic.modem.bearer.open()
            lines = run(self._execute(nic.modem.aio.line, command, data))
        except ATTimeout:
            seconds = _COMMANDS[command][2]
            raise Exception('Timeout for command "{}" (timeout={})'.format(command, seconds))
        except ATError as error:
            words = "" if error.result == "ERROR" else " ({})".format(error.result)
            raise GenericATError("Got generic AT error" + words)
        if command in _SETTINGS:
            nic.config(**{_SETTINGS[command]: data})
            self._apn = nic.config("apn")
        output = "\r\n".join(lines)
        if clean_output:
            output = output.replace("\r", "").replace("\n\n", "")
        return output

    async def _execute(self, line, command, data):
        string, prefix, seconds = _COMMANDS[command]
        timeout = seconds * 1000
        if command in ("doget", "dopost"):
            urc = await line.command_and_urc(string, prefix, timeout)
            length = fields(urc)[-1]
            self._length = int(length) if length.isdigit() else 0
            return ["OK", "", urc]
        if command == "dumpdata":
            body = _encoded(data)
            time = min(120000, 5000 + len(body) * 20000 // line.rate)
            await line.command(
                string.format(len(body), time), timeout=timeout, data=body, prompt=b"DOWNLOAD"
            )
            return []
        if command == "getdata":
            body = bytearray(self._length)
            lines = await line.command(string, prefix, timeout + self._length, into=body)
            return [_text(body)] if len(lines) > 1 else []
        show = string.format("****") if command == "setpwd" else None
        if "{}" in string:
            string = string.format(quoted(data, command, 512))
        lines = await line.command(string, prefix, timeout, show=show)
        return lines[:-1]

    def get_info(self):
        """As ATI says it, e.g. "SIM800 R14.18"."""
        return self.execute_at_command("modeminfo")

    def battery_status(self):
        """As AT+CBC says it, e.g. "+CBC: 0,83,3994": charging, percent, millivolts."""
        return self.execute_at_command("battery")

    def scan_networks(self):
        """A list of {"name", "shortname", "id"}. Up to two minutes."""
        return [
            {"name": name, "shortname": short, "id": number}
            for name, short, number, _ in parse_operators(self.execute_at_command("scan"))
        ]

    def get_current_network(self):
        """The operator's name, None without one."""
        return operator_name(self.execute_at_command("network"))

    def get_signal_strength(self):
        """AT+CSQ's 0 to 31 through 30 (float); new: 0.0, not 3.3, where the modem knows of no signal."""
        rssi = int(fields(self.execute_at_command("signal"))[0])
        return 0.0 if rssi > 31 else rssi / 30

    # Connection

    def get_ip_addr(self):
        """The address (str) of PPP, or of the bearer where a script has opened that by itself; None without.

        Brings PPP up again where connect() had it up.
        """
        if self.nic and self.nic.isconnected():
            return self.nic.ifconfig()[0]
        output = self.execute_at_command("getbear")
        pieces = output[output.rfind("+") :].split(",")
        address = pieces[2].replace('"', "") if len(pieces) == 3 else ""
        if len(address.split(".")) != 4:
            raise Exception('Cannot parse "{}" to get an IP address'.format(output))
        if address != "0.0.0.0":
            return address
        if not self._online:
            return None
        try:
            self.nic.connect()
        except SIM800Error as error:
            Logger.debug(error)
            return None
        return self.nic.ifconfig()[0]

    def connect(self, apn, user="", pwd=""):
        """Bring PPP up; does nothing if it is. Raises Exception if not initialized, ppp_sim800.SIM800Error."""
        if not self.initialized:
            raise Exception("Modem is not initialized, cannot connect")
        if not self.nic.isconnected():
            self.nic.config(apn=apn, user=user or "", password=pwd or "")
            self._apn = apn
            self.nic.connect()
        self._online = True

    def disconnect(self):
        """Take PPP down, or the bearer."""
        self._online = False
        try:
            self.execute_at_command("closebear")
        except GenericATError:
            pass  # there was none
        address = self.get_ip_addr()
        if address:
            raise Exception(
                "Error, we should be disconnected but we still have an IP address ({})".format(
                    address
                )
            )

    # HTTP

    def http_request(self, url, mode="GET", data=None, content_type="application/json"):
        """GET, or POST `data` (str or bytes), over PPP; returns a Response. Redirections are followed (new).

        Raises AssertionError unless `url` is http or https, Exception if not connected, TLSError (`reason`
        says why the server is not believed), NameNotFound, HTTPError (`fate` says what became of the request, as with
        requests).
        """
        if not url.startswith("http"):
            raise AssertionError(  # also where assert is compiled away
                'Unable to handle communication protocol for URL "{}"'.format(url)
            )
        if mode not in ("GET", "POST"):
            raise Exception('Unknown mode "{}"'.format(mode))
        body = _encoded(data) if mode == "POST" else None
        if not self.get_ip_addr() or self._apn is None:
            raise Exception("Error, modem is not connected")
        self.nic.connect()  # a script may have opened the bearer by itself
        self._online = True
        headers = {}
        if mode == "POST":
            headers = {"Content-Type": content_type, "Content-Length": str(len(body))}
        options = {"ssl_context": self.ssl_context} if url.startswith("https:") else {}
        host = (url + "//").split("/")[2].rpartition("@")[2]
        try:
            reply = requests.request(
                mode, url, data=body, headers=headers, timeout=_TIMEOUT_S, **options
            )
            content = reply.content
        except TypeError:
            if not options:
                raise
            raise ConfigError(
                "this firmware's requests module checks no certificates (it takes no ssl_context): use this "
                "project's firmware for https"
            )
        except TLSError:
            raise
        except (OSError, ValueError, NotImplementedError) as error:
            fate = getattr(error, "fate", None)
            if fate is None or isinstance(error, NameNotFound):
                self.nic.resolve(host.split(":")[0])  # says what is wrong, if that is
            failed = ppp_sim800.HTTPError(
                "{} to {} failed: {}".format(mode, host, str(error).strip()), None
            )
            failed.fate = fate  # as requests has it
            raise failed
        return Response(reply.status_code, _text(content))


def _trace(direction, line):
    Logger.debug(direction + " " + line)


def _encoded(data):
    if data is None:
        return b""
    if isinstance(data, str):
        return data.encode()
    if isinstance(data, (bytes, bytearray)):
        return bytes(data)
    raise ConfigError("data must be str or bytes, not {}".format(type(data).__name__))


def _text(data):
    # What is not UTF-8 comes as one character for each byte.
    try:
        return str(data, "utf-8")
    except UnicodeError:
        return "".join([chr(byte) for byte in data])
