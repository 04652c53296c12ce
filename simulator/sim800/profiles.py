"""What differs between firmware versions of the SIM800."""

from dataclasses import dataclass, replace


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


_R13 = Profile("SIM800 R13.08", "SIMCOM_SIM800L", "1308B08SIM800L16", False, False, False, ",")
_R14 = Profile("SIM800 R14.18", "SIMCOM_SIM800L", "1418B05SIM800L24", True, True, True, ", ")
PROFILES = {
    "R13.08": _R13,
    "R14.18": _R14,
    # Others that real ones have told; what they do is taken to be as of their release.
    "1308B05SIM800M32": replace(
        _R13, model="SIMCOM_SIM800", revision="1308B05SIM800M32_20140625_1100"
    ),
    "1418B04SIM800L24": replace(_R14, revision="1418B04SIM800L24"),
    "1418B09SIM800C24_BT": replace(_R14, model="SIMCOM_SIM800C", revision="1418B09SIM800C24_BT"),
}


def profile(name: str) -> Profile:
    """The profile of that name. Raises ValueError for an unknown one."""
    try:
        return PROFILES[name]
    except KeyError:
        known = ", ".join(PROFILES)
        raise ValueError(f"no firmware profile {name!r}; known are {known}") from None
