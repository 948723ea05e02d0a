"""What every fit of a core level needs before it begins: checked data, a checked recipe, the shift, the window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import recipes, schema, spectra
from surfspec.errors import InputError, SurfspecError
from surfspec.xps.model import build
from surfspec.xps.recipe import Range, Recipe, load_recipe
from surfspec.xps.region.member import Task
from surfspec.xps.region.shift import STEP, rigid_shift

Array = NDArray[np.float64]

#: Part of the recipe's window that the data must cover.
COVERED = 0.6
#: Photon energy in eV for which the recipes place Auger lines (Al K-alpha).
AL_K_ALPHA = 1486.6
#: Coordinate of a series whose members are shifted differently, eV: what lies at E on the corrected scale was measured
#: at E + shift.
OWN_SHIFT = "energy_shift"
#: Photon energies of sources without monochromator, eV.
ANODES = {"Al": 1486.6, "Mg": 1253.6}
#: Largest shift of an energy scale that can be searched or given, in eV.
FARTHEST = 50.0


@dataclass(frozen=True)
class Prepared:
    """A spectrum or series that is ready to be fitted.

    Attributes
    ----------
    task
        Recipe and model, the same for every member.
    cut
        The data inside the window.
    inside
        Which points of the whole spectrum those are, shape (n,).
    shift
        Rigid shift of the energy scale that was found or given, eV.
    own_shifts
        Shift of each member of its own, eV, in the shape of the series; None where they have none.
    """

    task: Task
    cut: xr.Dataset
    inside: NDArray[np.bool_]
    shift: float
    own_shifts: Array | None = None

    def axis_of(self, x: Array, index: tuple[int, ...]) -> Array:
        """Return the axis of a member on its own corrected scale, shape (n,)."""
        return x if self.own_shifts is None else x - self.own_shifts[index]


def prepare(
    spectrum: xr.Dataset,
    recipe: Recipe | str,
    *,
    shift_search: float | None,
    energy_shift: float | None,
) -> Prepared:
    """Check the data and the recipe, find the shift of the scale, cut the window.

    Parameters
    ----------
    spectrum
        Kind ``spectrum``, technique XPS, on a ``binding_energy`` axis.
    recipe
        What to fit.
    shift_search, energy_shift
        As for :func:`surfspec.xps.fit`.

    Raises
    ------
    InputError
        For data that cannot be fitted with this recipe, in words.
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
    span = _span(spectrum, chosen, shift_search, energy_shift)
    known = [one.name for one in chosen.entries() if isinstance(one.center, Range) and one.center.prior is not None]
    if span > 0 and known:
        raise InputError(
            f"the centre of {known[0]!r} has a prior, and the scale is searched for a shift",
            where="shift_search",
            remedy="Correct the charge first, or pass shift_search=0: a known position needs a known scale",
        )
    x = np.array(spectrum["binding_energy"].values)
    summed = _sum(np.asarray(spectrum["intensity"].values, dtype=np.float64).reshape(-1, x.size))
    if not np.any(summed):
        raise InputError(
            "every intensity is zero",
            where=str(spectrum.attrs.get("source_file", "")),
            remedy="Check the file, the region and the detector",
        )
    found = rigid_shift(x, summed, chosen, span) if span > 0 else float(energy_shift or 0.0)
    at_end = span > 0 and abs(found) > span - 1.5 * STEP
    own = _own_shifts(spectrum)
    low, high = _window(x, chosen, found, (0.0, 0.0) if own is None else (float(own.max()), float(own.min())))
    table = build(chosen, shift=found, area_scale=float(np.ptp(summed)) or 1.0)
    return Prepared(
        task=Task(chosen, table, str(spectrum.attrs["statistics"]), _extra_reasons(spectrum, chosen, found, at_end)),
        cut=spectra.crop(spectrum, low, high),
        inside=(x >= low - 1e-9) & (x <= high + 1e-9),
        shift=found,
        own_shifts=own,
    )


def _own_shifts(spectrum: xr.Dataset) -> Array | None:
    """Return the shift of each member, in the shape of the series, where the spectrum carries them."""
    _shift_numbers(spectrum)
    if OWN_SHIFT not in spectrum.coords:
        return None
    series = schema.series_dims(spectrum)
    given = spectrum[OWN_SHIFT]
    if not set(given.dims) <= set(series) or not np.all(np.isfinite(given.values)):
        raise InputError(
            f"{OWN_SHIFT} lies over {', '.join(map(str, given.dims)) or 'no dimension'}"
            + ("" if np.all(np.isfinite(given.values)) else " and holds what is no number"),
            where=OWN_SHIFT,
            remedy="Give one shift in eV for each member of the series",
        )
    full = given.broadcast_like(spectrum["intensity"].isel({schema.axis_of(spectrum): 0}, drop=True))
    return np.asarray(full.transpose(*series).values, dtype=np.float64)


