"""Libraries of the user's own: when they are found before the frozen ones; and the names of old scripts."""

import pytest

OWN = b"whose = 'mine'\ndef get(url, **options):\n    return 'mine ' + url\n"


def test_one_in_the_root_folder_is_found_first(play):
    """As docs/http.md says: mpremote mip install --target / requests."""
    played = play(
        "import requests\nprint(requests.get('http://x/'))\n", files={"requests.py": OWN}
    )
    assert played.lines == ["mine http://x/"]


@pytest.mark.parametrize("wanted", [False, True])
def test_one_in_lib_is_found_first_where_that_is_wanted(play, wanted):
    """Else what comes along with something else would replace the one that verifies."""
    first = (
        "import sys\nsys.path.insert(0, 'lib')\n"
        if wanted
        else "import sys\nsys.path.append('lib')\n"
    )
    played = play(
        "import os\nos.mkdir('lib')\nos.rename('own.py', 'lib/requests.py')\n"
        + first
        + "import requests\nprint(getattr(requests, 'whose', 'frozen'))\nimport aiohttp\nprint(aiohttp.ClientSession.__name__)\n",
        files={"own.py": OWN},
    )
    assert played.lines == ["mine" if wanted else "frozen", "ClientSession"]


def test_the_drop_in_takes_the_users_client(play):
    played = play(
        """
from pythings_sim800 import Modem
modem = Modem()
modem.initialize()
modem.connect("internet")
reply = modem.http_request("http://plain.example/ip")
print(reply.status_code, reply.content)
""",
        files={
            "requests.py": b"class Reply:\n    status_code, content = 299, b'mine'\n"
            b"def request(*args, **options):\n    return Reply()\n"
        },
    )
    assert played.lines == ["299 mine"]


def test_names_of_old_scripts(board):
    played = board(
        """
import urequests, usocket, ussl, uasyncio, ubinascii, ujson
import requests, socket, ssl, asyncio
nic = ppp_sim800.PPP("internet")
nic.connect()
reply = urequests.get("https://telemetry.example/ip")
print("requests=%d %r" % (reply.status_code, urequests.get is requests.get))
print("asyncio=%r" % (uasyncio.run is asyncio.run))
plain = usocket.socket()
plain.connect(usocket.getaddrinfo("telemetry.example", 443)[0][-1])
secure = ussl.wrap_socket(plain, server_hostname="telemetry.example")
secure.write(b"GET /ip HTTP/1.0\\r\\n\\r\\n")
print("ssl=%s" % secure.readline())
secure.close()
try:
    ussl.wrap_socket(usocket.socket(), server_hostname="x", cert_reqs=ussl.CERT_REQUIRED)
except OSError as error:
    print("errors=%r" % issubclass(ussl.SSLError, OSError))
"""
    )
    assert played.value("requests") == "200 True"
    assert played.value("asyncio") == "True"
    assert played.value("ssl") == "b'HTTP/1.1 200 OK\\r\\n'"
    assert played.value("errors") == "True"


def test_an_address_that_is_none(board):
    played = board(
        """
import asyncio, aiohttp, requests
nic = ppp_sim800.PPP("internet")
nic.connect()
for host in ("999.1.1.1", "1.2.3", "1.2.3.4.5"):
    for call in (
        lambda: requests.get("http://" + host + "/", timeout=5),
        lambda: asyncio.run(asyncio.open_connection(host, 80)),
    ):
        try:
            call()
        except ValueError as error:
            print("%s|%s" % (type(error).__name__, error))
"""
    )
    assert len(played.lines) == 6
    for line in played.lines:
        assert line.endswith('" is no host: an IPv4 address has four numbers of 0 to 255'), line


@pytest.mark.parametrize(
    "call", ["socket.getaddrinfo(name, 80)", "asyncio.run(asyncio.open_connection(name, 80))"]
)
def test_a_name_that_does_not_exist_is_an_error_in_words(board, call):
    played = board(
        f"""
import asyncio, socket
nic = ppp_sim800.PPP("internet")
nic.connect()
name = "nowhere.example"
try:
    {call}
except OSError as error:
    print("error=%s|%s|%r" % (type(error).__name__, error, error.errno))
"""
    )
    kind, text, number = played.value("error").split("|")
    assert kind == "NameNotFound"
    assert text.startswith('cannot resolve "nowhere.example": ')
    assert "no such name" in text
    assert number in ("-202", "None", repr(text))  # lwIP's number, or none
