"""The spectra of a joint fit on their way: data, own fit, what is held at zero, and the engine's view of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from surfspec.fitting.linked import SharedFit, fit_linked
from surfspec.fitting.linked_data import LinkedMember
from surfspec.fitting.linked_map import LinkedMap
from surfspec.fitting.model import BoundModel, Model, Parameter
from surfspec.leis.model import SpectrumModel
from surfspec.leis.spectrum.maximisation import LEAST_VARIANCE, idle_lags, maximise
from surfspec.leis.spectrum.projection import expected_sigma
from surfspec.leis.spectrum.sharing import Common, Index

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


class LinkedSpectrum(BoundModel):
    """A LEIS model for the engine of joint fits, which knows it as a background without components."""

    def __init__(self, spectrum: SpectrumModel, parameters: tuple[Parameter, ...]) -> None:
        super().__init__(Model(parameters, ()), spectrum.energy, np.zeros(spectrum.energy.size))
        self.spectrum = spectrum

    def evaluate(self, values: Array) -> Array:
        """Return the model, shape (n,)."""
        return self.spectrum.evaluate(values)

    def jacobian(self, values: Array) -> Array:
        """Return its derivatives by every parameter, shape (n, parameters)."""
        return self.spectrum.jacobian(values)

    def background(self, values: Array) -> Array:
        """Return the whole model, shape (n,)."""
        return self.spectrum.evaluate(values)

    def contributions(self, values: Array) -> Array:
        """Return no components, shape (0, n)."""
        return np.zeros((0, self.x.size))


@dataclass(frozen=True)
class Row:
    """One spectrum on its way: data, own fit, what is held at zero."""

    index: Index
    model: SpectrumModel
    y: Array
    sigma: Array | None
    first: Array
    values: Array
    held: Flags


def alone(
    model: SpectrumModel,
    index: Index,
    y: Array,
    sigma: Array | None,
    statistics: str,
    start: Array,
    shared: set[str],
) -> Row:
    """Fit one spectrum alone, and say what it holds at zero in the joint fit.

    Parameters
    ----------
    model
        The model of every member.
    index, y, sigma, statistics
        Place in the series, intensities and their uncertainties, shape (n,).
    start
        Non-linear start values, shape (shape_count,).
    shared
        Names of what it has in common with others; those are never held.
    """
    own = SpectrumModel(model.recipe, model.energy, absent=model.absent)
    own.parameters = model.parameters
    solution, first = maximise(own, y, statistics, sigma, start=start)
    values = np.array(solution.values)
    return Row(index, own, y, sigma, first, values, held_of(own, values, y, sigma, statistics, shared))


def held_of(
    model: SpectrumModel, values: Array, y: Array, sigma: Array | None, statistics: str, shared: set[str]
) -> Flags:
    """Find what is held: heights on zero, and lags of shoulders that are not there."""
    held = np.zeros(values.size, dtype=bool)
    held[model.shape_count :] = values[model.shape_count :] <= 0
    held[model.shape_count + model.area_columns] = False  # an area of zero is an answer, with an uncertainty
    spread = expected_sigma(model.evaluate(values), y, statistics, sigma)
    held[: model.shape_count] = idle_lags(model, values, spread)[: model.shape_count]
    held[: model.shape_count] &= ~np.isin(model.shape_names, list(shared))
    return held


def fit_rows(rows: Sequence[Row], commons: Sequence[Common], statistics: str, begin: SharedFit | None) -> SharedFit:
    """Fit spectra together.

    Parameters
    ----------
    rows
        The spectra, with start values and what is held.
    commons
        What they have in common.
    statistics
        As for :func:`surfspec.fitting.solver.solve`.
    begin
        An earlier joint fit of the same spectra to go on from, or None.
    """
    model = rows[0].model
    names = [p.name for p in model.parameters]
    members = []
    for row in rows:
        linear, owned = np.zeros((len(names), len(commons))), np.ones(len(names), dtype=bool)
        for column, common in enumerate(commons):
            if row.index in common.members:
                position = names.index(common.name)
                linear[position, column], owned[position] = 1.0, False
        bound = LinkedSpectrum(row.model, _parameters(row))
        links = LinkedMap(linear, np.zeros(len(names)), owned)
        members.append(
            LinkedMember(bound=bound, y=row.y, links=links, statistics=statistics, sigma=row.sigma, start=row.values)
        )
    parameters = []
    for common in commons:
        one = model.parameters[names.index(common.name)]
        parameters.append(replace(one, name=common.label))
    return fit_linked(members, parameters, one_scale=True, begin=begin)


def _parameters(row: Row) -> tuple[Parameter, ...]:
    def one(p: Parameter, value: float, hold: bool) -> Parameter:
        if not p.vary:
            return replace(p, low=-np.inf, high=np.inf)  # limits that coincide mean nothing to the solver
        return replace(p, value=float(np.clip(value, p.low, p.high)), vary=not hold)

    return tuple(one(p, v, bool(h)) for p, v, h in zip(row.model.parameters, row.values, row.held, strict=True))


def cosines(row: Row, values: Array, statistics: str) -> tuple[Array, Array, Array]:
    """Return the cosine between residual and each column of the Jacobian, with the weighted residual and columns."""
    fitted = row.model.evaluate(values)
    weight = 1.0 / expected_sigma(fitted, row.y, statistics, row.sigma, LEAST_VARIANCE)
    pulls = (row.y - fitted) * weight
    columns = weight[:, None] * row.model.jacobian(values)
    size = np.sqrt(np.sum(columns**2, axis=0)) * np.sqrt(np.sum(pulls**2))
    return np.asarray(columns.T @ pulls / np.where(size > 0, size, 1.0)), pulls, columns
