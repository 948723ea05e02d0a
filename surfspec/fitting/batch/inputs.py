"""The data of a batched fit: many spectra on one axis, loaded chunk by chunk so that nothing large is copied."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from surfspec.errors import InputError
from surfspec.fitting.batch.problem import Chunk, EndLevels
from surfspec.fitting.batch.table import Columns
from surfspec.fitting.model import BoundModel, Model, Parameter
from surfspec.fitting.solver.objective import STATISTICS, Objective, objective

Array = NDArray[np.float64]


class BoundColumns:
    """A model on one spectrum with extra linear columns: what the single solver takes.

    Parameters
    ----------
    bound
        The model on its axis.
    parameters
        Amplitudes of the columns.
    columns
        Shape (e, n).
    """

    def __init__(self, bound: BoundModel, parameters: tuple[Parameter, ...], columns: Array) -> None:
        self.bound, self.columns = bound, columns
        self.parameters = (*bound.parameters, *parameters)
        self._count = len(bound.parameters)

    def evaluate(self, values: Array) -> Array:
        """Return the model, shape (n,)."""
        return self.bound.evaluate(values[: self._count]) + values[self._count :] @ self.columns

    def jacobian(self, values: Array) -> Array:
        """Return its derivatives by every parameter, shape (n, parameters)."""
        return np.concatenate([self.bound.jacobian(values[: self._count]), self.columns.T], axis=1)


@dataclass(frozen=True)
class Inputs:
    """The arguments of :func:`~surfspec.fitting.batch.solve_batch`, checked.

    Attributes
    ----------
    model, columns
        What is fitted.
    x
        Shape (n,).
    y
        Shape (m, n).
    base, sigma, sensitivity, tails, nuisance
        As given, each with or without the leading dimension m; None where not given.
    ends
        Axis values of the points of the lower and the upper end level; None for the first and last of `x`.
    statistics
        ``poisson``, ``given`` or ``unknown``.
    chunk
        Members that are loaded at once.
    prior_means
        Means of the priors of each member, shape (m, p); None for those of the model.
    """

    model: Model
    columns: Columns | None
    x: Array
    y: Array
    base: Array
    sigma: Array | None
    sensitivity: Array | None
    tails: Array | None
    ends: tuple[Array, Array] | None
    nuisance: Array | None
    statistics: str
    chunk: int
    prior_means: Array | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.model, Model):
            raise InputError(
                f"a {type(self.model).__name__} is no model", where="model", remedy="Give a surfspec.fitting.Model"
            )
        if not np.isfinite(self.x).all():
            raise InputError(
                f"{int(np.sum(~np.isfinite(self.x)))} points of the axis are no numbers",
                where="x",
                remedy="Repair or remove those points",
            )
        m, n = self.y.shape
        shapes: dict[str, tuple[Array | None, tuple[int, ...]]] = {
            "x": (self.x, (n,)),
            "base": (self.base, (n,)),
            "sigma": (self.sigma, (n,)),
            "sensitivity": (self.sensitivity, (2, n)),
            "tails": (self.tails, (2,)),
            "prior_means": (self.prior_means, (len(self.parameters),)),
        }
        if self.nuisance is not None:
            shapes["nuisance"] = (self.nuisance, (self.nuisance.shape[-2] if self.nuisance.ndim > 1 else 1, n))
        for name, (array, tail) in shapes.items():
            allowed = (tail,) if name == "x" else (tail, (m, *tail))
            if array is not None and array.shape not in allowed:
                raise InputError(
                    f"{name} has the shape {array.shape}", where=name,
                    remedy=f"Give {' or '.join(map(str, allowed))}, to go with {m} spectra of {n} points",
                )  # fmt: skip
        for points in self.ends or ():
            if points.ndim != 1 or not points.size or not np.isfinite(points).all():
                raise InputError(
                    f"the points of an end level have the shape {points.shape}, or are not all numbers", where="ends",
                    remedy="Give the axis values of at least one point for the lower and for the upper end",
                )  # fmt: skip
        if self.statistics not in STATISTICS:
            raise InputError(f"unknown statistics {self.statistics!r}", remedy=f"Choose from {', '.join(STATISTICS)}")
        if self.statistics == "given" and self.sigma is None:
            raise InputError("no uncertainties given", remedy="Pass sigma, or say statistics='unknown'")
        if self.chunk < 1:
            raise InputError(f"a chunk of {self.chunk} spectra", remedy="Take 64 to 512")

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """All parameters: the model's, then those of the columns."""
        return (*self.model.parameters, *(self.columns.parameters if self.columns else ()))

    def refusal(self, rows: NDArray[np.intp]) -> NDArray[np.str_] | None:
        """Say of some members why they cannot be fitted at all, empty where they can; None if they all can."""
        some = consecutive(rows)
        y = self.y[some]
        least, most = y.min(axis=1), y.max(axis=1)  # neither is finite where one of the numbers is not
        usable = np.isfinite(least) & np.isfinite(most)
        reasons = []
        for name, array in (("background", self.base), ("uncertainties", self.sigma)):
            if array is not None:
                part = _part(array, some, 1)
                good = np.isfinite(part.min(axis=-1)) & np.isfinite(part.max(axis=-1))
                reasons.append((~good, f"some of the {name} are not numbers"))
        if self.sigma is not None and self.statistics != "poisson":
            reasons.append(
                (~(_part(self.sigma, some, 1).min(axis=-1) > 0), "some of the uncertainties are not positive")
            )
        reasons.append((~usable, "some intensities are not numbers"))
        reasons.append(((least == 0) & (most == 0), "every intensity is zero"))
        if self.statistics == "poisson":
            reasons.append((least < 0, "some counts are negative"))
        if y.shape[1] <= sum(p.vary for p in self.parameters):
            reasons.append((np.array([True]), "fewer points than parameters"))
        if not any(bad.any() for bad, _ in reasons):
            return None
        out = np.full(len(rows), "", dtype="<U48")
        for bad, reason in reasons:
            out[np.broadcast_to(bad, usable.shape)] = reason
        return out

    def load(self, rows: NDArray[np.intp], *, spread: bool = True) -> Chunk:
        """Return the data of some members for the kernels.

        Parameters
        ----------
        rows
            Which members.
        spread
            Load the uncertainties as well, unless the data are counts.
        """
        some = consecutive(rows)
        y, base = self.y[some], _part(self.base, some, 1)
        extra = self.columns.make(self.x, y) if self.columns else np.empty((len(rows), 0, self.x.size))
        bends = None if self.sensitivity is None else _part(self.sensitivity, some, 2)
        if bends is not None and self.tails is not None:
            base = base + (_part(self.tails, some, 1)[:, None, :] @ bends)[:, 0]
        given = self.spread(rows) if spread and self.statistics != "poisson" else None
        known = None if self.prior_means is None else _part(self.prior_means, some, 1)
        return Chunk(self.x, y, base, given, extra, bends, self.end_levels, known=known)

    @property
    def end_levels(self) -> EndLevels:
        """The points whose means are the end levels of the background."""
        return EndLevels.of(*((self.x[:1], self.x[-1:]) if self.ends is None else self.ends))

    def spread(self, rows: NDArray[np.intp]) -> Array:
        """Return the standard uncertainties that a least-squares fit of some members uses, (members, n) or (1, n)."""
        if self.sigma is not None:
            return _part(self.sigma, consecutive(rows), 1)
        return np.array([self.objective(int(i)).sigma for i in rows]).reshape(len(rows), self.x.size)

    def objective(self, index: int) -> Objective:
        """Return what is minimised for one member."""
        sigma = None if self.sigma is None else _part(self.sigma, np.array([index]), 1).reshape(-1)
        return objective(self.problem(index), self.y[index], self.statistics, sigma)

    def problem(self, index: int) -> BoundModel | BoundColumns:
        """Return one member as the single solver takes it."""
        rows = np.array([index])
        bends = None if self.sensitivity is None else _part(self.sensitivity, rows, 2).reshape(2, -1)
        tails = None if self.tails is None else _part(self.tails, rows, 1).reshape(2)
        bound = BoundModel(
            self._model_of(index), self.x, _part(self.base, rows, 1).reshape(-1), bends, tails, self.ends
        )
        if self.columns is None:
            return bound
        return BoundColumns(bound, self.columns.parameters, self.columns.make(self.x, self.y[rows])[0])

    def _model_of(self, index: int) -> Model:
        """Return the model with the priors of one member."""
        if self.prior_means is None:
            return self.model
        means = _part(self.prior_means, np.array([index]), 1).reshape(-1)
        own = tuple(
            one if one.prior is None else replace(one, prior=(float(mean), one.prior[1]))
            for one, mean in zip(self.model.parameters, means, strict=False)
        )
        return replace(self.model, parameters=own)

    def nuisance_of(self, rows: NDArray[np.intp]) -> Array | None:
        """Return the changes by the nuisances of some members, shape (members, k, n)."""
        if self.nuisance is None:
            return None
        part = _part(self.nuisance, rows, 2)
        return np.broadcast_to(part, (len(rows), *part.shape[-2:]))


def consecutive(rows: NDArray[np.intp]) -> NDArray[np.intp] | slice:
    """Return consecutive rows as a slice, which copies nothing."""
    follow = rows.size and rows[-1] - rows[0] == rows.size - 1 and np.all(np.diff(rows) == 1)
    return slice(int(rows[0]), int(rows[-1]) + 1) if follow else rows


def _part(array: Array, rows: NDArray[np.intp] | slice, tail: int) -> Array:
    """Return the numbers of some members, with a leading dimension of one where they are the same for all."""
    return array[None] if array.ndim == tail else array[rows]
