"""`python -m sim800`, used as a stranger would: through its port, with pyserial."""

import os
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
from faults import WORDS

serial = pytest.importorskip("serial")

SIMULATOR = Path(__file__).resolve().parents[2] / "simulator"


class Program:
    def __init__(self, *args):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sim800", *map(str, args)],
            cwd=SIMULATOR,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self.path = self.process.stdout.readline().strip()

    def __enter__(self):
        assert self.path, self.process.stderr.read()
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(10)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            pipe.close()

    def obey(self, line):
        self.process.stdin.write(line + "\n")

    def port(self, baud=115200):
        return serial.Serial(self.path, baud, timeout=5)


def run(*args):
    return subprocess.run(
        [sys.executable, "-m", "sim800", *args],
        cwd=SIMULATOR,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def test_help_names_options_commands_and_faults():
    result = run("--help")
    assert result.returncode == 0 and result.stderr == ""
    for word in (
        "--link",
        "--scenario",
        "--speed",
        "pwrkey SECONDS",
        "inject WORD",
        *[word.name for word in WORDS.values() if word.target != "board"],
    ):
        assert word in result.stdout


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--scenario", "nowhere.py"), "there is no file nowhere.py"),
        (("--scenario", "sim800/at.py:nothing"), "has no Scenario called 'nothing'"),
        (("--pin", "12"), "--pin wants 4 to 8 digits"),
        (("--baud", "1234"), "modem.ipr is 1234"),
        (("--speed", "0"), "speed must be above 0"),
        (("--route", "x"), "write ADDRESS:PORT=LOCAL"),
    ],
)
def test_bad_options_get_a_sentence(args, says):
    result = run(*args)
    assert result.returncode == 2 and says in result.stderr
    assert "Traceback" not in result.stderr and len(result.stderr.splitlines()) <= 2


def test_boots_by_itself_and_talks(tmp_path):
    log = tmp_path / "at.log"
    link = tmp_path / "modem"
    options = ("--speed", 20, "--pin", "1234", "--at-log", log, "--link", link)
    with Program(*options) as program:
        assert program.path == str(link)
        with program.port() as port:
            port.timeout = 0.05
            for _ in range(100):
                port.write(b"AT\r")
                if port.read(100).endswith(b"OK\r\n"):
                    break
            port.timeout = 5
            port.write(b"ATE0\r")
            port.read_until(b"OK\r\n")
            port.write(b"AT+CPIN?\r")
            assert b"+CPIN: SIM PIN\r\n" in port.read_until(b"OK\r\n")
            port.write(b'AT+CPIN="1234"\r')
            port.read_until(b"SMS Ready\r\n")
            program.obey("inject sms_received number=+4917012 text='Hello you'")
            assert port.read_until(b"1\r\n").endswith(b'+CMTI: "SM",1\r\n')
            port.write(b"AT+CMGF=1;+CMGR=1\r")
            said = port.read_until(b"OK\r\n")
            assert b'"+4917012"' in said and b"\r\nHello you\r\n" in said
            program.obey("status")
            assert "SIM READY" in program.process.stdout.readline()
            program.obey("fly")
            assert "no command 'fly'" in program.process.stdout.readline()
            program.obey("inject interrupt")
            assert "strikes the board: there is none here" in program.process.stdout.readline()
            program.obey("inject later 1 urc +HELLO: 1")
            assert port.read_until(b"+HELLO: 1\r\n").endswith(b"\r\n+HELLO: 1\r\n")
        program.obey("quit")
        assert program.process.wait(10) == 0
    text = log.read_text()
    assert "> AT+CPIN=****" in text and "< SMS Ready" in text and "1234" not in text
    assert not os.path.lexists(link)


def test_keys_by_hand():
    with (
        Program("--speed", 20, "--start", "off", "--baud", 9600) as program,
        program.port(9600) as port,
    ):
        program.obey("status")
        assert program.process.stdout.readline().startswith("power off")
        program.obey("supply on")
        program.obey("pwrkey 1.2")
        assert port.read_until(b"+CFUN: 1\r\n").endswith(b"\r\nRDY\r\n\r\n+CFUN: 1\r\n")
        program.obey("pwrkey 1.6")
        assert port.read_until(b"DOWN\r\n").endswith(b"\r\nNORMAL POWER DOWN\r\n")


def test_ppp_talks(tmp_path):
    pcap = tmp_path / "line.pcap"
    options = ("--speed", 5, "--start", "command", "--apn", "web", "--pcap", pcap)
    with Program(*options) as program, program.port() as port:
        port.write(b'ATE0+CGDCONT=1,"IP","web"\r')
        port.read_until(b"OK\r\n")
        port.write(b"ATD*99***1#\r")
        assert port.read_until(b"0\r\n").endswith(b"CONNECT 115200\r\n")
        frame = port.read_until(b"\x7e")
        frame += port.read_until(b"\x7e")
        # LCP Configure-Request, everything below 0x20 escaped
        assert frame.startswith(bytes.fromhex("7eff7d23c0217d21"))
        # nobody answers: after its retries the modem hangs up
        assert port.read_until(b"NO CARRIER\r\n").endswith(b"\r\nNO CARRIER\r\n")
    assert pcap.stat().st_size > 24


def test_scenario_from_a_file(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "from sim800.scenario import *\n"
        "lost = Scenario(modem=Modem(start='command', echo=False), sim=SIM(inserted=False),\n"
        "    events=(Event('urc', after=0.2, args={'text': 'HELLO'}),))\n"
    )
    with Program("--scenario", f"{file}:lost") as program, program.port() as port:
        port.write(b"AT+CMEE=2;+CIMI\r")
        assert port.read_until(b"inserted\r\n").endswith(b"+CME ERROR: SIM not inserted\r\n")
    broken = tmp_path / "broken.py"
    broken.write_text("1 / 0\n")
    result = run("--scenario", str(broken))
    assert result.returncode == 2 and "ZeroDivisionError" in result.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it_in_order(number, tmp_path):
    with Program("--link", tmp_path / "modem") as program:
        program.process.send_signal(number)
        assert program.process.wait(10) == 0
        assert not os.path.lexists(tmp_path / "modem")


def test_sigterm_ends_it_even_where_it_spins(tmp_path):
    file = tmp_path / "spin.py"
    file.write_text(
        "from sim800.scenario import *\n"
        "class Phones(dict):\n"
        "    def get(self, *_):\n"
        "        print('spinning', flush=True)\n"
        "        while True: pass\n"
        "scenario = Scenario(modem=Modem(start='command'), phones=Phones())\n"
    )
    with Program("--scenario", file) as program, program.port() as port:
        port.write(b"ATD123;\r")
        assert program.process.stdout.readline() == "spinning\n"
        program.process.terminate()
        assert program.process.wait(10) == -signal.SIGALRM


def test_b0_does_not_keep_it_from_ending():
    with Program("--start", "command", "--baud", "115200") as program, program.port() as port:
        mode = termios.tcgetattr(port.fd)
        mode[4] = mode[5] = termios.B0
        termios.tcsetattr(port.fd, termios.TCSANOW, mode)
        port.write(b"AT\r" * 100)
        time.sleep(0.3)
        used = os.times().children_user
        program.process.terminate()
        program.process.wait(20)
        assert os.times().children_user - used < 10  # it did not spin
        assert program.process.returncode == 0
