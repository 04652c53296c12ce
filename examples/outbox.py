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
        self._made = 0
        open(name, "ab").close()
        self.series = self._next_series()

    def _next_series(self):
        # What readings of no other start of the board are named after: a word of this file system's, and a number.
        name = self._name + ".id"
        try:
            with open(name) as file:
                word, number = file.read().split("-")
            series = "{}-{}".format(word, int(number) + 1)
        except (OSError, ValueError):
            series = os.urandom(4).hex() + "-1"
        with open(name + ".new", "w") as file:
            file.write(series)
        os.rename(name + ".new", name)
        return series

    def put(self, reading):
        """Keep a reading; "id" is added, by which a server can tell one that comes twice, and "time" (UTC), if the
        clock is set."""
        if os.stat(self._name)[6] > self._most:
            self.remove(20)
        self._made += 1
        reading["id"] = "{}-{}".format(self.series, self._made)
        if rtc.is_set():
            reading["time"] = "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z".format(*time.gmtime()[:6])
        _append(self._name, reading)

    def first(self, count):
        """The oldest readings, a list of `count` at most."""
        found = []
        for _, reading in self._read(self._name):
            if len(found) == count:
                break
            found.append(reading)
        return found

    def remove(self, count):
        """Forget the oldest `count`: they are sent."""
        new = self._name + ".new"
        with open(new, "wb") as file:
            for number, (line, _) in enumerate(self._read(self._name)):
                if number >= count:
                    file.write(b"\n" + line)
        os.rename(new, self._name)  # at once: a power cut leaves the one or the other

    def set_aside(self, reading):
        """Keep a reading that no server will take in another file, NAME.refused, for you to look at. Of those the first
        20 kB are kept."""
        name = self._name + ".refused"
        try:
            full = os.stat(name)[6] > 20_000
        except OSError:
            full = False
        if not full:
            _append(name, reading)

    def refused(self):
        """How many readings have been set aside."""
        try:
            return sum(1 for _ in self._read(self._name + ".refused"))
        except OSError:
            return 0

    def deliver(self, post, most=20):
        """Send all that waits, the oldest first: post(readings), with `most` of them at once, until nothing is left.

        post: raises what requests does, also by raise_for_status(). What a server refuses for good leaves the queue:
        the readings are asked one by one, those that are to blame are set aside. Returns how many were delivered; any
        other error ends it, and they stay.
        """
        count, delivered = most, 0
        while readings := self.first(count):
            try:
                post(readings)
            except OSError as error:
                fate = getattr(error, "fate", None)
                if fate == "refused for good":
                    if len(readings) > 1:
                        count = len(readings) // 2
                        continue
                    print("refused, set aside:", error)
                    self.set_aside(readings[0])
                elif fate == "answered in part" and 200 <= (error.status_code or 0) < 300:
                    delivered += len(readings)  # the rest of the answer does not matter
                else:
                    raise
            else:
                delivered += len(readings)
            self.remove(len(readings))
            count = min(most, count * 2)
        return delivered

    def _read(self, name):
        # Lines and what is in them; those that are damaged are left out.
        with open(name, "rb") as file:
            for line in file:
                try:
                    yield line.strip(), json.loads(line)
                except ValueError:
                    pass


def _append(name, reading):
    with open(name, "ab") as file:
        # What comes first ends a line that a power cut has left unfinished.
        file.write(b"\n" + json.dumps(reading).encode())
