# A name server's answers, to ppp_sim800.dns: datagrams, each with a byte that says of whom it is and what is made right
# in it, and two of its length.
import network
import ppp_sim800.run
from host import Datagrams, clock, words
from ppp_sim800 import NameNotFound, dns

SERVER = "10.9.8.7"
numbers = iter(range(1 << 30))  # of hosts: what has been told of one is remembered

ppp_sim800.run.time = clock
network.ipconfig(dns=SERVER)


def datagram(how, data):
    sender = ("10.9.8.6" if how & 1 and how & 2 else SERVER, 54 if how & 4 and how & 2 else 53)

    def answer(asked):
        made = data
        if how & 8:
            made = asked[:2] + made[2:]
        if how & 16 and len(made) > 2:
            made = made[:2] + bytes((made[2] | 0x80,)) + made[3:]
        if how & 32:
            made = made[:12] + asked[12:] + made[12:]
        return sender, made

    return answer


def feed(data):
    answers, given, at = [], b"", 0
    while at + 3 <= len(data):
        size = data[at + 1] << 8 | data[at + 2]
        body = data[at + 3 : at + 3 + size]
        answers.append(datagram(data[at], body))
        given += body
        at += 3 + size
    dns.socket = Datagrams(answers)
    start = clock.now
    try:
        address = ppp_sim800.run.run(dns.resolve("h{}.example".format(next(numbers))))
        octets = bytes(map(int, address.split(".")))
        assert len(octets) == 4 and octets in given + dns.socket.asked, address
        told = "address"
    except NameNotFound as error:
        told = words(error, 1)
    dns.socket.answers = ()
    assert clock.now - start < 16000, clock.now - start
    return told
