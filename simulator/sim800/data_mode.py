"""Data mode: from CONNECT to NO CARRIER, with online command mode between +++ and ATO (V.250 6.3)."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

from .scenario import APN, PPP

HELD_LIMIT = 1 << 16  # PPP bytes kept in online command mode; more are lost


def ppp_config(ppp: PPP, apn: APN) -> SimpleNamespace:
    """What network.ppp.PPPEnd wants to know: the scenario's PPP, and who may come in."""
    return SimpleNamespace(**vars(ppp), **vars(apn))


class DataMode:
    """What a data call does to its side of the modem: to the modem itself (modem.SIM800), or to a DLCI of its
    multiplexer (cmux.Port). The call, `ppp`, is the modem's; `ppp_side` is who has it."""

    def then(self, action: Callable[[], None]) -> None:
        """Do `action` once the running line's result code is said."""
        self.interpreter.after_line = action

    def connect_text(self) -> str:
        return f"CONNECT {self.line.rate}" if self.settings["X"] else "CONNECT"

    def enter_data(self, cid: int) -> None:
        """CONNECT was said: the line carries PPP from now on."""
        if self.false_connects:
            self.journal.add("modem", "no data mode after CONNECT")
            return
        apn = self.scenario.radio.apns.get(self.contexts[cid]["apn"], APN())
        refuse, self.refuse_pap_once = self.refuse_pap_once, False
        if refuse and apn.auth == "none":
            apn = replace(apn, auth="pap")
        self.journal.add("modem", "connect", cid=cid)
        self.ppp_cid = cid
        self.ppp_side = self
        self._held.clear()
        self.bearer_dead = False
        self._enter_data_mode()
        config = ppp_config(self.scenario.ppp, apn)
        self.ppp = self.make_ppp(config, self._from_ppp, self._ppp_ended, self._ppp_up)
        for name, value in {**self.ppp_faults, "refuse_auth": refuse}.items():
            setattr(self.ppp, name, value)
        if self.silent_calls:
            self.lose_carrier(*self.silent_calls)
        else:
            self.mute_ppp()
            self.ppp.start()
        self.moment("connect")

    def resume_data(self) -> None:
        """ATO: PPP goes on with what it had to say meanwhile."""
        self.journal.add("modem", "online again")
        self._enter_data_mode()
        held = bytes(self._held)
        self._held.clear()
        self.carried += len(held)
        self.output.send(held)

    def _enter_data_mode(self) -> None:
        self.mode = "data"
        self.escape.start()

    def _escaped(self) -> None:
        if self.bearer_dead and not self.scenario.modem.escape_dead:
            self._to_ppp(b"+++")
        else:
            self.leave_data("+++")

    def leave_data(self, why: str) -> None:
        """To online command mode: PPP stands still, its output is kept."""
        self.journal.add("modem", "online command mode", why=why)
        self._enter_command_mode()
        self.result("OK")
        self.output.flush()

    def _enter_command_mode(self) -> None:
        self.escape.stop()
        self.interpreter.reader.reset()
        self.mode = "command"
        self.messages.center.retry()

    def _to_ppp(self, data: bytes) -> None:
        if self.ppp is not None:
            self.carried += len(data)
            self.ppp.receive(data)

    def _from_ppp(self, data: bytes) -> None:
        if self.mode == "data":
            self.carried += len(data)
            self.output.send(data)
        elif self.mode == "command":
            self._held += data[: HELD_LIMIT - len(self._held)]

    def _ppp_up(self, *_) -> None:
        self.moment("ip")

    def _ppp_ended(self, reason: str = "") -> None:
        if self.ppp is not None:
            self.ppp = None
            self._no_carrier(reason)

    def dtr_dropped(self) -> None:
        """DTR went off: in data mode AT&D says what that means (page 46)."""
        if self.mode == "data":
            if self.settings["&D"] == 1:
                self.leave_data("DTR")
            elif self.settings["&D"] == 2:
                self.hang_up("DTR")

    def drop_call(self, why: str) -> None:
        """The data call ends from our side, without NO CARRIER."""
        if self.ppp is not None and self.ppp_side is self:
            self._close_ppp(why)
            self.journal.add("modem", "hung up", why=why)
            if self.settings["+CDRIND"]:
                self.urc("+CDRIND: 2")

    def _no_carrier(self, why: str) -> None:
        self._forget_call()
        self.journal.add("modem", "no carrier", why=why)
        if self.mode == "data":
            self._enter_command_mode()
            self.result("NO CARRIER")
        else:
            self.urc("NO CARRIER")
        if self.settings["+CDRIND"]:
            self.urc("+CDRIND: 2")
        self.output.flush()

    # -- the data call, whoever has it ----------------------------------------------------

    def hang_up(self, why: str) -> None:
        """The data call ends from the other side: NO CARRIER. Nothing if there is none."""
        if self.ppp is not None:
            self._close_ppp(why)
            self.ppp_side._no_carrier(why)

    def lose_carrier(self, no_carrier_after: float | None = None) -> None:
        """The bearer dies without a word, and PPP with it; NO CARRIER comes so much later, or never."""
        self.bearer_dead = True
        if self.ppp is not None:
            self.ppp.muted = True
        self.journal.add("modem", "carrier lost")
        if no_carrier_after is not None:
            self.later(no_carrier_after, self.hang_up, "carrier lost")

    def mute_ppp(self) -> None:
        """The bearer stalls while there is no network or a voice call, and goes on afterwards."""
        if self.ppp is not None:
            suspended = self.calls.on_channel or not self.radio.attached
            self.ppp.muted = self.bearer_dead or suspended

    def set_ppp(self, name: str, value) -> None:
        """An attribute of network.ppp.PPPEnd, in this data call and all that follow."""
        self.ppp_faults[name] = value
        if self.ppp is not None:
            setattr(self.ppp, name, value)

    def _close_ppp(self, why: str) -> None:
        ppp, self.ppp = self.ppp, None
        if ppp is not None:
            ppp.close(why)
        self._forget_call()

    def _forget_call(self) -> None:
        self._held.clear()
        if self.ppp_cid in self.contexts:
            self.contexts[self.ppp_cid]["active"] = False
        self.ppp_cid = 0
