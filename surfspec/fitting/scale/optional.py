"""Third-party packages of the extra ``parallel``, imported when they are first needed."""

from __future__ import annotations

import importlib
from typing import Any

from surfspec.errors import MissingDependencyError


def optional(name: str, purpose: str) -> Any:
    """Return a module of the extra ``parallel``.

    Parameters
    ----------
    name
        ``dask``, ``distributed`` or ``zarr``, or a module of theirs.
    purpose
        What it is needed for.

    Raises
    ------
    MissingDependencyError
        When the package is not installed.

    Examples
    --------
    >>> optional("no_such_package", "an example")
    Traceback (most recent call last):
        ...
    surfspec.errors.MissingDependencyError: no_such_package: an example needs the package 'no_such_package', ...
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        package = name.split(".", maxsplit=1)[0]
        raise MissingDependencyError(
            f"{purpose} needs the package {package!r}, which is not installed",
            where=name,
            remedy="Install the extra 'parallel': pip install 'surfspec[parallel]'",
        ) from error
