# What the scripts of the check have in common. Runs on the board, once after each of its starts; before it stand APN,
# USER, PASSWORD, PIN, HOST, TAG and ECHO_BYTES.
import gc
import json
import socket
import time

import ppp_sim800
from board import Board

FIRST = 115200  # baud
FAST = 460800
BOARD = Board()
_T0 = time.ticks_ms()
nic = None


def since(ticks):
    return time.ticks_diff(time.ticks_ms(), ticks)


def tell(**what):
    """Something that was measured, for the computer."""
    print("=" + json.dumps(what))


def cut():
    """What comes in the transcript from now on cannot be told to another modem: power, a pin or PPP took part."""
    WIRE.flush()
    print("#0")


def as_text(data):
    return "".join(chr(byte) for byte in data)


def is_final(heard):
    """Whether an answer is complete."""
    if b"\r\nOK\r\n" in heard or b"NO CARRIER\r\n" in heard or b"SHUT OK\r\n" in heard:
        return True
    for word in (b"ERROR", b"CONNECT"):
        at = heard.find(word)
        if at >= 0 and heard.find(b"\r\n", at) >= 0:
            return True
    return False


class Wire:
    """The UART to the modem, for what the package is not meant to be asked; what passes goes into the transcript."""

    def __init__(self):
        self.rate = FIRST
        self.uart = None
        self.shown = True
        self.said = b""  # the last of what came
        self._notes = []

    def open(self, rate=None):
        self.rate = rate or self.rate
        self.uart = BOARD.uart(self.rate)

    def note(self, kind, data):
        if self.shown:
            self._notes.append((time.ticks_diff(time.ticks_ms(), _T0), kind, data))

    def flush(self):
        # Not while bytes come: the console takes longer than they do.
        for ms, kind, data in self._notes:
            print("#" + json.dumps([ms, kind, as_text(data)]))
        self._notes = []

    def send(self, data):
        self.uart.write(data)
        self.note(">", data)

    def hear(self, ms, until=None):
        """What comes within `ms` milliseconds, or until `until(all of it)` is true."""
        heard = b""
        began = time.ticks_ms()
        while True:
            data = self.uart.read() if self.uart.any() else None
            if data:
                self.note("<", data)
                heard += data
                self.said = (self.said + data)[-4000:]
                if until and until(heard):
                    break
            elif since(began) >= ms:
                break
            else:
                time.sleep_ms(2)
        self.flush()
        return heard

    def ask(self, command, ms=2000):
        """The answer to an AT command (bytes, with its echo); b"" if none comes."""
        self.hear(20)
        echo = command.encode() + b"\r"
        self.send(echo)

        def is_answer(heard):
            # Of this one: an earlier one's may come late.
            at = heard.find(echo)
            return at >= 0 and is_final(heard[at:])

        return self.hear(ms, is_answer)

    def own(self, command, ms=2000):
        """The lines of an answer (str) without echo and result; None if that was not OK."""
        heard = self.ask(command, ms)
        heard = heard[max(0, heard.find(command.encode())) :]
        if b"\r\nOK\r\n" not in heard:
            return None
        lines = [line.strip() for line in as_text(heard).split("\n")]
        return [line for line in lines if line and line not in ("OK", command)]

    def alive(self, tries=3, ms=1500):
        for _ in range(tries):
            if b"\r\nOK\r\n" in self.ask("AT", ms):
                return True
        return False


WIRE = Wire()


def press(ms):
    BOARD.pwrkey(True)
    time.sleep_ms(ms)
    BOARD.pwrkey(False)


def wait_alive(ms):
    """Milliseconds until the modem answers AT; None if it does not within `ms`."""
    began = time.ticks_ms()
    while since(began) < ms:
        if b"\r\nOK\r\n" in WIRE.ask("AT", 150):
            took = since(began)
            WIRE.hear(150)  # answers to earlier ones
            return took
    return None


def plug_out():
    """The modem without supply, long enough to lose all it had."""
    BOARD.supply(False)
    time.sleep_ms(2500)


def start():
    """Power and key; True if it answers."""
    WIRE.open(FIRST)
    BOARD.supply(True)
    BOARD.dtr(True)
    time.sleep_ms(800)
    press(BOARD.PRESS_ON_MS)
    return wait_alive(15000) is not None


def ready():
    """The modem in command mode at 115200 baud, whatever it was left in: the package finds it."""
    BOARD.dtr(True)
    WIRE.open(FIRST)
    if not WIRE.alive():
        modem = ppp_sim800.Modem(BOARD, baudrate=FIRST)
        modem.on()
        WIRE.open(modem.baudrate)
    if WIRE.rate != FIRST:
        WIRE.ask("AT+IPR=%d" % FIRST)
        WIRE.open(FIRST)
        WIRE.alive()
    # As a modem is that was just switched on; what the last script has left is not stored.
    for command in ("ATE1V1Q0", "AT+CMEE=1", "AT+CREG=0;+CGREG=0", "AT+CSCLK=0"):
        WIRE.ask(command)


def registration():
    """What AT+CREG? says: 0 to 5, None if it does not answer."""
    for line in WIRE.own("AT+CREG?") or ():
        values = line[6:].split(",")
        # What it says unasked has no mode before the state.
        if line.startswith("+CREG:") and len(values) > 1 and '"' not in values[1]:
            return int(values[1])
    return None


def registered(ms=60000):
    """Wait for the network; the last AT+CREG?."""
    began = time.ticks_ms()
    while True:
        stat = registration()
        if stat in (1, 5) or since(began) >= ms:
            return stat
        time.sleep_ms(500)


def settled():
    """ready(), and what a start brings of its own accord is over."""
    WIRE.shown = False
    ready()
    for _ in range(10):
        card = WIRE.ask("AT+CPIN?", 6000)
        if b"+CPIN:" in card:
            break
        time.sleep_ms(500)
    if b"READY" in card:
        registered(20000)
    WIRE.hear(3000)
    WIRE.shown = True
    ready()


def _trace(direction, line):
    if direction == "<":
        WIRE.said = (WIRE.said + line.encode() + b"\r\n")[-4000:]
    if direction in "<>":
        WIRE.note(direction, line.encode())


def connect():
    """The link is up, as a script brings it up: milliseconds it took."""
    global nic
    began = time.ticks_ms()
    if nic is None:
        nic = ppp_sim800.PPP(APN, USER, PASSWORD, pin=PIN, board=BOARD, trace=_trace)
    try:
        nic.connect()
    finally:
        WIRE.flush()
    return since(began)


def visit():
    """One HTTPS request to HOST over a connection of its own; what it took, in milliseconds."""
    import ssl

    began = time.ticks_ms()
    address = nic.resolve(HOST)
    named = since(began)
    plain = socket.socket()
    try:
        plain.settimeout(30)
        plain.connect((address, 443))
        reached = since(began)
        # TAG in place of the port: sessions of earlier runs are not for this one.
        secure = ssl.create_default_context().wrap_socket(
            plain, server_hostname=HOST, server_port=TAG
        )
        agreed = since(began)
        secure.write(b"HEAD / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % HOST.encode())
        answer = secure.readline()
        done = since(began)
        reused = secure.session_reused
        secure.close()
    finally:
        plain.close()
    return {
        "name_ms": named,
        "tcp_ms": reached - named,
        "tls_ms": agreed - reached,
        "answer_ms": done - agreed,
        "reused": reused,
        "answer": as_text(answer[:40]).strip(),
    }
