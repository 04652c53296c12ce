"""What differs between firmware versions of the SIM800."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Profile:
    """A firmware: `name` as ATI says it, `revision` as AT+CGMR does; `ssl`: has TLS commands;
    `lbs`: has AT+CLBS."""

    name: str
    model: str
    revision: str
    ssl: bool
    ciev: bool  # sends an undocumented +CIEV: 10 with the network's name and time
    lbs: bool
    cusd: str  # between the parameters of +CUSD, as seen on real ones

    def has(self, spec) -> bool:
        """Whether this firmware has a command (commands.Spec)."""
        return (self.ssl or not spec.ssl) and (self.lbs or not spec.lbs)


PROFILES = {
    "R13.08": Profile(
        "SIM800 R13.08", "SIMCOM_SIM800L", "1308B08SIM800L16", False, False, False, ","
    ),
    "R14.18": Profile(
        "SIM800 R14.18", "SIMCOM_SIM800L", "1418B05SIM800L24", True, True, True, ", "
    ),
}


def profile(name: str) -> Profile:
    """The profile of that name. Raises ValueError for an unknown one."""
    try:
        return PROFILES[name]
    except KeyError:
        known = ", ".join(PROFILES)
        raise ValueError(f"no firmware profile {name!r}; known are {known}") from None
