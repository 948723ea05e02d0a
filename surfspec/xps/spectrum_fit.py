"""Fit core levels: shift, window, background, peaks, verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import recipes, schema, spectra
from surfspec.errors import InputError
from surfspec.fitting.backgrounds import Background, background
from surfspec.fitting.model import BoundModel, Parameter
from surfspec.fitting.result import MemberFit, assemble, member_from_model
from surfspec.fitting.series import Progress, fit_members
from surfspec.fitting.solver import Solution, solve
from surfspec.fitting.verdict import judge
from surfspec.xps.model import Table, build
from surfspec.xps.recipe import Recipe, load_recipe
from surfspec.xps.shift import rigid_shift

Array = NDArray[np.float64]

#: Part of the recipe's window that the data must cover.
COVERED = 0.6
#: Backgrounds with end levels that can be taken below the tails of the peaks.
ANCHORED = ("constant", "linear", "shirley", "shirley_iterative", "smart")
#: Times the end levels are lowered, and the change (in standard uncertainties) at which that stops.
TAIL_PASSES = 6
TAIL_TOLERANCE = 0.02
#: Shift in eV of a charge-corrected spectrum from its recipe that wants a look.
UNEXPECTED_SHIFT = 0.5
#: Widths of alternative starts, relative to the recipe's, and the centres' jitter in eV.
OTHER_STARTS = ((0.6, 0.15), (1.6, -0.15))


@dataclass(frozen=True)
class _Task:
    """What is the same for every member of a series."""

    recipe: Recipe
    table: Table
    low: float
    high: float
    statistics: str
    scale: tuple[str, ...]


def fit(
    spectrum: xr.Dataset,
    recipe: Recipe | str,
    *,
    shift_search: float | None = None,
    progress: Progress | None = None,
) -> xr.Dataset:
    r"""Fit the peaks of a recipe to a core-level spectrum or series.

    .. math:: y(E) = B(E) + \sum_j A_j\,S_j(E), \qquad \int S_j\,dE = 1

    Counts are fitted by their Poisson deviance; the background is computed from the data of each
    member, and the noise of its anchors enters the covariance.

    Parameters
    ----------
    spectrum
        Kind ``spectrum``, technique XPS, on a ``binding_energy`` axis; any series dimensions.
    recipe
        A :class:`Recipe`, or the name of a shipped one.
    shift_search
        Rigid shift of the scale, in eV up or down, to search for first; by default the recipe's.
        For a series it is found on the sum of its members.
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
    schema.check(spectrum, "spectrum")
    if spectrum.attrs["technique"] != "XPS" or schema.axis_of(spectrum) != "binding_energy":
        raise InputError(
            f"this is a {spectrum.attrs['technique']} spectrum on a {schema.axis_of(spectrum)} axis",
            where=str(spectrum.attrs.get("source_file", "")),
            remedy="Fit XPS on a binding_energy axis; read the file with photon_energy= to convert it",
        )
    chosen = load_recipe(recipe) if isinstance(recipe, str) else recipe
    _same_region(spectrum, chosen)
    span = chosen.shift_search if shift_search is None else shift_search
    x = np.array(spectrum["binding_energy"].values)
    summed = np.asarray(spectrum["intensity"].values, dtype=np.float64)
    summed = summed.reshape(-1, x.size).sum(axis=0)
    if not np.any(summed):
        raise InputError(
            "every intensity is zero",
            where=str(spectrum.attrs.get("source_file", "")),
            remedy="Check the file, the region and the detector",
        )
    found = rigid_shift(x, summed, chosen, span) if span > 0 else 0.0
    low, high = _window(x, chosen, found)
    scale = max(float(np.ptp(summed)), 1.0)
    table = build(chosen, shift=found, area_scale=scale)
    cut = spectra.crop(spectrum, low, high)
    task = _Task(chosen, table, low, high, str(spectrum.attrs["statistics"]), _scale_reasons(spectrum, found))
    inside = (x >= low - 1e-9) & (x <= high + 1e-9)

    def fit_one(x: Array, y: Array, sigma: Array | None, index: tuple[int, ...]) -> MemberFit:
        return _fit_member(task, x, y, sigma, inside)

    members = fit_members(
        spectrum,
        fit_one,
        components=len(table.model.components),
        parameters=table.model.parameters,
        progress=progress,
    )
    result = assemble(
        [_cut(member, inside) for member in members],
        cut,
        components=[c.name for c in table.model.components],
        parameters=table.model.parameters,
        labels={"species": table.species, "element": table.element, "line": table.line},
        recipe=recipes.to_yaml(chosen),
        attrs={"recipe_name": chosen.recipe, "region": chosen.region, "energy_shift": found},
    )
    return _with_charge_uncertainty(result)


