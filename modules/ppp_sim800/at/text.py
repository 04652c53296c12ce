"""Text on the AT line: fields of an answer, arguments of a command. Checks arguments of users, too."""

from ..errors import ConfigError


def text(line):
    """Bytes from the line as str; what is not ASCII becomes "?" (a wrong baud rate sends anything)."""
    try:
        result = str(line, "utf-8")
        if len(result) == len(line):
            return result
    except UnicodeError:
        pass
    return "".join(chr(b) if b < 128 else "?" for b in line)


def fields(line):
    """Split `+CMD: a,"b,c", d` into ["a", "b,c", "d"]; without a prefix the whole line is split."""
    colon = line.find(":")
    if colon >= 0 and line.startswith("+"):
        line = line[colon + 1 :]
    out = []
    for i, part in enumerate(line.split('"')):
        if i % 2:  # between quotes
            out[-1] += part
        else:
            first, *rest = [field.strip() for field in part.split(",")]
            if out:
                out[-1] += first
            else:
                out.append(first)
            out += rest
    return out


def quoted(value, what, length):
    """`value` if it can stand between quotes on a command line, else ConfigError with `what` it is."""
    if not isinstance(value, str):
        raise ConfigError("{} must be a str, not {}".format(what, type(value).__name__))
    if len(value) > length or any(not 32 <= ord(c) < 127 or c == '"' for c in value):
        raise ConfigError(
            "{} must be at most {} printable ASCII characters without quotes".format(what, length)
        )
    return value


def check_timeout(timeout):
    """Raise ConfigError if `timeout` cannot be milliseconds."""
    if not isinstance(timeout, int) or timeout < 0:
        raise ConfigError(
            "timeout must be milliseconds, an int of 0 or more, not {!r}".format(timeout)
        )
