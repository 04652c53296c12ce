"""Short messages: sent, read and deleted, long ones and all alphabets; kept on the SIM card.

They go over the line as PDUs, where no character is lost.
"""

import os
from binascii import hexlify
from collections import namedtuple

from micropython import const
from smspdu import STATUS_REPORT, decode, parse, split, submit

from ..at.text import check_timeout, fields
from ..errors import ATError, ConfigError, SIM800Error
from ..profile import STORES
from ..run import Deadline, sleep_ms, wait
from . import Role
from .sim import read_places, sim_error

_READY_MS = const(10000)  # after its start the modem takes so long to know the card's messages
_NOT_READY = (3, 14, 302, 314, None)  # None: noise

_DELETE_MS = const(25000)  # M 112
_SCANS = const(4)
_ME = const(256)  # added to the index of a message in the modem's own memory

# indexes: where its parts are (tuple of int), for delete(); number: who sent it, or was to get it (str);
# text: str, or bytes if it is none; time: UTC as (year, month, day, hour, minute, second), None if unknown;
# unread: bool; complete: False while parts of a long message are missing; marks: hashes of what is in these places,
# by which delete() knows its parts (tuple of int).
Message = namedtuple(
    "Message", ("indexes", "number", "text", "time", "unread", "complete", "marks")
)

# +CMS ERROR (24.011 E-2, 27.005 3.2.5), and what to do about it
_REASONS = (
    ((1, 27, 28), "the number cannot be reached: check it"),
    ((8, 10, 21, 29, 30, 50), "the network bars it: check the SIM's credit and plan"),
    ((38, 41, 42, 47, 332), "the network cannot take it now: try again later"),
    ((302, 331), "no network: register() first"),
    ((304, 305, 325), "damaged on the line: try again"),
    ((322,), "the card is full: delete() some messages"),
    ((330,), "no service centre is known: set it with service_center(number)"),
)


class SMSError(SIM800Error):
    """A short message was not sent, read or deleted.

    `code` is the number behind +CMS ERROR, None without one; `sent` how many parts of a long message went.
    """

    def __init__(self, message, code=None, sent=0):
        super().__init__(message, code)
        self.sent = sent


