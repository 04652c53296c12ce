"""Bodies of tests/vm/test_packets.py on the firmware image: raw sockets, the MTU and what PPP counts are the chip's own."""

import test_packets
from test_packets import (  # noqa: F401
    test_a_path_of_which_nothing_is_known_is_measured_once,
    test_the_setting,
)


def test_an_upload_goes_on_over_its_connection(play):
    test_packets.test_an_upload_goes_on_over_its_connection(
        play, 1400, "pass", 1400, "1400/internet"
    )


def test_what_a_multiplexed_line_carries_is_counted(play):
    played = play(
        test_packets.ONLINE
        + """
timed("ask", nic.resolve, "telemetry.example")
largest, sent, _ = nic.link.packets_seen()
rx, tx, heard, asked, echoes = nic.link.traffic()
print("multiplexed=%s" % nic.link.line.multiplexed)
print("seen=%s" % (60 < largest < 600 and 60 < sent < 100))
print("counted=%s" % (200 < rx < 2000 and 200 < tx < 2000 and heard < 60000 and asked is None))
print("stats=%s" % (nic.stats()[:2] >= (rx, tx)))
"""
    )
    for name in ("multiplexed", "seen", "counted", "stats"):
        assert played.value(name) == "True", name
