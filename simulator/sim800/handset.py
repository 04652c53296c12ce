"""What a telephone has beside its radio: loudness, microphone, ringer, light (manual chapters 2, 3 and 6).

There is nothing to hear or to see: these are taken, kept and shown. AT+GSMBUSY turns calls away.
"""

from .commands import Args, command, setting
from .errors import CME

MICROPHONES = 4

setting("+CLVL", range(101), test="+CLVL: (0-100)")
setting("+CRSL", range(101), test="+CRSL: (0-100)")
setting("+CALM", range(2), test="+CALM: (0,1)")
setting("+CHFA", range(5), test="+CHFA: (0-4)")
setting("+CNETLIGHT", range(2), test="+CNETLIGHT: (0,1)")
setting("+GSMBUSY", range(3), test="+GSMBUSY: (0-2)")


@command("+CMUT", "?", "=", test="+CMUT: (0,1)")
def mute(modem, c):
    """Only during a call."""
    if c.op == "?":
        modem.info(f"+CMUT: {modem.settings['+CMUT']}")
        return
    on = Args(c).most(1).number(0, (0, 1))
    if modem.calls.state != "active":
        raise CME(3)
    modem.settings["+CMUT"] = on


@command("+CMIC", "?", "=", test="+CMIC: (0-3),(0-15)")
def microphone(modem, c):
    gains = modem.settings["+CMIC"]
    if c.op == "?":
        shown = ",".join(f"({number},{gain})" for number, gain in enumerate(gains))
        modem.info(f"+CMIC: {shown}")
        return
    args = Args(c).most(2)
    channel, gain = args.number(0, range(MICROPHONES)), args.number(1, range(16))
    modem.settings["+CMIC"] = (*gains[:channel], gain, *gains[channel + 1 :])


@command("+CSMINS", "?", "=", test="+CSMINS: (0,1)")
def card_inserted(modem, c):
    """Whether there is a card; 1: tell of it, too."""
    if c.op == "?":
        modem.info(f"+CSMINS: {modem.settings['+CSMINS']},{int(modem.card.inserted)}")
    else:
        modem.settings["+CSMINS"] = Args(c).most(1).number(0, (0, 1))


@command("+CSPN", "?", latency=0.05, test="", needs="sim")
def provider_name(modem, c):
    """The name on the card, and that it is to be shown beside the network's."""
    modem.info(f'+CSPN: "{modem.scenario.sim.provider}",1')
