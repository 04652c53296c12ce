"""The modem's own services from a script on the board: UART, DTR and RI only, no package."""

import hashlib

from network.servers import pattern
from sim800.scenario import Modem

READY = Modem(start="command", ipr=115200, echo=False, latency=0.2)

TALK = """\
import hashlib, machine, time
u = machine.UART(2, 115200, tx=27, rx=26, rxbuf=8192)
u.read()

def until(what, ms=60000):
    got, end = b"", time.ticks_add(time.ticks_ms(), ms)
    while what not in got:
        if time.ticks_diff(end, time.ticks_ms()) < 0:
            raise OSError(got)
        got += u.read(1) or b""
    return got

def at(command, end=b"OK\\r\\n"):
    u.write(command + "\\r")
    return until(end)

"""


def test_http_from_the_board(play):
    played = play(
        TALK
        + """
at('AT+SAPBR=3,1,"APN","internet";+SAPBR=1,1')
at('AT+HTTPINIT;+HTTPPARA="CID",1;+HTTPPARA="URL","http://plain.example/bytes/20000"')
at("AT+HTTPACTION=0")
until(b"+HTTPACTION: 0,200,20000\\r\\n")
digest = hashlib.sha256()
for start in range(0, 20000, 4000):
    at("AT+HTTPREAD=%d,4000" % start, b"+HTTPREAD: 4000\\r\\n")
    body = b""
    while len(body) < 4000:
        body += u.read(4000 - len(body)) or b""
    assert until(b"OK\\r\\n") == b"\\r\\nOK\\r\\n"
    digest.update(body)
print("sum=" + digest.digest().hex())
at('AT+HTTPPARA="URL","https://telemetry.example/ip";+HTTPSSL=1')
at("AT+HTTPACTION=0")
until(b"+HTTPACTION: 0,606,0\\r\\n")
at('AT+HTTPPARA="URL","https://tls10.example/ip"')
at("AT+HTTPACTION=0")
print("tls10=" + until(b"\\r\\n+HTTPACTION: 0,200,").decode().strip())
at('AT+CNTPCID=1;+CNTP="time.example",4')
at("AT+CNTP")
until(b"+CNTP: 1\\r\\n")
print("clock=" + at("AT+CCLK?").decode().strip())
""",
        modem=READY,
    )
    assert played.value("sum") == hashlib.sha256(b"".join(pattern(20000))).hexdigest()
    assert played.value("tls10") == "+HTTPACTION: 0,200,"
    assert '+04"' in played.value("clock") and '"04/' not in played.value("clock")
    assert 20000 < played.world.modem.sockets.down.pipe.bytes < 40000


def test_dtr_and_ri_from_the_board(play):
    played = play(
        TALK
        + """
dtr = machine.Pin(32, machine.Pin.OUT, value=1)
ri = machine.Pin(33, machine.Pin.IN)
fell = []
ri.irq(lambda p: fell.append(time.ticks_ms()), machine.Pin.IRQ_FALLING)
at("AT+CSCLK=1")
u.write("AT\\r")
time.sleep(1)
print("asleep=%r" % u.read())
do("sms_received")
time.sleep(0.5)
print("fell=%d" % len(fell))
until(b"+CMTI")
until(b"\\r\\n")
dtr(0)
time.sleep_ms(100)
print("awake=" + at("AT").decode().strip())
""",
        modem=READY,
    )
    assert played.value("asleep") == "None"
    assert played.value("fell") == "1"
    assert played.value("awake") == "OK"


def test_noise_above_a_rate_from_the_board(play):
    played = play(
        TALK
        + """
do("rate_noise above=230400 rate=0.05")
for rate in (115200, 230400, 460800):
    at("AT+IPR=%d" % rate)
    time.sleep_ms(50)
    u.init(rate, tx=27, rx=26, rxbuf=8192)
    good = 0
    for _ in range(20):
        try:
            u.write("AT+CSQ\\r")
            good += until(b"OK\\r\\n", 2000) == b"\\r\\n+CSQ: 18,0\\r\\n\\r\\nOK\\r\\n"
        except OSError:
            pass
    print("good%d=%d" % (rate, good))
""",
        modem=READY,
        speed=2,
    )
    assert played.value("good115200") == played.value("good230400") == "20"
    assert int(played.value("good460800")) < 15
