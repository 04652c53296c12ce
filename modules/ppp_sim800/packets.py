"""Whether packets as large as the link's MTU come through, and a smaller MTU where they do not.

Some mobile networks drop packets above 1400 bytes or so without a word. Small ones pass, so the link looks well, while each
TLS handshake stands still at the server's certificates. With a smaller MTU lwIP asks servers for smaller segments, sends
none larger, and sends in fragments what connections that are open have agreed on before.
"""

import os
import socket

from micropython import const
from nettime import rtc

from .run import Deadline, since, sleep_ms

# A line for each access point that swallows packets, the latest last: MTU, day (since 1970) when it was measured, their
# sum with the bytes of the name modulo 97, the name
FILE = "ppp_sim800.mtu"
_MOST = const(4)
_DAYS = const(30)  # for which it holds
_DAY = const(86400)

_LEAST = const(576)  # what every host must take (RFC 791 3.1)
_SIZES = const((1280, 1024, _LEAST))
_BETWEEN = const(1400)  # ... the first of them and the whole
_SEGMENT = const(1480)  # what lwIP's TCP sends and asks for at most, with its headers (TCP_MSS)
_NEARLY = const(20)  # less than a whole packet, which proves it as well

_LIMIT_MS = const(30000)
_TRIES = const(4)  # for a small one
_TRY_MS = const(4000)
_POLL_MS = const(20)
# After large ones have come through: the first, doubled from one to the next
_PAUSE_MS = const(3600000)
_LONGEST_PAUSE_MS = const(28800000)

# ICMP (RFC 792)
_ICMP = const(1)
_ECHO = const(8)
_SMALL = const(60)
_HEAD = const(20)  # of IP
_ANSWER = const(68)  # what is looked at: the longest IP header, and ICMP's


