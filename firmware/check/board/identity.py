settled()
# The form of the answers counts; what identifies somebody is masked before it is written anywhere.
for command in (
    "ATI",
    "AT+CGMM",
    "AT+CGMR",
    "AT+GSN",
    "AT+CCID",
    "AT+CPIN?",
    "AT+CIMI",
    "AT+CBC",
    "AT+CSQ",
    "AT+IFC?",
    "AT+CSCLK?",
    "AT+CFUN?",
    "AT+CMUX=?",
    "AT+CLTS?",
    "AT+CIPSTATUS",
    "AT+CGATT?",
    "AT+NONSENSE",
    "ATNONSENSE",
):
    answer = as_text(WIRE.ask(command, 21000))
    tell(**{command: answer})
# A line of 554 characters; the manual allows 556 (M 24).
WIRE.shown = False
tell(longest=b"\r\nOK\r\n" in WIRE.ask("AT" + "+CFUN?;" * 78 + "+CFUN?", 8000))
