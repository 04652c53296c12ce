from pythings_sim800 import GenericATError as GenericATError
from pythings_sim800 import Logger as Logger
from pythings_sim800 import Modem as Modem
from pythings_sim800 import Response as Response
