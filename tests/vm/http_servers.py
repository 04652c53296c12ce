"""Web servers that others have written: Debian's Apache httpd and Caddy, Python's own, httpbin on gunicorn and uvicorn."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from http_peer import ADDRESS, HOST
from real_servers import Server, free_port
from stand_in import CERTIFICATES
from world import ROOT

APACHE = Path("/usr/sbin/apache2")
CADDY = Path("/usr/bin/caddy")
PEERS = ROOT / "build" / "venv-peers" / "bin"
CERTIFICATE = CERTIFICATES / "https.pem"

APACHE_CONF = """
ServerRoot {folder}
PidFile {folder}/pid
ErrorLog {folder}/error.log
ServerName {host}
Listen 127.0.0.1:{plain}
Listen 127.0.0.1:{tls}
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule dir_module /usr/lib/apache2/modules/mod_dir.so
LoadModule mime_module /usr/lib/apache2/modules/mod_mime.so
LoadModule deflate_module /usr/lib/apache2/modules/mod_deflate.so
LoadModule filter_module /usr/lib/apache2/modules/mod_filter.so
LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so
TypesConfig /etc/mime.types
DocumentRoot {folder}/www
DefaultRuntimeDir {folder}
Mutex file:{folder} default
AddOutputFilterByType DEFLATE text/plain
<VirtualHost *:{tls}>
SSLEngine on
SSLProtocol TLSv1.2
SSLCertificateFile {certificate}
SSLCertificateKeyFile {certificate}
</VirtualHost>
"""


class Web(Server):
    """A web server by plain HTTP at `plain`, and by HTTPS at `tls` (0: not), with the files of `www`."""

    tls = 0

    def __init__(self, folder: Path, *command, env=None):
        self._log = folder / "output.log"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                command, cwd=folder, stdout=log, stderr=log, env={**os.environ, **(env or {})}
            )

    def ready(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.plain)) == 0


class Apache(Web):
    def __init__(self, folder):
        self.plain, self.tls = free_port(), free_port()
        conf = APACHE_CONF.format(
            folder=folder, host=HOST, plain=self.plain, tls=self.tls, certificate=CERTIFICATE
        )
        (folder / "apache.conf").write_text(conf)
        super().__init__(folder, APACHE, "-X", "-f", folder / "apache.conf")


class Caddy(Web):
    def __init__(self, folder):
        self.plain, self.tls = free_port(), free_port()
        site = (
            "{{\n bind 127.0.0.1\n {tls}\n encode gzip\n root * {folder}/www\n file_server\n}}\n"
        )
        tls = f"tls {CERTIFICATE} {CERTIFICATE}"
        (folder / "Caddyfile").write_text(
            "{\n admin off\n auto_https disable_redirects\n}\n"
            + f"http://{HOST}:{self.plain} "
            + site.format(tls="", folder=folder)
            + f"https://{HOST}:{self.tls} "
            + site.format(tls=tls, folder=folder)
        )
        env = {"XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "HOME": str(folder)}
        super().__init__(folder, CADDY, "run", "--config", folder / "Caddyfile", env=env)


class Python(Web):
    def __init__(self, folder):
        self.plain = free_port()
        command = (
            sys.executable,
            "-m",
            "http.server",
            "--bind",
            "127.0.0.1",
            "-d",
            folder / "www",
        )
        super().__init__(folder, *command, str(self.plain))


class Gunicorn(Web):
    """httpbin, as gunicorn serves it."""

    def __init__(self, folder):
        self.plain = free_port()
        command = (PEERS / "gunicorn", "--workers", "1", "--threads", "4")
        super().__init__(folder, *command, "-b", f"127.0.0.1:{self.plain}", "httpbin:app")


class Uvicorn(Web):
    """httpbin, as uvicorn serves it, with TLS."""

    def __init__(self, folder):
        self.plain = self.tls = free_port()
        (folder / "asgi.py").write_text(
            "import a2wsgi, httpbin\napp = a2wsgi.WSGIMiddleware(httpbin.app)\n"
        )
        tls = ("--ssl-certfile", CERTIFICATE, "--ssl-keyfile", CERTIFICATE)
        command = (
            PEERS / "uvicorn",
            "--host",
            "127.0.0.1",
            "--port",
            str(self.plain),
            "--http",
            "h11",
        )
        super().__init__(folder, *command, *tls, "--app-dir", folder, "asgi:app")


NEEDS = {Apache: APACHE, Caddy: CADDY, Gunicorn: PEERS / "gunicorn", Uvicorn: PEERS / "uvicorn"}


@pytest.fixture
def web(internet, tmp_path, monkeypatch, request):
    """The server that the test is parametrised with, as HOST."""
    kind = request.param
    if kind in NEEDS and not NEEDS[kind].exists():
        pytest.skip(f"{NEEDS[kind]} is not here: run `ci/setup.sh test` and `ci/setup.sh peers`")
    (tmp_path / "www" / "folder").mkdir(parents=True)
    web = kind(tmp_path)
    web.www = tmp_path / "www"
    monkeypatch.setitem(internet.names, HOST, ADDRESS)
    # Some make a whole URL of what they redirect to, with the port that they know.
    for port, there in (
        (80, web.plain),
        (443, web.tls),
        (web.plain, web.plain),
        (web.tls, web.tls),
    ):
        if there:
            monkeypatch.setitem(internet.routes, (ADDRESS, port), there)
    try:
        web.wait_until_up()
        yield web
    finally:
        web.stop()
