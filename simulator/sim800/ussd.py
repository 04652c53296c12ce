"""USSD (manual 3.2.53): codes the network answers, menus, what it says unasked."""

from . import charset, gsm7
from .commands import Args, command, require
from .errors import CME, BadValue
from .masking import code
from .scenario import USSD

DONE, MENU, ENDED, UNSUPPORTED = 0, 1, 2, 4  # <m> of +CUSD
GSM7, UCS2 = 15, 72  # data coding schemes of answers (23.038 chapter 5)
REPLY_TIME = 60.0  # so long a menu stays open


class Session:
    """The talk with the network: `state` is "", "waiting" (for its answer) or "menu" (for ours)."""

    def __init__(self, modem):
        self.modem = modem
        self.reset()

    def reset(self) -> None:
        self.state = ""
        self._choices: dict[str, USSD] = {}
        self._timer = None

    def request(self, text: str) -> None:
        """Send a code, or a choice if a menu is open. Raises CME 3 while an answer is awaited."""
        if self.state == "waiting":
            raise CME(3)
        known = self._choices if self.state == "menu" else self.modem.scenario.ussd
        self.modem.journal.add("ussd", "request", text=code(text))
        found = known.get(text)
        if found is None:
            self._wait(USSD("").after, self._refuse)
        elif found.text is None:
            self._wait(found.after, self.lost)
        else:
            self._wait(found.after, self.say, found)

    def cancel(self) -> None:
        """The user ends the session."""
        if self.state:
            self.modem.journal.add("ussd", "cancelled")
        self._end()

    def lost(self) -> None:
        """The network is gone, and the session with it."""
        if self.state:
            self._end()
            self._tell(str(ENDED))

    def say(self, answer: USSD) -> None:
        """The network says something; with `replies` it then waits for one of them."""
        self._end()
        if answer.replies is not None:
            self.state = "menu"
            self._choices = answer.replies
            self._timer = self.modem.later(REPLY_TIME, self.lost)
        self.modem.journal.add("ussd", "said", text=answer.text)
        mode = MENU if self.state else DONE
        text, dcs = self._coded(answer.text)
        self._tell(self.modem.profile.cusd.join((str(mode), f'"{text}"', str(dcs))))

    def _coded(self, text: str) -> tuple[str, int]:
        try:
            septets = gsm7.encode(text)
        except ValueError:
            return text.encode("utf-16-be", "replace").hex().upper(), UCS2
        return charset.show_septets(septets, self.modem.messages.charset), GSM7

    def _refuse(self) -> None:
        self._end()
        self._tell(str(UNSUPPORTED))

    def garbled(self) -> None:
        """What was sent is no code: the network ends the session."""
        self._wait(USSD("").after, self.lost)

    def _wait(self, seconds: float, action, *args) -> None:
        self._end()
        self.state = "waiting"
        self._timer = self.modem.later(seconds, action, *args)

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self.reset()

    def _tell(self, text: str) -> None:
        if self.modem.settings["+CUSD"]:
            self.modem.urc(f"+CUSD: {text}")


@command("+CUSD", "?", "=", latency=0.1, test="+CUSD: (0-2)")
def service_data(modem, c):
    """Page 109: OK comes at once, the answer as +CUSD later.

    A code that is no hex where AT+CSCS wants it gets `+CUSD: 2`, as seen on R14.18.
    """
    if c.op == "?":
        modem.info(f"+CUSD: {modem.settings['+CUSD']}")
        return
    args = Args(c).most(3)
    mode = args.number(0, range(3))
    given = args.values[1] if len(args) > 1 else None
    if given is not None:
        raw, dcs = args.quoted(1, longest=400), args.number(2, range(256), 0)
    if mode == 2:
        require(modem, "full sim")
        modem.ussd.cancel()
        return
    modem.settings["+CUSD"] = mode
    if given is None:
        return
    require(modem, "full sim registration")
    try:
        if dcs >> 2 & 3 == 2 and 64 <= dcs < 128:
            text = bytes.fromhex(raw).decode("utf-16-be")
        else:
            text = charset.read(raw, modem.messages.charset)
    except ValueError:
        modem.then(modem.ussd.garbled)
        return
    if not text:
        raise BadValue
    modem.ussd.request(text)
