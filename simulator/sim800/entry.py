"""Text entered after the prompt "> ", until Ctrl-Z or ESC (27.005 3.5.1)."""

import asyncio

CTRL_Z, ESC, BACKSPACE = 26, 27, 8
PROMPT = b"\r\n> "
LIMIT = 1024  # characters kept of a message; more are lost


class Entry:
    """Takes bytes by `feed()`; `done` becomes what was entered, or None for ESC.

    `limit` characters are kept; `prompt` is what every new line gets.
    """

    def __init__(self, limit: int = LIMIT, prompt: bytes = PROMPT):
        self.limit, self.prompt = limit, prompt
        self.done: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._text = bytearray()

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """Take what is entered; returns that, and what comes after its end."""
        for index, byte in enumerate(data):
            if byte in (CTRL_Z, ESC):
                text = None if byte == ESC else self._text.decode("latin-1")
                self.done.set_result(text)
                return data[: index + 1], data[index + 1 :]
            if byte == BACKSPACE:
                del self._text[-1:]
            elif len(self._text) < self.limit:
                self._text.append(byte)
        return data, b""
