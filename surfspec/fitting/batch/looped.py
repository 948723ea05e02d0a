"""Shapes without a formula for many members at once: the single one, member by member.

Slower than the others by an order of magnitude, and still one or two faster than a fit of each member on its own.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from surfspec.fitting.lineshapes import Shape, shape

Array = NDArray[np.float64]
Rows = tuple[Array, ...]


def looped(name: str) -> Callable[[Array, Array, Array, Array, float, Array | None], Rows]:
    """Return a shape as the batched kernel takes it.

    Parameters
    ----------
    name
        Of a shape with two or three roles.

    Examples
    --------
    >>> one = np.array([[0.0]])
    >>> rows = looped("gl_product")(np.array([-1.0, 0.0]), one, one + 1.2, one + 0.3, 2.0, None)
    >>> len(rows), rows[0].shape
    (4, (1, 2))
    """
    single = shape(name)

    def rows(x: Array, center: Array, width: Array, third: Array, area: float, weight: Array | None) -> Rows:
        """Return values and derivatives of every member."""
        roles = np.concatenate([center, width, third], axis=1)[:, : len(single.roles)]
        out = np.full((len(roles), 1 + len(single.roles), x.size), np.nan)
        for i in np.flatnonzero(np.isfinite(roles).all(axis=1)).tolist():
            out[i] = single.derivatives(x, *_inside(single, roles[i]))
        out *= area
        if weight is not None:
            out *= weight[:, None]
        return tuple(np.moveaxis(out, 1, 0))

    return rows


def _inside(single: Shape, roles: Array) -> list[float]:
    """Return the roles within their natural bounds, where the shape is defined."""
    bounds = [single.bounds[role] for role in single.roles]
    return [float(min(max(value, low), high)) for value, (low, high) in zip(roles.tolist(), bounds, strict=True)]
