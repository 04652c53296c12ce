# A time server's answers, to nettime.ntp: of 49 bytes each, the first says what is made right in it.
import ppp_sim800.run
from host import Datagrams, clock, words
from nettime import ntp, rtc

ppp_sim800.run.time = ntp.time = clock


def datagram(how, data):
    def answer(asked):
        made = data
        if how & 3:
            made = made[:24] + asked[40:48] + made[32:]
        if how & 4:
            made = b"\x24\x01" + made[2:]
        if how & 8:
            made = made[:4] + bytes(8) + made[12:]
        return ("10.9.8.7", 123), made

    return answer


def feed(data):
    answers = [datagram(data[i], data[i + 1 : i + 49]) for i in range(0, len(data), 49)]
    ntp.socket = Datagrams(answers)
    start = clock.now
    try:
        seconds = ntp.query("10.9.8.7")
        assert rtc.is_possible(seconds), seconds
        told = "time"
    except ntp.NoTime as error:
        told = words(error, 1).partition("(")[0]
    ntp.socket.answers = ()
    assert clock.now - start < 20000, clock.now - start
    return told
