"""Text of others on its way to people: a terminal or a log takes what it cannot change."""


def printable(text):
    """`text` (str) with all but printable ASCII escaped as in repr(): "\\x1b[2J", "b\\xfccher", "\\u202e".

    What others sent can neither end a line, nor move a cursor, nor turn the direction of what is read.
    """
    data = text.encode()
    if not data or (min(data) > 31 and max(data) < 127):
        return text  # nearly always
    # Not one by one: MicroPython keeps each character that was by itself for ever. Of quotes repr() takes the single ones here.
    return repr('"' + text)[2:-1].replace("\\'", "'").replace("\\\\", "\\")
