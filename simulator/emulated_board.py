"""A T-Call at a serial port, for what works with a board: its chip is emulated, its modem simulated.

`python -m emulated_board` tells the port, for esptool, mpremote, pytest-embedded or a terminal: RFC 2217, which carries
DTR and RTS. They reset the chip, and choose its ROM's loader, as those of the board's USB bridge do. The flash is empty.
"""

import argparse
import asyncio
import sys
from pathlib import Path

from chip import Panic
from emulator import FLASH_SIZE, RUNNING, Emulator, Missing, find_qemu, flash
from serial.rfc2217 import PortManager
from sim800.scenario import Scenario
from sim800.surroundings import Surroundings

LOADER = ("-global", "driver=esp32.gpio,property=strap_mode,value=0x0f")


class Bridge:
    """The board's USB bridge, as much of a pyserial port as PortManager needs.

    reset(loader) is called when the chip comes out of a reset, with whether GPIO 0 was low then.
    """

    baudrate, bytesize, parity, stopbits, timeout = 115200, 8, "N", 1, None
    xonxoff = rtscts = dsrdtr = break_condition = False
    cts = dsr = True
    ri = cd = False

    def __init__(self, reset):
        self._reset = reset
        self._dtr = self._rts = self._held = False

    @property
    def dtr(self) -> bool:
        return self._dtr

    @dtr.setter
    def dtr(self, asserted: bool) -> None:
        self._dtr = asserted

    @property
    def rts(self) -> bool:
        return self._rts

    @rts.setter
    def rts(self, asserted: bool) -> None:
        # Both asserted do nothing: a port that is opened. The capacitor at EN outlasts DTR's coming after RTS.
        self._rts = asserted
        if asserted and not self._dtr:
            self._held = True
        elif not asserted and self._held:
            self._held = False
            self._reset(self._dtr)

    def reset_input_buffer(self) -> None: ...

    def reset_output_buffer(self) -> None: ...


class EmulatedBoard(Emulator):
    """An Emulator whose console is at `url`, and nobody's before. `image`: what is in its flash (None: nothing)."""

    async def start(self) -> None:
        self._qemu = find_qemu()
        contents = flash(self._image.read_bytes()) if self._image else b"\xff" * FLASH_SIZE
        (self._dir / "flash.bin").write_bytes(contents)
        await Surroundings.start(self)
        self._switch_on(self._qemu)
        server = await asyncio.start_server(self._serve, "localhost", 0)
        self.url = f"rfc2217://localhost:{server.sockets[0].getsockname()[1]}"

    def _reset(self, loader: bool) -> None:
        self._running.close()
        self._switch_on(self._qemu, *(LOADER if loader else ()))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        manager = PortManager(Bridge(self._reset), writer)

        async def say() -> None:
            while True:
                try:
                    data = self.console.read(self.console.inWaiting())
                    writer.write(b"".join(manager.escape(data)))
                except Panic:
                    self.console.forgive()  # is the client's to see
                await asyncio.sleep(0.005)

        saying = asyncio.create_task(say())
        while data := await reader.read(4096):
            self.console.write(b"".join(manager.filter(data)))
        saying.cancel()
        writer.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="emulated_board", description=__doc__.splitlines()[0])
    parser.add_argument("--image", type=Path, help="firmware.bin that is in its flash")
    parser.add_argument("--journal", action="store_true", help="show what the simulator sees")
    args = parser.parse_args()

    async def go() -> None:
        from stand_in import Internet  # noqa: PLC0415  (only the command line needs it)

        with Internet() as internet:
            scenario = Scenario(modem=RUNNING, names=internet.names, routes=internet.routes)
            async with EmulatedBoard(scenario, image=args.image) as board:
                if args.journal:
                    board.journal.listeners.append(lambda entry: print(entry, file=sys.stderr))
                print(board.url, flush=True)
                await asyncio.get_running_loop().create_future()

    try:
        asyncio.run(go())
    except Missing as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
