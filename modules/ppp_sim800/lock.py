"""A lock that ends with its holder: an asyncio task, or a thread outside of asyncio."""

import sys
from _thread import allocate_lock, get_ident

from micropython import const

from .errors import LinkBusy
from .run import Deadline, Interrupted, in_loop_thread, is_blocking, sleep_ms

_POLL_MS = const(10)


def _running_task():
    # (task that runs this, its loop's queue), None for both outside of asyncio.
    core = sys.modules.get("asyncio.core")
    task = core and core.cur_task
    if not task:
        return None, None
    if is_blocking():
        # Called by a task, or when the loop has ended? Ctrl-C leaves `cur_task` behind. A coroutine that runs
        # cannot be thrown into, not even nothing.
        try:
            if in_loop_thread():
                task.coro.pend_throw(None)
            return None, None
        except ValueError:
            pass
    return task, core._task_queue


# What a holder gives way to
NOBODY = const(0)
OWNER = const(1)  # disconnect(), active(False) and the like, for the same object
OTHERS = const(2)  # another PPP object, too: nobody waits for the result


_guard = allocate_lock()  # of every Lock: it is held for a few instructions


class Hold:
    """What acquire() returns. `lost`: another one has taken the lock over."""

    # One is made for each AT command: what is so for most takes no memory.
    gives_way = NOBODY
    lost = False
    _task = _loop = None

    def __init__(self, lock, what, gives_way=NOBODY):
        self.what = what
        self._lock = lock
        self._thread = get_ident()
        task, loop = _running_task()
        if task:
            self._task, self._loop = task, loop
        if gives_way:
            self.gives_way = gives_way

    def is_gone(self):
        """Whether its task has ended, or its loop: nobody will give the lock back."""
        task = self._task
        if task is None:
            return False
        if task.done() or sys.modules["asyncio.core"]._task_queue is not self._loop:
            return True
        # A loop that was left (Ctrl-C, an error in main()) stands still as long as this thread blocks.
        return is_blocking() and self._thread == get_ident() and _running_task()[0] is None

    def is_mine(self):
        """Whether this very task or thread holds it, or what is around this call."""
        task = self._task
        return self._thread == get_ident() and (task is None or task is _running_task()[0])

    def waits_for_me(self):
        """Whether its holder cannot go on before the caller does."""
        return self.is_mine() or (is_blocking() and self._thread == get_ident())

    def check(self):
        """Raise Interrupted if the holder must not go on."""
        if self.lost:
            raise Interrupted("another task or PPP object took the modem over")
        if self.gives_way and self._lock.is_urgent():
            raise Interrupted("disconnect(), active(False) or another PPP object ended it")


class Lock:
    """Held by one task or thread at a time, for `what` it says."""

    def __init__(self):
        self.hold = None
        self._urgent = []  # Holds of those who wait and whom others give way to

    def _try(self, hold):
        with _guard:
            other = self.hold
            if other and not other.is_gone():
                return False
            if other:
                other.lost = True
            self.hold = hold
            return True

    def try_acquire(self, what, gives_way=NOBODY):
        """As acquire(), but None if the lock cannot be had at once."""
        hold = Hold(self, what, gives_way)
        return hold if self._try(hold) else None

    async def acquire(self, what, timeout, gives_way=NOBODY, urgent=False, needless=None):
        """Wait for the lock, `timeout` milliseconds at most, and return a Hold.

        what: str, what it is held for. gives_way: whom its check() gives way to. urgent: others give way now.
        needless: called while it waits; once it is true there is no need any more, and None is returned.
        Raises LinkBusy; at once where waiting is in vain, as the holder waits for the caller.
        """
        hold = Hold(self, what, gives_way)
        if self._try(hold):
            return hold
        deadline = Deadline(timeout)
        if urgent:
            self._urgent.append(hold)
        try:
            while not self._try(hold):
                if needless and needless():
                    return None
                other = self.hold
                if other and other.waits_for_me():
                    raise LinkBusy(
                        "the modem is in use by the caller itself ({}): end that first".format(
                            other.what
                        )
                    )
                if other and not deadline.left():
                    raise LinkBusy(
                        "the modem is in use by another task or thread ({}): wait for its end".format(
                            other.what
                        )
                    )
                await sleep_ms(_POLL_MS)
        finally:
            if urgent:
                self._urgent.remove(hold)
        return hold

    def is_urgent(self):
        """Whether somebody waits whom others give way to."""
        for hold in self._urgent:  # noqa: SIM110
            if not hold.is_gone():
                return True
        return False

    def take_over(self, what):
        """Take the lock from whoever holds it, and return a Hold."""
        hold = Hold(self, what)
        with _guard:
            if self.hold:
                self.hold.lost = True
            self.hold = hold
        return hold

    def release(self, hold):
        """Give it back; does nothing if it was lost."""
        with _guard:
            if self.hold is hold:
                self.hold = None

    def is_held(self):
        """Whether somebody who is not gone holds it."""
        hold = self.hold
        return hold is not None and not hold.is_gone()

    def is_mine(self):
        """Whether this very task or thread holds it, or what is around this call."""
        hold = self.hold
        return hold is not None and hold.is_mine()