class Packets:
    """Looks after the MTU of `link`, a link.Link. `used`: bytes of the last restore()."""

    def __init__(self, link):
        self._link = link
        self._ppp = None  # to which the next three belong
        self._stalls = 0  # that were looked into
        self._vain = 0  # ... and nobody could tell
        self._sending = False  # what is sent is suspected to vanish
        self._passed = 0  # when large ones came through last (ticks)
        self._pause = 0  # for how long that will do
        self._day = 0  # when what is remembered was measured; 0: nothing is
        self._best = self.used = 0

    def suspect(self):
        """What is sent gets no answer, although small packets do. Of no interest where all that was sent is small."""
        self._begin()
        self._sending = self._link.packets_seen()[1] > _LEAST

    def is_good(self):
        """Whether there is no reason to doubt that large packets come through. Asks nobody."""
        link = self._link
        self._begin()
        largest, _, stalls = link.packets_seen()
        mtu = min(link.mtu(), _SEGMENT)
        passed = since(self._passed) < self._pause
        if link.settings.mtu or mtu <= (0 if self._is_old() else _LEAST) or passed:
            self._stalls = stalls
            self._sending = False
            return True
        if self._sending or self._is_old():
            return False
        return stalls == self._stalls or largest > mtu - _NEARLY

    def _begin(self):
        if self._ppp is not self._link.ppp:
            self._ppp = self._link.ppp
            self._stalls = self._vain = 0
            self._sending = False

    async def restore(self):
        """Measure what comes through, by ICMP echo of the name servers, and lower the MTU if that is less; 30 s at most.

        What was measured is remembered for this access point. Where nobody answers, the MTU is lowered for this link, the
        second time that there is a reason. `used`: how many bytes it took, also if it was cut short.
        """
        link = self._link
        sending, old = self._sending, self._is_old()
        largest, _, stalls = link.packets_seen()
        self._best = self.used = 0
        mtu = link.mtu()
        if old:  # perhaps it is better by now
            self._day = _today()
            link.set_mtu(0)
        top = min(link.mtu(), _SEGMENT)
        try:
            asked = await self._measure(top)
        except (OSError, MemoryError):  # no socket, no memory, no link any more
            asked = False
        finally:  # it may be cut short
            if old:
                link.set_mtu(mtu)
            if self.used:
                link.counters.add(probes=1, probe_bytes=self.used)
        self._stalls, self._sending = stalls, False
        best = self._best
        if not link.isconnected() or link.ppp is not self._ppp:
            return
        if best >= top:
            self._passed = since(0)
            self._pause = min(max(_PAUSE_MS, self._pause * 2), _LONGEST_PAUSE_MS)
            if old:
                link.set_mtu(0)
                self._remember(0)
        elif asked and best >= _LEAST:
            link.set_mtu(best)
            self._remember(best)
        elif asked and not old:
            self._vain += 1
            if self._vain > 1:
                link.set_mtu(_LEAST if sending else max(_LEAST, min(largest, mtu)))

    async def _measure(self, top):
        # Sets _best to the size of the largest packet that was answered in full. False: there was no time for all.
        link = self._link
        hosts = []
        for host in link.name_servers() + link.settings.dns:
            if host not in hosts:
                hosts.append(host)
        until = Deadline(_LIMIT_MS)
        sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, _ICMP)
        try:
            sock.setblocking(False)
            request = bytearray(top - _HEAD)
            request[0] = _ECHO
            request[4:6] = os.urandom(2)

            async def ask(host, size, ms):
                # True once a packet of `size` bytes was answered
                return await self._ask(sock, request, host, size, Deadline(min(ms, until.left())))

            start = since(0)
            for i in range(_TRIES if hosts else 0):
                host = hosts[i % len(hosts)]
                if await ask(host, _SMALL, _TRY_MS):
                    break
            else:
                return True
            ms = min(_TRY_MS, (since(start) + 1000) * 2)
            for _ in range(2):
                if await ask(host, top, ms):
                    return True
            for size in _SIZES:
                if size < top and await ask(host, size, ms):
                    break
            if _SIZES[0] <= self._best < _BETWEEN < top:
                await ask(host, _BETWEEN, ms)
            # Some answer small ones only; and it may have been chance.
            await ask(hosts[hosts.index(host) - 1], top, ms)
            return until.left() > 0
        finally:
            sock.close()

    async def _ask(self, sock, request, host, size, deadline):
        # The sequence number is the size. The rest is zero: it adds nothing to the checksum.
        total = (_ECHO << 8) + (request[4] << 8 | request[5]) + size
        total = 0xFFFF - (total & 0xFFFF) - (total >> 16)
        request[2:4] = total.to_bytes(2, "big")
        request[6:8] = size.to_bytes(2, "big")
        self.used += size
        try:
            sock.sendto(memoryview(request)[: size - _HEAD], (host, 0))
        except OSError:
            pass  # no way out: as if it were lost
        while deadline.left():
            try:
                answer = sock.recv(_ANSWER)
                at = (answer[0] & 15) * 4
                length = answer[2] << 8 | answer[3]
                # An answer to this, as long as it: some cut it short.
                if (
                    len(answer) >= at + 8
                    and answer[at] == 0
                    and answer[at + 4 : at + 6] == request[4:6]
                    and answer[at + 6] << 8 | answer[at + 7] == length
                ):
                    self.used += length
                    self._best = max(self._best, length)
            except OSError:
                pass  # not yet
            if self._best >= size:
                return True
            await sleep_ms(_POLL_MS)
        return False

    # What is remembered

    def remembered(self):
        """The MTU of this access point, 0 if nothing is known of it."""
        self._day = 0
        for mtu, day, apn in _lines():
            if apn == self._link.settings.apn:
                self._day = day
                return mtu
        return 0

    def _is_old(self):
        return self._day and rtc.is_set() and _today() - self._day >= _DAYS

    def _remember(self, mtu):
        # 0: nothing.
        apn = self._link.settings.apn
        lines = [line for line in _lines() if line[2] != apn][1 - _MOST :]
        self._day = mtu and _today()
        if mtu:
            lines.append((mtu, self._day, apn))
        try:
            with open(FILE, "w") as file:
                for line in lines:
                    file.write("{} {} {} {}\n".format(line[0], line[1], _sum(*line), line[2]))
        except (OSError, MemoryError):
            pass  # a full or absent file system: it holds for this link


def _lines():
    # [(MTU, day, APN)], without what is damaged.
    lines = []
    try:
        with open(FILE) as file:
            for line in file.read(512).split("\n"):
                mtu, day, check, apn = line.split(" ")
                mtu, day = int(mtu), int(day)
                if _LEAST <= mtu <= _SEGMENT and int(check) == _sum(mtu, day, apn):
                    lines.append((mtu, day, apn))
    except (OSError, ValueError):
        pass
    return lines


def _sum(mtu, day, apn):
    return (mtu + day + sum(apn.encode())) % 97


def _today():
    return (rtc.now() if rtc.is_set() else rtc.floor()) // _DAY
