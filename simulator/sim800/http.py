"""The modem's own HTTP client: AT+HTTPINIT and what belongs to it.

SIM800 Series AT Command Manual V1.09 (its HTTP commands); IP application note V1.02; SSL application
note V1.00.
"""

import asyncio
from contextlib import asynccontextmanager

from network.sockets import TLS, NoName, TLSError

from .bearer import CIDS, Lost
from .commands import Args, command
from .errors import CME, BadValue
from .http_client import (
    AGENT,
    BODY_LIMIT,
    BadURL,
    NotHTTP,
    Reader,
    Response,
    TooBig,
    parse_url,
    request,
)

METHODS = ("GET", "POST", "HEAD")
REDIRECTS = 5  # followed at most
PIECE = 4096  # bytes given to the line at once; it does not hold a whole body
DRAIN_TIME = 0.01  # seconds from one look whether it took them to the next
IDLE, RECEIVING, SENDING = range(3)  # what AT+HTTPSTATUS? says

NOT_HTTP, NETWORK, NO_MEMORY, DNS, BUSY, TLS_FAILED, TLS_ALERT = range(600, 607)

# in the order of AT+HTTPPARA?; numbers with what they may be, texts with their longest
NUMBERS = {
    "CID": CIDS,
    "PROPORT": range(1, 65536),
    "REDIR": (0, 1),
    "BREAK": range(1 << 31),
    "BREAKEND": range(1 << 31),
    "TIMEOUT": range(30, 1001),
}
TEXTS = {"URL": 512, "UA": 100, "PROIP": 100, "CONTENT": 100, "USERDATA": 512}
DEFAULTS = {
    "CID": "",
    "URL": "",
    "UA": AGENT,
    "PROIP": "",
    "PROPORT": 80,
    "REDIR": 0,
    "BREAK": 0,
    "BREAKEND": 0,
    "TIMEOUT": 120,
    "CONTENT": "",
    "USERDATA": "",
}


class Service:
    """What lives from AT+HTTPINIT to AT+HTTPTERM."""

    def __init__(self):
        self.values = dict(DEFAULTS)
        self.tls = False
        self.data = b""  # of AT+HTTPDATA
        self.response: Response | None = None
        self.method = METHODS[0]
        self.status = (IDLE, 0, 0)
        self.task: asyncio.Task | None = None

    @property
    def busy(self) -> bool:
        return self.task is not None and not self.task.done()

    def progress(self, finish: int, remain: int) -> None:
        self.status = (RECEIVING, finish, remain)


def _service(modem, idle: bool = True) -> Service:
    """The service. Raises CME 3 before AT+HTTPINIT, and, if it must be idle, during an action."""
    if modem.http is None or (idle and modem.http.busy):
        raise CME(3)
    return modem.http


@command("+HTTPINIT", latency=0.02, test="")
def initialize(modem, c):
    if modem.http is not None:
        raise CME(3)
    modem.http = Service()


@command("+HTTPTERM", latency=0.02, test="")
def terminate(modem, c):
    service = _service(modem, idle=False)
    if service.task is not None:
        service.task.cancel()
    modem.http = None


@command("+HTTPPARA", "?", "=", latency=0.01, test='+HTTPPARA: "HTTPParamTag","HTTPParaValue"')
def parameters(modem, c):
    service = _service(modem)
    if c.op == "?":
        modem.info("+HTTPPARA:", *(f"{tag}: {value}" for tag, value in service.values.items()))
        return
    args = Args(c).most(2)
    tag = args.quoted(0).upper()
    if tag in NUMBERS:
        service.values[tag] = args.number(1, NUMBERS[tag])
    elif tag in TEXTS:
        service.values[tag] = args.quoted(1, longest=TEXTS[tag])
    else:
        raise BadValue


@command("+HTTPDATA", "=", latency=0.01, limit=120.0, test="+HTTPDATA: (0-319488),(1000-120000)")
async def data(modem, c):
    """DOWNLOAD, then exactly so many bytes; OK comes when they are there, or time is up."""
    service = _service(modem)
    args = Args(c).most(2)
    size = args.number(0, range(BODY_LIMIT + 1))
    time = args.number(1, range(1000, 120001))
    modem.info("DOWNLOAD")
    service.data = await modem.interpreter.data(size, time / 1000)
    modem.journal.add("modem", "HTTP data taken", bytes=len(service.data))


@command("+HTTPSSL", "?", "=", latency=0.01, test="+HTTPSSL: (0-1)", ssl=True)
def secure(modem, c):
    service = _service(modem)
    if c.op == "?":
        modem.info(f"+HTTPSSL: {int(service.tls)}")
    else:
        service.tls = bool(Args(c).most(1).number(0, (0, 1)))


@command("+HTTPSTATUS", "?", latency=0.01, test="")
def status(modem, c):
    service = _service(modem, idle=False)
    modem.info("+HTTPSTATUS: {},{},{},{}".format(service.method, *service.status))


