"""What a SIM800 is, as data: its rates and times, how it is set up. Another modem of its family begins here.

What it says unasked is in events.py.
"""

from micropython import const

BAUDRATE = const(115200)  # the highest a modem finds by itself (M 55)
FAST = const(460800)  # the highest it can
LIKELY_RATES = (BAUDRATE, FAST)
OTHER_RATES = (230400, 19200, 38400, 57600, 9600)

# Maximum response times in milliseconds, behind the command's name; all others have 5 s. A tuple stays in flash.
_TIMEOUTS = const(
    (
        ("D", 60000),  # S7 (M 29)
        ("A", 20000),  # M 27
        ("H", 20000),  # M 34
        ("O", 10000),  # M 37
        ("+CFUN", 10000),  # M 104
        ("+CGATT", 10000),  # M 213
        ("+CGACT", 150000),  # M 217
        ("+CIMI", 20000),  # M 77
        ("+CLCK", 15000),  # M 74
        ("+CPWD", 15000),  # M 95
        ("+COPS", 120000),  # M 80
        ("+CMGF", 10000),  # with +CPMS behind it (M 128)
        ("+CNMI", 15000),
        ("+VTS", 20000),  # M 94
        ("+CIPSHUT", 65000),  # M 224
        ("+SAPBR", 85000),  # M 9.2
    )
)

# Words in commands with what nobody may see: PINs, PUK, passwords, keys. Also in at(), whoever wrote it.
_SECRETS = const(
    (
        "PIN=",
        "PIN2=",
        "CPUC=",
        "PWD",
        "PW=",
        "PASS",
        "AUTH",
        "CERT",
        "POP3",
        "CLCK=",
        "CSTT",
        "BTPAIR",
        "USERDATA",
    )
)

# Behind these the answer has text of others: names of networks, messages, what a server said.
_TEXTS = const(
    ("+COPS", "+CSPN", "+CMGR", "+CMGL", "+CPB", "+HTTPREAD", "+HTTPHEAD", "+FTPGET", "+CIPRXGET")
)

DIAL = "ATD*99***1#"
# Plain is what is proved on real ones; with rate as <port_speed> and N1 (M 96) what some firmware may need.
MULTIPLEX = ("AT+CMUX=0", "AT+CMUX=0,0,{},127")
# Each part of a multiplexed line wants these: errors as numbers, the end of the data call told (M 155).
SETUP_CHANNEL = "AT+CMEE=1;+CDRIND=1"
SETUP_MODEM = ("AT+CMEE=1", "AT+CREG=2;+CGREG=2")
# Texts come as they are, not in hex, whatever somebody has stored; messages, their reports, calls and USSD are told
# (M 75, 109, 125), a call as RING. Refused while the modem reads the card; the last of them also by one without messages.
SUBSCRIBE = 'AT+CSCS="IRA";+CRC=0;+CLIP=1;+CUSD=1;+CNMI=2,1,0,1,0'
# PDU mode, new messages to the card; told are the places on it and in the modem's own memory (M 128).
STORES = 'AT+CMGF=0;+CPMS="SM","ME","SM"'

RESET_MS = const(150)  # > 105 ms (HW 3.2.4)
LOGOFF_MS = const(2000)  # from the key to the end (HW 3.2.3)
REST_MS = const(800)  # from off to on (HW 3.2.3)
RESTART_MS = const(800)  # from the OK of AT+CFUN=1,1 until it is deaf


def shown(command):
    """A command, or what the modem says to one (str), as logs and errors may see it: all, or its beginning and `****`.

    Hidden are arguments of commands with secrets, a URL's query, all of one that may have a user, and what a service's
    code has behind its number (22.030): PINs, vouchers.
    """
    packed = command.upper().replace(" ", "")
    ends = []
    if any(word in packed for word in _SECRETS):
        ends = [command.find(mark) + 1 for mark in "=:"]
    url = command.find("://") + 3
    if url > 2:
        ends += [url] if "@" in command[url:] else [command.find(mark, url) + 1 for mark in "?#"]
    code = command.find("*") + 1
    if code:
        while command[code : code + 1] in ("*", "#"):
            code += 1
        code = command.find("*", code) + 1
        if sum(char.isdigit() for char in command[code:]) > 3:
            ends.append(code)
    ends = [end for end in ends if end]
    return command[: min(ends)] + "****" if ends else command


def has_text(command):
    """Whether the answer to `command` (str) may hold anybody's text."""
    command = command.upper()
    return any(name in command for name in _TEXTS)


def timeout_of(command):
    """Milliseconds until the final result of `command` (str)."""
    end = 3
    if command[2:3] == "+":
        while command[end : end + 1].isalpha():
            end += 1
    for name, ms in _TIMEOUTS:
        if name == command[2:end]:
            return ms
    return 5000