def _shift_numbers(spectrum: xr.Dataset) -> None:
    """Refuse shifts of the scale, and uncertainties of them, that are no numbers or negative."""
    for name in (OWN_SHIFT, f"{OWN_SHIFT}_unc"):
        if name in spectrum.coords and spectrum[name].dtype.kind not in "fiu":
            raise InputError(f"{name} holds no numbers", where=name, remedy="Give eV, one number for each member")
    unc = [np.asarray(spectrum[f"{OWN_SHIFT}_unc"].values)] if f"{OWN_SHIFT}_unc" in spectrum.coords else []
    for name in ("charge_shift", "charge_shift_unc"):
        value = spectrum.attrs.get(name, 0.0)
        if isinstance(value, bool) or not isinstance(value, int | float | np.number):
            raise InputError(f"{name} is {value!r}", where=name, remedy="Give a number in eV, or drop the attribute")
        if name.endswith("_unc"):
            unc.append(np.asarray(float(value)))
    if any(np.any(one < 0) for one in unc):
        raise InputError(
            "the uncertainty of a shift is negative",
            where="energy_shift_unc",
            remedy="Give standard uncertainties in eV",
        )


def _sum(members: Array) -> Array:
    """Return the sum over the members whose intensities are all numbers; the others are refused one by one later."""
    usable = np.isfinite(members).all(axis=1)
    if usable.all() or not usable.any():
        return np.asarray(members.sum(axis=0))
    return np.asarray(members[usable].sum(axis=0))


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


def _span(spectrum: xr.Dataset, recipe: Recipe, shift_search: float | None, energy_shift: float | None) -> float:
    """Return the half width of the search for a shift; 0 where the shift is known."""
    _number("shift_search", shift_search, 0.0)
    _number("energy_shift", energy_shift, -FARTHEST)
    if energy_shift is not None:
        if shift_search:
            raise InputError(
                "a shift cannot be given and searched at once",
                where="energy_shift",
                remedy="Give energy_shift where it is known, else shift_search",
            )
        return 0.0
    if OWN_SHIFT in spectrum.coords and shift_search:
        raise InputError(
            "every member carries a shift of its own",
            where="shift_search",
            remedy=f"Leave out shift_search, or drop the coordinate {OWN_SHIFT}",
        )
    if shift_search is None and ("charge_shift" in spectrum.attrs or OWN_SHIFT in spectrum.coords):
        return 0.0
    return float(recipe.shift_search if shift_search is None else shift_search)


def _number(name: str, value: float | None, low: float) -> None:
    good = value is None or (isinstance(value, int | float | np.number) and not isinstance(value, bool))
    if not good or (value is not None and not low <= value <= FARTHEST):
        raise InputError(f"{name} is {value!r}", where=name, remedy=f"Give {low:g} to {FARTHEST:g} eV")


def _extra_reasons(spectrum: xr.Dataset, recipe: Recipe, shift: float, at_end: bool) -> tuple[str, ...]:
    """Return what data and recipe disagree about before anything is fitted."""
    out = [f"energy scale: the shift that was found, {shift:g} eV, lies at the end of the search"] if at_end else []
    photon = float(spectrum.attrs.get("photon_energy", AL_K_ALPHA))
    line = ANODES.get(recipe.satellites, photon)
    if "photon_energy" in spectrum.attrs and abs(photon - line) > 1.0:
        out.append(
            f"model inadequate: satellites of {recipe.satellites} K-alpha ({line:g} eV), "
            f"the photon energy is {photon:g} eV"
        )
    return (*out, *_auger_reasons(photon, recipe))


def _auger_reasons(photon: float, recipe: Recipe) -> tuple[str, ...]:
    auger = [entry.line for entry in recipe.entries() if entry.line.split()[-1].isalpha()]
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


def _window(x: Array, recipe: Recipe, shift: float, own: tuple[float, float]) -> tuple[float, float]:
    """Return the window on the measured scale; `own` are the largest and the smallest shift of a member."""
    low, high = recipe.window[0] + shift, recipe.window[1] + shift
    inner_low, inner_high = max(low + own[0], float(x[0])), min(high + own[1], float(x[-1]))
    share = (inner_high - inner_low) / (high - low)
    if share < COVERED:
        raise InputError(
            f"the data ({x[0]:g} to {x[-1]:g} eV) cover {max(share, 0):.0%} of the window {low:g} to {high:g} eV",
            where=recipe.recipe,
            remedy=f"At least {COVERED:.0%} are needed: choose another window, or pass shift_search= "
            "if the sample was charged",
        )
    return inner_low, inner_high
