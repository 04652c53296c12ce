"""The data call: from command mode to data mode and back.

Where the modem can, the line is multiplexed while a call stands, and AT has a part of it. Else it is AT's
(command mode), or PPP's (data mode), or AT's for a while with the call standing (suspended).

Pages are those of the SIM800 Series AT Command Manual V1.09 ("M").
"""

from micropython import const

from .at import DIAL_FAILED
from .errors import APNRefused, ATError, ATTimeout, ModemRestarted, NoCarrier
from .run import Procedures

_NO_CARRIER_MS = const(1000)
# So many times it multiplexes in vain, then so many calls are plain: it may have been noise.
_FUTILE = const(3)
_PLAIN = const(8)
_HELD = const(2)  # commands in a row that the modem does not take: AT's part of the line is dead


class DataCall(Procedures):
    """The data call of `modem`, on PDP context 1."""

    def __init__(self, modem):
        self._modem = modem
        self._mux = None
        self._over = False
        # Times the modem said OK to multiplexing, and nothing more; from _FUTILE on plain calls since.
        self._futile = 0
        self.multiplex = True  # the next call, where modem and firmware can

    @property
    def stream(self):
        """What PPP reads and writes."""
        return self._mux.data if self._mux else self._modem.uart

    @property
    def multiplexed(self):
        """Whether AT commands go beside it."""
        return self._mux is not None

    @property
    def carries(self):
        """Whether what PPP says now goes to the modem's PPP."""
        return self._modem.data_mode or (self.multiplexed and not self.over)

    @property
    def over(self):
        """Whether it is known, without asking, that the call has ended."""
        if self._mux and not self._over:
            try:
                self._modem._channel.poll()
            except ModemRestarted:
                self._over = True
            if not self._mux.stands() or self._modem._channel.held >= _HELD:
                self._over = True
        return self._over

    def told_over(self):
        """The modem said that the call has ended."""
        self._over = True

    def _set_apn(self, apn):
        define = 'AT+CGDCONT=1,"IP","{}"'.format(apn)
        try:
            yield from self._modem._command(define)
        except ATError:
            # An active context cannot be defined; an earlier call may have left it so.
            yield from self._modem._command("AT+CGACT=0,1", timeout=150000)
            yield from self._modem._command(define)

    def _dial(self, apn):
        # Enter data mode; nothing that comes behind CONNECT is taken from the UART.
        modem = self._modem
        yield from self._set_apn(apn)
        if self.multiplex:
            if self._futile < _FUTILE:
                yield from self._share()
            elif self._futile < _FUTILE + _PLAIN - 1:
                self._futile += 1
            else:
                self._futile = _FUTILE - 1
        self._over = False
        mux = self._mux
        command = mux.channel().command if mux else modem._command
        for attempt in (1, 2):
            try:
                yield from command(
                    "ATD*99***1#", timeout=60000, ok=(b"CONNECT",), failed=DIAL_FAILED, limit=1
                )
                modem.data_mode = not mux
                return
            except ATError as error:
                if attempt == 1 and error.result == "ERROR":
                    # The modem's own IP stack or bearer is in the way: take it away (M 224).
                    yield from modem._command("AT+CIPSHUT", timeout=65000, ok=(b"SHUT OK",))
                    yield from modem.bearer._close()
                    continue
                reason = error
            yield from self._explain(apn, reason)

    def _explain(self, apn, reason):
        # NO CARRIER has no reason; activating the context without dialling has one.
        try:
            yield from self._modem._command("AT+CGACT=1,1", timeout=150000)
            yield from self._modem._command("AT+CGACT=0,1", timeout=150000)
        except ATError as error:
            if error.code in (148, 149) or (error.code and 132 <= error.code <= 134):
                raise APNRefused(
                    'the network refuses APN "{}" ({}): check the name with your operator'.format(
                        apn, error.result
                    )
                )
            reason = error
        raise NoCarrier(
            "the data call was refused ({}): try again, then check APN and coverage".format(
                reason.result
            )
        )

    def _share(self):
        # Multiplex the line. If that cannot be it is plain as before.
        try:
            from .multiplexer import Multiplexer
        except ImportError:  # the firmware is without
            return
        mux = self._mux = Multiplexer(self._modem)
        if (yield from mux.enter()):
            self._futile = 0
        else:
            self._futile += mux.began
            yield from self._unshare()

    def _unshare(self):
        # A plain line again. True if the modem answers.
        mux, self._mux = self._mux, None
        self._over = True
        yield from mux.leave()
        result = (yield from self._modem._channel.sync(1)) or (
            yield from self._modem._close_down()
        )
        return result

    def _end(self, terminated=False):
        """Whatever a data call left: back to a plain line in command mode. True if the modem answers, or there
        was no call. terminated: PPP has been, so the modem says NO CARRIER and is in command mode."""
        modem = self._modem
        mux = self._mux
        self._over = True
        if not mux and not modem.data_mode:
            return True
        channel = mux.channel() if mux else modem._channel
        said = terminated and (yield from channel.await_end(b"NO CARRIER", _NO_CARRIER_MS))
        modem.data_mode = False
        if mux:
            answers = yield from self._unshare()
            if answers and not said:
                yield from self._hang_up()  # in case it outlasts the multiplexer
        else:
            answers = said or (yield from channel.sync(1))
        result = answers or (yield from self._leave())
        return result

    def _suspend(self, ppp):
        # Take the line from PPP, with the call standing, and to command mode (M 36). True if the modem
        # listens; else PPP has the line again.
        modem = self._modem
        ppp.config(stream=None)
        try:
            for _ in range(2):  # a byte late on its way spoils the silence
                if (yield from modem._channel.escape()) or (yield from modem._channel.sync(2)):
                    modem.data_mode = False
                    break
        finally:
            if modem.data_mode:
                ppp.config(stream=self.stream)
        return not modem.data_mode

    def _resume(self, ppp):
        # Give the line back to PPP (M 37). False if there is no call any more.
        modem = self._modem
        try:
            yield from modem._command(
                "ATO", timeout=10000, ok=(b"CONNECT",), failed=DIAL_FAILED, limit=1
            )
        except (ATError, ModemRestarted):
            return False
        except ATTimeout:
            modem.data_mode = True  # perhaps
            return False
        modem.data_mode = True
        ppp.config(stream=self.stream)
        return True

    def _has_ended(self, ppp):
        # Whether the modem is in command mode though PPP has the line: it said NO CARRIER or RDY, and PPP took
        # that for noise. Asked in words a PPP end takes for noise, too. Takes the line for 0.7 to 1.8 s.
        modem = self._modem
        mux = self._mux
        if self.over:
            return True
        ppp.config(stream=None)
        try:
            if mux:
                self._over = (yield from mux.channel().sync(2)) or (yield from self._is_deaf())
            elif (yield from modem._channel.sync(2)) or (yield from modem._has_fallen_back()):
                self._over = True
                modem.data_mode = False
        finally:
            if not self._over:
                ppp.config(stream=self.stream)
        return self._over

    def _is_deaf(self):
        # Is there no multiplexer in the modem any more? A command in flight will tell.
        modem = self._modem
        if modem._channel.busy() or (yield from modem._channel.sync(2)):
            return False
        if self._mux and self._mux.stray():
            modem._has_restarted("something outside of the multiplexer")
        return True

    def _anew(self):
        # Take down what the modem still holds of an earlier call.
        modem = self._modem
        try:
            yield from modem._command("AT+CGACT=0,1", timeout=150000)
        except ATError:
            pass  # there is no such context
        yield from modem._command("AT+CIPSHUT", timeout=65000, ok=(b"SHUT OK",))

    def _hang_up(self):
        if (yield from self._modem._in_call()):
            return  # ATH would end that
        try:
            yield from self._modem._command("ATH", timeout=20000)
        except ATError:
            pass  # there was no call

    def _leave(self):
        # Leave data mode and hang up. True if the modem answers.
        modem = self._modem
        yield from modem._channel.escape()
        if not (yield from modem._channel.sync(3)):
            return False
        yield from self._hang_up()
        return True
