"""Where a fit would begin: the start values of a recipe over the data, before anything is fitted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec.fitting.result import MemberFit, member_from_model
from surfspec.fitting.series import fit_members
from surfspec.fitting.solver import Solution
from surfspec.fitting.solver.objective import objective
from surfspec.xps.recipe import Recipe
from surfspec.xps.region.member import Member, Task, noise
from surfspec.xps.region.prepare import prepare
from surfspec.xps.region.spectrum_fit import cut_member, result_of

Array = NDArray[np.float64]

#: The only reason of a fit that was not made.
NOT_FITTED = "not fitted: these are start values"


def start_values(
    spectrum: xr.Dataset,
    recipe: Recipe | str,
    *,
    shift_search: float | None = None,
    energy_shift: float | None = None,
) -> xr.Dataset:
    """Return the peaks of a recipe as a fit would begin with them.

    Centres and widths are those of the recipe, moved by the shift that was found; the background is that of the data;
    the areas are those that then describe the data best (non-negative least squares). Draw it with
    ``surfspec.plot`` to see whether the recipe suits the data before fitting.

    Parameters
    ----------
    spectrum, recipe, shift_search, energy_shift
        As for :func:`surfspec.xps.fit`.

    Returns
    -------
    xarray.Dataset
        Kind ``fit`` with the verdict ``failed``, the reason ``not fitted`` and no uncertainties, so that nothing
        takes it for a result.

    Raises
    ------
    InputError
        As :func:`surfspec.xps.fit`.

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> e = np.arange(176.0, 192.0, 0.1)
    >>> y = 500 + 900 * np.exp(-((e - 182.7) / 0.8) ** 2) + 600 * np.exp(-((e - 185.1) / 0.8) ** 2)
    >>> begin = ss.xps.start_values(ss.spectrum(e, np.round(y), technique="XPS"), "Zr 3d")
    >>> begin.verdict.item(), begin.reasons.item()
    ('failed', 'not fitted: these are start values')
    """
    ready = prepare(spectrum, recipe, shift_search=shift_search, energy_shift=energy_shift)

    def begin_one(x: Array, y: Array, sigma: Array | None, index: tuple[int, ...]) -> MemberFit:
        return _begin(ready.task, ready.axis_of(x, index), y, sigma, ready.inside)

    model = ready.task.table.model
    members = fit_members(spectrum, begin_one, components=len(model.components), parameters=model.parameters)
    return result_of(ready, [cut_member(member, ready.inside) for member in members])


def _begin(task: Task, x: Array, y: Array, sigma: Array | None, inside: NDArray[np.bool_]) -> MemberFit:
    work = Member(task, x, y, noise(y, task.statistics, sigma), inside)
    bound, values = work.begin()
    goal = objective(bound, y[inside], task.statistics, None if sigma is None else sigma[inside])
    fitted = bound.evaluate(values)
    unknown = np.full(values.size, np.nan)
    pulls = (goal.y - fitted) * goal.weight(fitted)
    nothing = Solution(
        names=tuple(p.name for p in bound.parameters),
        values=values,
        uncertainties=unknown,
        covariance=np.full((values.size, values.size), np.nan),
        fitted=fitted,
        pulls=pulls,
        converged=False,
        at_bound=(),
        undetermined=(),
        start_dependent=False,
        chi2=float(np.sum(pulls**2)),
        deviance=goal.cost(fitted),
        dof=max(1, fitted.size - sum(p.vary for p in bound.parameters)),
        evaluations=0,
        statistics=task.statistics,
    )
    member = member_from_model(bound, nothing, values, verdict="failed", reasons=(NOT_FITTED,))
    return replace(member, flag=np.full(len(bound.model.components), "not_determined", dtype="<U16"))
