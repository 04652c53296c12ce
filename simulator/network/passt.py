"""passt, the kept user-mode TCP/IP stack behind the air, as a child process.

It speaks Ethernet, each frame after its length in 4 bytes, on a socket pair; its gateway address
is this machine's loopback. Nothing else is ever asked of it: see internet.py.

`python -m network.passt` tells whether it works on this machine: nothing, or why it does not.
"""

import asyncio
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

GUEST = bytes([10, 0, 2, 15])
GATEWAY = bytes([10, 0, 2, 2])

_GUEST_MAC = bytes.fromhex("021122334455")
_GATEWAY_MAC = bytes.fromhex("020000000001")
_ARP = struct.pack("!HHBB", 1, 0x0800, 6, 4)
_ARP_REQUEST, _ARP_REPLY = b"\x00\x01", b"\x00\x02"
_BACKLOG = 1 << 20  # bytes passt may be behind before packets are dropped

INSTALL = "apt-get install passt"

# What keeps a process from making a user namespace, and where it shows.
_LIMITS = (
    ("kernel/apparmor_restrict_unprivileged_userns", "1", "0"),  # Ubuntu since 24.04
    ("user/max_user_namespaces", "0", "10000"),
    ("kernel/unprivileged_userns_clone", "0", "1"),  # Debian's kernel
)


def namespaces_hint(proc: Path = Path("/proc")) -> str:
    """What lets passt make its user namespace: first what this machine's settings say, then what else it may be."""
    here = []
    for name, closed, opened in _LIMITS:
        try:
            found = (proc / "sys" / name).read_text().strip()
        except OSError:
            continue
        if found == closed:
            here.append(f"`sudo sysctl {name.replace('/', '.')}={opened}` allows it here")
    elsewhere = [
        "on Ubuntu 24.04 `sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0` allows it",
        "in Docker the flag `--privileged`",
        "on WSL it takes WSL 2 (`wsl --set-version NAME 2`)",
    ]
    if any("apparmor" in line for line in here):
        del elsewhere[0]
    return "; ".join([*here, ", ".join(elsewhere)])


class PasstError(RuntimeError):
    """passt could not be started; the message says why and what to do."""


