"""Short messages in the modem: where they are kept, how they are shown, how new ones are told of."""

import re
from collections import deque
from dataclasses import dataclass

from . import charset, pdu
from .errors import CMS, BadValue
from .sms_center import Center, Sent

UNREAD, READ, UNSENT, SENT = range(4)
STATUS = ("REC UNREAD", "REC READ", "STO UNSENT", "STO SENT")
MEMORIES = ("SM", "ME")
HELD = 64  # indications kept back by AT+CNMI=0
_TIME = re.compile(r"(\d\d)/(\d\d)/(\d\d),(\d\d):(\d\d):(\d\d)([+-])(\d\d)")


@dataclass
class Stored:
    """A message in a storage: its status, its service centre's address and its TPDU."""

    status: int
    center: bytes
    tpdu: bytes


class Store:
    """Numbered places for messages, kept without power."""

    def __init__(self, capacity: int):
        self.capacity = capacity
        self.places: dict[int, Stored] = {}

    @property
    def full(self) -> bool:
        return len(self.places) >= self.capacity

    def add(self, message: Stored) -> int:
        """Put it into the first free place; returns its number. Raises CMS 322."""
        if self.full:
            raise CMS(322)
        index = next(n for n in range(1, self.capacity + 1) if n not in self.places)
        self.places[index] = message
        return index


