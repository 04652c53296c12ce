"""Bodies of tests/vm/test_ppp_rogues.py on the firmware image, whose lwIP is ESP-IDF's with patches/lwip."""

import pytest
import test_ppp_rogues


@pytest.mark.parametrize(
    "name",
    [
        "lcp 300 mru",
        "lcp 300 authentications",
        "ipcp nothing",
        "lcp 700 unknown",
        "echo without a number",
        "a challenge where pap is",
    ],
)
def test_a_packet_that_no_network_says(play, name):
    test_ppp_rogues.test_a_packet_that_no_network_says(play, name)
