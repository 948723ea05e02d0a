r"""Coverage of a substrate by a film, from the peak areas of both measured alone.

The areas of a partly covered surface are those of its two phases, :math:`A_j = a F_j + b S_j` with `F` of the pure
film and `S` of the bare substrate, :math:`a, b \ge 0`; the coverage is :math:`\theta = a/(a+b)` and the gain
:math:`g = a + b` takes up roughness, carbon and beam current. (Normalised areas are not linear in coverage.) Elements
that the beam removes faster than the film itself, sodium say, are left out.

References must have been measured, or scaled, to the same dose for each spectrum as each other; the sample need not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import schema, spectra
from surfspec.errors import InputError
from surfspec.fitting.verdict import require, verdict_of
from surfspec.leis.amounts.detection import recipe_of
from surfspec.leis.film import dose as dose_model
from surfspec.leis.film import unmixing
from surfspec.leis.recipe import Recipe
from surfspec.leis.spectrum.spectrum_fit import fit as fit_spectra

Array = NDArray[np.float64]

#: Reduced chi-square of the two phases above which they do not explain the areas.
TWO_PHASES = 3.0
#: Standard uncertainty of an area by the spectral model, over the summed area. Half of what normalised areas show
#: (:data:`surfspec.leis.amounts.normalisation.MODEL_UNCERTAINTY`), because sample and references share the other half.
MODEL_UNCERTAINTY = 0.005
#: Variables of the table and their long names.
OVER_DOSE: Final = {
    "coverage": "Coverage by the film",
    "coverage_unc": "Standard uncertainty of the coverage",
    "coverage_sd": "Standard deviation of the coverage between spots (n - 1)",
    "gain": "Intensity over that of the references",
    "gain_unc": "Standard uncertainty of the gain",
    "dose_model": "Coverage by the dose model",
}
OVER_SPOTS: Final = {
    "spot_coverage": "Coverage of a spot",
    "spot_coverage_unc": "Its standard uncertainty, references left out",
    "spot_gain": "Gain of a spot",
    "spot_gain_unc": "Its standard uncertainty",
    "spot_chi2": "Chi-square of two phases",
}
SCALARS: Final = {
    "zero_dose_coverage": ("1", "Coverage before any dose"),
    "zero_dose_coverage_unc": ("1", "Its standard uncertainty"),
    "removal_cross_section": ("cm2", "Removal cross-section of a layer"),
    "removal_cross_section_unc": ("cm2", "Its standard uncertainty, without that of the dose scale"),
    "thickness": ("nm", "Film thickness by the number of monolayers"),
    "thickness_unc": ("nm", "Its standard uncertainty"),
}


def coverage(
    fit: xr.Dataset,
    *,
    film: xr.Dataset,
    substrate: xr.Dataset,
    exclude: Sequence[str] = ("Na",),
    recipe: Recipe | None = None,
    dose_dim: str = "dose",
    spot_dim: str = "spot",
    start_dose: float = 0.0,
    site_density: float = 1.77e15,
    monolayer: float = 0.238,
    sputter_yield: tuple[float, float] = (0.05, 0.2),
    model_uncertainty: float = MODEL_UNCERTAINTY,
    film_formula: str = "",
    substrate_formula: str = "",
    force: bool = False,
) -> xr.Dataset:
    r"""Coverage of a film against ion dose, at zero dose, and the removal cross-section.

    Parameters
    ----------
    fit
        Fit of the sample, or its spectra with `recipe`. With a dose dimension the dose model is fitted too.
    film, substrate
        Fits (or spectra) of the pure film and the bare substrate; all their members are averaged.
    exclude
        Elements left out, because the beam removes them faster than the film.
    recipe
        How to fit what was given as spectra.
    dose_dim, spot_dim
        Names of the dimension of cumulated dose (ions/cm2, at the end of each spectrum) and of equivalent spots.
    start_dose
        Dose before the first spectrum, ions/cm2.
    site_density, monolayer
        Atoms in a monolayer of the film (1/cm2) and its thickness (nm); the defaults are those of Na3PO4 with
        2.536 g/cm3.
    sputter_yield
        Lowest and highest plausible yield, atoms/ion.
    model_uncertainty
        Standard uncertainty of an area by the spectral model, over the summed area of the elements used; equal for
        all spots, so that their mean does not lessen it (:data:`MODEL_UNCERTAINTY`).
    film_formula, substrate_formula
        Formulas of the two, such as ``"Na3PO4"``. Where given, a reference that shows an element which its formula
        does not hold is refused (:func:`surfspec.leis.film.unmixing.foreign_elements`): exchanged references leave a
        fit that looks as good as the right one.
    force
        Use members whose fit failed.

    Returns
    -------
    xarray.Dataset
        Of kind ``table``. Over the series without spots: ``coverage`` and ``gain`` with ``_unc``, ``coverage_sd`` (over
        spots, n - 1), ``dose_model`` (fitted coverage), ``sputter_budget`` (dose, bound; nm). With spots:
        ``spot_coverage`` and ``spot_gain`` with ``_unc``, and ``spot_chi2``. Once a series: ``zero_dose_coverage``,
        ``removal_cross_section`` (cm2) and ``thickness`` (nm) with ``_unc``, ``monolayers`` (best of 1 to 4, or -1),
        ``monolayers_chi2`` (..., layers), ``not_excluded`` (text), ``identifiable``, ``chi2`` and ``dof`` of the two
        phases, ``verdict`` and ``reasons``. NaN where the data do not determine a number.

    Raises
    ------
    InputError
        For elements that differ between the fits, spectra without a recipe, or a reference that shows elements its
        formula does not hold.
    NotDeterminedError
        When a fit failed and `force` is not set.

    Examples
    --------
    >>> import surfspec as ss
    >>> recipe = ss.leis.Recipe(elements=("O", "P", "Zr"))
    >>> energy = np.arange(900.0, 2850.0, 5.0)
    >>> def counts(o, p, zr):
    ...     peaks = ((o, 1182.0), (p, 1869.5), (zr, 2557.0))
    ...     return 5.0 + sum(h * np.exp(-0.5 * ((energy / e - 1.0) / 0.012) ** 2) for h, e in peaks)
    >>> def surface(*heights):
    ...     return ss.spectrum(energy, np.random.default_rng(3).poisson(counts(*heights)), technique="LEIS")
    >>> table = ss.leis.coverage(
    ...     surface(650.0, 300.0, 400.0),
    ...     film=surface(500.0, 500.0, 0.0), substrate=surface(800.0, 100.0, 800.0), recipe=recipe, exclude=(),
    ... )
    >>> round(float(table.coverage), 1)
    0.5
    """
    if start_dose < 0:
        raise InputError(f"start dose {start_dose:g}", where="start_dose", remedy="Give 0 or a positive dose")
    sample, film_fit, substrate_fit = (
        _fitted(one, recipe, what, force) for one, what in ((fit, "fit"), (film, "film"), (substrate, "substrate"))
    )
    names = _elements(sample, film_fit, substrate_fit, exclude)
    _check_formula("film", film_fit, film_formula)
    _check_formula("substrate", substrate_fit, substrate_formula)
    yields = np.stack([unmixing.reference(one, names)[0] for one in (film_fit, substrate_fit)], axis=1)
    errors = np.stack([unmixing.reference(one, names)[1] for one in (film_fit, substrate_fit)])
    if np.linalg.cond(yields / np.linalg.norm(yields, axis=0)) > 1e3:
        raise InputError(
            f"film and substrate look alike in {', '.join(names)}",
            where="film",
            remedy="Leave fewer elements out, or fit one that only one of the two has",
        )
    dims = [str(d) for d in sample["chi2"].dims]
    outer = tuple(d for d in dims if d not in (spot_dim, dose_dim))
    part = sample.sel(component=names, component_b=names)
    area, matrix = part["area"], part["area_covariance"]
    for name in (spot_dim, dose_dim):
        if name not in dims:
            area, matrix = area.expand_dims(name), matrix.expand_dims(name)
    areas = area.transpose(*outer, spot_dim, dose_dim, "component").values
    matrices = matrix.transpose(*outer, spot_dim, dose_dim, "component", "component_b").values
    doses = np.array(sample[dose_dim].values, dtype=np.float64) if dose_dim in dims else None
    if doses is not None:
        dose_model.sputter_budget(doses, sputter_yield=sputter_yield, site_density=site_density, monolayer=monolayer)
    results = [
        _one_sample(
            areas[index], matrices[index], yields, errors, doses, start_dose, monolayer, model_uncertainty, names
        )
        for index in np.ndindex(*areas.shape[: len(outer)])
    ]
    shape = areas.shape[: len(outer)]
    table = _table(results, shape, outer, spot_dim, dose_dim, dims)
    if doses is not None:
        table["sputter_budget"] = (
            (dose_dim, "bound"),
            dose_model.sputter_budget(
                doses - start_dose, sputter_yield=sputter_yield, site_density=site_density, monolayer=monolayer
            ),
            {"units": "nm", "long_name": "Thickness that the dose can have removed"},
        )
        table = table.assign_coords(bound=["low", "high"])
    kept = {str(name): c for name, c in sample.coords.items() if set(map(str, c.dims)) <= set(dims)}
    table = table.assign_coords(kept)
    table.attrs = {
        "kind": "table", "technique": "LEIS", "inputs": "fit, film, substrate", "elements": ", ".join(names),
        "exclude": ", ".join(exclude), "start_dose": float(start_dose), "site_density": float(site_density),
        "monolayer": float(monolayer), "model_uncertainty": float(model_uncertainty),
        "sputter_yield_low": float(sputter_yield[0]), "sputter_yield_high": float(sputter_yield[1]),
        **_origin(sample, film, substrate),
    }  # fmt: skip
    return table


def _origin(sample: xr.Dataset, film: xr.Dataset, substrate: xr.Dataset) -> dict[str, Any]:
    """Return sample and instrument of the sample; one simulated input makes the coverage simulated."""
    every = spectra.origin(sample, film, substrate)
    return {**spectra.origin(sample), **({"simulated": every["simulated"]} if "simulated" in every else {})}


def _fitted(data: xr.Dataset, recipe: Recipe | None, what: str, force: bool) -> xr.Dataset:
    if schema.kind_of(data) == "spectrum":
        if recipe is None:
            raise InputError(
                f"{what} is a spectrum, and no recipe says how to fit it",
                where=what,
                remedy="Pass recipe=, or the result of surfspec.leis.fit",
            )
        data = fit_spectra(data, recipe)
    recipe_of(data)
    failed = data["verdict"].values == "failed"
    if np.any(failed):
        require("failed", str(np.ravel(data["reasons"].values[failed])[0]), what=f"the coverage ({what})", force=force)
    return data


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
    if isinstance(exclude, str):
        raise InputError(f"exclude is the text {exclude!r}", where="exclude", remedy=f"Give a list: ({exclude!r},)")
    names = [str(name) for name in sample["component"].values]
    for what, one in (("film", film), ("substrate", substrate)):
        other = [str(name) for name in one["component"].values]
        if set(other) != set(names):
            raise InputError(
                f"the sample was fitted with {', '.join(names)} and the {what} with {', '.join(other)}",
                where=what,
                remedy="Fit all three with the same recipe",
            )
    chosen = [name for name in names if name not in exclude]
    if len(chosen) < 2:
        raise InputError(
            f"{len(chosen)} elements cannot tell two phases apart", where="exclude", remedy="Exclude fewer elements"
        )
    return chosen


def _one_sample(
    areas: Array,
    matrices: Array,
    yields: Array,
    errors: Array,
    doses: Array | None,
    start_dose: float,
    monolayer: float,
    model_uncertainty: float,
    names: list[str],
) -> dict[str, Any]:
    """Return everything about one sample; areas have the shape (spot, dose, element)."""
    spots, steps, elements = areas.shape
    out: dict[str, Any] = {
        name: np.full((spots, steps), np.nan)
        for name in ("spot_coverage", "spot_coverage_unc", "spot_gain", "spot_gain_unc", "spot_chi2")
    }
    common, by_model = np.full((2, spots, steps), np.nan)
    misfits: list[Array] = []
    for index in np.ndindex(spots, steps):
        if not np.all(np.isfinite(areas[index])):
            continue
        floor = model_uncertainty * float(areas[index].sum())
        amounts, own, references, model, chi2 = unmixing.unmix(areas[index], matrices[index], yields, errors, floor)
        gain = float(amounts.sum())
        if not gain > 0:
            continue
        misfits.append((areas[index] - yields @ amounts) / float(areas[index].sum()))
        slope = np.array([amounts[1], -amounts[0]]) / gain**2
        out["spot_coverage"][index] = amounts[0] / gain
        out["spot_coverage_unc"][index] = np.sqrt(slope @ own @ slope)
        out["spot_gain"][index] = gain
        out["spot_gain_unc"][index] = np.sqrt((own + references + model).sum())
        out["spot_chi2"][index] = chi2
        by_model[index] = np.sqrt(slope @ model @ slope)
        common[index] = np.sqrt(slope @ references @ slope)
    dof = max(1, (elements - 2) * int(np.sum(np.isfinite(out["spot_chi2"]))))
    out["chi2"], out["dof"] = float(np.nansum(out["spot_chi2"])), float(dof)
    reasons: list[str] = []
    # where two phases do not explain the areas, the fits are worth less than they say (Birge's ratio)
    birge = float(np.sqrt(max(1.0, out["chi2"] / dof)))
    if out["chi2"] / dof > TWO_PHASES:
        reasons.append(
            f"model inadequate: two phases leave a reduced chi-square of {out['chi2'] / dof:.1f}, "
            f"of the total area mostly {_largest_misfits(np.array(misfits), names)}"
        )
    out["spot_coverage_unc"] = birge * out["spot_coverage_unc"]
    count = np.sum(np.isfinite(out["spot_coverage"]), axis=0)
    some = np.maximum(count, 1)
    mean = np.where(count > 0, np.nansum(out["spot_coverage"], axis=0) / some, np.nan)
    sd = np.sqrt(np.nansum((out["spot_coverage"] - mean) ** 2, axis=0) / np.maximum(count - 1, 1))
    own = np.sqrt(np.nansum(out["spot_coverage_unc"] ** 2, axis=0)) / some
    own = np.where(count > 1, np.maximum(own, sd / np.sqrt(some)), own)
    # neither the references nor the spectral model average out over the spots; the model may err anew at each dose
    shared = birge * np.nansum(common, axis=0) / some
    own = np.hypot(own, birge * np.nansum(by_model, axis=0) / some)
    out["coverage"], out["coverage_sd"] = mean, np.where(count > 1, sd, np.nan)
    out["coverage_unc"] = np.hypot(own, shared)
    out["gain"] = np.where(count > 0, np.nansum(out["spot_gain"], axis=0) / some, np.nan)
    out["gain_unc"] = np.sqrt(np.nansum(out["spot_gain_unc"] ** 2, axis=0)) / some
    out |= _dose_part(doses, mean, own, shared, start_dose, monolayer, reasons)
    out["verdict"], out["reasons"] = verdict_of(reasons), "; ".join(reasons)
    return out


def _largest_misfits(misfits: Array, names: list[str]) -> str:
    """Name the two elements that two phases miss most: mean share of the total area, measured minus calculated."""
    mean = misfits.mean(axis=0)
    worst = np.argsort(-np.abs(mean))[:2]
    return " and ".join(f"{names[i]} ({100 * mean[i]:+.1f} %)" for i in worst)


def _dose_part(
    doses: Array | None,
    mean: Array,
    own: Array,
    shared: Array,
    start_dose: float,
    monolayer: float,
    reasons: list[str],
) -> dict[str, Any]:
    nan = float("nan")
    out: dict[str, Any] = dict.fromkeys(SCALARS, nan) | {
        "monolayers_chi2": np.full(len(dose_model.LAYERS), nan),
        "dose_model": np.full(mean.shape, nan),
        "monolayers": -1,
        "identifiable": 0,
        "not_excluded": "",
    }
    if doses is None:
        return out
    if doses.size < 3 or not np.all(np.isfinite(mean)):
        reasons.append("ambiguous: too few doses for the dose model, its numbers are not identifiable")
        return out
    found = dose_model.compare_layers(doses, mean, np.diag(own**2) + np.outer(shared, shared), start_dose=start_dose)
    out["monolayers_chi2"] = np.array([one.chi2 for one in found.fits])
    out["dose_model"] = found.best.fitted
    out["not_excluded"] = ", ".join(map(str, found.not_excluded))
    if not found.identifiable:
        reasons.append("ambiguous: the doses do not determine a removal cross-section, not identifiable")
        return out
    if len(found.not_excluded) > 1:
        reasons.append(f"ambiguous: films of {out['not_excluded']} monolayers fit alike")
    out |= {
        "identifiable": 1,
        "monolayers": found.best.layers,
        "zero_dose_coverage": found.best.zero_dose,
        "zero_dose_coverage_unc": found.zero_dose_unc,
        "removal_cross_section": found.best.cross_section,
        "removal_cross_section_unc": found.cross_section_unc,
        "thickness": found.best.layers * monolayer,
        "thickness_unc": found.layers_unc * monolayer,
    }
    return out


def _table(
    results: list[dict[str, Any]], shape: tuple[int, ...], outer: tuple[str, ...], spot: str, dose: str, dims: list[str]
) -> xr.Dataset:
    has = [name in dims for name in (spot, dose)]

    def stack(name: str, inner: tuple[str, ...], meta: dict[str, str]) -> tuple[tuple[str, ...], Any, dict[str, str]]:
        values = np.stack([np.asarray(one[name]) for one in results])
        values = values.reshape(shape + values.shape[1:])
        # drop the axes that were made up, from the left, so that places counted from the right stay
        for i, axis in enumerate(inner):
            if axis in (spot, dose) and not has[(spot, dose).index(axis)]:
                values = np.take(values, 0, axis=i - len(inner))
        kept = tuple(n for n in inner if n not in (spot, dose) or n in dims)
        return (*outer, *kept), values, meta

    variables: dict[str, Any] = {}
    for name, long_name in OVER_DOSE.items():
        variables[name] = stack(name, (dose,), {"units": "1", "long_name": long_name} | _unc_of(name))
    for name, long_name in OVER_SPOTS.items():
        variables[name] = stack(name, (spot, dose), {"units": "1", "long_name": long_name} | _unc_of(name))
    for name, (unit, long_name) in SCALARS.items():
        variables[name] = stack(name, (), {"units": unit, "long_name": long_name} | _unc_of(name))
    variables["monolayers"] = stack(
        "monolayers", (), {"units": "monolayer", "long_name": "Film thickness, -1: unknown"}
    )
    variables["identifiable"] = stack("identifiable", (), {"units": "1", "long_name": "1 where the dose model is"})
    variables["monolayers_chi2"] = stack(
        "monolayers_chi2", ("layers",), {"units": "1", "long_name": "Chi-square of the dose model"}
    )
    for name in ("chi2", "dof"):
        variables[name] = stack(name, (), {"units": "1", "long_name": f"{name} of two phases"})
    for name in ("not_excluded", "verdict", "reasons"):
        variables[name] = stack(name, (), {})
    return xr.Dataset(variables, coords={"layers": np.array(dose_model.LAYERS)})


def _unc_of(name: str) -> dict[str, str]:
    known = {**OVER_DOSE, **OVER_SPOTS, **SCALARS}
    return {"ancillary_variables": f"{name}_unc"} if f"{name}_unc" in known else {}
