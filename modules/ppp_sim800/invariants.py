"""What has to hold while the link is up: how it is checked, and how it is restored.

LCP echo (lwIP's, every 5 s) ends in the modem: it finds a dead modem, never a dead bearer. For that the time
counts since an IP packet went out that none came after, and a question to a name server where that is long,
or where nothing has been heard for a while and the script is about to rely on the link.

docs/link.md has all of them in a table. Those of _LINK make the link: the supervisor brings it up again.
Those of _IN_PLACE are restored while it stays up.
"""

import sys
import time

from micropython import const
from nettime import rtc

from .run import Deadline, Interrupted, since, watched

_UNANSWERED_ECHOES = const(2)  # 5 to 10 s of silence from the modem
_TICK_MS = const(1000)
_AMBIGUOUS_MS = const(300000)
_PAUSE_MS = const(30000)  # between two questions to name servers of which none answers

# Methods that return a word of stats.REASONS, None if it holds.
_LINK = ("call", "at_channel", "bearer")

# Methods that return None if it holds, which costs nothing, else what restores it: a coroutine that returns whether it
# holds now. Then what status("reason") says where it does not.
_IN_PLACE = const(
    (
        ("names", "no name server answers: connect by address, or name others by config(dns=)"),
        (
            "time",
            "the clock is not set, not confirmed for a day, or contradicted by a certificate, and no source of time "
            "answers: TLS may refuse good servers; call ntp.set_clock(host), or rtc.set(seconds, 86400)",
        ),
        ("packets", "large packets do not come through: set config(mtu=576)"),
    )
)


