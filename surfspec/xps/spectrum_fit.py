"""Fit core levels: shift, window, background, peaks, verdict."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import recipes, schema, spectra
from surfspec.errors import InputError, SurfspecError
from surfspec.fitting.result import MemberFit, assemble
from surfspec.fitting.series import Progress, fit_members
from surfspec.xps.member_fit import Task, fit_member
from surfspec.xps.model import build
from surfspec.xps.recipe import Recipe, load_recipe
from surfspec.xps.shift import rigid_shift

Array = NDArray[np.float64]

#: Part of the recipe's window that the data must cover.
COVERED = 0.6
#: Photon energy in eV for which the recipes place Auger lines (Al K-alpha).
AL_K_ALPHA = 1486.6


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
        Rigid shift of the scale, in eV up or down, to search for first; by default the recipe's, and 0
        once the charge was corrected. For a series it is found on the sum of its members.
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
    chosen = _valid(recipe)
    _same_region(spectrum, chosen)
    span = _span(chosen.shift_search if shift_search is None else shift_search)
    if shift_search is None and "charge_shift" in spectrum.attrs:
        span = 0.0
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
    scale = float(np.ptp(summed)) or 1.0
    table = build(chosen, shift=found, area_scale=scale)
    cut = spectra.crop(spectrum, low, high)
    task = Task(chosen, table, str(spectrum.attrs["statistics"]), _extra_reasons(spectrum, chosen))
    inside = (x >= low - 1e-9) & (x <= high + 1e-9)

    def fit_one(x: Array, y: Array, sigma: Array | None, index: tuple[int, ...]) -> MemberFit:
        return fit_member(task, x, y, sigma, inside)

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


def _valid(recipe: Recipe | str) -> Recipe:
    """Return the recipe with every field of the type it promises; Python code is checked as strictly as YAML."""
    if isinstance(recipe, str):
        return load_recipe(recipe)
    if not isinstance(recipe, Recipe):
        raise InputError(
            f"a {type(recipe).__name__} is no recipe",
            where="recipe",
            remedy="Pass the name of a shipped recipe ('Zr 3d'), xps.load_recipe('mine.yaml') or xps.Recipe(...)",
        )
    try:
        return recipes.from_mapping(recipes.to_mapping(recipe), Recipe, source="recipe")
    except SurfspecError:
        raise
    except (TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"the recipe holds what it should not ({error})",
            where="recipe",
            remedy="Give numbers as numbers, peaks and doublets as tuples of xps.Peak and xps.Doublet",
        ) from error


def _span(value: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 50:
        raise InputError(f"shift_search is {value!r}", where="shift_search", remedy="Give 0 to 50 eV")
    return float(value)


def _extra_reasons(spectrum: xr.Dataset, recipe: Recipe) -> tuple[str, ...]:
    photon = float(spectrum.attrs.get("photon_energy", AL_K_ALPHA))
    auger = [peak.line for peak in recipe.peaks if peak.line.split()[-1].isalpha()]
    if not auger or abs(photon - AL_K_ALPHA) <= 1.0:
        return ()
    return (f"energy scale: the recipe has {auger[0]} where Al K-alpha puts it, the photon energy is {photon:g} eV",)


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
