# Readings wait here, in flash, until they are sent. The recipes that import it want it on the board, too:
#     mpremote cp outbox.py :
import json
import os
import time

from ppp_sim800 import rtc


class Outbox:
    """A queue of dicts in a file, one in a line. most: bytes it may take; beyond, the oldest 20 are dropped."""

    def __init__(self, name="outbox.jsonl", most=50_000):
        self._name = name
        self._most = most
        open(name, "ab").close()

    def put(self, reading):
        """Keep a reading; "time" is added to it (UTC), if the clock is set."""
        if os.stat(self._name)[6] > self._most:
            self.remove(20)
        if rtc.is_set():
            reading["time"] = "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z".format(*time.gmtime()[:6])
        with open(self._name, "ab") as file:
            # What comes first ends a line that a power cut has left unfinished.
            file.write(b"\n" + json.dumps(reading).encode())

    def first(self, count):
        """The oldest readings, a list of `count` at most."""
        found = []
        for _, reading in self._read():
            if len(found) == count:
                break
            found.append(reading)
        return found

    def remove(self, count):
        """Forget the oldest `count`: they are sent."""
        new = self._name + ".new"
        with open(new, "wb") as file:
            for number, (line, _) in enumerate(self._read()):
                if number >= count:
                    file.write(b"\n" + line)
        os.rename(new, self._name)  # at once: a power cut leaves the one or the other

    def _read(self):
        # Lines and what is in them; those that are damaged are left out.
        with open(self._name, "rb") as file:
            for line in file:
                try:
                    yield line.strip(), json.loads(line)
                except ValueError:
                    pass