class Invariants:
    """Those of `link`, a link.Link.

    settings: the supervisor's, by name. spend: called with the bytes that a question has cost, and whether that is
    written to flash at once (True).
    """

    def __init__(self, link, settings, spend):
        self.distrusts = False  # nothing was heard from the network, nor has been since
        self.pauses = False  # PPP stands still, during a voice call
        self._link = link
        self._settings = settings
        self._spend = spend
        self._probe_answers = False  # it has, once
        self._probed = None  # when last
        self._unanswered = None  # when first in vain, since something came
        self._echoes = 0  # unanswered when the modem was last looked at
        self._broken = []  # names of those in place
        self._asked = Deadline(0)  # name servers: until they are asked again
        self._checked = time.ticks_ms()
        self._end = None  # what has ended restore()

    def forget(self):
        """Somebody else is asked from now on whether the link carries."""
        self._probe_answers = False

    # The link's own

    async def broken(self, idle):
        """Why the link cannot be relied on, as a word of stats.REASONS, "" if it is not up, None if it can.

        idle: milliseconds of silence that call for a question, None: none does.
        """
        link = self._link
        if not link.isconnected():
            return link.lost_by()
        calling = await link.modem.in_call()
        if calling or self.pauses:
            link.pause(calling)
            self.pauses = calling
            return None
        for name in _LINK:
            if word := await getattr(self, name)(idle):
                return word
        return link.lost_by()

    async def call(self, idle):
        """The modem answers LCP echo, and is in data mode."""
        link = self._link
        echoes = link.traffic()[4]
        # Once for each echo: to look takes input from PPP, the answer to the echo perhaps.
        if echoes >= _UNANSWERED_ECHOES and echoes != self._echoes:
            self._echoes = echoes
            if await link.line.has_ended(link.ppp):
                return "call ended"
        return None

    async def at_channel(self, idle):
        """Where the line is multiplexed AT answers beside PPP."""
        line = self._link.line
        if line.multiplexed and line.is_doubtful() and not await line.answers():
            return "AT silent"
        return None

    async def bearer(self, idle):
        """Something comes from the network: for what is sent, and for a question after `idle` milliseconds."""
        link = self._link
        _, _, heard, asked, _ = link.traffic()
        self.distrusts = self.distrusts and heard is None
        last = link.age() if heard is None else heard
        if self._probed is not None:
            last = min(last, since(self._probed))
        if self._unanswered is not None:
            passed = since(self._unanswered)
            if heard is None or heard < passed:
                self._unanswered = None
            elif asked is not None and asked <= passed + _TICK_MS and asked < _AMBIGUOUS_MS:
                asked = None  # it may have been the question itself that nobody answered
        silence = self._settings["silence"]
        doubtful = self.distrusts or (asked is not None and asked > silence)
        if link.modem.take_unregistered(silence):  # one question will do
            doubtful = True
        if doubtful or (idle is not None and last > idle):
            answered = await self.ask()
            # The silence of somebody who has never answered says nothing where others have.
            counts = doubtful or self._probe_answers or heard is None
            if answered is False and counts and link.isconnected():
                return "nothing heard"
            if answered and asked is not None and asked > silence:
                link.suspect_packets()
        return None

    async def ask(self):
        """Ask whom config(probe=) names. True: something came from the network. False: nothing did. None: there is nobody
        to ask.
        """
        link = self._link
        probe = self._settings["probe"]
        started = time.ticks_ms()

        def heard():
            age = link.traffic()[2]
            if not link.isconnected():
                return True  # no use to wait
            return age is not None and age < since(started)

        servers = link.isconnected() and link.name_servers() if probe == "dns" else probe
        if not servers:
            return None
        try:
            from .dns import ask  # which takes memory only where somebody is asked
        except MemoryError:
            return None
        question = ask(servers, heard) if probe == "dns" else ask(probe[:1], heard, None, probe[1])
        answered, used = await question
        if answered is None:
            return None
        answered = answered and link.isconnected()
        self._pay(used)
        self._probed = time.ticks_ms()
        if answered:
            self._probe_answers = True
            self._unanswered = None
        elif self._unanswered is None:
            self._unanswered = started
        return answered

    def _pay(self, used):
        self._link.counters.add(probes=1, probe_bytes=used)
        self._spend(used, False)

    # In place

    async def restore(self):
        """Restore what does not hold of those in place, each within 30 s. status("reason") and events tell of them."""
        link = self._link
        try:
            for name, _ in _IN_PLACE:
                try:
                    restoring = getattr(self, name)()
                    holds = restoring is None or await watched(restoring, self._check)
                except MemoryError:
                    holds = False
                if holds == (name in self._broken):
                    link.modem.events.put(name, "restored" if holds else "broken")
                    if holds:
                        self._broken.remove(name)
                    else:
                        self._broken.append(name)
        except Interrupted as error:
            if error is not self._end:
                raise
        finally:
            reasons = [sentence for name, sentence in _IN_PLACE if name in self._broken]
            link.state.explain(reasons[0] if reasons else None)

    def _check(self):
        # Once a second while something is restored, which may take longer than data may flow.
        if since(self._checked) > _TICK_MS:
            self._checked = time.ticks_ms()
            link = self._link
            if not link.isconnected() or (link.rules and link.rules.forbidden()):
                self._end = Interrupted()
                raise self._end

    def names(self):
        """Some name server answers; looked at where none did when a name was looked up."""
        dns = sys.modules.get("ppp_sim800.dns")
        return self._ask_servers(dns) if dns and dns.silent else None

    async def _ask_servers(self, dns):
        if not self._asked.left():
            self._asked = Deadline(_PAUSE_MS)  # also if it is cut short
            _, used = await dns.ask(self._link.name_servers(), None)
            self._pay(used)
        return not dns.silent

    def time(self):
        """The clock is right, as far as is known."""
        return None if rtc.is_fresh() else self._link.timekeeper.restore()

    def packets(self):
        """IP packets as large as the MTU come through; looked at where there is a reason to doubt it."""
        return None if self._link.are_packets_good() else self._measure()

    async def _measure(self):
        link = self._link
        try:
            await link.packets.restore()
        finally:
            self._spend(link.packets.used)
        return link.are_packets_good()
