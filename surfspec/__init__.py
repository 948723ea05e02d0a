"""surfspec: read, fit and explain XPS, LEIS and XRD data of surfaces in one xarray data model.

>>> import surfspec as ss
>>> ds = ss.spectrum([285.2, 285.1, 285.0], [10, 30, 12], technique="XPS")
>>> ss.check(ds).attrs["technique"]
'XPS'
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from surfspec._version import __version__
from surfspec.errors import SurfspecError

if TYPE_CHECKING:
    from surfspec import fitting, io, leis, reference, xps, xrd
