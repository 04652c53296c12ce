"""A web server with an update, and what docs/firmware.md has a board do with it."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from world import ROOT


def documented() -> str:
    """The page's code without its reset, for http://updates.example/."""
    page = (ROOT / "docs" / "firmware.md").read_text()
    code = page[page.index("SERVER = ") : page.index("machine.reset()")]
    return code.replace("https://updates.example/hive/", "http://updates.example/")


class Server(ThreadingHTTPServer):
    """Sends the update's files, and breaks off the first answer of an image half-way."""

    def __init__(self, files):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = files
        self.broken = False
        self.ranges = []
        Thread(target=self.serve_forever, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        data = self.server.files[self.path.lstrip("/")]
        start = 0
        if wanted := self.headers.get("Range"):
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            self.server.ranges.append(start)
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(data) - start))
        if wanted:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        if wanted and not self.server.broken:
            self.server.broken = True
            data = data[: len(data) // 2]
            self.close_connection = True
        self.wfile.write(data[start:])

    def log_message(self, *_):
        pass
