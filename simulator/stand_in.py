"""The servers that stand in for the world, by the names and addresses boards know them under."""

from pathlib import Path

from network.certificates import make
from network.servers import Servers

CERTIFICATES = Path(__file__).resolve().parents[1] / "build" / "certificates"

PUBLIC_ADDRESS = "198.51.100.7"  # behind which the operator hides its customers

HOSTS = {  # name -> (address, port, which of the servers)
    "telemetry.example": ("203.0.113.10", 443, "https"),
    "plain.example": ("203.0.113.11", 80, "http"),
    "wronghost.example": ("203.0.113.12", 443, "wronghost"),
    "expired.example": ("203.0.113.13", 443, "expired"),
    "unknownca.example": ("203.0.113.14", 443, "unknownca"),
    "tls10.example": ("203.0.113.16", 443, "tls10"),
    "time.example": ("203.0.113.17", 123, "ntp"),
    "bulk.example": ("203.0.113.15", 9, "bulk"),
}


class Internet:
    """The servers, running while the `with` block does; `names` and `routes` are for a Scenario, `root` is
    the file with the root certificate (DER)."""

    def __init__(self):
        make(CERTIFICATES)
        self.root = CERTIFICATES / "root.der"
        self.servers = Servers(CERTIFICATES, client=PUBLIC_ADDRESS)
        self.names = {name: address for name, (address, _, _) in HOSTS.items()}
        self.routes: dict[tuple[str, int], int] = {}

    def __enter__(self) -> "Internet":
        self.servers.start()
        self.routes = {
            (address, port): self.servers.ports[server] for address, port, server in HOSTS.values()
        }
        return self

    def __exit__(self, *_) -> None:
        self.servers.stop()
