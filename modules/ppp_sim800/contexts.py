"""`with` blocks around a link: AT commands while it is up, and a link kept up."""

from .blocking import blocking
from .run import run


class CommandMode:
    """See interface.PPP.command_mode()."""

    def __init__(self, link):
        self._link = link
        self._hold = None

    def __enter__(self):
        self._hold = run(self._link.enter_command_mode())
        return blocking(self._link.modem)

    def __exit__(self, kind, value, trace):
        run(self._link.leave_command_mode(self._hold))

    async def __aenter__(self):
        self._hold = await self._link.enter_command_mode()
        return self._link.modem

    async def __aexit__(self, kind, value, trace):
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

        self._task.cancel()
        cancelled = None
        while not self._task.done():
            try:
                await self._task
            except asyncio.CancelledError as error:
                if not self._task.done():
                    cancelled = (
                        error  # it was this task that was cancelled; the other cleans up still
                    )
        if cancelled:
            raise cancelled
