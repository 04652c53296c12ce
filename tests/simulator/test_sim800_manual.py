"""manual.py: what the manual has is modelled or declared not to be; the latter is loud."""

import pytest
from sim800 import manual
from sim800.commands import TABLE
from sim800_rig import READY, modem_test

MISSING = [n for n, (_, modelled) in manual.COMMANDS.items() if not modelled] + [
    n for n, modelled in manual.NOTES.items() if not modelled
]
ELSEWHERE = {"A/", "+++"}  # at.py and escape.py have these


def test_each_command_is_declared_as_it_is():
    declared = {n for n, (_, modelled) in manual.COMMANDS.items() if modelled}
    declared |= {n for n, modelled in manual.NOTES.items() if modelled}
    assert declared - ELSEWHERE == set(TABLE)
    assert not set(manual.COMMANDS) & set(manual.NOTES)
    assert all(not manual.is_missing(name) for name in TABLE)


def test_the_whole_manual_is_there():
    assert len(manual.COMMANDS) > 300
    pages = [page for page, _ in manual.COMMANDS.values()]
    assert pages == sorted(pages)
    assert (pages[0], pages[-1]) == (28, 342)


@pytest.mark.not_modelled
@modem_test(READY, limit=600)
async def test_what_is_not_modelled_is_loud_and_no_unknown_command(rig):
    await rig.say("ATE0+CMEE=1\r")
    for name in MISSING:
        typed = {"D>": "D>1;", "DL": "DL"}.get(name, name)
        answer = await rig.say(f"AT{typed}\r", 1)
        expected = b"\r\n+CME ERROR: 4\r\n" if name[0] in "+*" else b"\r\nERROR\r\n"
        assert answer == expected, name
        assert rig.journal.seen("not modelled", f"AT{name}"), name
        assert name in manual.asked
    assert await rig.say("AT+CLAC\r") == b"\r\n+CME ERROR: 100\r\n"  # as seen on a real one
    assert not rig.journal.seen("not modelled", "AT+CLAC")


@pytest.mark.not_modelled
def test_the_program_says_so(capsys):
    from network.journal import Entry
    from sim800.__main__ import tell_missing

    tell_missing(Entry(1.0, "not modelled", "AT+CACM", {"described": manual.place("+CACM")}))
    tell_missing(Entry(1.0, "at", "> AT", {}))
    assert capsys.readouterr().err == (
        "sim800: AT+CACM (manual page 57) is not modelled: a real SIM800 knows it, this one answers with an error\n"
    )
