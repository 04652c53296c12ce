"""`with` blocks around a link: AT commands while it is up, and a link kept up."""

from .blocking import blocking
from .run import run


class CommandMode:
    """See interface.PPP.command_mode()."""

    # What gives the lock back is made before it is taken: memory may be short by then.

    def __init__(self, link):
        self._link = link
        self._hold = None

    def __enter__(self):
        modem = blocking(self._link.modem)
        self._leaving = self._leave()
        run(self._enter())
        return modem

    def __exit__(self, kind, value, trace):
        try:
            run(self._leaving)
        finally:
            self._link.line.lock.release(self._hold)

    async def __aenter__(self):
        self._leaving = self._leave()
        await self._enter()
        return self._link.modem

    def __aexit__(self, kind, value, trace):
        return self._leaving

    async def _enter(self):
        self._hold = await self._link.enter_command_mode()

    async def _leave(self):
        await self._link.leave_command_mode(self._hold)


class KeptUp:
    """See interface.PPP.kept_up()."""

    def __init__(self, nic, wdt):
        self._nic = nic
        self._wdt = wdt
        self._task = None

    async def __aenter__(self):
        import asyncio

        await self._nic.ensure(wdt=self._wdt)
        self._task = asyncio.create_task(self._keep(asyncio.current_task()))
        return self._nic

    async def _keep(self, user):
        try:
            await self._nic.keep_up(self._wdt)
        except Exception:
            user.cancel()  # out of the block
            raise

    async def __aexit__(self, *_):
        import asyncio

        # Not awaited while it cleans up: to cancel a task that awaits another cancels only that one.
        self._task.cancel()
        cancelled = None
        while not self._task.done():
            try:
                await asyncio.sleep_ms(10)
            except asyncio.CancelledError as error:
                cancelled = error
        try:
            await self._task
        except asyncio.CancelledError:
            pass
        if cancelled:
            raise cancelled
