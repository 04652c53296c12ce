from typing import Final

BOARD: Final[str]
VERSION: Final[int]
KEYS: Final[tuple[bytes, ...]]
