"""PDP context 1 and the data call on it: AT commands around Line.start_call()."""

from micropython import const

from .errors import APNRefused, ATError, NoCarrier

_ACTIVATE = const("AT+CGACT=1,1")
_DEACTIVATE = const("AT+CGACT=0,1")


async def dial(modem, apn, multiplex):
    """Into data mode, to the access point `apn`; `multiplex`: beside AT, where that can be. Raises APNRefused, NoCarrier."""
    line = modem.line
    define = 'AT+CGDCONT=1,"IP","{}"'.format(apn)
    if not await line.try_command(define):
        # An active context cannot be defined; an earlier call may have left it so.
        await line.command(_DEACTIVATE)
        await line.command(define)
    if multiplex and await line.multiplex():
        await modem.set_up()  # AT's part of the line has settings of its own
        await modem.sim.subscribe(True)
    try:
        try:
            await line.start_call()
        except ATError as error:
            if error.result != "ERROR":
                raise
            # The modem's own IP stack or bearer is in the way: take it away.
            await shut(line)
            await modem.bearer.close()
            await line.start_call()
    except ATError as error:
        reason = error
        # NO CARRIER has no reason; activating the context without dialling has one.
        try:
            await line.command(_ACTIVATE)
            await line.command(_DEACTIVATE)
        except ATError as error:
            reason = error
            code = error.code or 0
            if code in (148, 149) or 132 <= code <= 134:
                raise APNRefused(
                    'the network refuses APN "{}" ({}): check the name with your operator'.format(
                        apn, error.result
                    )
                )
        raise NoCarrier(
            "the data call was refused ({}): try again, then check APN and coverage".format(
                reason.result
            )
        )


async def shut(line):
    """End what the modem's own IP stack does (M 224)."""
    await line.command("AT+CIPSHUT", ok=(b"SHUT OK",))


async def release(line):
    """Deactivate what the modem still holds of an earlier call."""
    await line.try_command(_DEACTIVATE)
    await shut(line)
