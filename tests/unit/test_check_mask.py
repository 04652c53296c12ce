"""Nothing that identifies a modem, a card, a person or a place leaves `make check`."""

import json
import re
import sys
from pathlib import Path
from string import ascii_letters, digits

from hypothesis import example, given
from hypothesis import strategies as st
from world import ROOT

sys.path.insert(0, str(ROOT / "firmware"))
from check.checks import CHECKS, OK
from check.mask import Mask
from check.report import Report, page
from check.transcript import Segment

imei = st.text(digits, min_size=15, max_size=15)
iccid = st.one_of(
    st.text(digits, min_size=18, max_size=20),
    st.text(digits, min_size=18, max_size=19).map(lambda text: text + "F"),
)
telephone = st.builds(
    "{}{}".format, st.sampled_from(["", "+"]), st.text(digits, min_size=9, max_size=15)
)
octet = st.integers(0, 255)
address = st.tuples(octet, octet, octet, octet).map(lambda four: ".".join(map(str, four)))
# Longer than a word that the report has by itself.
word = st.text(ascii_letters + digits + "-_%", min_size=12, max_size=30)
host = st.lists(
    st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=6, max_size=10),
    min_size=2,
    max_size=4,
).map(".".join)
cell = st.text("0123456789ABCDEF", min_size=4, max_size=4)

identity = st.fixed_dictionaries(
    {
        "imei": imei,
        "imsi": imei,
        "iccid": iccid,
        "number": telephone,
        "address": address.filter(lambda text: len(text) > 8),
        "lac": cell,
        "cell": cell,
        "user": word,
        "password": word,
        "pin": st.text(digits, min_size=6, max_size=8),
        "host": host,
        "apn": host,
    }
)

# What a modem and the package may say of it
SAID = (
    "AT+GSN\r\r\n{imei}\r\n\r\nOK\r\n",
    "AT+GSN;+GSN\r\r\n{imei}\r\n\r\n{imei}\r\n\r\nOK\r\n",
    '+CGSN: "{imei}"\r\n',
    "AT+CIMI\r\r\n{imsi}\r\n\r\nOK\r\n",
    "AT+CCID\r\r\n{iccid}\r\n\r\nOK\r\n",
    '+CCID: "{iccid}"\r\n',
    '+CNUM: "my own","{number}",145,7,4\r\n',
    '+CLIP: "{number}",145,"",0,"",0\r\n',
    '+CMT: "{number}","","26/11/30,21:40:00+04"\r\ncall {number}\r\n',
    '+CUSD: 0,"your number is {number}",15\r\n',
    '+CREG: 1,"{lac}","{cell}"\r\n',
    'AT+CGREG?\r\r\n+CGREG: 2,1,"{lac}","{cell}"\r\n\r\nOK\r\n',
    "AT+CIFSR\r\r\n{address}\r\n",
    '+SAPBR: 1,1,"{address}"\r\n',
    'AT+CGDCONT=1,"IP","{apn}"\r\r\nOK\r\n',
    "AT+CPIN={pin}\r\r\nOK\r\n",
    "the certificate of {host} is expired",
    'user and password were refused for APN "{apn}"',
    "{user} {password} {host}:443 is {address}",
)


def secrets_of(who: dict) -> list[str]:
    # A cell is four digits, which may be those of a time: it is looked for in its place.
    return [value for name, value in who.items() if name not in ("lac", "cell", "pin", "apn")]


@st.composite
def cut(draw, text: str) -> list[str]:
    """The pieces in which a line comes."""
    places = sorted(draw(st.lists(st.integers(0, len(text)), max_size=6)))
    return [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True) if a < b]


@given(st.data(), identity, st.lists(st.sampled_from(SAID), min_size=1, max_size=6))
def test_nothing_leaks(data, who, templates):
    if data.draw(st.booleans()):
        at = data.draw(st.integers(0, 11))
        who["pin"] = who["imei"][at : at + 4]  # a secret within another
    mask = Mask(who["host"], who["apn"], (who["user"], who["password"], who["pin"]))
    report = Report(mask, {"made": "2026-11-30T21:40:00Z", "project": "1", "computer": "x"})
    segment = Segment("identity", "command", True)
    report.segments.append(segment)
    ms = 0
    for template in templates:
        said = template.format(**who)
        segment.add(ms, "sent", f"AT+{len(said)}\r")
        for piece in data.draw(cut(said)):
            ms += 3
            segment.add(ms, "received", piece)
        report.measured.setdefault("identity", {})[said] = [said]
        report.add(CHECKS[0], OK, said)
        report.head["modem"] = said
    told = report.told()
    # As it is written: JSON and Markdown escape, and must not hide anything by it.
    texts = [json.dumps(told), json.dumps(told, ensure_ascii=False), page(told)]
    texts.append(re.sub(r"\\(.)", r"\1", texts[2]))
    for secret in secrets_of(who):
        for text in texts:
            assert secret not in text, secret
    # Nor most of one.
    for text in texts:
        for digits_left in re.findall(r"[0-9]{9,}", text):
            assert not any(digits_left in secret for secret in (who["imei"], who["imsi"]))
    for text in texts:
        assert f'"{who["lac"]}","{who["cell"]}"' not in text.replace("\\", "")
        assert f'"{who["apn"]}"' not in text.replace("\\", "") or who["apn"] == "internet"


@given(st.text(max_size=200), identity)
@example("a" * 100, {"host": "a", "apn": "a", "user": "a", "password": "", "pin": ""})
def test_length_stays(text, who):
    """A transcript can be compared by its form; and short secrets do not eat the report."""
    masked = Mask("", "", (who["user"], who["password"], who["pin"])).text(text)
    assert len(masked) == len(text)
    assert masked.count("\n") == text.count("\n")


def test_what_says_something_stays():
    mask = Mask("telemetry.example", "net", ("1234", "secret word"))
    for text in (
        "SIM800 R14.18; SIMCOM_SIM800L; Revision:1418B05SIM800L24",
        "1308B05SIM800M32_20140625_1100",
        "2026-11-30T21:40:00Z",
        '+CCLK: "26/11/30,23:59:51+08"',
        "+CSQ: 18,0",
        "+CBC: 0,87,4012",
        "AT+IPR=460800",
        "v1.28.0 on 2026-10-19; roots of 2026-10-19",
        "10.0 MB back, 2.1 MB there, 46 kB/s; none lost",
        "+CREG: 2,1",
        "the network is up",
        "~\xff}#",
    ):
        assert mask.text(text) == text
    assert mask.text("AT+CPIN=1234") == "AT+CPIN=****"
    assert mask.text('"IP","net"') == '"IP","internet"'
    assert mask.text('+CREG: 1,"1A2B","3C4D"') == '+CREG: 1,"****","****"'
    assert mask.text("telemetry.example: expired") == "host.example: expired"
    assert mask.text("861234567890123") == "***************"


def test_pin_is_on_no_command_line():
    """Who else uses the computer sees them: they come by the environment alone."""
    text = (ROOT / "Makefile").read_text()
    recipe = text[text.index("\ncheck:") : text.index("\ncompare:")]
    assert not re.search(r"PASSWORD|PIN|USER", recipe)
    assert Path(ROOT / "firmware" / "check" / "run.py").read_text().count("os.environ") == 4
