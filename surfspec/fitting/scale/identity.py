"""A text that is the same for the same fit in another process, and another one for another fit."""

from __future__ import annotations

import functools
import hashlib
import types
from typing import Any

import numpy as np
import xarray as xr


def describe(fit: Any) -> str:
    """Return a text that tells one fit from another.

    A function is named, and where it is none of this package a digest of its code follows: instructions, names,
    constants, defaults and what it has enclosed. Global variables that it reads count by their name only.

    Parameters
    ----------
    fit
        A function, a ``functools.partial`` of one (then with its arguments), another callable (by the name of its
        class), or an argument.

    Examples
    --------
    >>> describe(functools.partial(describe, 3))
    'surfspec.fitting.scale.identity.describe(3)'
    >>> describe(np.ones(2)) == describe(np.ones(2) + 1e-12)
    False
    """
    return _describe(fit, ())


def _describe(fit: Any, within: tuple[Any, ...]) -> str:
    if isinstance(fit, functools.partial):
        given = [
            *(_describe(value, within) for value in fit.args),
            *(f"{key}={_describe(value, within)}" for key, value in sorted(fit.keywords.items())),
        ]
        return f"{_describe(fit.func, within)}({', '.join(given)})"
    if callable(fit):
        owner = fit if hasattr(fit, "__qualname__") else type(fit)
        name = f"{owner.__module__}.{owner.__qualname__}"
        own = isinstance(fit, types.FunctionType) and not name.startswith("surfspec.")
        if not own or any(fit is other for other in within):
            return name
        return f"{name} code {_code_digest(fit, (*within, fit))}"
    if isinstance(fit, np.ndarray | xr.DataArray | xr.Dataset):  # whose text leaves out most of the numbers
        return f"{type(fit).__qualname__} {hashlib.sha256(_content(fit).encode()).hexdigest()[:16]}"
    text = repr(fit)
    return type(fit).__qualname__ if " at 0x" in text else text


def _code_digest(function: types.FunctionType, within: tuple[Any, ...]) -> str:
    enclosed = []
    for cell in function.__closure__ or ():
        try:
            enclosed.append(_describe(cell.cell_contents, within))
        except ValueError:  # a name that is not bound yet
            enclosed.append("unbound")
    defaults = [_describe(value, within) for value in function.__defaults__ or ()]
    named = [f"{key}={_describe(value, within)}" for key, value in sorted((function.__kwdefaults__ or {}).items())]
    text = repr((_code(function.__code__), defaults, named, enclosed))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _code(code: types.CodeType) -> str:
    constants = [_constant(one) for one in code.co_consts]
    return repr((code.co_code, code.co_names, code.co_varnames, code.co_freevars, code.co_argcount, constants))


def _constant(one: Any) -> str:
    if isinstance(one, types.CodeType):
        return _code(one)
    if isinstance(one, frozenset):  # whose order is another one in each process
        return repr(sorted(map(_constant, one)))
    if isinstance(one, tuple):
        return repr([_constant(part) for part in one])
    return repr(one)


def _content(array: Any) -> str:
    if isinstance(array, xr.Dataset):
        return repr([(str(k), v.dims, _content(v.values)) for k, v in sorted(array.variables.items(), key=str)])
    if isinstance(array, xr.DataArray):
        return _content(array.to_dataset(name="values"))
    numbers = repr(array.tolist()).encode() if array.dtype.kind == "O" else np.ascontiguousarray(array).tobytes()
    return f"{array.shape} {array.dtype} {hashlib.sha256(numbers).hexdigest()}"
