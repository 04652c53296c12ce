"""The servers that stand in for the world, by the names and addresses boards know them under."""

from pathlib import Path

from network.certificates import LEAVES, make
from network.ntp import MANNERS, PORT
from network.rogues import ROGUES
from network.servers import Servers

CERTIFICATES = Path(__file__).resolve().parents[1] / "build" / "certificates"

PUBLIC_ADDRESS = "198.51.100.7"  # behind which the operator hides its customers

TLS_SERVERS = {
    **{name: leaf.host for name, leaf in LEAVES.items()},
    **{name: f"{name}.example" for name in ROGUES},
}

HOSTS = {  # name -> (address, port, which of the servers)
    "plain.example": ("203.0.113.11", 80, "http"),
    "time.example": ("203.0.113.17", PORT, "ntp"),
    "bulk.example": ("203.0.113.15", 9, "bulk"),
}
for _number, (_server, _host) in enumerate(TLS_SERVERS.items()):
    # An address for a name is reached under it alone.
    _address = _host if _host[0].isdigit() else f"198.51.100.{_number + 20}"
    HOSTS[_host] = (_address, 443, _server)
for _number, _server in enumerate(MANNERS):
    HOSTS[f"{_server}.example"] = (f"192.0.2.{_number + 20}", PORT, _server)
HOSTS["pool.ntp.org"] = ("192.0.2.10", PORT, "ntp")
HOSTS["1.pool.ntp.org"] = ("192.0.2.11", PORT, "ntp")
HOSTS["telemetry.example"] = ("203.0.113.10", 443, "https")


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
