"""Fixtures for the tests in this folder."""

from http_peer import other, peer  # noqa: F401
from mqtt_rogues import rogue  # noqa: F401
from real_servers import amqtt, broker, nginx  # noqa: F401
from tls_board import board  # noqa: F401
from tls_peer import bundle, roots, serve  # noqa: F401
