#!/usr/bin/env python3
"""Prints the shell steps of a workflow's job as one script, to try them where there is no GitHub: in a bare Debian root.

The script checks the project out of PROJECT (a folder or an address) into WORK, a new folder, and runs each step in a
shell of its own, as GitHub does. Actions other than the checkout are left out, and so is what has a condition (`if:`)
unless its step's id or number is given with --also. For example, as root:

    debootstrap --variant=minbase trixie root
    build/venv/bin/python ci/workflow_steps.py upstream master >root/tmp/steps.sh
    git clone --bare . root/tmp/project.git
    unshare -m sh -c "mount --bind root root; mount -t proc proc root/proc; mount --rbind /dev root/dev; cd root;
        pivot_root . mnt; PROJECT=/tmp/project.git WORK=/tmp/work exec chroot . sh /tmp/steps.sh"

Not by chroot alone: there nobody makes a user namespace.
"""

import argparse
import re
import shlex
import sys
from pathlib import Path

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = ROOT / ".github" / "workflows"

HEAD = """\
set -eu
mkdir -p "$WORK"
cd "$WORK"
export CI=true GITHUB_ACTIONS=true GITHUB_WORKSPACE="$WORK" GITHUB_REPOSITORY=owner/ppp-sim800
step() { printf '\\n== %s\\n' "$*"; }
files=$(mktemp -d)
export GITHUB_OUTPUT="$files/output" GITHUB_STEP_SUMMARY="$files/summary" RUNNER_TEMP="$files"
"""


class StepsError(Exception):
    """Its text is one sentence for the user."""


def filled(text: str, values: dict[str, str]) -> str:
    """With the values of its ${{ expressions }}. Raises StepsError."""

    def value(match: re.Match) -> str:
        if match[1] not in values:
            raise StepsError(f"{match[0]} has no value: give --set '{match[1]}=VALUE'.")
        return values[match[1]]

    return re.sub(r"\$\{\{ *(.*?) *\}\}", value, text)


def script(workflow: dict, job: str, values: dict[str, str], also: set[str]) -> str:
    """The script. Raises StepsError."""
    try:
        wanted = workflow["jobs"][job]
    except KeyError:
        raise StepsError(f"there is no job {job}: {', '.join(workflow['jobs'])}.") from None
    # In a container there may be nothing but sh.
    default = ["sh", "-e"] if "container" in wanted else ["bash", "-e"]
    shells = {"bash": ["bash", "--noprofile", "--norc", "-eo", "pipefail"], "sh": ["sh", "-e"]}
    parts = [HEAD]
    for number, step in enumerate(wanted["steps"], 1):
        name = str(step.get("id", number))
        what = step.get("name") or step.get("uses") or step["run"].strip().splitlines()[0]
        if "if" in step and not {name, str(number)} & also:
            left = f"{number}: left out, if {step['if']}: {what}"
            parts.append(f"step {shlex.quote(left)}\n")
        elif step.get("uses", "").startswith("actions/checkout@"):
            depth = "" if step.get("with", {}).get("fetch-depth") == 0 else "--depth 1 "
            parts.append(f"step {shlex.quote(f'{number}: {what}')}\n")
            parts.append(f'git clone -q --no-local {depth}"$PROJECT" .\n')
        elif "uses" in step:
            parts.append(f"step {shlex.quote(f'{number}: left out: {what}')}\n")
        else:
            env = {**workflow.get("env", {}), **wanted.get("env", {}), **step.get("env", {})}
            given = [f"{key}={filled(str(value), values)}" for key, value in env.items()]
            command = shells[step["shell"]] if "shell" in step else default
            file = f'"$files/{number}.sh"'
            parts.append(f"step {shlex.quote(f'{number}: {filled(what, values)}')}\n")
            parts.append(
                f"cat >{file} <<'END OF STEP'\n{filled(step['run'], values)}\nEND OF STEP\n"
            )
            parts.append(f"{shlex.join(['env', *given, *command])} {file}\n")
    parts.append("step 'all steps have passed'\n")
    return "\n".join(parts)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workflow", help="its name, for example test")
    parser.add_argument("job")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="EXPRESSION=VALUE",
        help="for ${{ EXPRESSION }}",
    )
    parser.add_argument("--also", action="append", default=[], metavar="STEP", help="see above")
    options = parser.parse_args(arguments)
    file = WORKFLOWS / f"{options.workflow}.yml"
    values = dict(item.partition("=")[::2] for item in options.set)
    try:
        if not file.exists():
            raise StepsError(f"there is no workflow {options.workflow}.")
        print(script(YAML(typ="safe").load(file), options.job, values, set(options.also)))
    except StepsError as error:
        print(f"workflow steps: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
