# Runs in the VM: one JSON request per line on stdin, one JSON answer per line on stdout.
# The package's modem talks to a line whose far end has been written down beforehand. Time passes as the
# package waits, so that a busy machine changes nothing.
import gc
import json
import sys

import ppp_sim800.run
from nettime import rtc
from ppp_sim800.at.channel import Channel
from ppp_sim800.at.text import fields
from ppp_sim800.blocking import blocking
from ppp_sim800.errors import SIM800Error
from ppp_sim800.events import event_of
from ppp_sim800.modem import Modem
from ppp_sim800.profile import BAUDRATE
from ppp_sim800.roles.clock import parse_cclk
from ppp_sim800.roles.location import parse_location
from ppp_sim800.roles.radio import parse_operators

rtc.FILE = ""  # the clock is set in RAM only


class Time:
    """Stands in for `time` where the package waits."""

    def __init__(self, wire):
        self._wire = wire
        self.now = 0

    def ticks_ms(self):
        return self.now

    def ticks_add(self, ticks, delta):
        return ticks + delta

    def ticks_diff(self, end, start):
        return end - start

    def sleep_ms(self, ms):
        # Once all is said only the timeout can come.
        self.now += ms if self._wire.next() else max(ms, 200)


class Wire:
    """A UART. What comes from the far end: `parts`, each a list of chunks (hex), one chunk at each wait.

    The first part follows the first line that is written, and so on. A command in `others` has parts of its
    own; one in neither is echoed, and accepted. echo: put the line before its part.
    """

    def __init__(self):
        self.hear()

    def hear(self, parts=(), others=None, echo=False):
        self.parts = list(parts)
        self.others = others or {}
        self.echo = echo
        self.chunks = []
        self.written = b""

    def say(self, part):
        self.chunks += [bytes.fromhex(chunk) for chunk in part]

    def any(self):
        return len(self.chunks[0]) if self.chunks else 0

    def readinto(self, buffer):
        if not self.any():
            return None
        count = min(len(buffer), len(self.chunks[0]))
        buffer[:count] = self.chunks[0][:count]
        self.chunks[0] = self.chunks[0][count:]
        return count

    def write(self, data):
        self.written += data
        if data[-1:] in (b"\r", b"\x1a"):
            line, self.written = self.written, b""
            own = self.others.get(str(line.strip(), "utf-8"))
            if own:
                self.say(own.pop(0) if len(own) > 1 else own[0])
            elif self.parts:
                if self.echo:
                    self.chunks.append(line)
                self.say(self.parts.pop(0))
            else:
                self.chunks.append(line + b"\r\nOK\r\n")
        return len(data)

    def txdone(self):
        return True

    def next(self):
        if self.chunks and not self.chunks[0]:
            self.chunks.pop(0)
        return bool(self.chunks)


class Board:
    def uart(self, baudrate):
        return wire


def new_modem():
    modem = Modem(Board())
    modem.line.open(BAUDRATE)
    modem.line.found()
    return blocking(modem)


wire = Wire()
clock = ppp_sim800.run.time = Time(wire)
lasting = new_modem()


def fault(error):
    said = {"type": type(error).__name__, "text": str(error)}
    if hasattr(error, "result"):
        said.update(result=error.result, code=error.code)
    return said


def run(procedure):
    # (result, None) or (None, error).
    try:
        return ppp_sim800.run.run(procedure), None
    except SIM800Error as error:
        return None, fault(error)


def settings(command):
    # Arguments of Channel.command() from what JSON has.
    command = dict(command)
    if "ok" in command:
        command["ok"] = [word.encode() for word in command["ok"]]
    if "data" in command:
        command["data"] = command["data"].encode()
    tell = {"digits": lambda line: line.isdigit(), "any": lambda line: True}
    if command.get("prefix") in tell:
        command["prefix"] = tell[command["prefix"]]
    return command


def converse(request):
    # One command, or none, over each of the streams: [answer, error, unsolicited lines].
    results = []
    for parts in request["streams"]:
        unsolicited = []
        channel = Channel(wire, lambda line, _, lines=unsolicited: lines.append(line))
        answer = error = None
        if request["command"]:
            wire.hear(parts)
            answer, error = run(channel.command(**settings(request["command"])))
        else:
            wire.hear()
            wire.say(parts[0])
        while wire.chunks:
            channel.poll()
            clock.sleep_ms(5)
        channel.poll()
        results.append([answer, error, unsolicited])
    return results


def public(modem, name):
    target = modem
    for part in name.split("."):
        target = getattr(target, part)
    return target


def call(request):
    # A method of the modem, over each of the streams: [result, error].
    results = []
    for parts in request["streams"]:
        if request["method"] == "await_end":
            wire.hear()
            wire.say(parts[0])
            ending = request["of"].encode()
            results.append(run(Channel(wire).await_end(ending, 2000)))
            continue
        wire.hear(others={request["command"]: parts})
        try:
            results.append([public(new_modem(), request["method"])(), None])
        except SIM800Error as error:
            results.append([None, fault(error)])
    return results


def settle(modem):
    # What is left of a stream is heard, what happened is taken.
    line = modem.aio.line
    while wire.chunks:
        line.found()  # what said that it has restarted, or is off, was noise
        modem.event()
        clock.sleep_ms(5)
    while modem.event():
        pass
    line.found()


PARSERS = {
    "fields": fields,
    "event_of": event_of,
    "parse_cclk": parse_cclk,
    "parse_location": parse_location,
    "parse_operators": parse_operators,
}


def fuzz(request):
    # Damaged streams, one after the other over the same modem: how they ended, and how long that took.
    ends = {}
    longest = 0
    for session in request["sessions"]:
        wire.hear(session["parts"], echo=session["echo"])
        started = clock.now
        try:
            if "method" in session:
                public(lasting, session["method"])(*session.get("args", ()))
            else:
                ppp_sim800.run.run(lasting.aio.line.command(**settings(session["command"])))
            end = "result"
        except SIM800Error as error:
            str(error)
            end = type(error).__name__
        except Exception as error:
            sys.print_exception(error, sys.stderr)
            return {"escaped": repr(error), "session": session}
        ends[end] = ends.get(end, 0) + 1
        longest = max(longest, clock.now - started)
        settle(lasting)
    wire.hear()
    return {"ends": ends, "longest": longest}


def plain(value):
    # Without names, which JSON would not have understood.
    return [plain(item) for item in value] if isinstance(value, (tuple, list)) else value


def memory(request):
    gc.collect()
    gc.collect()
    return gc.mem_alloc()


DO = {"converse": converse, "call": call, "fuzz": fuzz, "memory": memory}

while True:
    line = sys.stdin.readline()
    if not line:
        break
    request = json.loads(line)
    do = request["do"]
    result = PARSERS[do](request["of"]) if do in PARSERS else DO[do](request)
    del request
    print(json.dumps(plain(result)))
