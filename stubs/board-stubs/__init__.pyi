from tcall import TCall as Board

__all__ = ["Board"]
