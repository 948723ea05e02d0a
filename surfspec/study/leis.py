"""LEIS of one sample: fits of all spectra, normalised areas, coverage against dose."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import xarray as xr

from surfspec import leis, reference, schema
from surfspec.errors import InputError
from surfspec.leis.amounts.blanks import blank_shares
from surfspec.report import layout
from surfspec.study.outcome import Outcome, placed
from surfspec.study.reading import Progress
from surfspec.study.spec import LeisPart, LeisThickness

DOSE, SPOT, CYCLE = "dose", "spot", "cycle"


def make_recipe(part: LeisPart) -> leis.Recipe:
    """Return the LEIS recipe that a study describes; unknown elements and impossible geometries are refused here."""
    with placed("leis"):
        recipe = leis.Recipe(elements=part.elements, ion=part.ion, energy=part.energy, angle=part.angle)
    unknown = [name for name in part.normalise.exclude if name not in part.elements]
    if unknown:
        raise InputError(
            f"'{unknown[0]}' is excluded and not among the elements {', '.join(part.elements)}",
            where="leis.normalise.exclude",
            remedy="Name only elements that are fitted",
        )
    if part.coverage is not None:
        for key in ("film", "substrate"):
            with placed(f"leis.coverage.{key}", inner=False):
                reference.composition(getattr(part.coverage, key))
    return recipe


def fit_references(
    references: Mapping[str, xr.Dataset], recipe: leis.Recipe, *, progress: Progress
) -> dict[str, xr.Dataset]:
    """Fit the spectra of the pure film and of the bare substrate."""
    out = {}
    for name, spectrum in references.items():
        progress(f"fitting the LEIS reference of the {name}")
        out[name] = leis.fit(spectrum, recipe)
    return out


def usable_blanks(part: LeisPart, references: Mapping[str, xr.Dataset]) -> dict[str, xr.Dataset]:
    """Return the film's fits as blanks of the elements that the film does not hold.

    A likelihood ratio knows counting noise and no model error; how much of an absent element the model sees in the
    pure film is measured, and a detection has to beat that. Where the fits of the film find no area of an element, what
    the likelihood would have liked is taken, which scatters about zero
    (:func:`surfspec.leis.amounts.signal.signed_areas`). Fewer than three spectra of the film are no blank.
    """
    if part.coverage is None or "film" not in references:
        return {}
    held = set(re.findall(r"[A-Z][a-z]?", part.coverage.film))
    blanks: dict[str, xr.Dataset] = {}
    for element in part.elements:
        if element in held:
            continue
        try:
            blank_shares({element: references["film"]}, part.elements)
        except InputError:
            continue
        blanks[element] = references["film"]
    return blanks


def analyse(
    measured: xr.Dataset,
    recipe: leis.Recipe,
    part: LeisPart,
    references: Mapping[str, xr.Dataset],
    *,
    progress: Progress,
) -> Outcome:
    """Carry out the LEIS part of a study for one sample.

    Parameters
    ----------
    measured
        Spectrum or series over (spot, dose).
    recipe
        What to fit.
    part
        The study's ``leis:``.
    references
        Fits of ``film`` and ``substrate``; empty where no coverage is wanted.
    progress
        Told what is done.
    """
    out = Outcome(spectra={layout.LEIS: measured})
    count = 1
    for dim in schema.series_dims(measured):
        count *= measured.sizes[dim]
    progress(f"fitting {count} LEIS spectr{'a' if count != 1 else 'um'}")
    fit = out.attempt("leis", lambda: leis.fit(measured, recipe))
    if fit is None:
        return out
    out.fits[layout.LEIS] = fit
    exclude = part.normalise.exclude
    blanks = usable_blanks(part, references)
    by_model = None
    if part.adequacy:
        progress("refitting the LEIS spectra with other backgrounds")
        judged = out.conclude("leis adequacy", lambda: leis.adequacy(fit))
        if judged is not None:
            out.tables[layout.LEIS_ADEQUACY] = judged
            by_model = judged["area_model_unc"]
    table = out.conclude(
        "leis normalised_area",
        lambda: leis.normalise(fit, exclude=exclude, blanks=blanks, area_model_unc=by_model),
    )
    if table is not None:
        out.tables[layout.LEIS_NORMALISED] = at_dose(table, measured)
    if CYCLE in schema.series_dims(fit):
        progress("depth profile")
        profile = out.conclude(
            "leis depth_profile", lambda: leis.depth_profile(fit, exclude=exclude, along=CYCLE, blanks=blanks)
        )
        if profile is not None:
            out.tables[layout.LEIS_PROFILE] = profile
    if references and CYCLE not in schema.series_dims(fit):  # a cycle is sputtered away: neither dose nor one surface
        series = DOSE in schema.series_dims(fit)
        progress("coverage against dose" if series else "coverage")
        # errors by the background are not passed on: on the shipped study they explain the misfit of two phases less
        # well than what is learned from it
        covered = out.conclude(
            "leis coverage",
            lambda: leis.coverage(
                fit,
                film=references["film"],
                substrate=references["substrate"],
                exclude=exclude,
                film_formula=part.coverage.film if part.coverage else "",
                substrate_formula=part.coverage.substrate if part.coverage else "",
            ),
        )
        if covered is not None:
            out.tables[layout.LEIS_COVERAGE] = at_dose(covered, measured)
            if not series:
                out.note(
                    "leis zero_dose_coverage",
                    "one dose only: what the surface was before the ions came needs a series of at least three doses",
                )
        edge = _edge(fit, part, references["substrate"], recipe, out, progress)
        if edge is not None:
            out.tables[layout.LEIS_THICKNESS] = at_dose(edge, measured)
    return out


def _edge(
    fit: xr.Dataset, part: LeisPart, bare: xr.Dataset, recipe: leis.Recipe, out: Outcome, progress: Progress
) -> xr.Dataset | None:
    """Return the thickness by the in-depth edge: where the study asks, and where it can be had without asking."""
    if part.coverage is None:
        return None
    asked, film = part.thickness, part.coverage.film
    wanted = asked or LeisThickness()
    held = set(reference.composition(film))
    known = film in reference.material_names() or wanted.density is not None
    if asked is None and not (known and set(recipe.lagging()) - held):
        return None
    progress("thickness by the in-depth edge")
    stopping = None if wanted.stopping is None else (wanted.stopping, wanted.stopping_unc or 0.0)

    def make() -> xr.Dataset:
        with placed("leis.thickness"):
            return leis.thickness(
                fit,
                film=film,
                density=wanted.density,
                element=wanted.element or None,
                reference=bare,
                stopping=stopping,
                reionisation_loss=(wanted.reionisation_loss, wanted.reionisation_loss_unc),
            )

    return out.conclude("leis edge_thickness", make)


def at_dose(table: xr.Dataset, measured: xr.Dataset) -> xr.Dataset:
    """Return a table of one dose with the dose of its spectra as a coordinate, where they say one dose."""
    dose = measured.attrs.get(DOSE)
    if DOSE in table.coords or not isinstance(dose, int | float | np.number) or not np.isfinite(dose):
        return table
    return table.assign_coords({DOSE: ((), float(dose), {"units": "ions/cm2", "long_name": "Dose"})})
