"""Programs that others have written, whole, against the simulated modem: gammu, gnokii, smstools, python-gsmmodem-new."""

import shutil
import subprocess
import time

import pytest
from foreign_rig import READY, Foreign, run
from sim800.scenario import USSD, Phone
from sim800_rig import scenario
from world import ROOT

PEERS = ROOT / "build" / "venv-peers" / "bin" / "python"
SETUP = scenario(
    READY,
    sim={"contacts": (("+491701", "Anna"), ("0301", "Bäcker"))},
    phones={"+49151123": Phone(reports=0.3)},
    ussd={"*100#": USSD("Balance 5.00", after=0.2)},
)


def needs(program):
    return pytest.mark.skipif(
        shutil.which(program) is None, reason=f"{program} is not here: run ci/setup.sh test"
    )


def sent(modem):
    return modem.do(
        lambda: [
            (message.number, message.text, message.parts) for message in modem.modem.messages.sent
        ]
    )


def wait_for(condition, limit=30):
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def receive(modem):
    """A message comes, and is stored."""
    modem.inject("sms_received", number="+49170123", text="Hi there")
    wait_for(lambda: modem.do(lambda: len(modem.modem.messages.stores["SM"].places)) == 1)


@needs("gammu")
def test_gammu(tmp_path):
    # it sets the port to B0, which leaves it at 9600
    with Foreign(scenario(SETUP, modem={"ipr": 9600})) as modem:
        receive(modem)
        rc, batch = tmp_path / "gammurc", tmp_path / "batch"
        rc.write_text(f"[gammu]\ndevice = {modem.port}\nconnection = at9600\n")
        batch.write_text(
            "identify\nnetworkinfo\ngetsmsc\ngetallsms\ngetmemory SM 1 3\ngetallmemory ON\n"
            "sendsms TEXT +49151123 -text Hello\nbattery\ngetdatetime\ndeletesms 1 1\n"
        )
        said, _ = run("gammu", "-c", str(rc), "batch", str(batch))
        for part in (
            "SIMCOM_SIM800L",
            "861234567890123",
            '"Telekom.de"',
            "LAC 1A2B, CID 3C4D",
            '"+491710760000"',
            "Hi there",
            '"Anna"',
            '"+491701234567"',
            "message reference=1",
            "87 percent",
            "Phone time is",
        ):
            assert part in said, (part, said)
        assert sent(modem) == [("+49151123", "Hello", 1)]
        assert modem.do(lambda: modem.modem.messages.stores["SM"].places) == {}


@needs("gnokii")
def test_gnokii(tmp_path):
    with Foreign(SETUP) as modem:
        receive(modem)
        config = tmp_path / "gnokiirc"
        config.write_text(
            f"[global]\nport = {modem.port}\nmodel = AT\nconnection = serial\n"
            "serial_baudrate = 115200\nuse_locking = no\n[logging]\ndebug = off\n"
        )

        def gnokii(*what, **more):
            said, code = run("gnokii", "--config", str(config), *what, **more)
            assert code == 0, said
            return said

        assert "IMEI         : 861234567890123" in gnokii("--identify")
        assert "Hi there" in gnokii("--getsms", "SM", "1")
        book = gnokii("--getphonebook", "SM", "1", "2")
        assert "Name: Anna" in book and "Number: 0301" in book
        assert "+491710760000" in gnokii("--getsmsc", "1")
        assert "reference 1" in gnokii("--sendsms", "+49151123", input="Hello")
        assert sent(modem) == [("+49151123", "Hello", 1)]
        assert modem.refused() == []


@needs("smsd")
def test_smstools(tmp_path):
    folders = [tmp_path / name for name in ("incoming", "outgoing", "checked", "failed", "sent")]
    for folder in folders:
        folder.mkdir()
    with Foreign(SETUP) as modem:
        receive(modem)
        config = tmp_path / "smsd.conf"
        config.write_text(
            "devices = GSM1\n"
            + "".join(f"{folder.name} = {folder}\n" for folder in folders)
            + f"logfile = {tmp_path}/log\npidfile = {tmp_path}/pid\ninfofile = {tmp_path}/info\n"
            "delaytime = 1\nautosplit = 3\nreceive_before_send = no\n"
            f"[GSM1]\ndevice = {modem.port}\nbaudrate = 115200\nrtscts = no\nincoming = yes\n"
        )
        incoming, outgoing, *_, delivered = folders
        (outgoing / "one").write_text(f"To: 49151123\n\n{'Hello from smstools. ' * 12}")
        smsd = subprocess.Popen(["smsd", "-c", str(config), "-t"])
        try:
            wait_for(lambda: any(delivered.iterdir()) and any(incoming.iterdir()))
        finally:
            smsd.terminate()
            smsd.wait(20)
        (message,) = incoming.iterdir()
        assert "Hi there" in message.read_text("latin-1")
        assert sent(modem) == [("+49151123", ("Hello from smstools. " * 12).rstrip(), 2)]
        assert modem.do(lambda: modem.modem.messages.stores["SM"].places) == {}


@pytest.mark.skipif(not PEERS.exists(), reason="no build/venv-peers: run ci/setup.sh peers")
def test_python_gsmmodem(tmp_path):
    script = str(ROOT / "tests" / "simulator" / "foreign_gsmmodem.py")
    with Foreign(SETUP) as modem:
        with subprocess.Popen(
            [PEERS, script, modem.port],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as program:
            said = []
            for line in program.stdout:
                said.append(line.rstrip())
                if line == "ready\n":
                    modem.inject("sms_received", number="+49170123", text="Hi there")
                    modem.inject("ring", number="+49170123", count=5)
            code = program.wait(60)
        assert code == 0, said
        for line in (
            "modem SIMCOM_Ltd SIMCOM_SIM800L 861234567890123 262011234567890",
            "number +491701234567",
            "smsc +491710760000",
            "report 0",
            "ussd Balance 5.00",
            "sms +49170123 Hi there",
            "done",
        ):
            assert line in said, (line, said)
        assert sent(modem) == [
            ("+49151123", "Hello there", 1),
            ("+49151123", "In text mode", 1),
            ("+49151123", "Grüße " * 40 + "Ж", 4),
        ]
        assert modem.do(lambda: modem.modem.calls.state) == ""
