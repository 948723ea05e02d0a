"""Fit core levels: shift, window, background, peaks, verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import recipes
from surfspec.errors import InputError
from surfspec.fitting.members import MemberFit, Members
from surfspec.fitting.result import assemble
from surfspec.fitting.series import STARTS, Progress, check_progress, fit_members
from surfspec.xps.recipe import Recipe
from surfspec.xps.region.member_fit import fit_member
from surfspec.xps.region.prepare import OWN_SHIFT, Prepared, prepare
from surfspec.xps.region.series_fit import fit_many, members_of
from surfspec.xps.region.shared_fit import fit_in_common

Array = NDArray[np.float64]

#: Ways to fit a series, and the number of members from which many are fitted at once.
ENGINES = ("auto", "single", "numpy", "numba")
MANY = 32


def fit(
    spectrum: xr.Dataset,
    recipe: Recipe | str,
    *,
    shift_search: float | None = None,
    energy_shift: float | None = None,
    start: str = "fresh",
    along: str | None = None,
    shared: Sequence[str] = (),
    over: str | None = None,
    engine: str = "auto",
    progress: Progress | None = None,
) -> xr.Dataset:
    r"""Fit the peaks of a recipe to a core-level spectrum or series.

    .. math:: y(E) = B(E) + \sum_j A_j\,S_j(E), \qquad \int S_j\,dE = 1

    Counts are fitted by their Poisson deviance. The background is computed from the data of each member, and the noise
    of its end levels enters the covariance; or (``active``, ``polynomial``) it is fitted with the peaks. Priors of the
    recipe take part as measurements.

    Parameters
    ----------
    spectrum
        Kind ``spectrum``, technique XPS, on a ``binding_energy`` axis; any series dimensions. Members that charged
        differently carry the coordinate ``energy_shift`` (eV) and are fitted on their own corrected scales.
    recipe
        A :class:`Recipe`, or the name of a shipped one.
    shift_search
        Rigid shift of the scale, in eV up or down, to search for first; by default the recipe's, and 0
        once the charge was corrected. For a series it is found on the sum of its members.
    energy_shift
        Rigid shift of the scale in eV that is known already, from another fit of this series say; nothing is
        searched then.
    start
        Where the start values of the members of a series come from. ``"fresh"``: the recipe, so that the order of the
        members never changes an answer. ``"global"``: the fit of the mean spectrum. ``"neighbour"``: the member
        before, for drifts beyond the reach of one start value.
    along
        For ``"neighbour"``: the series dimension, or a coordinate over it, whose values give the order.
    shared
        Parameters, ``"Zr4+ fwhm_gauss"`` say, that have one value for all members of a series: a global fit, whose
        covariance is that of all members together.
    over
        The series dimension along which they are shared; by default all of them.
    engine
        ``"single"`` fits member by member; ``"numpy"`` and ``"numba"`` (extra ``fast``) fit many at once, some
        fifteen and fifty times faster, with the same numbers within a thousandth of their uncertainties; ``"auto"``
        does so for series of 32 members or more. Name one where chunks of a series are fitted apart and shall agree
        to the last
        digit.
    progress
        Called with (members done, members in all).

    Returns
    -------
    xarray.Dataset
        Kind ``fit``, cut to the window. ``attrs["energy_shift"]`` is the shift that was found, in eV.
        Uncertainties of the centres include that of a charge correction.

    Raises
    ------
    InputError
        When the window lies outside the data, every intensity is zero, or points are too few.

    References
    ----------
    ISO 18115-1 (terms); ISO 19830 (what a fit must report).

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> e = np.arange(176.0, 192.0, 0.1)
    >>> y = 500 + 900 * np.exp(-((e - 182.4) / 0.8) ** 2) + 600 * np.exp(-((e - 184.81) / 0.8) ** 2)
    >>> fitted = ss.xps.fit(ss.spectrum(e, np.round(y), technique="XPS"), "Zr 3d")
    >>> round(float(fitted.center.sel(component="Zr4+ 3d5/2")), 1)
    182.4
    """
    ready = prepare(spectrum, recipe, shift_search=shift_search, energy_shift=energy_shift)
    _check_way(start, along, engine, shared, over)
    check_progress(progress)
    if start == "global" and ready.own_shifts is not None:
        raise InputError(
            "members with energy shifts of their own have no mean spectrum",
            where="start",
            remedy="Use start='fresh' or 'neighbour'",
        )
    if (shared or over is not None) and ready.own_shifts is not None:
        raise InputError(
            "members with energy shifts of their own share no parameters here",
            where="shared",
            remedy="Fit them with xps.fit_global, one sample each",
        )
    if shared or over is not None:
        together = fit_in_common(spectrum, ready, shared, over, progress)
        return result_of(ready, together, shared=", ".join(shared), shared_over=over or "every dimension")
    many = engine in ("numpy", "numba") or (engine == "auto" and members_of(spectrum) >= MANY)
    if many and start != "neighbour" and not _one_by_one(ready, engine):
        return result_of(ready, fit_many(spectrum, ready, start=start, engine=engine, progress=progress))

    def fit_one(
        x: Array, y: Array, sigma: Array | None, index: tuple[int, ...], *, warm: Array | None = None
    ) -> MemberFit:
        return fit_member(ready.task, ready.axis_of(x, index), y, sigma, ready.inside, warm=warm)

    members = fit_members(
        spectrum,
        fit_one,
        components=len(ready.task.table.model.components),
        parameters=ready.task.table.model.parameters,
        progress=progress,
        start=start,
        along=along,
    )
    return result_of(ready, [cut_member(member, ready.inside) for member in members])


def _check_way(start: str, along: object, engine: str, shared: Sequence[str], over: str | None) -> None:
    """Refuse ways to fit that do not exist or do not go together."""
    if along is not None and start != "neighbour":
        raise InputError(
            "along= orders neighbours only", where="along", remedy="Say start='neighbour', or leave it out"
        )
    if over is not None and not shared:
        raise InputError(
            "over= says along what and nothing is shared", where="over", remedy="Name parameters in shared="
        )
    if engine not in ENGINES:
        raise InputError(f"engine={engine!r} is not known", where="engine", remedy=f"Use {', '.join(ENGINES)}")
    if start not in STARTS:
        raise InputError(f"start={start!r} is not known", where="start", remedy=f"Use {', '.join(STARTS)}")
    if shared and start != "fresh":
        raise InputError(
            "shared parameters begin where the members' own fits end", where="start", remedy="Leave out start"
        )
    if engine in ("numpy", "numba") and (shared or start == "neighbour"):
        way = "shared parameters are" if shared else "start='neighbour' is"
        raise InputError(f"{way} fitted member by member", where="engine", remedy="Leave out engine")


def _one_by_one(ready: Prepared, engine: str) -> bool:
    """Say whether a recipe can be fitted spectrum by spectrum only; refuse an engine that was named all the same."""
    alone = ready.task.table.one_by_one or ready.own_shifts is not None
    if alone and engine != "auto":
        raise InputError(
            f"engine={engine!r} knows no free ratios, backgrounds that are fitted with the peaks, or shifts of "
            "the members of their own",
            where="engine",
            remedy="Leave out engine, or fix those numbers and take another background",
        )
    return alone or ready.task.one_by_one


def result_of(ready: Prepared, members: Members | Sequence[MemberFit], **attrs: str) -> xr.Dataset:
    """Return the Dataset of kind ``fit`` of members in C order of the series dimensions."""
    recipe, table = ready.task.recipe, ready.task.table
    result = assemble(
        members,
        ready.cut,
        components=[c.name for c in table.model.components],
        parameters=table.model.parameters,
        labels={"species": table.species, "element": table.element, "line": table.line},
        recipe=recipes.to_yaml(recipe),
        attrs={"recipe_name": recipe.recipe, "region": recipe.region, "energy_shift": ready.shift, **attrs},
    )
    return with_charge_uncertainty(result)


def cut_member(member: MemberFit, inside: NDArray[np.bool_]) -> MemberFit:
    """Cut the NaN arrays of a member that failed before its window was known."""
    if member.model.size != inside.size or np.all(inside):
        return member
    return replace(
        member,
        model=member.model[inside],
        background=member.background[inside],
        contribution=member.contribution[..., inside],
    )


def with_charge_uncertainty(result: xr.Dataset) -> xr.Dataset:
    """Add the uncertainty of a charge correction to the centres of all but the reference line."""
    own = result.coords.get(f"{OWN_SHIFT}_unc")
    shift_unc = float(result.attrs.get("charge_shift_unc", 0.0)) if own is None else own.drop_vars(own.coords)
    if own is None and shift_unc == 0:
        return result
    other = result["line"] != str(result.attrs.get("charge_reference", ""))
    total = (result["center_unc"] ** 2 + shift_unc**2) ** 0.5
    widened = total.where(other, result["center_unc"]).transpose(*result["center_unc"].dims)
    widened.attrs = {**result["center_unc"].attrs, "comment": "includes that of the charge correction"}
    return result.assign(center_unc=widened)
