# Where CPython's requests has them, too.
from http1.errors import *  # noqa: F403
