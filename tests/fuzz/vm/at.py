# What a modem says, to the AT channel and what reads its lines. The first two bytes: the command, the size of the
# pieces. Answers of real modems are among the seeds.
import ppp_sim800.run
from host import Wire, clock, words
from ppp_sim800 import SIM800Error
from ppp_sim800.at.channel import Channel
from ppp_sim800.at.text import fields
from ppp_sim800.events import Events, event_of
from ppp_sim800.roles.clock import parse_cclk
from ppp_sim800.roles.http import parse_headers
from ppp_sim800.roles.location import parse_location
from ppp_sim800.roles.radio import parse_operators
from ppp_sim800.roles.ussd import text_of

PIECES = (1 << 30, 1, 3, 100)
COMMANDS = (
    ("AT", None, {}),
    ("AT+CSQ", "+CSQ:", {}),
    ("AT+GSN", lambda line: line.isdigit(), {}),
    ("AT+CMGS=20", "+CMGS:", {"data": b"00" * 20 + b"\x1a"}),
    ("AT+COPS=?", "+COPS:", {}),
    ("ATD*99#", None, {"ok": (b"CONNECT",), "failed": (b"NO CARRIER",), "limit": 1}),
    ("AT+HTTPREAD=0,100", "+HTTPREAD:", {"into": 100}),
    ("AT+CPIN=1234", None, {"show": "AT+CPIN=****"}),
)

ppp_sim800.run.time = clock


class Modem(Wire):
    """Waits a moment where it asks for data."""

    asks = False

    def any(self):
        if self.asks:
            self.asks = False
            return 0
        return super().any()

    def _take(self, most):
        asks = self.data.find(b"> ", self.at) + 2
        piece = super()._take(min(most, asks - self.at) if asks > 1 else most)
        self.asks = piece[-1:] == b" " and self.at == asks
        return piece


def feed(data):
    if len(data) < 2:
        return ""
    command, prefix, more = COMMANDS[data[0] & 7]
    if "into" in more:
        more = {"into": bytearray(more["into"])}
    wire = Modem(data[2:], PIECES[data[1] & 3], False)
    events, lines, seen = Events(), [], []

    def on_line(line, in_step):
        lines.append(line)
        event = event_of(line)
        if event:
            events.put(*event)
            seen.append(event[0])
        return SIM800Error("down") if line.endswith("DOWN") else None

    def trace(direction, line):
        assert isinstance(line, str)

    channel = Channel(wire, on_line, trace)
    start = clock.now
    try:
        answer = ppp_sim800.run.run(channel.command(command, prefix, 3000, **more))
        lines.extend(answer)
        told = f"answer {min(len(answer), 3)} {answer[-1][:5]}"
    except SIM800Error as error:
        told = words(error)
    polls = behind = 0
    while behind < 3:  # the last line may have an open quote
        behind += not wire.left()
        polls += 1
        assert polls < 10 + len(data)
        try:
            channel.poll()
        except SIM800Error:
            pass
        clock.sleep_ms(400)
    # The command, its data, a word behind.
    assert clock.now - start < 30000 + 405 * len(data), clock.now - start
    for line in lines:
        for value in fields(line):
            parse_cclk(value)
        parse_operators(line)
        text_of(line)
        try:
            parse_location(line)
        except SIM800Error:
            pass
    parse_headers(data[2:1026])  # of a buffer of that size
    while events.take():
        pass
    return f"{told} {min(len(lines), 3)} {seen[:2]}"