def _scale_reasons(spectrum: xr.Dataset, found: float) -> tuple[str, ...]:
    if "charge_shift" not in spectrum.attrs or abs(found) <= UNEXPECTED_SHIFT:
        return ()
    return (f"energy scale: lies {found:+.1f} eV from the recipe although the charge was corrected",)


def _same_region(spectrum: xr.Dataset, recipe: Recipe) -> None:
    region = str(spectrum.attrs.get("region", ""))
    if region and region.replace(" ", "").lower() != recipe.region.replace(" ", "").lower():
        low, high = recipe.window
        x = spectrum["binding_energy"].values
        if x[-1] < low or x[0] > high:
            raise InputError(
                f"the spectrum is region {region!r} ({x[0]:g} to {x[-1]:g} eV) and the recipe is for "
                f"{recipe.region!r} ({low:g} to {high:g} eV)",
                where=str(spectrum.attrs.get("source_file", "")),
                remedy="Choose the recipe of that region, or the region of that recipe",
            )


def _window(x: Array, recipe: Recipe, shift: float) -> tuple[float, float]:
    low, high = recipe.window[0] + shift, recipe.window[1] + shift
    inner_low, inner_high = max(low, float(x[0])), min(high, float(x[-1]))
    share = (inner_high - inner_low) / (high - low)
    if share < COVERED:
        raise InputError(
            f"the data ({x[0]:g} to {x[-1]:g} eV) cover {max(share, 0):.0%} of the window {low:g} to {high:g} eV",
            where=recipe.recipe,
            remedy=f"At least {COVERED:.0%} are needed: choose another window, or pass shift_search= "
            "if the sample was charged",
        )
    return inner_low, inner_high


def _fit_member(task: _Task, x: Array, y: Array, sigma: Array | None, inside: NDArray[np.bool_]) -> MemberFit:
    window = (float(x[inside][0]), float(x[inside][-1]))
    lowers = task.recipe.background.below_tails
    work = _Member(task, x, y, sigma, inside, window)
    under, bound, starts, solution = work.solve_over(None, np.zeros(2), None)
    first = under
    for _ in range(TAIL_PASSES if lowers and under.kind in ANCHORED else 0):
        tails = bound.contributions(solution.values).sum(axis=0)[[0, -1]]
        before = solution
        lowered = (first.anchors[0] - float(tails[0]), first.anchors[1] - float(tails[1]))
        if np.min(y) >= 0:
            lowered = (max(lowered[0], 0.0), max(lowered[1], 0.0))
        under, bound, _, solution = work.solve_over(lowered, tails, before.values, first.anchor_unc)
        unit = np.where(solution.uncertainties > 0, solution.uncertainties, np.inf)
        if np.max(np.abs(solution.values - before.values) / unit) < TAIL_TOLERANCE:
            break
    under = replace(under, anchors=first.anchors)
    member = member_from_model(bound, solution, starts[0], verdict="ok", reasons=())
    extra = [
        *task.scale,
        *_background_reasons(under, task.recipe.background.options),
        *_component_reasons(task, member, window),
    ]
    detected = {c.area.parameter for c, flag in zip(bound.model.components, member.flag, strict=True) if flag == "ok"}
    reported = [
        tie.parameter
        for c in bound.model.components
        if c.area.parameter in detected
        for tie in (c.area, c.roles["center"])
    ]
    verdict, reasons = judge(solution, reported=reported or [p.name for p in bound.parameters], extra=extra)
    return replace(member, verdict=verdict, reasons=reasons)


