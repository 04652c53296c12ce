"""`with` blocks around a link: AT commands while it is up, and a link kept up."""

from .run import run


class CommandMode:
    """See link.PPP.command_mode()."""

    def __init__(self, link):
        self._link = link

    def _enter(self):
        link = self._link
        yield from link._take()
        try:
            yield from link._suspend()
        except BaseException:
            link._lock.release()
            raise
        link.commanded = True

    def _leave(self):
        link = self._link
        try:
            yield from link._resume()
        finally:
            link.commanded = False
            link._lock.release()

    # What gives the lock back is made before it is taken: memory may be short by then.

    def __enter__(self):
        self._leaving = self._leave()
        run(self._enter())
        return self._link.modem

    def __exit__(self, kind, value, trace):
        run(self._leaving)

    async def __aenter__(self):
        from .aio import Awaited, drive

        modem = Awaited(self._link.modem)
        self._leaving = drive(self._leave())
        await drive(self._enter())
        return modem

    def __aexit__(self, kind, value, trace):
        return self._leaving


class KeptUp:
    """See link.PPP.kept_up()."""

    def __init__(self, link, wdt):
        self._link = link
        self._wdt = wdt

    async def __aenter__(self):
        import asyncio

        from .aio import Awaited, drive

        await drive(self._link._ensure(wdt=self._wdt))
        self._task = asyncio.create_task(self._keep(asyncio.current_task()))
        return Awaited(self._link)

    async def _keep(self, user):
        from .aio import drive

        try:
            await drive(self._link._keep_up(self._wdt))
        except Exception:
            user.cancel()  # out of the block
            raise

    async def __aexit__(self, *_):
        import asyncio

        self._task.cancel()
        try:
            await self._task
        except asyncio.CancelledError:
            pass