class SMS(Role):
    """The short messages of `modem`. It must be registered to send; to read, the SIM must be ready."""

    def __init__(self, line, events):
        super().__init__(line)
        self._events = events
        self._gone = []  # indexes that were read or deleted since a scan began
        self._told = {}  # first index of a message that was told of, and may be unread: a hash of it
        self._reference = os.urandom(1)[0]

    async def send(self, number, text, *, report=False, parts=10, timeout=60000):
        """Send a message, a long one in parts that phones show as one.

        number: str of digits, with "+" and country code or as it is dialled at home.
        text: str of any characters; a part holds 160 or, with one that GSM has not, 70 (of long ones 153, 67).
        report: ask for the event "sms report", one for each part, when it has been delivered.
        parts: how many it may cost, at most 255. timeout: milliseconds for each.
        Returns the references the network gave the parts, a tuple of int.
        Raises ConfigError, SMSError (its `sent` says how many parts went), ATTimeout (the part may have gone).
        """
        check_number(number)
        if not isinstance(text, str):
            raise ConfigError("the text must be a str, not {}".format(type(text).__name__))
        check_timeout(timeout)
        if not isinstance(parts, int):
            raise ConfigError("parts must be an int, not {!r}".format(parts))
        alphabet, ends = await split(text)
        total = len(ends)
        if total > parts:
            raise ConfigError(
                "the text takes {} messages, more than parts={}: shorten it, or allow more".format(
                    total, parts
                )
            )
        await self._prepare()
        self._reference = (self._reference + 1) & 0xFF
        references = ()
        start = 0
        for end in ends:
            sent = len(references)
            place = sent + 1
            pdu = submit(number, text[start:end], alphabet, place, total, self._reference, report)
            what = "the message was not sent"
            if total > 1:
                what = "part {} of {} was not sent".format(place, total)
            references += (await _told(self._submit(pdu, timeout), what, sent),)
            start = end
        return references

    async def _submit(self, pdu, timeout):
        # M 4.2.5
        lines = await self._line.command(
            "AT+CMGS={}".format(len(pdu) - 1), "+CMGS:", timeout, data=hexlify(pdu) + b"\x1a"
        )
        reference = fields(lines[0])[0] if len(lines) > 1 else ""
        return int(reference) if reference.isdigit() else None

    async def _prepare(self):
        # Returns what read_places() does.
        deadline = Deadline(_READY_MS)
        while True:
            try:
                return await self._line.ask(STORES, "+CPMS:", read=read_places)
            except ATError as error:
                if error.code not in _NOT_READY or not deadline.left():
                    raise _sms_error(error, "the card's messages cannot be used")
            await wait(300)

    async def room(self):
        """How many messages (long ones: parts) the card holds, and can hold: (used, total) (M 4.2.9).

        When it is full the network keeps new ones until some are deleted. Raises SMSError, SIMError.
        """
        return (await self._prepare())[:2]

    async def list(self, unread=False):
        """All messages on the card and in the modem's own memory, a list of Message, the parts of long ones joined;
        they count as read from now on. unread: only those that have not been read or listed before.

        Raises SMSError, SIMError.
        """
        found = []
        for message in await self._scan():
            if message.unread or not unread:
                await self._mark(message)
                found.append(message)
        return found

    async def read(self, index):
        """The message at `index`, as the event "sms" told it, None if there is none.

        It counts as read from now on. Of a long message any part's index gives the whole, as far as it has
        come. Raises SMSError, SIMError.
        """
        _check_index(index)
        await self._prepare()
        entry = await self._entry(index)
        if entry is None:
            self._told.pop(index, None)  # if it is there all the same it will be told again
            self._events.look |= 1
            return None
        message = _message([entry])
        if not message.complete:
            for other in await self._scan():
                if index in other.indexes:
                    message = other
                    break
        await self._mark(message)
        return message

    async def find_new(self):
        """Find the messages that are whole, unread and were not told of yet, for Modem.event(). Raises SMSError, SIMError."""
        for message in await self._scan():
            index = message.indexes[0]
            mark = hash(message)
            if index in self._gone or not message.unread or not message.complete:
                continue
            if self._told.get(index) != mark:
                self._told[index] = mark
                self._events.messages.append(index)

    def _forget(self, index):
        # It was read or deleted.
        self._gone.append(index)
        self._told.pop(index, None)
        if index in self._events.messages:
            self._events.messages.remove(index)

    async def _scan(self):
        # All messages; they stay unread. It ends with the last place that is used, so where some came or went
        # meanwhile it is done again, at last with all places.
        after = await self._prepare()
        for i in range(_SCANS):
            before = after
            used, total, others, places = before
            if i == _SCANS - 1:
                used, others = total, others and places
            self._gone = []
            found = []
            for index in range(1, _ME + places + 1):
                if index == _ME:
                    used = others
                elif used and (index > _ME or index <= total):
                    entry = await self._entry(index)
                    if entry:
                        found.append(entry)
                        used -= 1
            after = await self._prepare()
            if after == before and not self._gone:
                break
        messages = []
        for entries in _joined(found):
            messages.append(_message(entries))
            await sleep_ms(0)
        return messages

    async def _entry(self, index):
        # (index, unread, Part or None, raw) of one place, None for an empty one.
        for _ in range(3):  # noise may fall on a line of it
            lines = await self._get(index, 1)
            if len(lines) < 2:
                return None
            head = fields(lines[0])
            raw = lines[1] if len(lines) > 2 else ""
            try:
                part = parse(raw)
            except ValueError:
                part = None
            size = head[-1]
            if part and size.isdigit() and len(raw) == 2 * (1 + int(raw[:2], 16) + int(size)):
                break
        return index, head[0] == "0", part, raw

    async def _mark(self, message):
        # From now on it counts as read.
        if message.unread:
            for index in message.indexes:
                await self._get(index, 0)
                self._forget(index)

    async def _get(self, index, peek):
        # M 4.2.4
        try:
            return await self._line.command(_at("CMGR", index, peek), _is_message, doubt=False)
        except ATError as error:
            if error.code == 321:
                return ()
            raise _sms_error(error, "message {} cannot be read".format(index))

    async def delete(self, which):
        """Delete a Message with all its parts, or what is at an index (int). An empty place is no error.

        Of a Message only places that still have its parts are emptied, so it may be tried again after an error, whatever has
        come meanwhile. Raises SMSError, SIMError.
        """
        message = which if isinstance(which, Message) else None
        indexes = message.indexes if message else (which,)
        for index in indexes:
            _check_index(index)
        await self._prepare()
        for i, index in enumerate(indexes):
            if message:
                entry = await self._entry(index)
                if not entry or hash(entry[3]) != message.marks[i]:
                    continue
            await _told(
                self._line.command(_at("CMGD", index, 0), timeout=_DELETE_MS),
                "message {} cannot be deleted".format(index),
            )
            self._forget(index)

    async def delete_all(self, unread=False):
        """Delete all messages that have been read, and all that were sent from the card (M 4.2.1).

        unread: the unread ones, too. Raises SMSError, SIMError.
        """
        await self._prepare()
        command = 'AT+CPMS="SM";+CMGD=1,{0};+CPMS="ME";+CMGD=1,{0}'.format(3 + unread)
        asked = self._line.command(command, timeout=2 * _DELETE_MS)
        await _told(asked, "the messages cannot be deleted")
        if unread:
            self._events.messages.clear()

    async def service_center(self, number=None):
        """Number (str) of the service centre messages go through, "" if there is none (M 4.2.12).

        number: one to use from now on; the card keeps it. Raises SMSError, SIMError.
        """
        if number is None:
            command = "AT+CSCA?"
        else:
            check_number(number)
            command = 'AT+CSCA="{}",{}'.format(number, 145 if number[0] == "+" else 129)
        await self._prepare()
        asked = self._line.command(command, "+CSCA:")
        lines = await _told(asked, "the service centre cannot be used")
        return number or (fields(lines[0])[0] if len(lines) > 1 else "")


