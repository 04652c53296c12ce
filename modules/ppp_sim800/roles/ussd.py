"""USSD: codes such as *100# and the network's answers to them."""

from binascii import hexlify, unhexlify

from micropython import const
from smspdu import BYTES, GSM, UCS2, decode, to_ucs2

from ..at.text import check_timeout
from ..errors import ATError, ATTimeout, ConfigError, ModemRestarted, SIM800Error
from ..profile import shown

_MOST = const(160)  # characters of a code or an answer

# +CUSD: <m>
_FAILURES = (
    ("2", "no reply, the network ended the session: send the code again"),
    ("4", "the network does not know {}: check the code"),
    ("5", "the network took too long over {}: try again later"),
)


class USSDError(SIM800Error):
    """The network did not answer a USSD code, or does not know it."""


async def ask(line, code, timeout):
    """See Modem.ussd()."""
    command = line.command
    if code is None:
        await command("AT+CUSD=2")
        return ""
    if not isinstance(code, str) or not 1 <= len(code) <= _MOST:
        raise ConfigError(
            'a USSD code is a str of 1 to {} characters such as "*100#"'.format(_MOST)
        )
    check_timeout(timeout)
    send = 'AT+CUSD=1,"{}",15'.format(str(hexlify(to_ucs2(code)), "utf-8").upper())
    code = shown(code)
    # In hex, nothing in the text can be taken for something else: line ends, quotes, "OK". The alphabet is
    # the whole modem's, so no other command may come in between: none can while one is in flight, and this
    # one is until its answer, not its OK, has come.
    await command('AT+CSCS="UCS2"')
    restore = 'AT+CUSD=2;+CSCS="IRA"'  # and end the session
    try:
        lines = await command(
            send, timeout=timeout, ok=(b"+CUSD:",), show='AT+CUSD=1,"{}",15'.format(code)
        )
        restore = 'AT+CSCS="IRA"'
    except ModemRestarted:
        restore = None
        raise
    except ATTimeout:
        raise USSDError(
            "the network did not answer {} within {} s: check the code, try again later".format(
                code, timeout // 1000
            )
        )
    except ATError as error:
        restore = 'AT+CSCS="IRA"'
        raise USSDError("{} was refused ({}): register() first".format(code, error.result))
    finally:
        if restore:
            try:
                await command(restore)
            except SIM800Error:
                pass  # what went wrong before tells more
    text = text_of(lines[-1], True)
    if text is not None:
        return text
    failure = dict(_FAILURES).get(lines[-1][6:].strip())
    if failure:
        raise USSDError(failure.format(code))
    return ""


def text_of(line, wide=False):
    """The text in a +CUSD line (str), None if it has none.

    wide: the modem's alphabet was UCS2, so all text is in hex. What is not as it should be is given as it is.
    """
    # The first quote and the last one are the line's own.
    parts = line.split('"')
    raw = '"'.join(parts[1:-1] or parts[1:])  # the end may be lost
    if not raw:
        return None
    text = raw.strip()
    scheme = parts[-1].strip(", ")
    scheme = int(scheme) if scheme.isdigit() else 15
    alphabet = _alphabet(scheme)
    if wide and alphabet == GSM:
        alphabet = UCS2
    if alphabet == GSM:
        return text
    try:
        octets = unhexlify(text)
    except ValueError:
        return text
    if alphabet == BYTES:
        return "".join(chr(b) for b in octets)
    text = decode(octets, alphabet)
    return text if isinstance(text, str) else raw


def _alphabet(scheme):
    # 23.038 5: the one of broadcasts, which is not that of messages
    if scheme == 0x11:
        return UCS2
    if 0x40 <= scheme < 0x80:
        return (GSM, BYTES, UCS2, GSM)[scheme >> 2 & 3]
    return BYTES if scheme >= 0xF0 and scheme & 4 else GSM
