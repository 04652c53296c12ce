"""Short messages: sent, read and deleted, long ones and all alphabets; kept on the SIM card.

They go over the line as PDUs, where no character is lost."""

import builtins
from typing import NamedTuple

from .._types import UTC

class Message(NamedTuple):
    """indexes: where its parts are (tuple of int), for delete(); number: who sent it, or was to get it (str);
    text: str, or bytes if it is none; time: UTC as (year, month, day, hour, minute, second), None if unknown;
    unread: bool; complete: False while parts of a long message are missing; marks: hashes of what is in these places,
    by which delete() knows its parts (tuple of int)."""

    indexes: tuple[int, ...]
    number: str
    text: str | bytes
    time: UTC | None
    unread: bool
    complete: bool
    marks: tuple[int, ...]

class SMS:
    """The short messages of `modem`. It must be registered to send; to read, the SIM must be ready."""

    async def send(
        self,
        number: str,
        text: str,
        *,
        report: bool = False,
        parts: int = 10,
        timeout: int = 60000,
    ) -> tuple[int | None, ...]:
        """Send a message, a long one in parts that phones show as one.

        number: str of digits, with "+" and country code or as it is dialled at home.
        text: str of any characters; a part holds 160 or, with one that GSM has not, 70 (of long ones 153, 67).
        report: ask for the event "sms report", one for each part, when it has been delivered.
        parts: how many it may cost, at most 255. timeout: milliseconds for each.
        Returns the references the network gave the parts, a tuple of int.
        Raises ConfigError, SMSError (its `sent` says how many parts went), ATTimeout (the part may have gone)."""

    async def room(self) -> tuple[int, int]:
        """How many messages (long ones: parts) the card holds, and can hold: (used, total) (M 4.2.9).

        When it is full the network keeps new ones until some are deleted. Raises SMSError, SIMError."""

    async def list(self, unread: bool = False) -> builtins.list[Message]:
        """All messages on the card and in the modem's own memory, a list of Message, the parts of long ones joined;
        they count as read from now on. unread: only those that have not been read or listed before.

        Raises SMSError, SIMError."""

    async def read(self, index: int) -> Message | None:
        """The message at `index`, as the event "sms" told it, None if there is none.

        It counts as read from now on. Of a long message any part's index gives the whole, as far as it has
        come. Raises SMSError, SIMError."""

    async def delete(self, which: Message | int) -> None:
        """Delete a Message with all its parts, or what is at an index (int). An empty place is no error.

        Of a Message only places that still have its parts are emptied, so it may be tried again after an error, whatever has
        come meanwhile. Raises SMSError, SIMError."""

    async def delete_all(self, unread: bool = False) -> None:
        """Delete all messages that have been read, and all that were sent from the card (M 4.2.1).

        unread: the unread ones, too. Raises SMSError, SIMError."""

    async def service_center(self, number: str | None = None) -> str:
        """Number (str) of the service centre messages go through, "" if there is none (M 4.2.12).

        number: one to use from now on; the card keeps it. Raises SMSError, SIMError."""
