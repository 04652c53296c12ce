"""TLS of the firmware image: the set of roots, what chains are held to, sessions, and the heap they come from."""

import re

from world import ROOT

ROOTS = ROOT / "modules" / "trust" / "roots.pem"

TLS = """
import esp32, gc, socket, tls
nic = ppp_sim800.PPP("internet")
nic.connect()

def trusting(own=True):
    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    context.load_default_certs()
    if own:
        with open("root.der", "rb") as file:
            context.load_verify_locations(file.read())
    return context

def get(context, name="telemetry", session=None):
    host = name + ".example"
    plain = socket.socket()
    plain.settimeout(60)
    try:
        plain.connect(socket.getaddrinfo(host, 443)[0][-1])
        secure = context.wrap_socket(plain, server_hostname=host, session=session)
        secure.write(b"GET /ip HTTP/1.0\\r\\n\\r\\n")
        assert b"origin" in secure.read()
        return secure.session_reused, secure.session
    finally:
        plain.close()

def refusal(context, name):
    try:
        get(context, name)
    except tls.SSLCertVerificationError as error:
        return "%d,%s" % (error.verify_code, [cert[:4] for cert in error.certs])
    return "accepted"

def free():
    gc.collect()
    return sum(heap[1] for heap in esp32.idf_heap_info(esp32.HEAP_DATA))
"""


def test_bundle(play):
    """Mozilla's roots are there and know nothing of the tests' own root."""
    played = play(
        TLS
        + """
start = free()
contexts = [trusting(own=False) for _ in range(10)]
print("size=%d" % ((start - free()) // 10))
context = contexts.pop()
del contexts
for name in ("telemetry", "unknownca"):
    print(name + "=" + refusal(context, name))
context = trusting()
print("own=%s" % get(context)[0])
for name in ("unknownca", "wronghost", "expired", "mailca", "restricted", "exampleswildcard"):
    print("own_%s=%s" % (name, refusal(context, name)))
import ssl, sys
print("date=%s" % ssl.ROOTS_DATE)
print("machine=%s" % sys.implementation._machine)
"""
    )
    assert int(played.value("size")) < 3000
    root = "'O=ppp-sim800 simulator, CN=Test Root'"
    unknown = "'O=ppp-sim800 simulator, CN=Test Unknown Root'"
    leaf = "'O=ppp-sim800 simulator, CN=unknownca.example'"
    middle = "'O=ppp-sim800 simulator, CN=Test Intermediate'"
    assert played.value("telemetry") == f"8,[(1, 8, {middle}, {root})]"
    assert played.value("unknownca") == f"8,[(0, 8, {leaf}, {unknown})]"
    assert played.value("own") == "False"
    assert played.value("own_unknownca") == f"8,[(0, 8, {leaf}, {unknown})]"
    assert played.value("own_wronghost").startswith("4,[(0, 4, ")
    assert played.value("own_expired").startswith("1,[(0, 1, ")
    assert played.value("own_mailca").startswith("4096,[(1, 4096, ")
    assert played.value("own_restricted").startswith(f"{0x2000100},[(1, {0x2000100}, ")
    assert played.value("own_exampleswildcard").startswith("4,[(0, 4, ")
    # What is in the image is what is in the repository.
    date = re.search(r"^# Date: (\S+)$", ROOTS.read_text(), re.MULTILINE)[1]
    assert played.value("date") == date
    assert played.value("machine").endswith(f", roots of {date}")


def test_sessions_and_heap(play):
    """Fifty handshakes of all kinds take nothing for good."""
    played = play(
        TLS
        + """
context = trusting()
# The connections that TCP still keeps have their number when these are done.
for _ in range(20):
    get(context)
session = get(context)[1]
before = free()
reused = 0
for number in range(50):
    if number % 5 == 4:
        assert refusal(context, "unknownca") != "accepted"
    elif number % 5 == 3:
        session = get(context)[1]
    else:
        again, session = get(context, session=tls.SSLSession(session.to_bytes()))
        reused += again
print("reused=%d" % reused)
print("lost=%d" % (before - free()))
print("blob=%d" % len(session.to_bytes()))
""",
        timeout=120,
    )
    assert played.value("reused") == "30"
    assert int(played.value("lost")) < 500
    assert int(played.value("blob")) < 400


def test_an_open_connection_takes_little(play):
    """Its certificates' chain takes nothing once it was verified; all of Mozilla's roots take no more than one."""
    played = play(
        TLS
        + """
def connect(context, name):
    host = name + ".example"
    plain = socket.socket()
    plain.settimeout(60)
    plain.connect(socket.getaddrinfo(host, 443)[0][-1])
    before = free()
    return plain, context.wrap_socket(plain, server_hostname=host), before

def taken(name, own):
    start = free()
    context = trusting()
    if own:
        context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
        with open("root.der", "rb") as file:
            context.load_verify_locations(file.read())
    built = free()
    plain, secure, before = connect(context, name)
    assert len(secure.getpeercert(True)) > 500
    result = start - built + before - free()
    secure.close()
    plain.close()
    return result

for name in ("telemetry", "longchain"):
    taken(name, True)  # what the first one finds room for lasts
    print(name + "=%d" % taken(name, True))
    print("bundle_" + name + "=%d" % taken(name, False))
"""
    )
    # A parsed certificate takes 2 kB.
    assert int(played.value("longchain")) < int(played.value("telemetry")) + 1000
    for name in ("telemetry", "longchain"):
        assert int(played.value("bundle_" + name)) < int(played.value(name)) + 2000


def test_requests_keeps_a_connection(play):
    """By a Session; what the server ends in between is noticed, by poll() on a TLS socket."""
    played = play(
        TLS
        + """
import requests, ssl
context = ssl.create_default_context(cafile="root.der")

sockets, count = socket.socket, 0

def counted(*args):
    global count
    count += args[1:2] != (socket.SOCK_DGRAM,)  # that one is a question for a name
    return sockets(*args)

socket.socket = counted

def ask(session, path):
    reply = session.get("https://telemetry.example" + path, ssl_context=context, timeout=30)
    return "%d:%d:%d" % (reply.status_code, len(reply.content), count)

with requests.Session() as session:
    print("kept=" + " ".join(ask(session, "/bytes/2000") for _ in range(3)))
    ask(session, "/goodbye")
    time.sleep(1)
    print("anew=" + ask(session, "/bytes/1"))
"""
    )
    assert played.value("kept").split() == ["200:2000:1"] * 3
    assert played.value("anew") == "200:1:2"
