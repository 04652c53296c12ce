"""The IP Control Protocol (RFC 1332, DNS servers RFC 1877) as a SIM800's PPP end speaks it."""

from ipaddress import IPv4Address

from .automaton import Automaton, Option

ADDRESS, DNS1, DNS2 = 3, 129, 131  # option types; all others, such as VJ compression, are rejected


class IPCP(Automaton):
    """IPCP of one PPPEnd, which is told by its methods ipcp_up, ipcp_down, ipcp_finished."""

    name = "IPCP"

    def __init__(self, end, transmit, restart: float, retries: int):
        super().__init__(end.clock, transmit, restart, retries)
        self._end = end
        self._address_refused = False

    def options(self) -> list[Option]:
        if self._address_refused:
            return []
        return [(ADDRESS, IPv4Address(self._end.config.local).packed)]

    def judge(self, options: list[Option]) -> tuple[list[Option], list[Option]]:
        config = self._end.config
        right = {ADDRESS: config.remote}
        if self._end.name_servers:
            # As many as the network tells; a request for one more is rejected.
            right.update(zip((DNS1, DNS2), config.dns, strict=False))
        reject, nak = [], []
        for kind, value in options:
            if kind not in right or len(value) != 4:
                reject.append((kind, value))
            elif value != IPv4Address(right[kind]).packed:
                nak.append((kind, IPv4Address(right[kind]).packed))
        if not any(kind == ADDRESS for kind, _ in options) and self._naks < self.max_failure:
            nak.append((ADDRESS, IPv4Address(right[ADDRESS]).packed))
        return reject, nak

    def rejected(self, options: list[Option]) -> None:
        self._address_refused = True

    def layer_up(self) -> None:
        self._end.ipcp_up()

    def layer_down(self) -> None:
        self._address_refused = False
        self._end.ipcp_down()

    def layer_finished(self) -> None:
        self._end.ipcp_finished()

    def idle(self) -> bool:
        return self._end.mute
