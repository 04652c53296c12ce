# Runs in the VM: one JSON request per line on stdin, one JSON answer per line on stdout.
# Host names and what is shown of others' text.
import json
import sys

from hostname import to_ascii
from printable import printable


def checked(host):
    try:
        return [to_ascii(host), None]
    except ValueError as error:
        return [None, str(error)]


for line in sys.stdin:
    hosts, texts = json.loads(line)
    print(json.dumps([[checked(host) for host in hosts], [printable(text) for text in texts]]))
