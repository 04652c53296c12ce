# What `ppp_sim800.PPP()` uses when no board is given.
from tcall import TCall as Board  # noqa: F401
