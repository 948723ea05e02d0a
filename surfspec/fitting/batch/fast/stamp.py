"""A number that changes with the source of the compiled kernels, so that none of an older source is taken from disk.

numba keeps a compiled function for as long as the file of that one function stays the same; what it calls, and the
constants that are compiled into it, may have changed. So only the functions that are called from outside are kept, and
they hold this number.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Final

from surfspec.fitting.batch import bounded, covariance, problem, table
from surfspec.fitting.solver import objective


def _digest() -> int:
    out = sha256()
    modules = [Path(str(module.__file__)) for module in (bounded, covariance, problem, table, objective)]
    for path in [*sorted(Path(__file__).parent.glob("*.py")), *modules]:
        out.update(path.read_bytes())
    return int.from_bytes(out.digest()[:6], "big")


STAMP: Final = _digest()
