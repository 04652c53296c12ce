# Runs in the VM: one JSON request per line on stdin, one JSON answer per line on stdout.
# Names are looked up at a name server on the VM's own loopback, which answers what the request says.
import asyncio
import json
import socket
import sys

import network


def server(port):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", port))
    sock.setblocking(False)
    return sock


network.ipconfig(dns="127.0.0.1")
SERVER, OTHER = server(53), server(54)


async def answer(answers, asked):
    # answers: (whether from the server's port, what the question's number is combined with, what follows it in hex)
    while True:
        try:
            question, where = SERVER.recvfrom(512)
            asked.append((where[1], question[0] << 8 | question[1], len(question)))
            for right, flip, rest in answers:
                number = bytes((question[0] ^ flip >> 8, question[1] ^ flip & 255))
                (SERVER if right else OTHER).sendto(number + bytes.fromhex(rest), where)
                await asyncio.sleep_ms(
                    110
                )  # a socket of MicroPython 1.25 keeps one datagram until it is read
        except OSError:
            pass
        await asyncio.sleep_ms(1)


async def look_up(request):
    asked = []
    task = asyncio.create_task(answer(request["answers"], asked))
    try:
        return await socket.resolve(request["host"]), None, asked
    except OSError as error:
        return None, str(error), asked
    finally:
        task.cancel()


for line in sys.stdin:
    print(json.dumps(asyncio.run(look_up(json.loads(line)))))
