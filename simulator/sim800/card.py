"""The SIM card: PIN, PUK and how many tries are left. Keeps its state without power."""

import re

from .errors import CME
from .scenario import SIM

PIN_FORM = re.compile(r"\d{4,8}")
PUK_FORM = re.compile(r"\d{8}")
MAX_TRIES = 3
MAX_PUK_TRIES = 10


class Card:
    """The card's codes and tries; `state()` is what +CPIN says of it."""

    def __init__(self, sim: SIM):
        self.inserted = sim.inserted
        self.imsi, self.iccid = sim.imsi, sim.iccid
        self.pin = sim.pin or "0000"
        self.pin_enabled = sim.pin is not None
        self.pin_tries = 0 if sim.locked == "PUK" else sim.pin_tries
        self.puk, self.puk_tries = sim.puk, sim.puk_tries
        self.pin2_tries, self.puk2_tries = MAX_TRIES, MAX_PUK_TRIES
        self.powered = False
        self.read = False  # the modem has read what it needs of it
        self.verified = False

    def power(self, on: bool) -> None:
        """The modem feeds the card, or no longer: it then wants its PIN again."""
        self.powered = on
        self.read = False
        self.verified = False

    def state(self) -> str:
        if not self.inserted:
            return "NOT INSERTED"
        if not self.read:
            return "NOT READY"
        if self.pin_tries == 0:
            return "SIM PUK"
        if self.pin_enabled and not self.verified:
            return "SIM PIN"
        return "READY"

    def require(self) -> None:
        """Raises the CME error that says why the card cannot be used, if it cannot."""
        code = {"NOT INSERTED": 10, "NOT READY": 14, "SIM PIN": 11, "SIM PUK": 12}.get(
            self.state()
        )
        if code == 12 and self.puk_tries == 0:
            code = 13
        if code:
            raise CME(code)

    def verify(self, pin: str) -> None:
        """Try a PIN; a well-formed wrong one costs a try. Raises CME 16, 12 after the last."""
        if self.pin_tries == 0:
            raise CME(13 if self.puk_tries == 0 else 12)
        if not PIN_FORM.fullmatch(pin):
            raise CME(16)
        if pin != self.pin:
            self.pin_tries -= 1
            raise CME(16 if self.pin_tries else 12)
        self.pin_tries = MAX_TRIES
        self.verified = True

    def unblock(self, puk: str, new: str) -> None:
        """Try the PUK and set a new PIN. Raises CME 16; 13 when the card is lost for good."""
        if self.puk_tries == 0:
            raise CME(13)
        if not PUK_FORM.fullmatch(puk) or not PIN_FORM.fullmatch(new):
            raise CME(16)
        if puk != self.puk:
            self.puk_tries -= 1
            raise CME(16 if self.puk_tries else 13)
        self.puk_tries = MAX_PUK_TRIES
        self.pin_tries = MAX_TRIES
        self.pin = new
        self.verified = True
