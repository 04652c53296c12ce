"""What a wake from deep sleep does not wait for."""

from sim800.scenario import Modem

WAKE = """
import machine
nic = ppp_sim800.PPP("internet")
nic.active(True)
start = time.ticks_ms()
nic.active(False)
print("off=%d" % time.ticks_diff(time.ticks_ms(), start))
if machine.reset_cause() != machine.DEEPSLEEP_RESET:
    machine.deepsleep(2000)
"""


def test_the_key_is_pressed_first_after_deep_sleep(play):
    """Deep sleep lets go of the supply's switch, so that nothing is left to be looked for."""
    played = play(WAKE)
    [asleep] = [entry.time for entry in played.journal.seen("board", "reset deepsleep")]
    presses = [entry.time for entry in played.journal.seen("pin", "PWRKEY low")]
    assert len(presses) == 2
    assert presses[1] - asleep - 2 < 4


def test_the_rest_between_off_and_on_is_kept_by_who_switches_on(play):
    played = play(
        """
nic = ppp_sim800.PPP("internet")
nic.active(True)
nic.active(False)
nic.active(True)
print("on=%s" % nic.modem.info())
"""
    )
    [off, *_] = [entry.time for entry in played.journal.seen("board", "supply off")]
    again = [entry.time for entry in played.journal.seen("board", "supply on")][-1]
    assert again - off >= 0.79
    assert played.value("on").startswith("SIM800")


def test_a_question_ends_with_the_link(play):
    """PPP finds the modem silent while the name server is asked: nobody will answer any more."""
    played = play(
        """
def trace(way, line):
    if (way, line) == ("=", "lost"):
        print("lost=%d" % time.ticks_diff(time.ticks_ms(), start))

nic = ppp_sim800.PPP("internet", trace=trace)
nic.connect()
nic.config(fresh=1000)
do("carrier_lost")
time.sleep(17)
start = time.ticks_ms()
nic.ensure()
""",
        speed=5.0,
        modem=Modem(start="command"),
    )
    assert int(played.value("lost")) < 13_000  # a question takes 12 s, and begins after 4
