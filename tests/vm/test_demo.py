"""What `make demo` shows and leaves behind."""

import os
import shutil
import subprocess
import sys

import pytest
from world import ROOT

SHOWN = """
supply on
PWRKEY low
first AT command heard
modem: SIM800 R13.08
this firmware has no TLS of its own
SIM: READY
scan: 26201 Telekom.de
registered with Telekom.de, signal -78 dBm
LCP up
PAP ok
IPCP up
address 10.64.64.64
telemetry.example is 203.0.113.10
GET  200
POST 200
'device': 'beehive 7'
unknownca.example refused: the certificate of unknownca.example is signed by "Test Unknown Root"
wronghost.example refused: the certificate of wronghost.example is for another.example
expired.example refused: the certificate of expired.example is expired
modem off
bytes down
""".strip().splitlines()


def test_demo(vm, tmp_path):
    ran = subprocess.run(
        [sys.executable, "-m", "demo", "--out", tmp_path],
        cwd=ROOT / "simulator",
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    at = 0
    for words in SHOWN:  # in this order
        assert words in ran.stdout[at:], ran.stdout
        at = ran.stdout.index(words, at)
    log = (tmp_path / "at.log").read_text()
    assert "> ATD*99***1#" in log
    assert "< CONNECT" in log
    if not shutil.which("tshark"):
        pytest.skip("the capture was not looked at: tshark is not installed, run ci/setup.sh test")
    read = subprocess.run(
        ["tshark", "-r", tmp_path / "ppp.pcap"], capture_output=True, text=True, check=True
    )
    for protocol in ("PPP LCP", "PPP PAP", "PPP IPCP", "DNS", "TCP", "TLSv1.2"):
        assert protocol in read.stdout


def test_a_failed_demo_leaves_the_earlier_files(tmp_path):
    for name in ("at.log", "ppp.pcap"):
        (tmp_path / name).write_text("of a good run")
    ran = subprocess.run(
        [sys.executable, "-m", "demo", "--out", tmp_path],
        cwd=ROOT / "simulator",
        env={**os.environ, "SIM_VM": shutil.which("false")},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "the tour ended with exit code 1" in ran.stderr
    assert (tmp_path / "at.log").read_text() == "of a good run"
    assert (tmp_path / "ppp.pcap").read_text() == "of a good run"
    assert {file.name for file in (tmp_path / "failed").iterdir()} == {"at.log", "ppp.pcap"}
    assert {file.name for file in tmp_path.iterdir()} == {"at.log", "ppp.pcap", "failed"}
    assert f"{tmp_path / 'failed' / 'at.log'}" in ran.stdout
