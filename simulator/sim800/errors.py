"""How a command line can end other than with OK, and the numbers and texts of the errors."""

# manual chapter 19 (pages 343-345): the ones this modem gives
CME_TEXT = {
    3: "operation not allowed",
    4: "operation not supported",
    10: "SIM not inserted",
    11: "SIM PIN required",
    12: "SIM PUK required",
    13: "SIM failure",
    14: "SIM busy",
    16: "incorrect password",
    20: "memory full",
    21: "invalid index",
    22: "not found",
    24: "text string too long",
    25: "invalid characters in text string",
    26: "dial string too long",
    27: "invalid characters in dial string",
    30: "no network service",
    32: "network not allowed - emergency calls only",
    100: "unknown",
    107: "GPRS services not allowed",
    148: "unspecified GPRS error",
    149: "PDP authentication failure",
    180: "GPRS not attached",
    181: "busy",
    765: "invalid input value",
}

CMS_TEXT = {
    1: "unassigned number",
    21: "short message transfer rejected",
    38: "network out of order",
    41: "temporary failure",
    42: "congestion",
    302: "operation not allowed",
    303: "operation not supported",
    304: "invalid PDU mode parameter",
    305: "invalid text mode parameter",
    310: "SIM not inserted",
    311: "SIM PIN necessary",
    314: "SIM busy",
    316: "SIM PUK required",
    321: "invalid memory index",
    322: "memory full",
    325: "invalid input value",
    330: "SMSC address unknown",
    331: "no network service",
    332: "network timeout",
    500: "unknown error",
}

# ATV0 (manual 2.2.25, page 44)
NUMERIC = {
    "OK": 0,
    "CONNECT": 1,
    "RING": 2,
    "NO CARRIER": 3,
    "ERROR": 4,
    "NO DIALTONE": 6,
    "BUSY": 7,
    "NO ANSWER": 8,
}


# what a command returns that said its own result ("SHUT OK"): what follows it on the line is done
ITSELF = "itself"


class Final(Exception):
    """The line ends with this result code ("" for none at all); what follows on it is not done."""

    def __init__(self, result: str):
        super().__init__(result)
        self.result = result


class CME(Final):
    """An error of the mobile equipment, said as AT+CMEE wants it."""

    def __init__(self, code: int):
        super().__init__("ERROR")
        self.code = code
        self.text = CME_TEXT[code]
        self.kind = "CME"


class CMS(CME):
    """An error of the message service."""

    def __init__(self, code: int):
        Final.__init__(self, "ERROR")
        self.code = code
        self.text = CMS_TEXT[code]
        self.kind = "CMS"


def failed() -> Final:
    return Final("ERROR")


class BadValue(Exception):
    """A parameter is missing, out of range or of the wrong type."""
