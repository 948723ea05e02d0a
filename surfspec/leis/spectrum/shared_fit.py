r"""A series in one fit: the instrument has one value for many spectra, areas and heights are each spectrum's own.

.. math:: D = \sum_i D_i(s, t_i) \to \min, \qquad t_i \ge 0

Every spectrum is fitted alone first. Then the shared values are looked for with all others eliminated spectrum by
spectrum (:mod:`surfspec.fitting.shared_problem`). Heights that end on zero in a spectrum are held there and released
where the likelihood of the joint fit wants them to rise, as :mod:`surfspec.leis.spectrum.maximisation` does for one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from surfspec.errors import SurfspecError
from surfspec.fitting.linked import SharedFit, fit_linked
from surfspec.fitting.linked_data import LinkedMember
from surfspec.fitting.linked_map import LinkedMap
from surfspec.fitting.model import BoundModel, Model, Parameter
from surfspec.fitting.result import MemberFit, empty_member
from surfspec.fitting.solver.solution import EQUALLY_GOOD
from surfspec.leis.model import SpectrumModel
from surfspec.leis.spectrum.maximisation import (
    FLAT_COSINE,
    LEAST_VARIANCE,
    RELEASE_COSINE,
    RELEASES,
    idle_lags,
    maximise,
)
from surfspec.leis.spectrum.member_fit import member_of
from surfspec.leis.spectrum.projection import expected_sigma
from surfspec.leis.spectrum.sharing import Common, Index, linked

Array = NDArray[np.float64]
#: Times that better lags are looked for, and where in their range.
LOOKS, LAGS = 3, (0.05, 0.35)
#: Lags further apart than this (eV) are different answers.
APART = 10.0
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
class Joint:
    """Members of a series that were fitted with values in common.

    Attributes
    ----------
    members
        In C order of the series.
    labels, values, covariance
        Of the shared values, shapes (s,) and (s, s).
    area_slopes
        How the areas of each member follow the shared values, shape (m, elements, s): the covariance of the areas of
        two members is :math:`S_i C S_j^T`.
    rise, constraints, probability
        Likelihood ratio of the joint fit to the members' own, shape (m,).
    """

    members: list[MemberFit]
    labels: tuple[str, ...]
    values: Array
    covariance: Array
    area_slopes: Array
    rise: Array
    constraints: Array
    probability: Array


@dataclass(frozen=True)
class _Row:
    """One spectrum on its way: data, own fit, what is held at zero."""

    index: Index
    model: SpectrumModel
    y: Array
    sigma: Array | None
    first: Array
    values: Array
    held: Flags


def fit_jointly(
    model: SpectrumModel,
    data: Sequence[tuple[Index, Array, Array | None]],
    statistics: str,
    commons: Sequence[Common],
    *,
    start: Array,
    extra: tuple[str, ...] = (),
    progress: Callable[[int, int], None] | None = None,
) -> Joint:
    """Fit the members of a series with values in common.

    Parameters
    ----------
    model
        Model of every member.
    data
        Index, intensities (n,) and uncertainties of each member in C order of the series.
    statistics
        As for :func:`surfspec.fitting.solver.solve`.
    commons
        What they have in common.
    start
        Non-linear start values of each member, shape (shape_count,).
    extra
        Reasons that every verdict must know.
    progress
        Called with the number of members done and their total.

    Returns
    -------
    Joint
        A member whose data cannot be fitted is failed, and takes no part.
    """
    rows: dict[Index, _Row] = {}
    done: dict[Index, MemberFit] = {}
    areas = model.area_columns.size
    shared = {common.name for common in commons}
    for index, y, sigma in data:
        try:
            rows[index] = _alone(model, index, y, sigma, statistics, start, shared)
        except SurfspecError as error:
            reason = f"refused: {error}".replace(";", ",")
            done[index] = empty_member(model.energy.size, areas, model.parameters, (reason,))
    # a value that belongs to refused members alone is none
    kept = [one for one in commons if any(index in one.members for index in rows)]
    place = {index: i for i, (index, _, _) in enumerate(data)}
    values, covariance = np.full(len(kept), np.nan), np.zeros((len(kept), len(kept)))
    slopes = np.zeros((len(data), areas, len(kept)))
    rise, constraints, probability = np.full((3, len(data)), np.nan)
    for group in linked(kept, rows):
        used = [i for i, one in enumerate(kept) if any(index in one.members for index in group)]
        here = [rows[index] for index in group]
        joint, here, whole = _searched(here, [kept[i] for i in used], statistics)
        values[used], covariance[np.ix_(used, used)] = joint.values, joint.covariance
        settled = whole and (joint.converged or _at_rest(here, joint, statistics))
        for number, row in enumerate(here):
            at = place[row.index]
            done[row.index] = _member(row, joint, number, settled, extra)
            slopes[at][:, used] = joint.joint.follow[number][model.shape_count + model.area_columns]
            rise[at], constraints[at] = joint.ratio.rise, joint.ratio.constraints
            probability[at] = joint.ratio.probability
        if progress is not None:
            progress(len(done), len(data))
    members = [done[index] for index, _, _ in data]
    labels = tuple(one.label for one in kept)
    return Joint(members, labels, values, covariance, slopes, rise, constraints, probability)


def _alone(
    model: SpectrumModel,
    index: Index,
    y: Array,
    sigma: Array | None,
    statistics: str,
    start: Array,
    shared: set[str],
) -> _Row:
    own = SpectrumModel(model.recipe, model.energy, absent=model.absent)
    own.parameters = model.parameters
    solution, first = maximise(own, y, statistics, sigma, start=start)
    values = np.array(solution.values)
    return _Row(index, own, y, sigma, first, values, _held(own, values, y, sigma, statistics, shared))


def _held(
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


def _searched(rows: list[_Row], commons: Sequence[Common], statistics: str) -> tuple[SharedFit, list[_Row], bool]:
    """Fit members together from where their own fits end, and from other lags; the higher likelihood wins.

    The edge of a shoulder can lie under its peak or far below it, with a maximum of the likelihood at each; which of
    them is the higher one hangs on what is shared. So the fit begins once more where the members end with the shared
    values at their medians, and again wherever a member alone finds a better lag at the values found.
    """
    best = _settled(rows, commons, statistics)
    middle = np.median([row.values for row in rows], axis=0)
    level = [_with_lags(row, middle, commons, statistics) for row in rows]
    if any(_apart(row, other[0]) for row, other in zip(rows, level, strict=True)):
        moved = [_moved(row, other[0], commons, statistics) for row, other in zip(rows, level, strict=True)]
        best = min(best, _settled(moved, commons, statistics), key=lambda one: one[0].deviance)
    for _ in range(LOOKS):
        joint, rows, _whole = best
        found = [
            _with_lags(row, one.values, commons, statistics) for row, one in zip(rows, joint.solutions, strict=True)
        ]
        better = [
            deviance < one.deviance - EQUALLY_GOOD * joint.scale
            for (_, deviance), one in zip(found, joint.solutions, strict=True)
        ]
        if not any(better):
            break
        moved = [
            _moved(row, values, commons, statistics) if yes else row
            for row, (values, _), yes in zip(rows, found, better, strict=True)
        ]
        best = min(best, _settled(moved, commons, statistics), key=lambda one: one[0].deviance)
        if best[0] is joint:
            break
    return best


def _lags(row: _Row, commons: Sequence[Common]) -> list[int]:
    """Return the places of the member's own free lags."""
    shared = {one.name for one in commons if row.index in one.members}
    return [
        i
        for i, p in enumerate(row.model.parameters[: row.model.shape_count])
        if p.name.endswith(" lag") and p.vary and p.name not in shared
    ]


