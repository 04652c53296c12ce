"""firmware/sign.py: keys and signed manifests, checked by an independent implementation (python3-cryptography)."""

import hashlib
import json
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from world import ROOT

sys.path.insert(0, str(ROOT / "firmware"))
import image
import sign


def command(*arguments):
    return subprocess.run(
        [sys.executable, ROOT / "firmware" / "sign.py", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def key(tmp_path):
    sign.make_key(tmp_path / "owner.pem")
    return tmp_path / "owner.pem"


def private(key):
    return serialization.load_pem_private_key(key.read_bytes(), None)


def check(key, manifest):
    """The signed bytes. Raises InvalidSignature."""
    signed, line = manifest[:-139], manifest[-139:]
    assert line.startswith(b"signature ")
    raw = bytes.fromhex(line[10:-1].decode())
    r, s = (int.from_bytes(half, "big") for half in (raw[:32], raw[32:]))
    public = private(key).public_key()
    public.verify(encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
    return signed.decode()


def test_a_key_is_for_its_owner_alone_and_is_not_overwritten(key):
    assert key.stat().st_mode & 0o777 == 0o600
    numbers = private(key).public_key().public_numbers()
    assert sign.public_key(key) == numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")
    before = key.read_bytes()
    done = command("key", key)
    assert (done.returncode, key.read_bytes()) == (1, before)
    assert done.stderr.startswith("sign: ") and done.stderr.count("\n") == 1


def test_files(key, tmp_path):
    folder = tmp_path / "set"
    (folder / "lib").mkdir(parents=True)
    (folder / "main.py").write_bytes(b"main")
    (folder / "lib" / "a.py").write_bytes(b"")
    (folder / ".hidden").write_bytes(b"x")
    done = command("files", key, 12, folder, tmp_path / "m")
    assert done.returncode == 0, done.stderr
    digests = [hashlib.sha256(data).hexdigest() for data in (b"", b"main")]
    assert check(key, (tmp_path / "m").read_bytes()) == (
        "signed-update 1\nboard TCALL_SIM800\nkind files\nversion 12\n"
        f"part 0 {digests[0]} lib/a.py\npart 4 {digests[1]} main.py\n"
    )


def test_signatures_of_all_lengths(key):
    """openssl leaves out zeros in front."""
    for version in range(1, 300):
        check(key, sign.manifest(key, "B", "files", version, {"a": b""}))


def test_an_image(key, tmp_path, capsys):
    built = {"name": "TCALL_SIM800-OTA", "board": "TCALL_SIM800", "update": 77}
    built["update_keys"] = [sign.public_key(key).hex()]
    (tmp_path / "version.json").write_text(json.dumps(built))
    (tmp_path / "firmware.app-bin").write_bytes(b"\xe9image")
    sign.sign_image(key, tmp_path)
    text = check(key, (tmp_path / "firmware.manifest").read_bytes())
    assert "kind image\nversion 77\npart 6 " in text
    assert capsys.readouterr().err == ""
    (tmp_path / "version.json").write_text(json.dumps({**built, "update_keys": []}))
    sign.sign_image(key, tmp_path)
    assert "does not trust" in capsys.readouterr().err
    (tmp_path / "version.json").write_text(json.dumps({**built, "name": "TCALL_SIM800"}))
    with pytest.raises(sign.SignError, match="TCALL_SIM800 knows no trial"):
        sign.sign_image(key, tmp_path)


def test_what_cannot_be_signed(key, tmp_path):
    weak = tmp_path / "rsa.pem"
    weak.write_bytes(
        rsa.generate_private_key(65537, 2048).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    (tmp_path / "empty").mkdir()
    for arguments in (
        ("files", tmp_path / "none.pem", 1, tmp_path, tmp_path / "m"),
        ("files", weak, 1, tmp_path, tmp_path / "m"),
        ("files", key, 0, tmp_path, tmp_path / "m"),
        ("files", key, 2**31, tmp_path, tmp_path / "m"),
        ("files", key, 1, tmp_path / "empty", tmp_path / "m"),
        ("image", key, tmp_path),
    ):
        done = command(*arguments)
        assert done.returncode == 1
        assert done.stderr.startswith("sign: ") and done.stderr.count("\n") == 1, done.stderr
    for parts in ({"a b": b""}, {"ä": b""}, {f"{i:064}": b"" for i in range(40)}):
        with pytest.raises(sign.SignError):
            sign.manifest(key, "B", "files", 1, parts)


def test_the_image_has_the_public_keys(key, tmp_path):
    plan = image.Plan(output=tmp_path)
    env = {"UPDATE_KEYS": str(key), "SOURCE_DATE_EPOCH": "1764526211"}
    told = image.pin_keys(plan, env)
    pinned = {}
    exec((plan.folder / "trust" / "update_trust.py").read_text(), pinned)
    assert env["UPDATE_TRUST"] == str(plan.folder / "trust")
    assert pinned["KEYS"] == (sign.public_key(key),)
    assert (pinned["BOARD"], pinned["VERSION"]) == ("TCALL_SIM800", 1764526211)
    assert told == {
        "board": "TCALL_SIM800",
        "update": 1764526211,
        "update_keys": [sign.public_key(key).hex()],
    }


def test_an_image_without_keys_is_as_the_simulators(tmp_path):
    plan = image.Plan(output=tmp_path)
    image.pin_keys(plan, {"SOURCE_DATE_EPOCH": "1764526211"})
    made, ours = {}, {}
    exec((plan.folder / "trust" / "update_trust.py").read_text(), made)
    exec((ROOT / "boards" / "TCALL_SIM800" / "modules" / "update_trust.py").read_text(), ours)
    assert [made[name] for name in ("BOARD", "VERSION", "KEYS")] == ["TCALL_SIM800", 0, ()]
    assert [ours[name] for name in ("BOARD", "VERSION", "KEYS")] == ["TCALL_SIM800", 0, ()]


@pytest.mark.parametrize(
    "env",
    [
        {"UPDATE_KEYS": "nowhere.pem"},
        {"UPDATE_KEYS": "KEY KEY KEY"},
        {"UPDATE_KEYS": "KEY", "UPDATE_VERSION": "x"},
        {"UPDATE_KEYS": "KEY", "UPDATE_VERSION": "0"},
        {"UPDATE_KEYS": "KEY", "UPDATE_VERSION": "2147483648"},
    ],
)
def test_keys_and_versions_that_cannot_be_pinned(key, tmp_path, env):
    env = {name: value.replace("KEY", str(key)) for name, value in env.items()}
    with pytest.raises(image.BuildError):
        image.pin_keys(image.Plan(output=tmp_path), {"SOURCE_DATE_EPOCH": "1", **env})
