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
from surfspec.fitting.linked import SharedFit
from surfspec.fitting.result import MemberFit, empty_member
from surfspec.leis.model import SpectrumModel
from surfspec.leis.spectrum.maximisation import FLAT_COSINE
from surfspec.leis.spectrum.member_fit import member_of
from surfspec.leis.spectrum.shared_rows import Row, alone, cosines
from surfspec.leis.spectrum.shared_search import searched
from surfspec.leis.spectrum.sharing import Common, Index, linked

Array = NDArray[np.float64]


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
    rows: dict[Index, Row] = {}
    done: dict[Index, MemberFit] = {}
    areas = model.area_columns.size
    shared = {common.name for common in commons}
    for index, y, sigma in data:
        try:
            rows[index] = alone(model, index, y, sigma, statistics, start, shared)
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
        joint, here, whole = searched(here, [kept[i] for i in used], statistics)
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


def _at_rest(rows: Sequence[Row], joint: SharedFit, statistics: str) -> bool:
    """Return whether the likelihood is level along all that is free.

    Shoulder and peak trade counts along a curved valley, on which Gauss-Newton steps overshoot by some 1e-5
    uncertainties for ever; a gradient that vanishes there is a minimum all the same.
    """
    total = np.zeros(len(joint.names))
    length = np.zeros(len(joint.names))
    size = 0.0
    for number, (row, solution) in enumerate(zip(rows, joint.solutions, strict=True)):
        links = joint.joint.problem.members[number].links
        cosine, pulls, columns = cosines(row, solution.values, statistics)
        inside = np.array([p.vary and v > p.low for p, v in zip(row.model.parameters, solution.values, strict=True)])
        if np.any(np.abs(cosine[links.owned & inside & ~row.held]) > FLAT_COSINE):
            return False
        along = columns @ links.linear
        total += along.T @ pulls
        length += np.sum(along**2, axis=0)
        size += float(np.sum(pulls**2))
    free = ~np.isin(joint.names, joint.at_bound) & (length > 0)
    return bool(np.all(np.abs(total[free]) <= FLAT_COSINE * np.sqrt(length[free] * size)))


def _member(row: Row, joint: SharedFit, number: int, settled: bool, extra: tuple[str, ...]) -> MemberFit:
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
