"""The SIM800: power, boot, modes and what the network does to it; puts the other parts together.

Command mode is in interpreter.py, what commands mean in general.py, mobile.py and packet.py,
what the modem says in output.py, +++ in escape.py, keys and rails in power.py.
"""

import asyncio
from collections.abc import Callable, Coroutine

import faults
from network.clock import Clock
from network.journal import Journal
from network.sockets import Sockets
from vocabulary import Injector

from . import bearer, manual, profiles
from .autobaud import FIXED_RATES, Trainer
from .battery import Battery
from .calls import Calls
from .card import Card
from .cmux import Multiplexer
from .data_mode import DataMode
from .errors import CME, Final, failed
from .escape import Escape
from .interpreter import Interpreter
from .messages import Messages
from .ntp import Service as NTP
from .output import Output
from .phonebook import Phonebook
from .power import OFF_WIDTH, OFF_WIDTH_C, Power
from .radio import Radio
from .rtc import RealTimeClock
from .scenario import Scenario
from .serial import Line
from .settings import Settings
from .sleep import Sleep
from .stack import Stack
from .ussd import Session

TIMER_LIMIT = 64  # timers before the cancelled ones are swept out


class SIM800(DataMode):
    """A simulated SIM800 on a serial line.

    `make_ppp(config, send, on_end, on_up)` makes the far end of a PPP session, as network.ppp.PPPEnd
    is. `inject(word, **args)` makes a fault happen (see faults.py), `injector` takes them in text, too.
    `on_ri(high)` is called with the level of the RI pin, `on_battery(cbc)` with what AT+CBC says when that
    changes. `internet` has the air, names and routes for the modem's own TCP/IP stack; without one the
    scenario's.
    Raises ValueError for a scenario that names an unknown profile, start, rate or event.
    """

    def __init__(
        self,
        clock: Clock,
        scenario: Scenario,
        line: Line,
        make_ppp: Callable,
        journal: Journal,
        internet=None,
    ):
        modem = scenario.modem
        if modem.start not in ("off", "command", "data", "cmux"):
            raise ValueError(
                f"modem.start is {modem.start!r}: use 'off', 'command', 'data' or 'cmux'"
            )
        if modem.ipr not in (0, *FIXED_RATES):
            raise ValueError(f"modem.ipr is {modem.ipr}: use 0 or one of {FIXED_RATES}")
        self.clock, self.scenario, self.line, self.make_ppp = clock, scenario, line, make_ppp
        self.journal = journal
        self.injector = Injector(
            faults.WORDS, clock, journal, scenario.events, modem=self, internet=internet
        )
        self.inject, self.moment = self.injector.inject, self.injector.moment
        self.profile = profiles.profile(modem.profile)
        self.settings = Settings(**{"+IPR": modem.ipr, "E": int(modem.echo)})
        self.card = Card(scenario.sim)
        self.rtc = RealTimeClock(clock, scenario)
        self.radio = Radio(scenario.radio, self.later, self._registration_changed)
        off_width = OFF_WIDTH_C if scenario.board.startswith("SIM800C") else OFF_WIDTH
        self.power = Power(
            clock,
            journal,
            self._boot,
            self._powering_down,
            self._die,
            self._key_released,
            off_width,
        )
        self.output = Output(self.settings, line, journal, self.later, self._urc_wait)
        self.interpreter = Interpreter(self)
        self.escape = Escape(clock, self._to_ppp, self._escaped)
        self.info, self.result = self.output.info, self.output.result
        self.wait, self.wait_abortable = self.interpreter.wait, self.interpreter.wait_abortable
        self.on_ri: Callable[[bool], None] = lambda high: None
        self.on_battery: Callable[[tuple[int, int, int]], None] = lambda cbc: None
        self.messages = Messages(self)
        self.phonebook = Phonebook(self)
        self.calls = Calls(self)
        self.ussd = Session(self)
        self.dead = False  # takes power and keys, never says a byte
        self.battery = Battery(self, modem.battery)
        self.sleep = Sleep(clock)
        self.refuse_pap_once = False
        self.refuse_call_once = False
        self.refuse_cmux_once = False
        self.ua_lost = 0  # so many UA of the multiplexer
        self.sabm_lost = 0  # so many SABM while its MSC is not answered
        self.mux_otherwise: tuple = (None, None)  # its N1 and rate, whatever is asked for
        self.false_connects = False  # CONNECT is said, and nothing follows
        self.mux: Multiplexer | None = None
        self.ppp_side = self  # who has the data call: the modem itself, or a cmux.Port
        self.sockets = Sockets(clock, internet or scenario, journal, self._bearer_carries)
        self.stack = Stack(self)
        self.stored_bearers: dict[int, dict] = {}  # AT+SAPBR=5
        self._tasks: set[asyncio.Task] = set()  # of the running modem, beside its commands
        self.ppp_faults: dict = {}  # attributes of network.ppp.PPPEnd in every data call
        self.carried = 0  # bytes of all data calls, both ways
        self.silent_calls: tuple = ()  # what lose_carrier() gets at each CONNECT, if not empty
        self._timers: set = set()  # of the running modem; they die with it
        line.on_data = self.receive
        line.on_hang_up = self.dtr_dropped
        self._fresh()

    def _fresh(self) -> None:
        """What a modem that just got power knows: nothing."""
        self.mode = "off"  # or "booting", "command", "data", "cmux"
        self.cfun = 1
        self.cops_mode, self.cops_format = 0, 0
        self.ceng = (0, 0)
        self.contexts: dict[int, dict] = {}
        self.bearers = bearer.profiles(self.stored_bearers)
        self.http = None  # a sim800.http.Service between AT+HTTPINIT and +HTTPTERM
        self.ntp = NTP()
        self.location_code = 0  # what the next AT+CIPGSMLOC says, if not 0
        self.http_code = 0  # what its next action ends with, if not 0
        self.stack.reset()
        self.gprs_class = "B"
        self.cgsms = 1
        self.messages.reset()
        self.phonebook.reset()
        self.ppp = None
        self.ppp_cid = 0
        self.bearer_dead = False
        self.radio.forget()
        self.interpreter.reset()
        self.output.reset()
        self.escape.stop()
        self.hang(False)
        self._trainer = Trainer(self.scenario.modem.autobaud_lost)
        self._last_words = "NORMAL POWER DOWN"
        self._registered = False
        self._held = bytearray()
        self.sleep.reset()

    # -- from outside: board, scenario ---------------------------------------------------

    def supply(self, on: bool) -> None:
        """The board switches VBAT. Without it the clock is lost, too."""
        self.power.supply(on)
        if not on:
            self.rtc.lose()

    def pwrkey(self, low: bool) -> None:
        """PWRKEY as the pin sees it; low is pressed."""
        self.power.pwrkey(low)

    def reset(self, low: bool) -> None:
        """RESET as the pin sees it; low is pressed."""
        self.power.reset(low)

    def dtr(self, high: bool) -> None:
        """The DTR pin: low is active (hardware design); rising acts as AT&D says (page 46)."""
        was_high, self.sleep.dtr_high = self.sleep.dtr_high, high
        if was_high and not high and self.settings["+CSCLK"] == 1:
            self.sleep.wake()
        if high and not was_high:
            self.dtr_dropped()

    async def start(self) -> None:
        """Begin to live; needs a running loop. Starts the line as well. Raises ValueError for an
        event that strikes what is not there."""
        self.line.start()
        if self.scenario.modem.start != "off":
            self._start_running()
        self.injector.start()

    async def stop(self) -> None:
        """Everything ends, the line as well."""
        self._die("stop")
        self.power.close()
        self.battery.stop()
        self.injector.stop()
        self.messages.center.stop()
        self.line.stop()

    def later(self, seconds: float, action: Callable, *args):
        """A timer of the running modem: it does not outlive a reset."""

        def run():
            self._timers.discard(timer)
            action(*args)

        if len(self._timers) > TIMER_LIMIT:
            self._timers = {timer for timer in self._timers if not timer.cancelled()}
        timer = self.clock.call_later(seconds, run)
        self._timers.add(timer)
        return timer

    def background(self, work: Coroutine) -> asyncio.Task:
        """Let something go on beside the commands; it does not outlive a reset."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def not_modelled(self, name: str) -> Final:
        """Somebody sends a command that real ones have and this one has not: say so loudly. Returns the error for it."""
        manual.asked.add(name)
        self.journal.add("not modelled", f"AT{name}", described=manual.place(name))
        return CME(4) if name[0] in "+*" else failed()

    # -- boot and end --------------------------------------------------------------------

    def _boot(self, why: str) -> None:
        self.journal.add("modem", "power on", why=why)
        self._fresh()
        self.mode = "booting"
        self.settings.boot()
        self._booted_at = self.clock.now()
        self._boot_timer = self.later(self.scenario.modem.boot_time, self._uart_up)
        self.moment("power")

    def _key_released(self) -> None:
        """The boot time counts from the end of the key's pulse, if that was a pulse."""
        if self.mode == "booting" and self.clock.now() - self._booted_at < 1.0:
            self._boot_timer.cancel()
            self._boot_timer = self.later(self.scenario.modem.boot_time, self._uart_up)

    def _uart_up(self) -> None:
        self.journal.add("modem", "booted")
        self.mode = "command"
        self.line.dead = self.dead
        rate = self.settings["+IPR"]
        self.line.rate = rate or None
        if rate:  # while autobauding these are not sent (manual page 55)
            self.urc("RDY")
            self.urc("+CFUN: 1")
        self.moment("boot")
        self.start_card()
        self.battery.look()

    def _start_running(self) -> None:
        """Be met running: booted, registered, rate found and clock set by whoever used it before."""
        self.power.supplied = True
        self.power.state = "on"
        self._fresh()
        self.settings.boot()
        self.mode = "command"
        self.line.dead = self.dead
        self.line.rate = self.settings["+IPR"] or 115200
        self.journal.add("modem", "booted")
        for name in ("power", "boot"):
            self.moment(name)
        self.card.power(True)
        self.card.read = self.card.verified = True
        if self.card.state() == "READY":
            self.radio.settle()
            if self.scenario.radio.nitz and self.radio.operator:
                self.rtc.nitz(self.scenario.radio, self.radio.operator, self.profile.ciev)
            self.messages.ready = True
            self.moment("ready")
        if self.scenario.modem.start == "data":
            # somebody dialled and went away
            apn = next(iter(self.scenario.radio.apns), "")
            self.contexts[1] = {"type": "IP", "apn": apn, "active": True}
            self.enter_data(1)
        elif self.scenario.modem.start == "cmux":
            # somebody multiplexed, talked on DLCI 1 and 2, and went away
            self.multiplex((0, 0, 5, 127, 10, 3, 30, 10, 2))
            self.mux.opened = True
            for dlci in (1, 2):
                self.mux.ports[dlci].begin()

    def power_down_with(self, last_words: str) -> None:
        """Switch off in order, for another reason than the user's."""
        self._last_words = last_words
        self.power.switch_off()

    def _powering_down(self) -> None:
        """Switching off in order; what is said here still leaves the UART."""
        self.journal.add("modem", "powering down")
        if self.mode != "booting":
            self.info(self._last_words)
        self._shut("power down")

    def _die(self, why: str) -> None:
        """No power, or a reset: nothing more is said."""
        self.journal.add("modem", "off", why=why)
        self._shut(why)
        self.line.drop()

    def _shut(self, why: str) -> None:
        self.mode = "off"
        self.line.dead = True
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self._end_mux(why)
        for task in self._tasks:
            task.cancel()
        self.interpreter.reset()
        self.escape.stop()
        self.sockets.stop()
        self._close_ppp(why)
        self.radio.stop()
        self.calls.reset()
        self.ussd.reset()
        self.card.power(False)
        self.battery.forget()
        self.on_ri(True)

    def hang(self, on: bool = True) -> None:
        """The firmware hangs: it neither hears nor says anything."""
        self.hung = self.output.hung = on
        if on:
            self.line.drop()

    # -- SIM and registration -----------------------------------------------------------------

    def start_card(self) -> None:
        """Power the SIM card; what it says comes a little later."""
        self.card.power(True)
        self.later(self.scenario.modem.sim_time, self.card_answers)

    def card_answers(self) -> None:
        """+CPIN; and if the card can be used, look for a network and read what is on the card."""
        self.card.read = True
        state = self.card.state()
        self.urc(f"+CPIN: {state}")
        if state == "READY":
            modem = self.scenario.modem
            self.later(max(0.0, modem.ready_time - modem.sim_time), self._ready)
            self.start_radio()

    @property
    def card_busy(self) -> bool:
        """The modem reads the card: from the start, or from the PIN, until Call Ready and SMS Ready."""
        state = self.card.state()
        return state == "NOT READY" or (state == "READY" and not self.messages.ready)

    def _ready(self) -> None:
        if self.settings["+CIURC"]:
            self.urc("Call Ready")
            self.urc("SMS Ready")
        self.messages.ready = True
        self.messages.center.run()
        self.moment("ready")

    def start_radio(self) -> None:
        """Look for a network, if that is allowed."""
        if self.cfun == 1 and self.cops_mode != 2 and self.card.state() == "READY":
            self.radio.search()

    def _registration_changed(self, kind: str) -> None:
        if self.mode == "off":
            return
        net, name = self.radio, f"+{kind.upper()}"
        stat = getattr(net, kind)
        self.journal.add("modem", name, stat=stat)
        n = self.settings[name]
        if n:
            where = f',"{net.lac}","{net.cell}"' if n == 2 and net.registered else ""
            self.urc(f"{name}: {stat}{where}")
        if kind == "creg":
            was, self._registered = self._registered, net.registered
            if self._registered and not was:
                self.journal.add("modem", "registered")
                if self.scenario.radio.nitz:
                    self.take_network_time()
                self.moment("registered")
                self.messages.center.run()
            elif was and not self._registered:
                self.calls.end("NO CARRIER")
                self.ussd.lost()
        self.mute_ppp()

    def take_network_time(self) -> None:
        """The network tells its time: to the clock and the host, where AT+CLTS=1 asks for it."""
        if self.settings["+CLTS"] and self.radio.registered and self.radio.operator:
            radio, ciev = self.scenario.radio, self.profile.ciev
            for text in self.rtc.nitz(radio, self.radio.operator, ciev):
                self.urc(text)

    def deactivate_contexts(self, why: str) -> None:
        """All PDP contexts end, whoever used them."""
        self.hang_up(why)
        for context in self.contexts.values():
            context["active"] = False
        self.stack.deactivated()
        for profile in self.bearers.values():
            if profile.open:
                profile.close()
                self.urc(f"+SAPBR {profile.cid}: DEACT")

    def _bearer_carries(self) -> bool:
        return self.radio.attached and not self.bearer_dead and not self.calls.on_channel

    # -- the serial line -----------------------------------------------------------------

    def receive(self, data: bytes) -> None:
        """Bytes from the DTE, in whatever mode the modem is."""
        if self.mode in ("off", "booting") or self.hung:
            return
        if self.line.rate is None:
            rate, data, lost = self._trainer.feed(data, self.line.dte_rate())
            if rate is None:
                return
            self.line.rate = rate
            self.journal.add("modem", "baud rate found", rate=rate)
            self.interpreter.skip_line = lost
        elif self.mode == "data":
            self.escape.feed(data)
            return
        elif self.mux is not None:
            self.mux.receive(data)
            return
        elif not self.sleep.hears(self.settings["+CSCLK"], self.interpreter.busy):
            return
        self.sleep.heard()
        self.interpreter.receive(data)

    def urc(self, text: str, with_answer: bool = False) -> None:
        """Say something unasked, between two lines; held back in data mode.

        `with_answer` keeps it until the next command is being answered. While the rate is
        not known nothing is said, nor kept (manual page 55).
        """
        if self.mode in ("off", "booting") or self.line.rate is None:
            return
        # multiplexed, DLCI 1 gets them
        output = self.output if self.mux is None else self.mux.ports[1].output
        output.urc(text, with_answer)
        if self.settings["+CFGRI"] == 1:
            self.calls.pulse_ri()

    def _urc_wait(self) -> float | None:
        return self.interpreter.urc_wait() if self.mode == "command" else None

    # -- the multiplexer -----------------------------------------------------------------

    def multiplex(self, params: tuple[int, ...]) -> None:
        """AT+CMUX was answered: the line carries frames from now on. What is unasked goes by DLCI 1's settings."""
        n1, rate = self.mux_otherwise
        params = (*params[:3], n1 or params[3], *params[4:])
        if rate:
            self.line.change_rate(rate)
        self.journal.add("modem", "multiplexing", n1=params[3])
        self.mux = Multiplexer(self, params, self._leave_mux)
        self.mode = "cmux"
        self._line_settings, self.settings = self.settings, self.mux.ports[1].settings

    def _leave_mux(self, why: str) -> None:
        self._end_mux(why)
        self.mode = "command"
        self.interpreter.reader.reset()
        self.output.flush()

    def _end_mux(self, why: str) -> None:
        mux, self.mux = self.mux, None
        if mux is not None:
            mux.end(why)
            self.settings = self._line_settings
