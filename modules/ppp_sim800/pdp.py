"""PDP context 1 and the data call on it: AT commands around Line.start_call().

Pages are those of the SIM800 Series AT Command Manual V1.09 ("M").
"""

from .errors import APNRefused, ATError, NoCarrier

_ACTIVATE = "AT+CGACT=1,1"
_DEACTIVATE = "AT+CGACT=0,1"
_SHUT = {"command": "AT+CIPSHUT", "ok": (b"SHUT OK",)}  # M 224


async def dial(line, apn, multiplex, prepare, close_bearer):
    """Into data mode, to the access point `apn`. Raises APNRefused, NoCarrier.

    multiplex: as for Line.start_call(). prepare: coroutine function, sets the modem up once more where a multiplexer
    has given AT a part of its own. close_bearer: coroutine function, ends what the modem's own IP stack does.
    """
    define = 'AT+CGDCONT=1,"IP","{}"'.format(apn)
    if not await line.try_command(define):
        # An active context cannot be defined; an earlier call may have left it so.
        await line.command(_DEACTIVATE)
        await line.command(define)
    if multiplex and await line.multiplex():
        await prepare()
    for attempt in (1, 2):
        try:
            await line.start_call()
            return
        except ATError as error:
            if attempt == 1 and error.result == "ERROR":
                # The modem's own IP stack or bearer is in the way: take it away.
                await line.command(**_SHUT)
                await close_bearer()
                continue
            reason = error
        # NO CARRIER has no reason; activating the context without dialling has one.
        try:
            await line.command(_ACTIVATE)
            await line.command(_DEACTIVATE)
        except ATError as error:
            code = error.code
            if code in (148, 149) or (code and 132 <= code <= 134):
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


async def release(line):
    """Deactivate what the modem still holds of an earlier call."""
    await line.try_command(_DEACTIVATE)
    await line.command(**_SHUT)


async def hang_up(line):
    """End the data call, and a voice call."""
    await line.try_command("ATH")
