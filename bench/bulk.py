"""What a script needs to time transfers with the bulk server: put before it."""

BULK = """
import socket, time

def connected():
    s = socket.socket()
    s.connect(socket.getaddrinfo("bulk.example", 9)[0][-1])
    return s

def take(count, buffer):
    # Microseconds from the first bytes to the last, and how many came in them.
    s = connected()
    s.write(b"GET %d\\n" % count)
    left = count
    start = None
    while left:
        got = s.readinto(buffer, min(left, len(buffer)))
        if not got:
            raise OSError("closed early")
        if start is None:
            start = time.ticks_us()
            first = got
        left -= got
    us = time.ticks_diff(time.ticks_us(), start)
    s.close()
    return us, count - first

def give(data):
    # Microseconds until the server has it all.
    s = connected()
    s.write(b"PUT %d\\n" % len(data))
    start = time.ticks_us()
    s.write(data)
    answer = s.readline()
    us = time.ticks_diff(time.ticks_us(), start)
    s.close()
    if not answer.startswith(b"OK %d " % len(data)):
        raise OSError(answer)
    return us

with open("pattern.bin", "rb") as file:
    data = file.read()
"""
