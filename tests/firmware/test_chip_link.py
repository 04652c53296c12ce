"""Bodies of tests/vm/test_link.py and test_forgers.py on the firmware image: what is imported here runs with this
folder's `play`.

Left out is what needs the power key or the power chip (QEMU wires neither), and what is all Python.
"""

from test_forgers import test_an_empty_datagram_ends_no_wait  # noqa: F401
from test_link import (  # noqa: F401
    test_authentication,
    test_bad_certificate_is_refused,
    test_carrier_lost_is_noticed_and_mended,
    test_clock_is_set_from_the_network,
    test_commands_while_online_are_refused_in_words,
    test_connect_disconnect_again_and_again,
    test_https_get_and_post,
    test_https_is_checked_by_default,
    test_modem_left_in_data_mode_is_found,
    test_resolve,
    test_without_network_time_ntp_sets_the_clock,
)
