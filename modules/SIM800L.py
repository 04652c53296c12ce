# The name that the old driver's file had.
from pythings_sim800 import GenericATError, Logger, Modem, Response
