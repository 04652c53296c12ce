"""The air between the modem and the internet: what a GPRS link does to packets, as data (Air) and done (Pipe)."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

QUEUE = 32  # packets that wait for the transmitter; one more is dropped


@dataclass(frozen=True)
class Air:
    """Rates in bits per second (None: no limit), times in seconds, `loss` the share of packets
    lost.

    `rtt` is the round trip the air adds to a small packet, half each way; `jitter` is the standard
    deviation added to each way, never reordering packets; larger packets than `largest` bytes vanish.
    `seed` makes the chance repeatable.
    """

    name: str = "ideal"
    down: float | None = None
    up: float | None = None
    rtt: float = 0.0
    jitter: float = 0.0
    loss: float = 0.0
    largest: int | None = None
    seed: int = 800


IDEAL = Air()
GPRS = Air("gprs", down=40_000, up=20_000, rtt=0.7, jitter=0.05)
PROFILES = {air.name: air for air in (IDEAL, GPRS)}


class Pipe:
    """One way through the air: rate, queue, delay, jitter and loss, never out of order.

    clock: now() and call_later(), simulated seconds; deliver(packet): the far end;
    air: rates and times, `direction` "up" or "down" chooses its rate.
    Counters: `packets` and `bytes` delivered, `dropped` (queue full), `lost` (by chance, or too large).
    """

    def __init__(self, clock, air: Air, direction: str, deliver: Callable[[bytes], None]):
        self.packets = self.bytes = self.dropped = self.lost = 0
        self._clock = clock
        self._direction = direction
        self._deliver = deliver
        self._free_at = 0.0  # when the transmitter has sent all it was given
        self._sending: deque[float] = deque()  # when each packet in its queue will be sent
        self._arriving: deque[tuple[float, bytes]] = deque()
        self._timer = None
        self.set_air(air)

    def set_air(self, air: Air) -> None:
        """From now on; what is already under way arrives as planned."""
        self.air = air
        self._rate = getattr(air, self._direction)
        self._random = Random(f"{air.seed} {self._direction}")

    def send(self, packet: bytes) -> float | None:
        """Take a packet; return when it arrives, or None: it is dropped or lost."""
        now = self._clock.now()
        while self._sending and self._sending[0] <= now:
            self._sending.popleft()
        if len(self._sending) > QUEUE:  # the first of them is being sent, not waiting
            self.dropped += 1
            return None
        sent = max(now, self._free_at)
        if self._rate:
            sent += len(packet) * 8 / self._rate
            self._free_at = sent
            self._sending.append(sent)
        air = self.air
        too_large = air.largest is not None and len(packet) > air.largest
        if too_large or (air.loss and self._random.random() < air.loss):
            self.lost += 1
            return None
        delay = air.rtt / 2
        if air.jitter:
            delay = max(0.0, delay + self._random.gauss(0, air.jitter))
        arrival = sent + delay
        if self._arriving:
            arrival = max(arrival, self._arriving[-1][0])
        if arrival <= now and not self._arriving:
            self._arrive(packet)
            return arrival
        self._arriving.append((arrival, packet))
        if self._timer is None:
            self._wait()
        return arrival

    def stop(self) -> None:
        """Forget all that is under way."""
        self._arriving.clear()
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _wait(self) -> None:
        delay = self._arriving[0][0] - self._clock.now()
        self._timer = self._clock.call_later(delay, self._due)

    def _due(self) -> None:
        self._timer = None
        until = self._clock.now() + 1e-6  # a timer may come a hair early
        while self._arriving and self._arriving[0][0] <= until:
            self._arrive(self._arriving.popleft()[1])
        if self._arriving and self._timer is None:
            self._wait()

    def _arrive(self, packet: bytes) -> None:
        self.packets += 1
        self.bytes += len(packet)
        self._deliver(packet)
