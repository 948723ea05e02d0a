r"""Coverage of a substrate by a film, from the peak areas of both measured alone.

The areas of a partly covered surface are those of its two phases, :math:`A_j = a F_j + b S_j` with `F` of the pure
film and `S` of the bare substrate, :math:`a, b \ge 0`; the coverage is :math:`\theta = a/(a+b)` and the gain
:math:`g = a + b` takes up roughness, carbon and beam current. (Normalised areas are not linear in coverage.) Elements
that the beam removes faster than the film itself, sodium say, are left out.

References must have been measured, or scaled, to the same dose for each spectrum as each other; the sample need not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec.errors import InputError
from surfspec.fitting.verdict import verdict_of
from surfspec.leis.film import misfit
from surfspec.leis.film.budget import sputter_budget
from surfspec.leis.film.coverage_inputs import check_options, check_setting, model_errors, told
from surfspec.leis.film.coverage_table import coverage_table
from surfspec.leis.film.dose_axis import check_unit, rising
from surfspec.leis.film.dose_conclusion import DoseSetting
from surfspec.leis.film.exchange import exchange_reason
from surfspec.leis.film.layer_choice import ROUGHNESS
from surfspec.leis.film.one_sample import one_sample
from surfspec.leis.film.phases import COMPUTED, failed_fits, phases_of
from surfspec.leis.recipe import Recipe

Array = NDArray[np.float64]


def coverage(
    fit: xr.Dataset,
    *,
    film: xr.Dataset | str,
    substrate: xr.Dataset | str,
    exclude: Sequence[str] = ("Na",),
    densities: Mapping[str, float] | None = None,
    recipe: Recipe | None = None,
    dose_dim: str = "dose",
    spot_dim: str = "spot",
    start_dose: float = 0.0,
    site_density: float = 1.77e15,
    monolayer: float = 0.238,
    sputter_yield: tuple[float, float] = (0.05, 0.2),
    interval: bool = True,
    dose_scale_unc: float = 0.0,
    roughness: float = ROUGHNESS,
    thickness: tuple[float, float] | None = None,
    model_uncertainty: float | Mapping[str, float] | xr.DataArray | None = None,
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
        Fits (or spectra) of the pure film and the bare substrate; all their members are averaged. Without references
        the formulas of both: then their areas are computed (:mod:`surfspec.leis.film.computed_reference`), each to
        25 %, and the verdict says so.
    densities
        Densities of those formulas, g/cm3, where the table of materials does not hold them.
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
    interval
        Average the dose model over the dose interval of each spectrum; ``False`` shows what its neglect costs.
    dose_scale_unc
        Relative standard uncertainty of the dose scale (beam current x time / area; 0.1 to 0.2 is common). It goes on
        the cross-section, and cancels in the coverage at zero dose.
    roughness
        Standard deviation of the share of the surface that is a layer thicker or thinner than the film; 0 holds the
        film for one of whole layers everywhere, which no film is (:mod:`surfspec.leis.film.layer_choice`).
    thickness
        Thickness known otherwise, with its standard uncertainty, nm (:func:`surfspec.leis.thickness`). It helps to
        choose the number of monolayers.
    model_uncertainty
        Standard uncertainty of an area by the spectral model; equal for all spots, so that their mean does not lessen
        it. By default it is learned from how far the areas are from a mixture of the two phases
        (:mod:`surfspec.leis.film.misfit`). A number is over the summed area of the elements used; a mapping gives it
        for each element over its area; an array over ``component`` in counts eV, or over its area with the unit 1.
    film_formula, substrate_formula
        Formulas of the two, such as ``"Na3PO4"``. Where given, a reference that shows an element which its formula
        does not hold is refused (:func:`surfspec.leis.film.unmixing.foreign_elements`): exchanged references leave a
        fit that looks as good as the right one.
    force
        Use members whose fit failed too.

    Returns
    -------
    xarray.Dataset
        Of kind ``table``, doses rising. Over the series without spots: ``coverage`` and ``gain`` with ``_unc``,
        ``coverage_sd`` (over spots, n - 1), ``dose_model`` (fitted coverage), ``sputter_budget`` (dose, bound; nm).
        With spots: ``spot_coverage`` and ``spot_gain`` with ``_unc``, and ``spot_chi2``. Once a series:
        ``zero_dose_coverage``, ``removal_cross_section`` (cm2) and ``thickness`` (nm) with ``_unc``, the first two with
        ``_low`` and ``_high`` (68 %) too, over all numbers of monolayers; ``monolayers`` (most probable of 1 to 4, or
        -1), ``monolayers_chi2``, ``monolayers_aicc`` and ``monolayers_probability`` (..., layers), ``not_excluded``
        (text), ``layer_share``, ``identifiable``, ``between_spot_sd``, ``model_share``, ``model_common``, ``chi2`` and
        ``dof`` of the two phases, ``statement`` (the sputter budget in words), ``verdict`` and ``reasons``. Over
        ``curve_dose`` (from none to the last): ``curve`` with ``_unc``, the coverage at a dose, whichever the
        thickness. NaN where the data do not determine a number. ``coverage_covariance`` (dose, dose_b) holds what doses
        have in common: references (``coverage_common_unc``), spots, and the part ``model_common`` of the spectral
        model's error.

    Raises
    ------
    InputError
        For elements that differ between the fits, spectra without a recipe, or a reference that shows elements its
        formula does not hold.
    NotDeterminedError
        When all fits of a surface failed and `force` is not set. Where some did, they are left out, and a reason says
        so; a dose none of whose spots was fitted has no coverage, and no weight in the dose model.

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
    setting = DoseSetting(
        start_dose, site_density, monolayer, sputter_yield, interval, dose_scale_unc, roughness, thickness
    )
    check_setting(setting)
    check_options(dose_dim, spot_dim, film_formula, substrate_formula, recipe, densities, force)
    sample, sides = phases_of(
        fit, film, substrate, exclude=exclude, recipe=recipe, force=force, formulas=(film_formula, substrate_formula),
        densities=densities or {},
    )  # fmt: skip
    phases, names = sides.phases, sides.phases.names
    dims = [str(d) for d in sample["chi2"].dims]
    if dose_dim in dims:
        check_unit(sample, dose_dim, "fit")
        if dose_dim not in sample.coords and sample.sizes[dose_dim] > 2:
            raise InputError(
                "the doses of the spectra are not known",
                where="fit",
                remedy=f"Give the cumulated dose at the end of each: fit.assign_coords({dose_dim}=...), in ions/cm2",
            )
        sample = rising(sample, dose_dim)
    outer = tuple(d for d in dims if d not in (spot_dim, dose_dim))
    part = sample.sel(component=names, component_b=names)
    area, matrix = part["area"], part["area_covariance"]
    for name in (spot_dim, dose_dim):
        if name not in dims:
            area, matrix = area.expand_dims(name), matrix.expand_dims(name)
    areas = area.transpose(*outer, spot_dim, dose_dim, "component").values
    matrices = matrix.transpose(*outer, spot_dim, dose_dim, "component", "component_b").values
    doses = np.array(sample[dose_dim].values, dtype=np.float64) if dose_dim in dims else None
    order = (*outer, spot_dim, dose_dim, "component")
    beneath = misfit.backgrounds(sample, names)
    below = beneath.expand_dims([d for d in order if d not in beneath.dims]).transpose(*order).values
    given = model_errors(model_uncertainty, areas, names, order)
    if doses is not None:
        sputter_budget(doses, sputter_yield=sputter_yield, site_density=site_density, monolayer=monolayer)
    results = [
        one_sample(areas[i], matrices[i], below[i], None if given is None else given[i], phases, doses, setting)
        for i in np.ndindex(*areas.shape[: len(outer)])
    ]
    for i, one in zip(np.ndindex(*areas.shape[: len(outer)]), results, strict=True):
        selected = sample.isel(dict(zip(outer, i, strict=True)))
        more = (
            exchange_reason(phases, one["coverage"], one["coverage_covariance"]), failed_fits(selected, "sample"),
            "" if np.any(np.isfinite(one["coverage"])) else "not determined: no spectrum has areas that can be used",
            *sides.doubts, COMPUTED if sides.computed else "",
        )  # fmt: skip
        one["reasons"] = "; ".join(filter(None, (one["reasons"], *more)))
        one["verdict"] = verdict_of(one["reasons"].split("; ") if one["reasons"] else ())
    shape = areas.shape[: len(outer)]
    table = coverage_table(results, shape, outer, spot_dim, dose_dim, dims)
    if doses is not None:
        table["sputter_budget"] = (
            (dose_dim, "bound"),
            sputter_budget(
                doses - start_dose, sputter_yield=sputter_yield, site_density=site_density, monolayer=monolayer
            ),
            {"units": "nm", "long_name": "Thickness that the dose can have removed"},
        )
        table = table.assign_coords(bound=["low", "high"])
    kept = {str(name): c for name, c in sample.coords.items() if set(map(str, c.dims)) <= set(dims)}
    table = table.assign_coords(kept)
    if doses is not None:  # rows and columns of a covariance stay matched when a table is cut or sorted
        meta = {"units": "ions/cm2", "long_name": "Cumulated dose"}
        table = table.assign_coords({f"{dose_dim}_b": (f"{dose_dim}_b", doses, meta)})
    table.attrs = {
        "kind": "table", "technique": "LEIS", "inputs": "fit, film, substrate", "elements": ", ".join(names),
        "exclude": ", ".join(exclude), "start_dose": float(start_dose), "site_density": float(site_density),
        "monolayer": float(monolayer), "dose_scale_unc": float(dose_scale_unc), "roughness": float(roughness),
        "interval": str(interval).lower(),
        "model_uncertainty": told(model_uncertainty),
        "sputter_yield_low": float(sputter_yield[0]), "sputter_yield_high": float(sputter_yield[1]),
        **({"fit_recipe": str(sample.attrs["recipe"])} if "recipe" in sample.attrs else {}),
        **sides.origin,
    }  # fmt: skip
    return table
