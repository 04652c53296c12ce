"""The modem's parameters: which exist, their factory values, who survives what."""

# In the order of AT&V. Those are what AT&W stores and ATZ brings back.
PROFILE_DEFAULTS = {
    "S0": 0,
    "S3": 13,
    "S4": 10,
    "S5": 8,
    "S6": 2,
    "S7": 60,
    "S8": 2,
    "S10": 15,
    "V": 1,
    "E": 1,
    "Q": 0,
    "X": 4,
    "&C": 1,
    "&D": 1,
    "+CLTS": 0,
    "+CREG": 0,
    "+CGREG": 0,
    "+CMEE": 0,
    "+CIURC": 1,
    "+CFGRI": 2,
    "+CMGF": 0,
    "+CNMI": "2,1,0,0,0",
    "+CSCS": '"IRA"',
    "+CDRIND": 0,
    "+VTD": 1,
    "+DDET": 0,
    "+MORING": 0,
    "+CRC": 0,
    "+CBATCHK": 0,
    "+IPR": 0,
    "+IFC": "0,0",
    "+ICF": "3,3",
    "+CSCLK": 0,
}

# NO_SAVE in the manual: gone with the power, not touched by AT&W, ATZ and AT&F
VOLATILE = {
    "+CLIP": 0,
    "+CLIR": 0,
    "+COLP": 0,
    "+CSDH": 0,
    "+CSMP": (17, 167, 0, 0),  # first octet, validity, PID, DCS
    "+CUSD": 0,
    "+CMUT": 0,
    "+CSMINS": 0,
    "+GSMBUSY": 0,
    "DDET how": (0, 0, 0),  # its interval, report mode and single tones (page 334)
}
# AUTO_SAVE: stored at once
AUTOMATIC = {
    "+CLCC": 0,
    "+CLVL": 60,
    "+CRSL": 100,
    "+CALM": 0,
    "+CHFA": 0,
    "+CMIC": (10, 8, 3, 6),
    "+CNETLIGHT": 1,
}

# neither ATZ nor AT&F touches these (manual 2.2.27, 2.2.28)
KEPT = ("+IPR", "+IFC", "+ICF", "+CSCLK")


class Settings(dict):
    """The active profile, by name; `stored` is the user profile in flash, kept without power."""

    def __init__(self, **changes):
        super().__init__(PROFILE_DEFAULTS | VOLATILE | AUTOMATIC)
        self.update(changes)
        self.stored = {}
        self.store()

    def another(self) -> "Settings":
        """Those of another channel: they begin as at power-up, and AT&W stores to the same place."""
        copy = Settings()
        copy.stored = self.stored
        copy.boot()
        return copy

    def boot(self) -> None:
        """Power-up: everything as AT&W left it."""
        self.update(self.stored | VOLATILE)

    def reset(self) -> None:
        """ATZ: the user profile, but not the serial line's settings."""
        self.update({k: v for k, v in self.stored.items() if k not in KEPT})

    def factory(self) -> None:
        """AT&F: factory values, but not the serial line's settings."""
        self.update({k: v for k, v in PROFILE_DEFAULTS.items() if k not in KEPT})

    def store(self) -> None:
        """AT&W."""
        self.stored.update({name: self[name] for name in PROFILE_DEFAULTS})
