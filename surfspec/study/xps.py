"""XPS of one sample: reference region, charge correction, fits, normalised areas, composition."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import xarray as xr

from surfspec import recipes, reference, xps
from surfspec.errors import InputError
from surfspec.report import layout
from surfspec.study.files import squash
from surfspec.study.outcome import Outcome, placed
from surfspec.study.reading import Progress, in_file
from surfspec.study.spec import MaterialOfLayer, XpsPart, XpsThickness


def load_recipes(part: XpsPart, base: Path) -> dict[str, xps.Recipe]:
    """Load the recipes that a study names, by the region they are for.

    Parameters
    ----------
    part
        The study's ``xps:``.
    base
        Folder of the study file, for recipes given as files.

    Raises
    ------
    RecipeError, InputError
        For an unknown recipe, a fault in a recipe file, or two recipes for one region.
    """
    found: dict[str, xps.Recipe] = {}
    for name in part.regions:
        is_file = name.lower().endswith((".yaml", ".yml"))
        with placed("xps.regions", inner=False):
            recipe = recipes.load_file(base / name, xps.Recipe) if is_file else xps.load_recipe(name)
        if recipe.region in found:
            raise InputError(
                f"two recipes are for the region {recipe.region}", where="xps.regions", remedy="Keep one of them"
            )
        found[recipe.region] = recipe
    if not found:
        raise InputError("no regions are named", where="xps.regions", remedy="Name the regions to fit: [Zr 3d, Na 1s]")
    for line, word in ((part.charge_reference.line if part.charge_reference else "", "charge_reference"),
                       (part.normalise_to, "normalise_to")):  # fmt: skip
        if line and region_of_line(line, found) is None:
            raise InputError(
                f"none of the regions {', '.join(found)} has the line {line}",
                where=f"xps.{word}",
                remedy="Add its region, or choose a line of the regions that are fitted",
            )
    with placed("xps.elements", inner=False):
        for name in part.elements or ():
            reference.element_symbol(name)
    if part.thickness is not None:
        _check_film(part.thickness, found)
    return found


def _check_film(wanted: XpsThickness, found: Mapping[str, xps.Recipe]) -> None:
    """Refuse a film of unknown materials, or lines that are not fitted, before anything is."""
    for word in ("film", "substrate", "contamination"):
        with placed(f"xps.thickness.{word}", inner=False):
            material_of(getattr(wanted, word))
    missing = [name for name in wanted.lines if name not in found]
    if missing:
        raise InputError(
            f"the line {missing[0]} is not fitted",
            where="xps.thickness.lines",
            remedy=f"Choose among the regions {', '.join(found)}",
        )


def material_of(given: str | MaterialOfLayer) -> reference.Material | None:
    """Return the material that a study names or describes; None for an empty name."""
    if isinstance(given, MaterialOfLayer):
        return reference.Material(given.formula, given.formula, given.density, given.valence_electrons, given.band_gap)
    return reference.material(given) if given else None


def region_of_line(line: str, found: Mapping[str, xps.Recipe]) -> str | None:
    """Return the region whose recipe has a line ("Zr 3d5/2"), or None."""
    for region, recipe in found.items():
        lines = [name for doublet in recipe.doublets for name in doublet.lines()]
        lines += [peak.line for peak in recipe.peaks] + [multiplet.line for multiplet in recipe.multiplets]
        if line in lines:
            return region
    return None


def by_squashed_name(found: Mapping[str, xps.Recipe]) -> dict[str, str]:
    """Return squashed region name to region name, as the reader of files needs it."""
    return {squash(region): region for region in found}


def analyse(
    measured: Mapping[str, xr.Dataset], found: Mapping[str, xps.Recipe], part: XpsPart, *, progress: Progress
) -> Outcome:
    """Carry out the XPS part of a study for one sample.

    Parameters
    ----------
    measured
        Spectra of the sample by region, on the measured scale.
    found
        Recipes by region.
    part
        The study's ``xps:``.
    progress
        Told what is done.

    Returns
    -------
    Outcome
        Charge-corrected spectra, fits, tables, notes.
    """
    out = Outcome()
    for region in found:
        if region not in measured:
            out.note(f"xps {region}", "not measured on this sample")
    corrected, search = _charge_corrected(measured, found, part, out, progress)
    out.spectra = {layout.region_node(region): spectrum for region, spectrum in corrected.items()}
    fits: dict[str, xr.Dataset] = {}
    for region, spectrum in corrected.items():
        progress(f"fitting {region}")
        with in_file(str(spectrum.attrs.get("source_file", ""))):
            fit = out.attempt(f"xps {region}", partial(xps.fit, spectrum, found[region], shift_search=search))
        if fit is not None:
            fits[region] = fit
    out.fits = {layout.region_node(region): fit for region, fit in fits.items()}
    if not fits:
        return out
    warnings = xps.advise(fits, elements=part.elements)
    if warnings:
        out.tables[layout.XPS_WARNINGS] = xps.advice_table(warnings, *fits.values())
    if part.normalise_to:
        table = out.conclude("xps normalised_area", lambda: xps.normalise(fits, to=part.normalise_to))
        if table is not None:
            out.tables[layout.XPS_NORMALISED] = table
    table = out.conclude("xps atomic_percent", lambda: xps.quantify(fits, library=part.sensitivity))
    if table is not None:
        out.tables[layout.XPS_QUANTIFIED] = table
    if part.thickness is not None:
        progress("thickness of the film")
        wanted = part.thickness
        table = out.conclude("xps thickness", lambda: _film(fits, wanted, part.sensitivity))
        if table is not None:
            out.tables[layout.XPS_THICKNESS] = table
    return out


def _film(fits: Mapping[str, xr.Dataset], wanted: XpsThickness, library: str) -> xr.Dataset:
    film, substrate = material_of(wanted.film), material_of(wanted.substrate)
    if film is None or substrate is None:
        raise InputError("film or substrate is empty", where="xps.thickness", remedy="Name both materials")
    return xps.thickness(
        fits,
        film=film,
        substrate=substrate,
        contamination=material_of(wanted.contamination),
        model=wanted.model,
        lines=[name for name in wanted.lines if name in fits] or None,
        states=wanted.states,
        emission_angle=wanted.emission_angle,
        attenuation=wanted.attenuation,
        library=library,
        uncertainties=wanted.uncertainties,
    )


def _charge_corrected(
    measured: Mapping[str, xr.Dataset],
    found: Mapping[str, xps.Recipe],
    part: XpsPart,
    out: Outcome,
    progress: Progress,
) -> tuple[Mapping[str, xr.Dataset], float | None]:
    """Return the spectra on the corrected scale; where that is refused, the measured ones and a shift to search for."""
    if part.charge_reference is None:
        return measured, None
    asked = part.charge_reference
    line = asked.line
    region = region_of_line(line, found)
    if region is None or region not in measured:
        out.note("xps charge_shift", f"the region of {line} was not measured on this sample")
        return measured, part.shift_search
    progress(f"fitting {region} on the measured scale for the charge correction")
    fit = out.attempt(
        "xps charge_shift", lambda: xps.fit(measured[region], found[region], shift_search=part.shift_search)
    )
    if fit is None:
        return measured, part.shift_search

    def correct() -> dict[str, xr.Dataset]:
        with placed("xps.charge_reference"):
            return xps.charge_correct(
                dict(measured),
                fit,
                line=line,
                energy=asked.energy,
                component=asked.component or None,
                energy_unc=asked.energy_unc,
                energy_source=asked.source,
                elements=part.elements or (),
            )

    moved = out.attempt("xps charge_shift", correct)
    return (measured, part.shift_search) if moved is None else (moved, None)
