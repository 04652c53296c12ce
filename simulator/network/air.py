"""The air between the modem and the internet: what a GPRS link does to packets."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Air:
    """Rates in bits per second (None: no limit), times in seconds, `loss` the share of packets
    lost.

    `rtt` is the round trip the air adds to a small packet, half each way; `jitter` is the standard
    deviation added to each way, never reordering packets. `seed` makes the chance repeatable.
    """

    name: str = "ideal"
    down: float | None = None
    up: float | None = None
    rtt: float = 0.0
    jitter: float = 0.0
    loss: float = 0.0
    seed: int = 800


IDEAL = Air()
GPRS = Air("gprs", down=40_000, up=20_000, rtt=0.7, jitter=0.05)
PROFILES = {air.name: air for air in (IDEAL, GPRS)}
