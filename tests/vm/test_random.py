"""No TLS without random numbers."""

SENTENCE = "the chip's source of random numbers has failed its test: switch the power off and on"

SCRIPT = """
import asyncio, os, requests, ssl, tls
from umqtt.simple import MQTTClient
nic = ppp_sim800.PPP("internet")
nic.connect()
timed("context", ssl.create_default_context)
timed("get", requests.get, "https://telemetry.example/")
timed("unverified", ssl._create_unverified_context)
timed("wrap", lambda: ssl.wrap_socket(None))
timed("open", lambda: asyncio.run(asyncio.open_connection("telemetry.example", 443, ssl=True)))
timed("mqtt", lambda: MQTTClient("me", "telemetry.example", 443, ssl=True).connect())
try:
    ssl.create_default_context()
except ssl.SSLError as error:
    print("fields=%s %s" % (error.reason, error.host))
try:
    tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
except OSError as error:
    print("tls=%s" % error.errno)
print("urandom=%d" % len(os.urandom(16)))
print("plain=%d" % requests.get("http://plain.example/ip").status_code)
"""


def test_a_broken_source_is_refused_by_all_that_does_tls(play):
    played = play(SCRIPT, env={"SIM_ENTROPY": "broken"})
    for client in ("context", "get", "unverified", "wrap", "open", "mqtt"):
        assert played.value(client) == f"TLSError: {SENTENCE}", client
    assert played.value("fields") == "no random numbers None"
    assert played.value("tls") == "52"
    assert played.value("urandom") == "16"
    assert played.value("plain") == "200"
