# Runs in the VM: one JSON request per line on stdin, one JSON answer per line on stdout.
# The package's codec of short messages, and what it makes of the lines that carry them.
import json
import sys

import smspdu as pdu
from ppp_sim800.at.digest import Lines
from ppp_sim800.errors import SIM800Error
from ppp_sim800.events import Events, event_of
from ppp_sim800.roles.sms import _joined, _message, check_number
from ppp_sim800.roles.ussd import text_of
from ppp_sim800.run import run


def readable(values, at, text):
    values = list(values)
    values[at] = text if isinstance(text, str) else {"bytes": text.hex()}
    return values


def iter_events(queue):
    while event := queue.take():
        yield list(event)


def answer(request):
    what = request["do"]
    if what == "split":
        return run(pdu.split(request["text"]))
    if what == "submit":
        text = request["text"]
        alphabet, ends = run(pdu.split(text))
        pdus = []
        start = 0
        for place, end in enumerate(ends, 1):
            octets = pdu.submit(
                request["number"],
                text[start:end],
                alphabet,
                place,
                len(ends),
                request["reference"],
                request["report"],
            )
            pdus.append(octets.hex())
            start = end
        return pdus
    if what == "parse":
        part = pdu.parse(request["pdu"])
        return readable(part, 4, pdu.decode(part.data, part.alphabet))
    if what == "join":
        entries = []
        for index, (unread, raw) in enumerate(request["pdus"], 1):
            try:
                part = pdu.parse(raw)
            except ValueError:
                part = None
            entries.append((index, unread, part, raw))
        messages = [_message(parts) for parts in _joined(entries)]
        return [readable(message, 2, message.text) for message in messages]
    if what == "event":
        return event_of(request["line"])
    if what == "events":
        queue = Events()
        for line in request["lines"]:
            event = event_of(line)
            if event:
                queue.put(*event)
        return [queue.dropped] + list(iter_events(queue))
    if what == "put":
        queue = Events()
        for name, detail in request["events"]:
            queue.put(name, detail)
        return [queue.dropped] + list(iter_events(queue))
    if what == "lines":
        # `chunks` come one by one; then nothing for long.
        lines = Lines(1024)
        found = []
        for chunk in request["chunks"]:
            data = chunk.encode()
            while data:
                room = lines.room(100)
                count = min(len(room), len(data))
                room[:count] = data[:count]
                lines.filled(count)
                data = data[count:]
                while line := lines.next():
                    found.append(line.decode())
        found.append(None)
        while line := lines.next(1):
            found.append(line.decode())
            while line := lines.next():
                found.append(line.decode())
        return found
    if what == "ussd":
        return text_of(request["line"], request["wide"])
    if what == "number":
        return check_number(request["number"])
    raise NotImplementedError(what)


while True:
    line = sys.stdin.readline()
    if not line:
        break
    try:
        result = {"result": answer(json.loads(line))}
    except (ValueError, SIM800Error) as error:
        result = {"error": type(error).__name__, "text": str(error)}
    print(json.dumps(result))
