"""umqtt.simple that connects again by itself, with micropython-lib's names (umqtt.robust).

Made from umqtt.robust 1.0 as PyPI has it: MIT licence, Copyright (c) MicroPython Developers, originally written by Paul
Sokolovsky. It gives up in the end, so that a script can see to its link.
"""

import time

from . import simple


class MQTTClient(simple.MQTTClient):
    """As simple.MQTTClient. When the connection is lost, publish(), wait_msg(), check_msg() and ping() connect again,
    subscribe to all that was subscribed to, and go on.

    They raise the last error after RETRY seconds without a connection, after TRIES connections that were lost at once,
    and what the broker refuses for good at once.
    """

    DELAY = 2  # seconds before the second attempt to connect; before each further one as much more
    DEBUG = False
    RETRY = 300
    TRIES = 3

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._subscribed = {}

    def delay(self, i):
        """Called after the i-th failed attempt to connect; it may be replaced by a method of one's own."""
        time.sleep(min(self.DELAY * i, 30))

    def log(self, in_reconnect, e):
        """Called with each error that is not raised."""
        if self.DEBUG:
            if in_reconnect:
                print("mqtt reconnect: %r" % e)
            else:
                print("mqtt: %r" % e)

    def reconnect(self):
        """Connect, with clean_session=False, until that works. Raises the error of the last attempt."""
        i = 0
        start = time.ticks_ms()
        while 1:
            try:
                # Calls the method of a subclass, if there is one.
                kept = self.connect(False)
                if not kept:
                    for topic, qos in self._subscribed.items():
                        super().subscribe(topic, qos)
                return kept
            except OSError as e:
                self.log(True, e)
                # 3: not available now
                if isinstance(e, simple.MQTTException) and e.code not in (None, 3):
                    raise
                if time.ticks_diff(time.ticks_ms(), start) >= self.RETRY * 1000:
                    raise
            i += 1
            self.delay(i)

    def _again(self, call, args, tries):
        while 1:
            try:
                return call(*args)
            except OSError as e:
                tries -= 1
                # Where the connection stands, another one would not help.
                if self._up or tries <= 0:
                    raise
                self.log(False, e)
            sent = self._sent
            self.reconnect()
            if args:  # a message: the broker may have it, under the same packet id
                args[-1] |= args[3] > 0 and sent  # DUP

    def publish(self, topic, msg, retain=False, qos=0):
        pid = self._next_pid() if qos else 0
        return self._again(self._publish, [topic, msg, retain, qos, pid, 0], self.TRIES)

    def subscribe(self, topic, qos=0):
        super().subscribe(topic, qos)
        self._subscribed[topic if isinstance(topic, str) else bytes(topic)] = qos

    def unsubscribe(self, topic):
        self._subscribed.pop(topic if isinstance(topic, str) else bytes(topic), None)
        super().unsubscribe(topic)

    def wait_msg(self):
        return self._again(super().wait_msg, (), self.TRIES)

    def check_msg(self, attempts=2):
        return self._again(super().check_msg, (), attempts)

    def ping(self):
        return self._again(super().ping, (), self.TRIES)
