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
        return link.modem

    def _leave(self):
        link = self._link
        try:
            yield from link._resume()
        finally:
            link.commanded = False
            link._lock.release()

    def __enter__(self):
        return run(self._enter())

    def __exit__(self, *_):
        run(self._leave())

    async def __aenter__(self):
        from .aio import Awaited, drive

        return Awaited(await drive(self._enter()))

    async def __aexit__(self, *_):
        from .aio import drive

        await drive(self._leave())


class KeptUp:
    """See link.PPP.kept_up()."""

    def __init__(self, link, wdt):
        self._link = link
        self._wdt = wdt

    async def __aenter__(self):
        import asyncio

        from .aio import Awaited, drive

        await drive(self._link._ensure(wdt=self._wdt))
        self._task = asyncio.create_task(drive(self._link._keep_up(self._wdt)))
        return Awaited(self._link)

    async def __aexit__(self, *_):
        import asyncio

        self._task.cancel()
        try:
            await self._task
        except asyncio.CancelledError:
            pass