@dataclass(frozen=True)
class _Member:
    """The data of one member, ready to be fitted over one background after the other."""

    task: _Task
    x: Array
    y: Array
    sigma: Array | None
    inside: NDArray[np.bool_]
    window: tuple[float, float]

    def solve_over(
        self,
        anchors: tuple[float, float] | None,
        tails: Array,
        warm: Array | None,
        anchor_unc: tuple[float, float] | None = None,
    ) -> tuple[Background, BoundModel, list[Array], Solution]:
        """Fit the peaks over one background, whose end levels may be given."""
        task, inside = self.task, self.inside
        chosen = task.recipe.background
        forced = {} if anchors is None else {"anchors": anchors}
        under = background(
            self.x, self.y, kind=chosen.kind, sigma=self.sigma, window=self.window, **chosen.options, **forced
        )
        follows = chosen.below_tails and under.kind in ANCHORED
        bound = BoundModel(
            task.table.model, self.x[inside], under.values, under.sensitivity if follows else None, tails
        )
        cut_y = self.y[inside]
        cut_sigma = None if self.sigma is None else self.sigma[inside]
        weight = np.sqrt(np.maximum(cut_y, 1.0)) if cut_sigma is None else cut_sigma
        begin = _starts(task.table.model.parameters)
        starts = [warm] if warm is not None else [bound.start(values, cut_y, weight) for values in begin]
        nuisance = under.sensitivity * np.asarray(anchor_unc or under.anchor_unc)[:, None]
        solution = solve(
            bound,
            cut_y,
            statistics=task.statistics,
            sigma=cut_sigma,
            starts=starts,
            nuisance=nuisance if np.all(np.isfinite(nuisance)) else None,
        )
        return under, bound, starts, solution


def _starts(parameters: tuple[Parameter, ...]) -> list[Array]:
    base = np.array([p.value for p in parameters])
    out = [base]
    for factor, jitter in OTHER_STARTS:
        moved = base.copy()
        for i, one in enumerate(parameters):
            if not one.vary or one.name.endswith(" area"):
                continue
            number = one.value + jitter if one.name.endswith(" center") else one.value * factor
            moved[i] = np.clip(number, one.low, one.high)
        out.append(moved)
    return out


def _background_reasons(under: Background, options: Mapping[str, str | float]) -> list[str]:
    reasons = []
    if not under.converged:
        reasons.append(f"background not converged: {under.kind}, k W = {under.k_width:.2g}")
    falls = under.anchors[1] < under.anchors[0]
    if under.kind.startswith("shirley") and falls and options.get("rule") != "avantage":
        reasons.append("background improper: the level falls towards higher binding energy")
    return reasons


def _component_reasons(task: _Task, member: MemberFit, window: tuple[float, float]) -> list[str]:
    reasons = []
    names = [c.name for c in task.table.model.components]
    wide = [name for name, fwhm in zip(names, member.fwhm, strict=True) if fwhm > window[1] - window[0]]
    if wide:
        reasons.append(f"width exceeds window: {', '.join(wide)}")
    missing = [name for name, flag in zip(names, member.flag, strict=True) if flag == "below_detection"]
    if len(missing) == len(names):
        reasons.append("no peak detected")
    elif missing:
        reasons.append(f"below detection: {', '.join(missing)}")
    return reasons


def _cut(member: MemberFit, inside: NDArray[np.bool_]) -> MemberFit:
    """Cut the NaN arrays of a member that failed before its window was known."""
    if member.model.size != inside.size or np.all(inside):
        return member
    return replace(
        member,
        model=member.model[inside],
        background=member.background[inside],
        contribution=member.contribution[..., inside],
    )


def _with_charge_uncertainty(result: xr.Dataset) -> xr.Dataset:
    """Add the uncertainty of a charge correction to the centres of all but the reference line."""
    shift_unc = float(result.attrs.get("charge_shift_unc", 0.0))
    if not shift_unc > 0:
        return result
    other = result["line"] != str(result.attrs.get("charge_reference", ""))
    total = (result["center_unc"] ** 2 + shift_unc**2) ** 0.5
    widened = total.where(other, result["center_unc"]).transpose(*result["center_unc"].dims)
    widened.attrs = {**result["center_unc"].attrs, "comment": "includes that of the charge correction"}
    return result.assign(center_unc=widened)