class Messages:
    """`center` is the network's side, `stores` are the card's and the modem's own messages."""

    def __init__(self, modem):
        self.modem = modem
        scenario = modem.scenario
        self.center = Center(modem)
        self.stores = {
            "SM": Store(scenario.sim.message_places),
            "ME": Store(scenario.modem.message_places),
        }
        self.memories = ["SM"] * 3  # to read, to write, to receive (+CPMS); kept
        self.center_number = scenario.sim.service_center  # on the card
        self._reference = 0  # TP-MR, on the card
        self.reset()

    def reset(self) -> None:
        """What a modem that just got power knows."""
        self.ready = False  # "SMS Ready": the card's messages are read
        self._held: deque[str] = deque(maxlen=HELD)
        self.center.reset()

    @property
    def sent(self) -> list[Sent]:
        """What arrived at others, whole."""
        return self.center.sent

    @property
    def text_mode(self) -> bool:
        return self.modem.settings["+CMGF"] == 1

    @property
    def charset(self) -> str:
        return self.modem.settings["+CSCS"].strip('"')

    def next_reference(self) -> int:
        self._reference = (self._reference + 1) % 256
        return self._reference

    def require(self) -> None:
        """Raises the CMS error that says why the card's messages cannot be used, if they cannot."""
        state = self.modem.card.state()
        if state != "READY":
            raise CMS({"NOT INSERTED": 310, "SIM PIN": 311, "SIM PUK": 316}.get(state, 314))
        if not self.ready:
            raise CMS(314)

    def place(self, memory: int, index: int) -> tuple[Store, Stored | None]:
        """What is at an index of +CPMS's first or second storage. Raises CMS 321."""
        store = self.stores[self.memories[memory]]
        if not 1 <= index <= store.capacity:
            raise CMS(321)
        return store, store.places.get(index)

    # -- receiving -----------------------------------------------------------------------

    def reachable(self) -> bool:
        modem = self.modem
        return self.ready and modem.radio.registered and not modem.hung

    def take(self, tpdu: bytes) -> bool:
        """A message from the network (manual 4.2.8); False if it must keep it."""
        modem = self.modem
        mode, mt, _, ds, _ = map(int, modem.settings["+CNMI"].split(","))
        if tpdu[0] & 3 == pdu.STATUS_REPORT:
            if ds:
                self._tell(mode, self._status_report(tpdu))
            return True
        kind = pdu.message_class(pdu.Deliver.decode(tpdu).data.dcs)
        message = Stored(UNREAD, pdu.encode_center(modem.scenario.sim.service_center), tpdu)
        if (mt == 2 and kind != 2) or (mt == 3 and kind == 3):
            if mode == 1 and modem.mode == "data":
                return False
            modem.calls.pulse_ri()
            self._tell(mode, self._direct(message))
            return True
        memory = "SM" if kind == 2 else self.memories[2]
        store = self.stores[memory]
        if store.full:
            modem.journal.add("sms", "no room", memory=memory)
            return False
        index = store.add(message)
        modem.journal.add("sms", "stored", memory=memory, index=index)
        modem.calls.pulse_ri()
        if mt:
            self._tell(mode, f'+CMTI: "{memory}",{index}')
        return True

    def _tell(self, mode: int, text: str) -> None:
        if mode == 0:
            self._held.append(text)
        elif mode != 1 or self.modem.mode != "data":
            self.modem.urc(text)

    def release(self, tell: bool) -> None:
        """AT+CNMI leaves mode 0: what was held back is told, or forgotten."""
        held, self._held = self._held, deque(maxlen=HELD)
        if tell:
            for text in held:
                self.modem.urc(text)

    def _direct(self, message: Stored) -> str:
        if not self.text_mode:
            return f'+CMT: "",{len(message.tpdu)}\r\n{self._hex(message)}'
        deliver = pdu.Deliver.decode(message.tpdu)
        head = f'{self.string(deliver.number)},"",{self._when(deliver.time)}'
        return f"+CMT: {head}{self._details(message, deliver)}\r\n{self._data(deliver.data)}"

    def _status_report(self, tpdu: bytes) -> str:
        if not self.text_mode:
            center = pdu.encode_center(self.modem.scenario.sim.service_center)
            return f"+CDS: {len(tpdu)}\r\n{(center + tpdu).hex().upper()}"
        report = pdu.StatusReport.decode(tpdu)
        number = f"{self.string(report.number)},{report.kind}"
        times = f"{self._when(report.time)},{self._when(report.done)}"
        return f"+CDS: {report.first},{report.reference},{number},{times},{report.status}"

    # -- showing -------------------------------------------------------------------------

    def show(self, message: Stored, index: int | None = None) -> list[str]:
        """The lines behind "+CMGR: ", or with an index behind "+CMGL: "."""
        listed = "" if index is None else f"{index},"
        if not self.text_mode:
            return [f'{listed}{message.status},"",{len(message.tpdu)}', self._hex(message)]
        head = f'{listed}"{STATUS[message.status]}",'
        if message.tpdu[0] & 3 == pdu.DELIVER:
            found = pdu.Deliver.decode(message.tpdu)
            head += f'{self.string(found.number)},"",{self._when(found.time)}'
        else:
            found = pdu.Submit.decode(message.tpdu)
            head += f'{self.string(found.number)},""'
            if index is not None:
                head += ","
        if index is None:
            head += self._details(message, found)
        elif self.modem.settings["+CSDH"]:
            head += f",{found.kind},{len(found.data.body)}"
        return [head, self._data(found.data)]

    def _details(self, message: Stored, found: pdu.Deliver | pdu.Submit) -> str:
        """What AT+CSDH=1 adds."""
        if not self.modem.settings["+CSDH"]:
            return ""
        center, kind = pdu.decode_center(pdu.Reader(message.center))
        validity = ""
        if isinstance(found, pdu.Submit):
            vp = found.validity
            validity = "," if not vp else f",{vp[0]}" if len(vp) == 1 else f",{self._when(vp)}"
        about = f",{found.kind},{found.first},{found.pid},{found.data.dcs}{validity}"
        return f"{about},{self.string(center)},{kind},{len(found.data.body)}"

    def _data(self, data: pdu.UserData) -> str:
        """The text; octets in hex for 8-bit and UCS2, and where there is a header (manual page 118)."""
        if data.header:
            return data.encode()[1:].hex().upper()
        if pdu.alphabet(data.dcs) == 7:
            return charset.show_septets(data.body, self.charset)
        return data.body.hex().upper()

    def string(self, text: str) -> str:
        return f'"{charset.show(text, self.charset)}"'

    def _when(self, time: bytes) -> str:
        return f'"{pdu.decode_time(time)}"'

    def _hex(self, message: Stored) -> str:
        return (message.center + message.tpdu).hex().upper()

    # -- composing -----------------------------------------------------------------------

    def number(self, raw: str) -> str:
        """A number as the terminal gave it. Raises BadValue."""
        try:
            number = charset.read(raw, self.charset).lower()
        except ValueError:
            raise BadValue from None
        if not pdu.is_number(number):
            raise BadValue
        return number

    def compose(self, number: str, kind: int, entered: str) -> pdu.Submit:
        """The message of text mode, with what +CSMP says. Raises CMS 305."""
        first, vp, pid, dcs = self.modem.settings["+CSMP"]
        try:
            data = self._composed(entered, dcs, bool(first & pdu.UDHI))
            submit = pdu.Submit(number, data, 0, kind, pid, first, self.validity(first, vp))
            submit.encode()
        except ValueError as error:
            self.modem.journal.add("sms", "text refused", why=str(error))
            raise CMS(305) from None
        return submit

    def _composed(self, entered: str, dcs: int, has_header: bool) -> pdu.UserData:
        seven = pdu.alphabet(dcs) == 7
        if has_header:
            octets = bytes.fromhex(entered)
            length = len(octets) * 8 // 7 if seven else len(octets)
            return pdu.UserData.decode(dcs, length, octets, True)
        if seven:
            return pdu.UserData(dcs, charset.read_septets(entered, self.charset))
        return pdu.UserData(dcs, bytes.fromhex(entered))

    def validity(self, first: int, vp: int | str) -> bytes:
        """TP-VP as the first octet wants it. Raises BadValue if `vp` is of another kind."""
        form = first & 0x18
        if form == 0:
            return b""
        if form == 0x10 and isinstance(vp, int):
            return bytes((vp,))
        match = _TIME.fullmatch(vp) if form == 0x18 and isinstance(vp, str) else None
        if match is None:
            raise BadValue
        *fields, sign, zone = match.groups()
        swapped = bytes(int(f[::-1], 16) for f in (*fields, zone))
        return swapped[:6] + bytes((swapped[6] | (8 if sign == "-" else 0),))

    def parse(self, entered: str, length: int, status: int = UNSENT) -> tuple[Stored, pdu.Submit]:
        """A PDU as entered in PDU mode, `length` octets without the centre's. Raises CMS 304."""
        try:
            reader = pdu.Reader(bytes.fromhex(entered))
            center, _ = pdu.decode_center(reader)
            tpdu = reader.rest()
            if len(tpdu) != length:
                raise pdu.PDUError(f"the TPDU has {len(tpdu)} octets, and {length} were told")
            kind = pdu.Deliver if status in (UNREAD, READ) else pdu.Submit
            found = kind.decode(tpdu)
        except ValueError as error:
            self.modem.journal.add("sms", "PDU refused", why=str(error))
            raise CMS(304) from None
        return Stored(status, pdu.encode_center(center or self.center_number), tpdu), found
