# Runs in the VM: one JSON request per line on stdin, one JSON answer per line on stdout.
# The package's AT channel talks to a line whose far end has been written down beforehand.
import json
import sys
import time

import ppp_sim800.run
from ppp_sim800.at.channel import Channel
from ppp_sim800.at.text import fields, text
from ppp_sim800.errors import SIM800Error
from ppp_sim800.roles.clock import parse_cclk
from ppp_sim800.roles.http import parse_headers
from ppp_sim800.roles.location import parse_location
from ppp_sim800.roles.radio import parse_operators


class Wire:
    """A UART that hears nothing before it is written to, then one chunk at each wait of the reader; what is behind
    None comes to the second command."""

    def __init__(self, chunks, takes=None, writes=()):
        self.chunks = [None if chunk is None else bytes.fromhex(chunk) for chunk in chunks]
        self.sent = b""
        self.turn = 0  # commands that were written
        self.takes = takes  # bytes of data at once
        self.writes = list(writes)  # what the first calls of write() take, None or bytes

    def any(self):
        return len(self.chunks[0] or b"") if self.chunks and self.sent else 0

    def readinto(self, buffer):
        if not self.any():
            return None
        count = min(len(buffer), len(self.chunks[0]))
        buffer[:count] = self.chunks[0][:count]
        self.chunks[0] = self.chunks[0][count:]
        return count

    def write(self, data):
        self.turn += b"\r" in bytes(data)
        if self.writes:
            taken = self.writes.pop(0)
            self.sent += data[: taken or 0]
            return taken
        if self.takes is not None and b"\r" in self.sent:
            data = data[: self.takes]
        self.sent += data
        return len(data)

    def txdone(self):
        return True

    def next(self):
        if self.chunks and not self.chunks[0] and (self.chunks[0] is not None or self.turn > 1):
            self.chunks.pop(0)


class Waits:
    """Stands in for `time` where the package waits: the next chunk comes then."""

    def __init__(self, wire):
        self.ticks_ms = time.ticks_ms
        self._wire = wire

    def sleep_ms(self, ms):
        self._wire.next()


def converse(request):
    wire = Wire(request["chunks"], request.get("takes"), request.get("writes") or ())
    unsolicited = []
    doubtful = []
    traced = []

    def on_line(line, in_step):
        (unsolicited if in_step else doubtful).append(line)
        return SIM800Error(line) if line.endswith("DOWN") and in_step is not None else None

    channel = Channel(wire, on_line, lambda direction, line: traced.append(line))
    results = []
    for command in request["commands"]:
        if "sync" in command:
            ppp_sim800.run.time = Waits(wire)
            results.append(ppp_sim800.run.run(channel.sync(command["sync"])))
            continue
        if "move" in command:
            channel.poll()
            wire = Wire(command["move"])
            channel.move(wire)
            continue
        for key in ("ok", "failed"):
            if key in command:
                command[key] = [word.encode() for word in command[key]]
        for key in ("data", "prompt"):
            if isinstance(command.get(key), str):
                command[key] = command[key].encode()
        if isinstance(command.get("data"), list):
            command["data"] = (piece.encode() for piece in command["data"])
        if "into" in command:
            command["into"] = bytearray(command["into"])
        if command.get("prefix") == "digits":
            command["prefix"] = lambda line: line.isdigit()
        elif command.get("prefix") == "anything":
            command["prefix"] = lambda line: True
        ppp_sim800.run.time = Waits(wire)
        try:
            answer = ppp_sim800.run.run(channel.command(**command))
            taken = [command["into"].hex()] if "into" in command else []
            results.append(answer + taken)
        except SIM800Error as error:
            results.append({"error": type(error).__name__, "text": str(error)})
    while wire.chunks and wire.chunks != [None] and wire.sent:
        try:
            channel.poll()
        except SIM800Error as error:
            results.append({"error": type(error).__name__, "text": str(error)})
        wire.next()
    sent = wire.sent.hex()
    return {
        "results": results,
        "unsolicited": unsolicited,
        "doubtful": doubtful,
        "traced": traced,
        "sent": sent,
    }


def answer(request):
    what = request["do"]
    if what == "converse":
        return converse(request)
    if what == "fields":
        return fields(request["line"])
    if what == "text":
        return text(bytes.fromhex(request["line"]))
    if what == "cclk":
        return parse_cclk(request["value"])
    if what == "scan":
        return parse_operators(request["line"])
    if what == "headers":
        return parse_headers(bytes.fromhex(request["head"]))
    if what == "location":
        try:
            return tuple(parse_location(request["line"]))
        except SIM800Error as error:
            return str(error)
    raise ValueError(what)


while True:
    line = sys.stdin.readline()
    if not line:
        break
    print(json.dumps(answer(json.loads(line))))