def check_number(number, more=""):
    """Raise ConfigError unless `number` is a telephone number: "+" or not, 1 to 20 digits (or of `more`)."""
    if isinstance(number, str):
        digits = number[1:] if number[:1] == "+" else number
        if 1 <= len(digits) <= 20 and not digits.strip("0123456789" + more):
            return
    raise ConfigError('a telephone number is a str of 1 to 20 digits such as "+491701234567"')


def _at(command, index, option):
    # For a message's place, in the memory it means: others may have chosen another one.
    memory = "ME" if index > _ME else "SM"
    return 'AT+CPMS="{}";+{}={},{}'.format(memory, command, index & (_ME - 1), option)


def _check_index(index):
    if type(index) is not int or not 0 < index < 2 * _ME:
        raise ConfigError(
            "a message's index is an int from 1 to 511, as the event has it, not {!r}".format(
                index
            )
        )


def _is_message(line):
    # The lines of +CMGR: its own, and one of hex digits.
    if line.startswith(b"+CMGR:"):
        return True
    return len(line) > 16 and not line.upper().strip(b"0123456789ABCDEF")


def _joined(entries):
    # Entries of places as a list of lists: each a message, its parts in their order; the messages in the order of
    # their first places.
    messages = []
    while entries:
        mine, rest = [entries[0]], []
        for entry in entries[1:]:
            (mine if _belongs(entry[2], mine) else rest).append(entry)
        entries = rest
        if len(mine) > 1:
            mine.sort(key=lambda entry: entry[2].place)
        messages.append(mine)
    return messages


def _belongs(part, entries):
    # References come round: a part that is there already is another message's.
    first = entries[0][2]
    if part is None or first is None or first.total == 1:
        return False
    return (part.kind, part.number, part.reference, part.total) == (
        first.kind,
        first.number,
        first.reference,
        first.total,
    ) and all(part.place != entry[2].place for entry in entries)


def _message(entries):
    indexes, unread, parts, raw = zip(*entries)
    unread = any(unread)
    marks = tuple(map(hash, raw))
    part = parts[0]
    if part is None or part.kind == STATUS_REPORT:  # no text: given as it is
        return Message(indexes, "", raw[0].encode(), None, unread, True, marks)
    text = b"".join(p.data for p in parts)
    if all(p.alphabet == part.alphabet for p in parts):  # a character may be cut in two
        text = decode(text, part.alphabet)
    else:
        texts = [decode(p.data, p.alphabet) for p in parts]
        if all(isinstance(t, str) for t in texts):
            text = "".join(texts)
    whole = len(parts) == part.total
    return Message(indexes, part.number, text, part.time, unread, whole, marks)


def _sms_error(error, what, sent=0):
    # The error for an ATError of a command about messages.
    if error.code in (310, 311, 313, 316):  # as +CME ERROR 10, 11, 13, 12
        return sim_error({310: 10, 311: 11, 316: 12}.get(error.code), error.result)
    reason = "check number, credit and service_center()"
    for codes, words in _REASONS:
        if error.code in codes:
            reason = words
    return SMSError("{} ({}): {}".format(what, error.result, reason), error.code, sent)


async def _told(procedure, what, sent=0):
    # What goes wrong with it is an SMSError.
    try:
        return await procedure
    except ATError as error:
        raise _sms_error(error, what, sent)
