"""What real modems said parses right in the MicroPython VM; damaged, it does no harm.

data/transcripts.json has short exchanges from public threads and logs, each with
  source, url, modem: where it was published, and the modem and firmware as far as told there
  what, framing: "shown" where the source shows the bytes, "restored" where CR and LF (and a final OK that was cut
    off) had to be put back around the lines it shows
  masked: what was replaced by other digits of the same length: numbers of telephones, modems and cards, places
  command, prefix, ok, limit, data: as Channel.command() takes them; prefix "digits" and "any" are functions;
    command null: nobody had asked
  stream: what the modem sent, each character a byte: after the command, after the data
  answer or error: what Channel.command() returns or raises
  unsolicited: lines that belong to no command, each with its event
  parsed: by a method of Modem, or a function of a line (of), and what it gives
"""

import json
import os
import random
import re
from pathlib import Path

import pytest
from vm_host import host

MODEM_HOST = Path(__file__).with_name("modem_host.py")
TRANSCRIPTS = json.loads((Path(__file__).parents[1] / "data/transcripts.json").read_text())
NAMES = [f"{t['source'].split(', ')[0]}-{n}" for n, t in enumerate(TRANSCRIPTS)]

# Streams that are damaged in every way: this many bytes. 10,000,000 take half a minute.
FUZZ_BYTES = int(os.environ.get("AT_FUZZ_BYTES", "100000"))
FUZZ_SEED = os.environ.get("AT_FUZZ_SEED", "sim800")

URCS = (
    "RING",
    '+CLIP: "+01234567890",145,"",0,"",0',
    "+CREG: 5",
    '+CREG: 1,"4048","0B78"',
    "+CGREG: 2",
    '+CMTI: "SM",3',
    "+PDP: DEACT",
    "UNDER-VOLTAGE WARNNING",
    '+CIEV: 10,"20801","Orange F","Orange F", 0, 0',
    '*PSUTTZ: 2021,2,23,14,52,10,"+4",0',
)
PARSERS = ("fields", "event_of", "parse_cclk", "parse_location", "parse_operators")

# What asks several commands, or has no transcript of its own: method, arguments
MORE_METHODS = (
    ("at", ["AT+CADC?"]),
    ("bearer.address", []),
    ("calls.list", []),
    ("calls.dial", ["+01234567890"]),
    ("clock.set", [[2026, 1, 2, 3, 4, 5]]),
    ("http.request", ["GET", "http://example.com/"]),
    ("location", []),
    ("radio.scan", []),
    ("sim.number", []),
    ("sim.ready", ["1234"]),
    ("sms.list", []),
    ("sms.read", [1]),
    ("sms.room", []),
    ("sms.send", ["+01234567890", "hello"]),
    ("sms.service_center", []),
    ("ussd", ["*100#"]),
)


@pytest.fixture(scope="module")
def ask(vm):
    with host(MODEM_HOST, vm) as ask:
        yield ask


def parts(transcript) -> list[bytes]:
    """What the modem sent: after the command, after the data."""
    return [part.encode("latin-1") for part in transcript["stream"]]


def command(transcript):
    if transcript["command"] is None:
        return None
    keys = ("command", "prefix", "ok", "limit", "data")
    return {"timeout": 5000, **{key: transcript[key] for key in keys if key in transcript}}


def chunks(stream: list[bytes], cut: int | None = None) -> list[list[str]]:
    """The parts as the host takes them; all but what was cut in two is one chunk each."""
    result = []
    for part in stream:
        if cut is not None and 0 < cut < len(part):
            result.append([part[:cut].hex(), part[cut:].hex()])
        else:
            result.append([part.hex()])
        if cut is not None:
            cut -= len(part)
    return result


def expected(transcript, got):
    answer, error, unsolicited = got
    if "error" in transcript:
        assert answer is None
        assert error is not None
        assert {key: error.get(key) for key in transcript["error"]} == transcript["error"]
    else:
        assert error is None
        assert answer == transcript.get("answer")
    assert unsolicited == [line for line, _ in transcript["unsolicited"]]


def test_there_are_enough_and_each_has_its_source():
    assert len(TRANSCRIPTS) >= 60
    for transcript in TRANSCRIPTS:
        assert transcript["url"].startswith("https://github.com/")
        assert transcript["source"].replace("#", "/issues/").split(", ")[0] in transcript["url"]
        assert transcript["framing"] in ("shown", "restored")
        assert transcript["modem"]
        assert transcript["what"]


