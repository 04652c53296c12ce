"""A voice call as it goes on: dialling, ringing, talking, and what the modem says of it."""

import asyncio

from .pdu import number_type
from .scenario import Phone

RING_TIME = 4.0  # from one RING to the next
RI_PULSE = 0.12  # RI low for a message or a URC (hardware design, RI)
PATIENCE = 45.0  # so long the network lets the other side ring
# <stat> of +CLCC
ACTIVE, DIALLING, ALERTING, INCOMING, ENDED = 0, 2, 3, 4, 6


class Calls:
    """At most one call. `state` is "", "dialling", "alerting", "incoming" or "active".

    `heard` are the tones the other side heard, as digits, of this call or the last.
    """

    def __init__(self, modem):
        self.modem = modem
        self.reset()

    def reset(self) -> None:
        """No call; the modem starts anew."""
        self.state = ""
        self.number = ""
        self.heard = ""
        self.rings = 0
        self.outcome: asyncio.Future[str] | None = None  # what an ATD that waits ends with
        self._incoming = False
        self._tone = ("", 0.0)  # the last one told of, and when
        self._timers: list = []

    @property
    def ringing(self) -> bool:
        return self.state == "incoming"

    @property
    def on_channel(self) -> bool:
        """The radio is busy with the call: class B, so GPRS is suspended meanwhile."""
        return self.state != ""

    def line(self) -> str:
        """What +CLCC says of the call."""
        stat = {"dialling": DIALLING, "alerting": ALERTING, "incoming": INCOMING}
        return self._line(stat.get(self.state, ACTIVE))

    def _line(self, stat: int) -> str:
        kind = number_type(self.number)
        return f'+CLCC: 1,{int(self._incoming)},{stat},0,0,"{self.number}",{kind},""'

    def _later(self, seconds: float, action, *args) -> None:
        self._timers.append(self.modem.later(seconds, action, *args))

    def _become(self, state: str) -> None:
        self.state = state
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self.modem.journal.add("call", state, number=self.number)
        self.modem.mute_ppp()
        if self.modem.settings["+CLCC"]:
            self.modem.urc(self.line())

    # -- outgoing ------------------------------------------------------------------------

    def dial(self, number: str) -> None:
        """The network has taken the number; the rest goes as the scenario's Phone wants."""
        self.number, self._incoming, self.heard = number, False, ""
        for book in ("DC", "LD"):
            self.modem.phonebook.remember(book, number)
        phone = self.modem.scenario.phones.get(number, Phone())
        self._become("dialling")
        self._later(phone.rings, self._through, phone)

    def _through(self, phone: Phone) -> None:
        if not phone.reachable:
            self.end("NO CARRIER")
        elif phone.busy:
            self.end("BUSY" if self.modem.settings["X"] >= 3 else "NO CARRIER")
        else:
            self._become("alerting")
            if self.modem.settings["+MORING"]:
                self.modem.urc("MO RING")
            if phone.answers is None or phone.answers > PATIENCE:
                self._later(PATIENCE, self.end, "NO ANSWER")
            else:
                self._later(phone.answers, self._answered, phone)

    def _answered(self, phone: Phone) -> None:
        self._become("active")
        if phone.talks is not None:
            self._later(phone.talks, self.end, "NO CARRIER")
        if self.modem.settings["+MORING"]:
            self.modem.urc("MO CONNECTED")
        self._settle("OK")

    # -- incoming ------------------------------------------------------------------------

    def ring(self, number: str, count: int) -> None:
        """Somebody calls, and lets it ring `count` times. A blank number is withheld."""
        modem = self.modem
        if (
            self.state
            or not modem.radio.registered
            or modem.settings["+GSMBUSY"]
            or modem.mode not in ("command", "data", "cmux")
        ):
            modem.journal.add("call", "not put through", number=number)
            return
        self.number, self._incoming, self.rings, self.heard = number, True, 0, ""
        modem.on_ri(False)
        self._become("incoming")
        self._ring(count)

    def _ring(self, left: int) -> None:
        modem = self.modem
        if left == 0:
            self.end("NO CARRIER")
            return
        self.rings += 1
        if modem.mode != "data":  # in data mode only RI tells of it
            modem.urc("+CRING: VOICE" if modem.settings["+CRC"] else "RING")
            if modem.settings["+CLIP"]:
                kind, validity = (number_type(self.number), 0) if self.number else (128, 1)
                modem.urc(f'+CLIP: "{self.number}",{kind},"",0,"",{validity}')
        if modem.settings["S0"] and self.rings >= modem.settings["S0"]:
            self.answer()
        else:
            self._later(RING_TIME, self._ring, left - 1)

    def pulse_ri(self) -> None:
        """RI low for a moment, for something else than a call, unless one holds it there anyway."""
        self.modem.on_ri(False)
        self.modem.later(RI_PULSE, self._release_ri)

    def _release_ri(self) -> None:
        if not self.ringing:
            self.modem.on_ri(True)

    def answer(self) -> None:
        self.modem.phonebook.remember("RC", self.number)
        self._become("active")
        self.modem.on_ri(True)

    # -- the end -------------------------------------------------------------------------

    def end(self, result: str = "") -> None:
        """The call is over; `result` is said of it, unless an ATD that waits ends with it."""
        modem = self.modem
        if not self.state:
            return
        missed = self.ringing and result != ""
        if self.ringing:
            modem.on_ri(True)
        if modem.settings["+CLCC"]:
            modem.urc(self._line(ENDED))
        if missed and self._incoming:
            modem.phonebook.remember("MC", self.number)
        if missed and modem.scenario.modem.missed_call:
            local, _ = modem.rtc.read()
            modem.urc(f"MISSED_CALL: {local:%I:%M%p} {self.number}")
        self._forget(result)
        if not self._settle(result or "NO CARRIER") and result and modem.mode != "data":
            modem.urc(result)  # not in data mode: PPP goes on
        if modem.settings["+CDRIND"]:
            modem.urc("+CDRIND: 0")

    def _settle(self, result: str) -> bool:
        """End the ATD that waits for the call's fate; False if there is none."""
        outcome, self.outcome = self.outcome, None
        if outcome is None or outcome.done():
            return False
        outcome.set_result(result)
        return True

    def _forget(self, why: str) -> None:
        self.state = ""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self.modem.journal.add("call", "ended", number=self.number, why=why or "by the modem")
        self.modem.mute_ppp()

    # -- tones ---------------------------------------------------------------------------

    def send_tones(self, digits: str) -> None:
        self.heard += digits
        self.modem.journal.add("call", "tones", digits=digits)

    def tone(self, key: str, milliseconds: int) -> None:
        """The other side presses a key (manual page 334, AT+DDET)."""
        modem = self.modem
        if self.state != "active" or not modem.settings["+DDET"]:
            return
        interval, long, single = modem.settings["DDET how"]
        if len(key) > 1 and not single:
            return
        now, (last, when) = modem.clock.now(), self._tone
        if key == last and now - when < interval / 1000:
            return
        self._tone = (key, now)
        modem.urc(f"+DTMF: {key},{milliseconds}" if long else f"+DTMF: {key}")