class Passt(asyncio.Protocol):
    """One passt process. receive(packet) is called with each IPv4 packet it sends, ended() when
    it ended and was not told to.

    It ends with us, however we end: closing our end of the socket pair ends it.
    """

    def __init__(
        self,
        receive: Callable[[bytes], None],
        ended: Callable[[], None],
        program: str = "passt",
    ):
        self.dropped = 0
        self._receive = receive
        self._ended = ended
        self._program = program
        self._process = None
        self._transport = None
        self._buffer = b""
        self._ready: asyncio.Future | None = None
        self._errors = None
        self._said = ""  # what it said when it did not start

    async def start(self, timeout: float = 5.0) -> None:
        """Start it and wait until it answers ARP; timeout in real seconds. Raises PasstError.

        Started by root it becomes nobody, who may not make a namespace everywhere: where that fails it stays root, who
        may in a container with --privileged.
        """
        try:
            await self._start(timeout)
        except PasstError as error:
            if not self._said or os.geteuid() != 0:
                raise
            try:
                await self._start(timeout, "--runas", "0:0")
            except PasstError:
                raise error from None

    async def _start(self, timeout: float, *more: str) -> None:
        self._said = ""
        if shutil.which(self._program) is None:
            raise PasstError(
                f"{self._program!r} is not installed, and nothing else carries TCP to the"
                f" simulated internet: run `{INSTALL}`"
            )
        ours, its = socket.socketpair()
        # Given addresses and "lo", it needs neither a default route nor another interface.
        arguments = [
            *("-F", str(its.fileno()), "-f", "-q", "-4", "-i", "lo", "-m", "1500"),
            *("-a", socket.inet_ntoa(GUEST), "-n", "24", "-g", socket.inet_ntoa(GATEWAY)),
            *("-M", _GATEWAY_MAC.hex(":"), "-D", "none", "-S", "none", *more),
        ]
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            [self._program, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=self._errors,
            stderr=self._errors,
            pass_fds=[its.fileno()],
        )
        its.close()
        loop = asyncio.get_running_loop()
        self._ready = loop.create_future()
        ours.setblocking(False)
        self._transport, _ = await loop.create_unix_connection(lambda: self, sock=ours)
        self._send_arp(_ARP_REQUEST, b"\xff" * 6, bytes(6))
        try:
            await asyncio.wait_for(self._ready, timeout)
        except (TimeoutError, ConnectionError):
            self._errors.seek(0)
            said = self._errors.read().decode(errors="replace")
            lines = [
                x.strip()
                for x in said.splitlines()
                if x and "syslog" not in x and "as root" not in x
            ]
            self._said = "; ".join(lines)
            ended = self._process.poll() is not None
            await self.stop()
            if re.search(r"namespace|remount|tmpfs|pivot_root|unmount", self._said):
                raise PasstError(
                    f"{self._program!r}, which carries TCP to the simulated internet, may make no user namespace here"
                    f" ({self._said}): {namespaces_hint()}."
                ) from None
            why = self._said or ("it said nothing" if ended else f"no answer in {timeout:g} s")
            raise PasstError(
                f"{self._program!r}, which carries TCP to the simulated internet, did not start ({why}): try"
                f" `{' '.join([self._program, *arguments[2:], '-1'])}` by hand."
            ) from None

    async def stop(self) -> None:
        if self._transport:
            transport, self._transport = self._transport, None
            transport.abort()
        if self._process:
            # Its socket is closed: it ends by itself within milliseconds.
            for _ in range(100):
                if self._process.poll() is not None:
                    break
                await asyncio.sleep(0.01)
            else:
                self._process.kill()
                self._process.wait()
            self._process = None
            self._errors.close()

    @property
    def pid(self) -> int | None:
        return self._process and self._process.pid

    def send(self, packet: bytes) -> None:
        """An IPv4 packet to it; dropped when it is not running or far behind."""
        if self._transport is None or self._transport.get_write_buffer_size() > _BACKLOG:
            self.dropped += 1
        else:
            self._send_frame(_GATEWAY_MAC, b"\x08\x00", packet)

    def _send_frame(self, to: bytes, kind: bytes, payload: bytes) -> None:
        frame = to + _GUEST_MAC + kind + payload
        self._transport.write(len(frame).to_bytes(4, "big") + frame)

    def _send_arp(self, operation: bytes, to: bytes, target: bytes) -> None:
        body = _ARP + operation + _GUEST_MAC + GUEST + target + GATEWAY
        self._send_frame(to, b"\x08\x06", body)

    # asyncio.Protocol

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data
        at = 0
        while len(buffer) - at >= 4:
            end = at + 4 + int.from_bytes(buffer[at : at + 4], "big")
            if end > len(buffer):
                break
            self._receive_frame(buffer[at + 4 : end])
            at = end
        self._buffer = buffer[at:]

    def _receive_frame(self, frame: bytes) -> None:
        kind, payload = frame[12:14], frame[14:]
        if kind == b"\x08\x00":
            self._receive(payload)
        elif kind == b"\x08\x06" and payload[6:8] == _ARP_REPLY:
            if not self._ready.done():
                self._ready.set_result(None)
        elif kind == b"\x08\x06" and payload[24:28] == GUEST:
            self._send_arp(_ARP_REPLY, frame[6:12], frame[6:12])

    def connection_lost(self, exc: Exception | None) -> None:
        unexpected = self._transport is not None
        self._transport = None
        if not self._ready.done():
            self._ready.set_exception(ConnectionError("passt ended"))
        elif unexpected:
            self._ended()


async def _probe() -> None:
    passt = Passt(lambda _packet: None, lambda: None)
    await passt.start()
    await passt.stop()


def main() -> int:
    try:
        asyncio.run(_probe())
    except PasstError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