def test_nobody_is_named():
    """Numbers of telephones, modems and cards have been masked: their digits count up from 0 or 1."""
    for transcript in TRANSCRIPTS:
        said = str(transcript["command"]) + "".join(transcript["stream"])
        for number in re.findall(r"(?<![0-9A-F])\d{9,}(?![0-9A-F])", said):
            assert number in "12345678901234567890123456789"[: len(number) + 10] or number in (
                "01234567890123456789"
            )


@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=NAMES)
def test_transcript(ask, transcript):
    (got,) = ask(do="converse", command=command(transcript), streams=[chunks(parts(transcript))])
    expected(transcript, got)
    for line, event in transcript["unsolicited"]:
        assert ask(do="event_of", of=line) == event


@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=NAMES)
def test_cut_in_two_anywhere_and_byte_by_byte(ask, transcript):
    stream = parts(transcript)
    streams = [chunks(stream, cut) for cut in range(sum(len(part) for part in stream))]
    streams.append([[f"{byte:02x}" for byte in part] for part in stream])
    for n in range(0, len(streams), 50):  # no more than the VM's heap takes
        answers = ask(do="converse", command=command(transcript), streams=streams[n : n + 50])
        for got in answers:
            expected(transcript, got)


def with_urcs(transcript, own: bool) -> list[tuple[str, list[bytes]]]:
    """(URC, parts) for each URC at each place between two lines.

    own: also those that look like lines of the answer.
    """
    prefix = transcript.get("prefix", "none")
    result = []
    for urc in URCS:
        told_apart = not urc.startswith(prefix) and prefix != "any"
        if urc.encode() in b"".join(parts(transcript)) or not (own or told_apart):
            continue
        stream = parts(transcript)
        for n, part in enumerate(stream):
            # Behind a line's end; not behind the last, nor inside noise that has none.
            for place in [m.end() for m in re.finditer(rb"[^\r\n]\r?\r\n", part)][:-1]:
                whole = part[:place] + b"\r\n" + urc.encode() + b"\r\n" + part[place:]
                result.append((urc, [*stream[:n], whole, *stream[n + 1 :]]))
    return result


ANSWERED = [
    pytest.param(t, id=name)
    for t, name in zip(TRANSCRIPTS, NAMES, strict=True)
    if t["command"] and with_urcs(t, own=False)
]


@pytest.mark.parametrize("transcript", ANSWERED)
def test_a_urc_between_any_two_lines(ask, transcript):
    cases = with_urcs(transcript, own=False)
    streams = [chunks(stream) for _, stream in cases]
    answers = ask(do="converse", command=command(transcript), streams=streams)
    for (urc, _), (answer, error, unsolicited) in zip(cases, answers, strict=True):
        unsolicited.remove(urc)
        expected(transcript, (answer, error, unsolicited))


METHODS = [
    pytest.param(t, p, id=f"{name}-{p['by']}")
    for t, name in zip(TRANSCRIPTS, NAMES, strict=True)
    for p in t["parsed"]
    if p["by"] not in PARSERS
]


def call(ask, transcript, parsed, streams):
    results = ask(
        do="call",
        method=parsed["by"],
        of=parsed.get("of"),
        command=transcript["command"],
        streams=streams,
    )
    for result, error in results:
        if isinstance(parsed["gives"], dict):
            assert error
            assert error["type"] == parsed["gives"]["error"]
        else:
            assert error is None
            assert result == parsed["gives"]


@pytest.mark.parametrize(("transcript", "parsed"), METHODS)
def test_methods(ask, transcript, parsed):
    stream = parts(transcript)
    call(ask, transcript, parsed, [chunks(stream)])
    call(ask, transcript, parsed, [chunks(stream, cut) for cut in range(len(stream[0]))])


@pytest.mark.parametrize(
    ("transcript", "parsed"), [m for m in METHODS if m.values[1]["by"] != "await_end"]
)
def test_methods_with_a_urc_between_any_two_lines(ask, transcript, parsed):
    streams = [chunks(stream) for _, stream in with_urcs(transcript, own=True)]
    call(ask, transcript, parsed, streams)