def _with_lags(row: _Row, at: Array, commons: Sequence[Common], statistics: str) -> tuple[Array, float]:
    """Return the best values of a member with the shared ones held as `at` has them, from several lags."""
    shared = {one.name for one in commons if row.index in one.members}
    model, lags = row.model, _lags(row, commons)
    best, deviance = row.values, np.inf
    held = SpectrumModel(model.recipe, model.energy, absent=model.absent)
    held.parameters = tuple(
        replace(p, value=float(np.clip(v, p.low, p.high)), vary=p.vary and p.name not in shared)
        for p, v in zip(model.parameters, at, strict=True)
    )
    for share in LAGS if lags else ():
        shape = at[: model.shape_count].copy()
        for i in lags:
            low, high = model.parameters[i].low, model.parameters[i].high
            shape[i] = low + share * (high - low)
        found, _ = maximise(held, row.y, statistics, row.sigma, start=shape)
        if found.deviance < deviance:
            best, deviance = np.array(found.values), found.deviance
    return best, deviance


def _apart(row: _Row, values: Array) -> bool:
    """Return whether lags differ by more than :data:`APART`."""
    lags = [i for i, name in enumerate(row.model.shape_names) if name.endswith(" lag")]
    return bool(np.any(np.abs(row.values[lags] - values[lags]) > APART))


def _moved(row: _Row, values: Array, commons: Sequence[Common], statistics: str) -> _Row:
    shared = {one.name for one in commons if row.index in one.members}
    return replace(row, values=values, held=_held(row.model, values, row.y, row.sigma, statistics, shared))


