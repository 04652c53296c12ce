import os
import sys

import ssl

gc.collect()
tell(
    machine=os.uname().machine,
    version=sys.version,
    release=os.uname().version,
    roots=ssl.ROOTS_DATE,
    free=gc.mem_free(),
)