@command("+HTTPREAD", "", "=", latency=0.02, test=f"+HTTPREAD: (0-{BODY_LIMIT}),(1-{BODY_LIMIT})")
async def read(modem, c):
    """All of the body, or a part; no body, no data: OK alone, as seen on real ones."""
    service = _service(modem, idle=False)
    body = service.response.body if service.response else b""
    if c.op == "=":
        args = Args(c).most(2)
        start = args.number(0, range(BODY_LIMIT + 1))
        body = body[start : start + args.number(1, range(1, BODY_LIMIT + 1))]
    await _send(modem, "+HTTPREAD", body)


@command("+HTTPHEAD", latency=0.02, test="")
async def read_head(modem, c):
    service = _service(modem, idle=False)
    await _send(modem, "+HTTPHEAD", service.response.head if service.response else b"")


async def _send(modem, name: str, content: bytes) -> None:
    if content:
        modem.info(f"{name}: {len(content)}")
    for at in range(0, len(content), PIECE):
        while modem.line.pending > PIECE:
            await modem.clock.sleep(DRAIN_TIME)
        modem.output.send(content[at : at + PIECE])


@command("+HTTPACTION", "=", latency=0.02, test="+HTTPACTION: (0-2)")
def action(modem, c):
    """0 GET, 1 POST, 2 HEAD: OK at once, the URC when it is done."""
    service = _service(modem, idle=False)
    method = Args(c).most(1).number(0, range(3))
    if not service.values["URL"] or not service.values["CID"]:
        raise CME(3)
    if service.busy:
        modem.then(lambda: _tell(modem, method, BUSY))
        return
    service.method, service.status, service.response = METHODS[method], (SENDING, 0, 0), None
    modem.then(lambda: _begin(modem, service, method))


def _begin(modem, service: Service, method: int) -> None:
    service.task = modem.background(_act(modem, service, method))


def _tell(modem, method: int, code: int, length: int = 0) -> None:
    modem.journal.add("modem", "HTTP action", method=METHODS[method], status=code, bytes=length)
    modem.urc(f"+HTTPACTION: {method},{code},{length}")


async def _act(modem, service: Service, method: int) -> None:
    length = 0
    try:
        if modem.http_code:
            code, modem.http_code = modem.http_code, 0
        else:
            async with modem.clock.timeout(service.values["TIMEOUT"]):
                bearer = modem.bearers[service.values["CID"]]
                service.response = await bearer.carry(_exchange(modem, service))
            code, length = service.response.status, len(service.response.body)
    except NotHTTP:
        code = NOT_HTTP
    except TooBig:
        code = NO_MEMORY
    except NoName:
        code = DNS
    except TLSError as error:
        modem.journal.add("modem", "TLS failed", why=str(error))
        code = TLS_ALERT if error.alert else TLS_FAILED
    except (Lost, OSError, TimeoutError, BadURL):
        code = NETWORK
    service.status = (IDLE, 0, 0)
    service.task = None
    _tell(modem, method, code, length)


async def _exchange(modem, service: Service) -> Response:
    """The request and, where AT+HTTPPARA="REDIR",1 wants it, those it is redirected to."""
    url = service.values["URL"]
    for _ in range(REDIRECTS + 1):
        response = await _one(modem, service, url)
        there = response.header("Location")
        if not (service.values["REDIR"] and 300 <= response.status < 400 and there):
            break
        if there.startswith("/"):
            there = f"{parse_url(url, service.tls).authority}{there}"
        url = there
    return response


async def _one(modem, service: Service, text: str) -> Response:
    values, method = service.values, service.method
    url = parse_url(text, service.tls)
    headers = [f"User-Agent: {values['UA']}"]
    if values["CONTENT"] and method == "POST":
        headers.insert(0, f"Content-Type: {values['CONTENT']}")
    if values["USERDATA"]:
        # the characters \r\n in it part header lines, as seen on real ones
        headers += [line for line in values["USERDATA"].split("\\r\\n") if line]
    if method == "GET" and (values["BREAK"] or values["BREAKEND"]):
        end = values["BREAKEND"] if values["BREAKEND"] > values["BREAK"] else ""
        headers.append(f"Range: bytes={values['BREAK']}-{end}")
    target, host, port = url.path, url.host, url.port
    if values["PROIP"]:
        target, host, port = (
            f"http://{url.authority}{url.path}",
            values["PROIP"],
            values["PROPORT"],
        )
    body = service.data if method == "POST" else None
    async with _connection(modem, service, host, port) as connection:
        service.status = (SENDING, 0, len(body or b""))
        await connection.write(request(method, target, url.authority, headers, body))
        service.progress(0, 0)
        return await Reader(connection, service.progress).response(method)


@asynccontextmanager
async def _connection(modem, service: Service, host: str, port: int):
    address = await modem.sockets.resolve(host)
    connection = await modem.sockets.connect(address, port)
    try:
        if service.tls:
            connection = TLS(connection)
            await connection.open()
        yield connection
    finally:
        connection.close()