def _settled(rows: list[_Row], commons: Sequence[Common], statistics: str) -> tuple[SharedFit, list[_Row], bool]:
    """Fit members together; heights held at zero are released where the joint likelihood wants them to rise.

    Returns
    -------
    joint, rows, whole
        The fit, what is held in it, and whether nothing wants to rise any more.
    """
    joint = _fit(rows, commons, statistics, None)
    for _ in range(RELEASES):
        moved = [
            replace(row, held=row.held & ~_rising(row, one.values, statistics))
            for row, one in zip(rows, joint.solutions, strict=True)
        ]
        if all(np.array_equal(a.held, b.held) for a, b in zip(rows, moved, strict=True)):
            return joint, rows, True
        rows = moved
        joint = _fit(rows, commons, statistics, joint)
    rising = any(np.any(_rising(row, one.values, statistics)) for row, one in zip(rows, joint.solutions, strict=True))
    return joint, rows, not rising


def _fit(rows: Sequence[_Row], commons: Sequence[Common], statistics: str, begin: SharedFit | None) -> SharedFit:
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


def _parameters(row: _Row) -> tuple[Parameter, ...]:
    def one(p: Parameter, value: float, hold: bool) -> Parameter:
        if not p.vary:
            return replace(p, low=-np.inf, high=np.inf)  # limits that coincide mean nothing to the solver
        return replace(p, value=float(np.clip(value, p.low, p.high)), vary=not hold)

    return tuple(one(p, v, bool(h)) for p, v, h in zip(row.model.parameters, row.values, row.held, strict=True))


def _cosines(row: _Row, values: Array, statistics: str) -> tuple[Array, Array, Array]:
    """Return the cosine between residual and each column of the Jacobian, with the weighted residual and columns."""
    fitted = row.model.evaluate(values)
    weight = 1.0 / expected_sigma(fitted, row.y, statistics, row.sigma, LEAST_VARIANCE)
    pulls = (row.y - fitted) * weight
    columns = weight[:, None] * row.model.jacobian(values)
    size = np.sqrt(np.sum(columns**2, axis=0)) * np.sqrt(np.sum(pulls**2))
    return np.asarray(columns.T @ pulls / np.where(size > 0, size, 1.0)), pulls, columns


def _rising(row: _Row, values: Array, statistics: str) -> Flags:
    cosine, _, _ = _cosines(row, values, statistics)
    linear = np.arange(values.size) >= row.model.shape_count
    return np.asarray(row.held & linear & (cosine > RELEASE_COSINE))


def _at_rest(rows: Sequence[_Row], joint: SharedFit, statistics: str) -> bool:
    """Return whether the likelihood is level along all that is free.

    Shoulder and peak trade counts along a curved valley, on which Gauss-Newton steps overshoot by some 1e-5
    uncertainties for ever; a gradient that vanishes there is a minimum all the same.
    """
    total = np.zeros(len(joint.names))
    length = np.zeros(len(joint.names))
    size = 0.0
    for number, (row, solution) in enumerate(zip(rows, joint.solutions, strict=True)):
        links = joint.joint.problem.members[number].links
        cosine, pulls, columns = _cosines(row, solution.values, statistics)
        inside = np.array([p.vary and v > p.low for p, v in zip(row.model.parameters, solution.values, strict=True)])
        if np.any(np.abs(cosine[links.owned & inside & ~row.held]) > FLAT_COSINE):
            return False
        along = columns @ links.linear
        total += along.T @ pulls
        length += np.sum(along**2, axis=0)
        size += float(np.sum(pulls**2))
    free = ~np.isin(joint.names, joint.at_bound) & (length > 0)
    return bool(np.all(np.abs(total[free]) <= FLAT_COSINE * np.sqrt(length[free] * size)))


def _member(row: _Row, joint: SharedFit, number: int, settled: bool, extra: tuple[str, ...]) -> MemberFit:
    """Return the judged member of a joint fit; its covariance is that of all members together."""
    solution, model = joint.solutions[number], row.model
    covariance = solution.covariance.copy()
    names = np.array(solution.names)
    # on a limit, or held because nothing shows it: unknown, not certain
    unknown = (row.held | np.isin(names, solution.at_bound)) & np.array([p.vary for p in model.parameters])
    covariance[unknown, :] = np.nan
    covariance[:, unknown] = np.nan
    solution = replace(solution, converged=settled)
    reported = [model.parameters[i].name for i in model.shape_count + model.area_columns]
    return member_of(model, solution, covariance, row.first, reported, (*extra, *joint.reasons))
