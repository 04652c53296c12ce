"""The network's short message service centre: takes what the modem sends, holds what is for it."""

from collections import deque
from dataclasses import dataclass

from . import pdu
from .scenario import Phone

GAP = 0.3  # seconds between two messages on the radio channel
RETRY = 1.0  # seconds until the network tries again, once it knows that there is room
KEPT = 1000  # submitted parts kept for whoever asks


@dataclass(frozen=True)
class Sent:
    """A message that arrived whole: to whom, its text (that of 8-bit data is empty), parts and octets."""

    number: str
    text: str
    parts: int = 1
    data: bytes = b""


class Center:
    """`sent` are the messages that reached others, `submitted` the last parts as they came."""

    def __init__(self, modem):
        self.modem = modem
        self.sent: list[Sent] = []
        self.submitted: deque[pdu.Submit] = deque(maxlen=KEPT)
        self.queue: deque[bytes] = deque()  # TPDUs the modem has not taken yet
        self.refusal: tuple[int, float] | None = None  # the next one's +CMS error, after seconds
        self._parts: dict[tuple, dict[int, pdu.Submit]] = {}
        self._reference = 0
        self._pause = None
        self._timers: list = []

    def reset(self) -> None:
        """The modem starts anew; its timers are gone."""
        self._pause = None

    def stop(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    # -- to the modem --------------------------------------------------------------------

    def send(
        self,
        number: str,
        text: str,
        kind: int | None = None,
        backwards: bool = False,
        without: int = 0,
    ) -> None:
        """Somebody writes to the modem: it gets the message as soon as it can be reached.

        `kind` is a message class, 0 to 3. The parts of a long text may come `backwards`, and
        `without` the one of that number. Raises PDUError for an impossible sender or text.
        """
        self._reference = (self._reference + 1) % 256
        time = self._time()
        parts = pdu.split(text, self._reference, kind)
        tpdus = [pdu.Deliver(number, part, time).encode() for part in parts]
        if without:
            del tpdus[without - 1 : without]
        self.queue += tpdus[::-1] if backwards else tpdus
        self.modem.journal.add("sms", "for the modem", number=number, text=text, parts=len(parts))
        self.run()

    def send_pdu(self, tpdu: bytes) -> None:
        """Any SMS-DELIVER for the modem. Raises PDUError for what is none."""
        pdu.Deliver.decode(tpdu)
        self.queue.append(tpdu)
        self.modem.journal.add("sms", "for the modem", pdu=tpdu.hex().upper())
        self.run()

    def run(self) -> None:
        """Deliver what waits, if the modem can be reached and takes it."""
        if self._pause is not None or not self.queue or not self.modem.messages.reachable():
            return
        if not self.modem.messages.take(self.queue[0]):
            return
        self.queue.popleft()
        self._pause = self.modem.later(GAP, self._go_on)

    def retry(self) -> None:
        """The modem may take now what it did not take before."""
        self.modem.later(RETRY, self.run)

    def _go_on(self) -> None:
        self._pause = None
        self.run()

    # -- from the modem ------------------------------------------------------------------

    def receive(self, submit: pdu.Submit) -> None:
        """The modem has sent a part."""
        self.submitted.append(submit)
        message = self._whole(submit)
        phone = self.modem.scenario.phones.get(submit.number, Phone())
        if submit.wants_report and phone.reports is not None:
            call_later = self.modem.clock.call_later
            self._timers.append(call_later(phone.reports, self._report, submit, self._time()))
        if message is None:
            return
        self.sent.append(message)
        self.modem.journal.add(
            "sms", "sent", number=message.number, text=message.text, parts=message.parts
        )
        if message.number == self.modem.scenario.sim.number and message.text:
            self.send(message.number, message.text)

    def _whole(self, submit: pdu.Submit) -> Sent | None:
        """The message that is complete with this part, or None."""
        place = submit.data.concatenation
        if place is None:
            return Sent(submit.number, submit.data.text, 1, submit.data.body)
        reference, total, number = place
        key = (submit.number, reference, total)
        parts = self._parts.setdefault(key, {})
        parts[number] = submit
        if len(parts) < total:
            return None
        del self._parts[key]
        contents = [parts[n].data for n in range(1, total + 1)]
        text = "".join(part.text for part in contents)
        return Sent(submit.number, text, total, b"".join(part.body for part in contents))

    def _report(self, submit: pdu.Submit, time: bytes) -> None:
        phone = self.modem.scenario.phones.get(submit.number, Phone())
        status = 0 if phone.reachable else 0x46  # validity period expired
        report = pdu.StatusReport(submit.number, submit.reference, time, self._time(), status)
        self.queue.append(report.encode())
        self.run()

    def _time(self) -> bytes:
        return pdu.encode_time(*self.modem.rtc.network_time(self.modem.scenario.radio))
