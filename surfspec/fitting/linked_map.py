r"""How the parameters of one spectrum follow parameters that it has in common with others.

.. math:: \theta = E\,t + b + A\,s + \sum_k c_k\,s_{i_k} s_{j_k}\,e_{r_k}

with the common parameters :math:`s` of all spectra and the own parameters :math:`t` of this one. A width that is the
same everywhere is a row of A with a single 1; a width that is 1.1 times another one has 1.1 there; a centre on a
charged scale is its own binding energy plus the common shift; a ratio that is itself to be found is a product.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surfspec.errors import InputError

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class LinkedMap:
    r"""The map from common and own parameters to those of one model.

    Attributes
    ----------
    linear
        :math:`A`, shape (p, s).
    offset
        :math:`b`, shape (p,).
    owned
        Which parameters have a part of their own, shape (p,): the rows of E.
    products
        ``(row, i, j, c)`` adds :math:`c\,s_i s_j` to the parameter of that row.

    Raises
    ------
    InputError
        For shapes that do not fit, or a parameter that has neither a part of its own nor one in common nor a value.

    Examples
    --------
    >>> import numpy as np
    >>> shifted = LinkedMap(np.array([[1.0], [0.0]]), np.array([182.4, 0.0]), np.array([False, True]))
    >>> shifted.moved(np.array([2.3])).tolist()
    [184.7, 0.0]
    >>> shifted.values(np.array([2.3]), np.array([1.2])).tolist()
    [184.7, 1.2]
    """

    linear: Array
    offset: Array
    owned: Flags
    products: tuple[tuple[int, int, int, float], ...] = ()

    def __post_init__(self) -> None:
        count = self.owned.size
        if self.linear.ndim != 2 or self.linear.shape[0] != count or self.offset.shape != (count,):
            raise InputError(
                f"a map of {self.linear.shape} with offsets {self.offset.shape} for {count} parameters",
                where="maps",
                remedy="Give linear (p, s), offset (p,) and owned (p,)",
            )
        limits = (count, self.linear.shape[1], self.linear.shape[1])
        if any(not 0 <= n < limit for row in self.products for n, limit in zip(row[:3], limits, strict=True)):
            raise InputError(
                "a product names a parameter that is not there", where="maps", remedy="Give (row, i, j, factor)"
            )

    @classmethod
    def of_shared(cls, count: int, common: Sequence[int] | NDArray[np.intp], others: int) -> LinkedMap:
        """Return the map of a model whose parameters at the places `common` are the common ones themselves.

        Parameters
        ----------
        count
            Parameters of the model.
        common
            Their places, in the order of the common parameters.
        others
            Number of common parameters.
        """
        linear, owned = np.zeros((count, others)), np.ones(count, dtype=bool)
        linear[np.asarray(common, dtype=np.intp), np.arange(others)] = 1.0
        owned[np.asarray(common, dtype=np.intp)] = False
        return cls(linear, np.zeros(count), owned)

    def moved(self, common: Array) -> Array:
        """Return the part of the parameters that comes from the common ones, shape (p,)."""
        out: Array = self.linear @ common + self.offset
        for row, i, j, factor in self.products:
            out[row] += factor * common[i] * common[j]
        return out

    def values(self, common: Array, own: Array) -> Array:
        """Return all parameters of the model, shape (p,)."""
        out = self.moved(common)
        out[self.owned] += own
        return out

    def slopes(self, common: Array) -> Array:
        """Return the derivatives of the parameters by the common ones, shape (p, s)."""
        if not self.products:
            return self.linear
        out = self.linear.copy()
        for row, i, j, factor in self.products:
            out[row, i] += factor * common[j]
            out[row, j] += factor * common[i]
        return out

    def touched(self) -> Flags:
        """Return which common parameters this spectrum knows, shape (s,)."""
        out: Flags = np.any(self.linear != 0, axis=0)
        for _, i, j, _ in self.products:
            out[[i, j]] = True
        return out
