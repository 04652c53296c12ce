# What a broker says, to umqtt. The first byte: which answers are right and come by themselves, the size of the pieces,
# whether the connection ends.
from host import Wire, clock, words
from umqtt import simple

PIECES = (1 << 30, 1, 3, 100)


class Network:
    """In place of the modules `socket` and `select`."""

    POLLIN, POLLOUT = 1, 4

    def socket(self):
        return self.wire

    def getaddrinfo(self, host, port):
        return ((2, 1, 0, "", ("10.9.8.7", port)),)

    def poll(self, ms=None):
        if ms is None:
            return self
        clock.sleep_ms(int(ms))
        return ()

    def register(self, *what):
        pass

    modify = register


net = simple.socket = simple.select = Network()
simple.ticks_ms = clock.ticks_ms


def feed(data):
    if not data:
        return ""
    how, data = data[0], data[1:]
    right = b""
    if not how & 1:
        right = b"\x20\x02\0\0"
        if how & 2:
            right += b"\x90\x03\0\x01\0"
        if how & 4:
            right += b"\x40\x02\0\x02"
    said = right + data
    net.wire = Wire(said, PIECES[how >> 4 & 3], not how & 8)
    heard = []

    def on_message(topic, message):
        assert topic in said and message in said, (topic, message)
        heard.append(message)

    start, steps = clock.now, 0
    client = simple.MQTTClient("id", "broker.example", keepalive=60)
    client.MAX_SIZE = 2000
    client.set_callback(on_message)
    told = ""
    try:
        client.connect(timeout=10)
        told = "connected "
        client.subscribe("a/b", 1)
        told = "subscribed "
        client.publish("a/b", "message", qos=1)
        told = "published "
        while net.wire.left():
            steps += 1
            assert steps < 3000
            try:
                client.check_msg()
            except simple.MQTTException as error:
                if "skipped" not in str(error):
                    raise
        client.disconnect()
    except OSError as error:
        told += words(error)
    net.wire = client = None
    # A packet may take its time, more so the one that says it is long.
    assert clock.now - start < 700000 + 12000 * len(said), clock.now - start
    return told + str(min(len(heard), 3))
