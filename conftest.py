"""Modules of optional extras are left out of the doctests where their packages are absent."""

from __future__ import annotations

from importlib.util import find_spec

#: Package -> modules that import it at the top.
OPTIONAL = {"numba": ["surfspec/fitting/batch/fast/*"]}
collect_ignore_glob = [
    pattern for package, patterns in OPTIONAL.items() if find_spec(package) is None for pattern in patterns
]
