"""Film and substrate, measured or computed, as the unmixing wants them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from surfspec import schema, spectra
from surfspec.errors import InputError
from surfspec.fitting.verdict import require
from surfspec.leis.amounts.checks import names as checked_names
from surfspec.leis.amounts.detection import recipe_of
from surfspec.leis.film import unmixing
from surfspec.leis.film.computed_reference import FALLBACK, computed_reference
from surfspec.leis.film.one_sample import Phases
from surfspec.leis.recipe import Recipe
from surfspec.leis.spectrum.same_recipe import same_recipe
from surfspec.leis.spectrum.spectrum_fit import fit as fit_spectra

#: Reason for doubt where nobody measured the phases.
COMPUTED = f"ambiguous: the areas of film and substrate are computed, each to {100 * FALLBACK:.0f} %, not measured"

#: Elements left out by default, which need not be fitted.
USUAL = ("Na",)


@dataclass(frozen=True)
class Sides:
    """Both phases.

    Attributes
    ----------
    phases
        Their areas.
    computed
        Whether these are computed.
    origin
        Attributes of the sample; one simulated input makes the coverage simulated.
    doubts
        Reasons: fits of the references that failed, or were made a little differently.
    """

    phases: Phases
    computed: bool
    origin: dict[str, Any]
    doubts: tuple[str, ...] = ()


def phases_of(
    fit: xr.Dataset,
    film: xr.Dataset | str,
    substrate: xr.Dataset | str,
    *,
    exclude: Sequence[str],
    recipe: Recipe | None,
    force: bool,
    formulas: tuple[str, str],
    densities: Mapping[str, float],
) -> tuple[xr.Dataset, Sides]:
    """Return the fitted sample and its two phases.

    Parameters
    ----------
    fit, film, substrate, exclude, recipe, force, densities
        As for :func:`surfspec.leis.coverage`.
    formulas
        Of film and substrate, to be checked.

    Raises
    ------
    InputError
        For phases of which one is measured and one computed, that look alike, or that hold what they should not.
    """
    sample, doubts = _fitted(fit, recipe, "fit", force), []
    if isinstance(film, str) or isinstance(substrate, str):
        if not (isinstance(film, str) and isinstance(substrate, str)):
            raise InputError(
                "one phase is measured and the other a formula",
                where="film" if isinstance(film, str) else "substrate",
                remedy="Give the fits of both, or the formulas of both: areas of the two ways have no common unit",
            )
        names = _chosen([str(name) for name in sample["component"].values], exclude)
        geometry = recipe_of(sample)
        pairs = [computed_reference(one, names, geometry, density=densities.get(one)) for one in (film, substrate)]
        total = float(np.nanmean(sample["area"].sel(component=names).sum("component").values))
        scale = total / float(pairs[1][0].sum()) if total > 0 else 1.0
        pairs = [(area * scale, matrix * scale**2) for area, matrix in pairs]
        origin = spectra.origin(sample)
        computed = True
    else:
        film_fit, substrate_fit = _fitted(film, recipe, "film", force), _fitted(substrate, recipe, "substrate", force)
        doubts += [failed_fits(one, what) for what, one in (("film", film_fit), ("substrate", substrate_fit))]
        doubts += same_recipe(
            sample, film_fit, substrate_fit, names=("fit", "film", "substrate"), where="film", same_elements=False
        )
        names = _elements(sample, film_fit, substrate_fit, exclude)
        _check_formula("film", film_fit, formulas[0])
        _check_formula("substrate", substrate_fit, formulas[1])
        pairs = [unmixing.reference(one, names) for one in (film_fit, substrate_fit)]
        every = spectra.origin(sample, film_fit, substrate_fit)
        origin = {**spectra.origin(sample), **({"simulated": every["simulated"]} if "simulated" in every else {})}
        computed = False
    yields, errors = np.stack([area for area, _ in pairs], axis=1), np.stack([matrix for _, matrix in pairs])
    if np.linalg.cond(yields / np.linalg.norm(yields, axis=0)) > 1e3:
        raise InputError(
            f"film and substrate look alike in {', '.join(names)}",
            where="film",
            remedy="Leave fewer elements out, or fit one that only one of the two has",
        )
    return sample, Sides(Phases(names, yields, errors), computed, origin, tuple(filter(None, doubts)))


def _fitted(data: xr.Dataset, recipe: Recipe | None, what: str, force: bool) -> xr.Dataset:
    if not isinstance(data, xr.Dataset):
        raise InputError(
            f"{what} is a {type(data).__name__}", where=what, remedy="Pass what surfspec.leis.fit returned"
        )
    if schema.kind_of(data) == "spectrum":
        if recipe is None:
            raise InputError(
                f"{what} is a spectrum, and no recipe says how to fit it",
                where=what,
                remedy="Pass recipe=, or the result of surfspec.leis.fit",
            )
        data = fit_spectra(data, recipe)
    recipe_of(data)
    failed = data["verdict"] == "failed"
    if force or not bool(failed.any()):
        return data
    if bool(failed.all()):
        require("failed", str(np.ravel(data["reasons"].values)[0]), what=f"the coverage ({what})")
    return data.assign({
        name: data[name].where(~failed).assign_attrs(data[name].attrs) for name in ("area", "area_covariance")
    })  # fmt: skip


def failed_fits(fit: xr.Dataset, what: str) -> str:
    """Return the reason for doubt where the fits of some spectra failed and were left out, or nothing."""
    series = fit["verdict"].dims
    seen = np.any(np.isfinite(fit["area"].transpose(*series, "component").values), axis=-1)
    lost = np.ravel((fit["verdict"].values == "failed") & ~seen)
    if not np.any(lost):
        return ""
    why = str(np.ravel(fit["reasons"].values)[lost][0]).split("; ")[0]
    return f"model inadequate: {lost.sum()} of {lost.size} fits of the {what} failed and are left out ({why})"


def _check_formula(what: str, one: xr.Dataset, formula: str) -> None:
    if not formula:
        return
    foreign = unmixing.foreign_elements(one, formula)
    if foreign:
        raise InputError(
            f"the {what} reference shows {' and '.join(foreign)}, which {formula} does not hold",
            where=what,
            remedy="Are the references exchanged, or is the formula incomplete? A film that shows what lies beneath "
            "it is no pure reference",
        )


def _elements(sample: xr.Dataset, film: xr.Dataset, substrate: xr.Dataset, exclude: Sequence[str]) -> list[str]:
    names = [str(name) for name in sample["component"].values]
    for what, one in (("film", film), ("substrate", substrate)):
        other = [str(name) for name in one["component"].values]
        if set(other) != set(names):
            raise InputError(
                f"the sample was fitted with {', '.join(names)} and the {what} with {', '.join(other)}",
                where=what,
                remedy="Fit all three with the same recipe",
            )
    return _chosen(names, exclude)


def _chosen(names: list[str], exclude: Sequence[str]) -> list[str]:
    checked_names(exclude, dict.fromkeys((*names, *USUAL)), "exclude")
    chosen = [name for name in names if name not in exclude]
    if len(chosen) < 2:
        raise InputError(
            f"{len(chosen)} elements cannot tell two phases apart", where="exclude", remedy="Exclude fewer elements"
        )
    return chosen
