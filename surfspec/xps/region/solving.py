"""One spectrum solved, with the problem itself: what the statistics of :mod:`surfspec.fitting` work on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import schema
from surfspec.errors import InputError
from surfspec.fitting.model import BoundModel
from surfspec.fitting.solver import Solution, WithPriors
from surfspec.fitting.solver import solve as solve_problem
from surfspec.xps.recipe import Recipe
from surfspec.xps.region.end_levels import WithEndLevels
from surfspec.xps.region.member import Member, noise, solved
from surfspec.xps.region.prepare import prepare

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Solved:
    """The fit of one spectrum as its parts.

    Attributes
    ----------
    problem
        The model over its background, whose end levels give way to the tails of the peaks and move within their
        own noise: two more parameters, ``lower end level`` and ``upper end level`` in standard uncertainties. (A
        :class:`~surfspec.fitting.BoundModel` alone where the background has no end levels.) Where the recipe has
        priors, the problem holds them as measurements.
    y
        Intensities inside the window and, where the end levels move, their two auxiliary measurements; and those of the
        priors.
    solution
        The best parameters with their covariance.
    noise
        The keywords ``statistics`` and ``sigma`` of the functions of :mod:`surfspec.fitting`.
    """

    problem: BoundModel | WithEndLevels | WithPriors
    y: Array
    solution: Solution
    noise: Mapping[str, Any]


def solve(
    spectrum: xr.Dataset,
    recipe: Recipe | str,
    *,
    shift_search: float | None = None,
    energy_shift: float | None = None,
) -> Solved:
    """Fit one spectrum as :func:`surfspec.xps.fit` does, and return the problem with its solution.

    Profile likelihoods, replicates, MCMC and lmfit's own tools then work on it. The end levels of the background are
    fitted with the peaks here, and each datum serves once, so that intervals know their noise; that is a little more
    efficient than the means of :func:`surfspec.xps.fit`, and values differ by a part of their uncertainty. The shape of
    the background in between stays that of the data; :func:`surfspec.xps.bootstrap` estimates it anew. Where the
    statistics are unknown, the noise is read off the data's second differences.

    Parameters
    ----------
    spectrum, recipe, shift_search, energy_shift
        As for :func:`surfspec.xps.fit`; a single spectrum.

    Returns
    -------
    Solved

    Raises
    ------
    InputError
        For a series, and as :func:`surfspec.xps.fit`.

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> e = np.arange(176.0, 192.0, 0.1)
    >>> y = 500 + 900 * np.exp(-((e - 182.4) / 0.8) ** 2) + 600 * np.exp(-((e - 184.81) / 0.8) ** 2)
    >>> one = ss.xps.solve(ss.spectrum(e, np.round(y), technique="XPS"), "Zr 3d")
    >>> area = ss.fitting.profile(one.problem, one.y, "Zr4+ area", one.solution, **one.noise)
    >>> bool(area.low < one.solution.values[0] < area.high)
    True
    """
    ready = prepare(spectrum, recipe, shift_search=shift_search, energy_shift=energy_shift)
    if schema.series_dims(spectrum):
        raise InputError("this is a series", where="spectrum", remedy="Select one member with .isel()")
    x, task, inside = ready.axis_of(np.array(spectrum["binding_energy"].values), ()), ready.task, ready.inside
    y = np.array(spectrum["intensity"].values, dtype=np.float64)
    given = np.array(spectrum["intensity_unc"].values, dtype=np.float64) if "intensity_unc" in spectrum else None
    work = Member(task, x, y, noise(y, task.statistics, given), inside)
    end = solved(work)
    counts = task.statistics == "poisson"
    sigma = None if counts or work.sigma is None else work.sigma[inside]
    change = work.nuisance(end.under, end.under.anchor_unc) if work.lowers(end.under) else None
    if change is None and not task.table.has_priors:
        told: dict[str, Any] = {"statistics": task.statistics, "sigma": sigma if task.statistics == "given" else None}
        return Solved(end.bound, y[inside], end.solution, told)
    problem: BoundModel | WithEndLevels | WithPriors = end.bound
    data, start = y[inside], end.solution.values
    if change is not None:
        low, high = work.ends()
        window = x[inside]
        measured = float(np.mean(low < window[0])), float(np.mean(high > window[-1]))
        levels = WithEndLevels(end.bound, change, measured, counts=counts)
        problem, data, start = levels, levels.data(data), np.concatenate([start, np.zeros(2)])
    if task.table.has_priors:
        held = WithPriors(problem, counts=counts)
        problem, data = held, held.data(data)
    ones = np.ones(data.size - int(np.count_nonzero(inside)))
    told = {
        "statistics": "poisson" if counts else "given",
        "sigma": None if sigma is None else np.concatenate([sigma, ones]),
    }
    return Solved(problem, data, solve_problem(problem, data, starts=[start], **told), told)
