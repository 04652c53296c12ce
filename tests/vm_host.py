"""A script in a VM that answers a line of JSON with another: for tests of what is pure, thousands of times."""

import json
import select
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def host(script: Path, *program: str | Path) -> Iterator:
    """ask(request), or ask(name=value, …) for an object, of `script` in the VM that is started by `program`.

    It must answer within a minute, and end when there is nothing more to read.
    """
    vm = subprocess.Popen(
        [*program, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
    )

    def ask(request=None, **fields):
        request = fields if request is None else request
        vm.stdin.write(json.dumps(request, ensure_ascii=False) + "\n")
        vm.stdin.flush()
        assert select.select([vm.stdout], [], [], 60)[0], f"the VM hangs in {str(request)[:2000]}"
        answer = vm.stdout.readline()
        assert answer, f"the VM ended in {str(request)[:2000]}"
        return json.loads(answer)

    try:
        yield ask
        vm.stdin.close()
        assert vm.wait(5) == 0
    finally:
        vm.kill()
        vm.wait()
