"""What a script needs to use modules/cmux without the package, on any board."""

HANDS = """
import cmux, gc, machine, network, socket
import board

def until(what, ms=10000):
    end = time.ticks_add(time.ticks_ms(), ms)
    while not what():
        if time.ticks_diff(end, time.ticks_ms()) < 0:
            raise OSError("timeout")
        time.sleep_ms(5)

def at(stream, command, ending=b"OK\\r\\n", ms=10000):
    stream.write(command + b"\\r")
    got = b""
    end = time.ticks_add(time.ticks_ms(), ms)
    while ending not in got and time.ticks_diff(end, time.ticks_ms()) > 0:
        if stream.any():
            got += stream.read()
        else:
            time.sleep_ms(2)
    return got

def enter(n2=12):
    # More tries than by default: the machine may be busy, and the time is not the real one.
    got = at(uart, b"AT+CMUX=0")
    assert got.endswith(b"OK\\r\\n"), got
    return cmux.CMUX(uart, n2=n2)

def channels(mux, *dlcis):
    opened = [mux.open(dlci) for dlci in dlcis]
    until(lambda: all(c.state() == cmux.OPEN for c in opened))
    return opened

def leave(mux):
    mux.close()
    until(lambda: mux.state() == cmux.CLOSED)

def up(stream):
    at(stream, b'AT+CGDCONT=1,"IP","internet"')
    at(stream, b"ATD*99#", b"CONNECT 115200\\r\\n")
    nic = network.PPP(stream)
    nic.connect(security=nic.SEC_PAP, user="", key="")
    until(nic.isconnected, 20000)
    return nic

def error(call, *args, **kw):
    try:
        call(*args, **kw)
    except (OSError, ValueError) as e:
        print("%s: %s" % (type(e).__name__, e))
    else:
        print("none")

uart = board.Board().uart(115200)
"""