@pytest.mark.parametrize(
    "parsed", [p for t in TRANSCRIPTS for p in t["parsed"] if p["by"] in PARSERS]
)
def test_parsers(ask, parsed):
    assert ask(do=parsed["by"], of=parsed["of"]) == parsed["gives"]


def damaged(chance: random.Random, stream: bytes) -> bytes:
    """A stream as a bad line, a wrong rate or another modem may leave it."""
    if chance.random() < 0.05:
        return chance.randbytes(chance.randrange(300))
    data = bytearray(stream)
    for _ in range(chance.choice((1, 1, 1, 2, 8))):
        place = chance.randrange(len(data) + 1)
        match chance.randrange(9):
            case 0:
                data[place:place] = chance.randbytes(chance.choice((1, 3, 30)))
            case 1:
                del data[place : place + chance.choice((1, 2, 8))]
            case 2:
                data[place:place] = data[place : place + chance.choice((1, 8, 40))]
            case 3 | 4:
                if data:
                    data[place - 1] ^= 1 << chance.randrange(8)
            case 5:
                del data[place:]
            case 6:
                other = parts(chance.choice(TRANSCRIPTS))[0]
                data[place:place] = other[chance.randrange(len(other)) :]
            case 7:
                data[place:place] = chance.choice(
                    (b"\r", b"\n", b'"', b",", b"-", b"9", b": ", b"> ")
                )
            case _:
                if data and chance.random() < 0.05:
                    data[place:place] = bytes([chance.choice(data)]) * chance.choice(
                        (600, 1100, 3000)
                    )
    return bytes(data)


def sessions(chance: random.Random, size: int):
    """Commands and methods, each with a damaged answer, until `size` bytes have been said."""
    commanded = [t for t in TRANSCRIPTS if t["command"]]

    def chunked(stream):
        nonlocal size
        size -= len(stream)
        places = sorted(
            chance.sample(range(len(stream) + 1), min(len(stream), chance.randrange(3)))
        )
        pieces = [stream[a:b] for a, b in zip([0, *places], [*places, None], strict=True)]
        return [piece.hex() for piece in pieces if piece]

    while size > 0:
        if chance.random() < 0.3:
            method, args = chance.choice(MORE_METHODS)
            answers = []
            for _ in range(chance.randrange(1, 6)):
                transcript = chance.choice(commanded)
                stream = b"".join(parts(transcript))
                stream = stream.removeprefix(transcript["command"].encode() + b"\r")
                answers.append(
                    chunked(stream if chance.random() < 0.5 else damaged(chance, stream))
                )
            yield {"method": method, "args": args, "parts": answers, "echo": True}
            continue
        transcript = chance.choice(commanded)
        stream = b"".join(parts(transcript))
        echo = transcript["command"].encode() + b"\r"
        if chance.random() < 0.6:  # after a timeout an answer counts only behind its echo
            stream = echo + damaged(chance, stream.removeprefix(echo))
        else:
            stream = damaged(chance, stream)
        session = {"parts": [chunked(stream)], "echo": False}
        methods = [p["by"] for p in transcript["parsed"] if p["by"] not in PARSERS]
        if methods and chance.random() < 0.7:
            session["method"] = chance.choice(methods)
        else:
            session["command"] = command(transcript)
        yield session


def test_damaged_bytes(vm):
    """No exception but the package's own, no hang, and no more memory than a board has."""
    chance = random.Random(FUZZ_SEED)
    ends, kept, longest, left = {}, [], 0, FUZZ_BYTES
    with host(MODEM_HOST, vm, "-X", "heapsize=192k") as ask:
        while left > 0:
            batch = list(sessions(chance, min(left, 4000)))
            got = ask(do="fuzz", sessions=batch)
            assert "escaped" not in got, got
            left -= sum(len("".join(part)) // 2 for session in batch for part in session["parts"])
            longest = max(longest, got["longest"])
            for end, count in got["ends"].items():
                ends[end] = ends.get(end, 0) + count
            kept.append(ask(do="memory"))
    print(
        f"{FUZZ_BYTES} bytes: {ends}, longest {longest} ms, memory {kept[0]} to {max(kept)} bytes"
    )
    assert ends["result"] > 100
    assert {"ATError", "ATTimeout"} < set(ends)
    # The longest waits, AT+COPS=?'s and HTTP's, are 120 s; what clears up after them has a few more.
    assert longest < 200000
    assert max(kept) - kept[0] < 8192
