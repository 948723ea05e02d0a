"""Is the model of a LEIS spectrum adequate? Refits with other backgrounds tell what chi-square cannot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import schema, spectra
from surfspec.errors import InputError
from surfspec.fitting.residual_tests import autocorrelation_score, normal_residuals, runs_score
from surfspec.fitting.series import check_progress
from surfspec.fitting.verdict import STRUCTURE_SCORE, verdict_of
from surfspec.leis.recipe import Recipe
from surfspec.leis.spectrum.area_spread import Spread, spread_of
from surfspec.leis.spectrum.background_variants import Variant, variants_of
from surfspec.leis.spectrum.spectrum_fit import fit
from surfspec.recipes import load_yaml

Array = NDArray[np.float64]

#: Change of an area with an acceptable background that is called a fault of the model: as a share of the area, and in
#: its standard uncertainties.
FAULT_SHARE, FAULT_SCORE = 0.05, 4.0
#: Where the data exclude the fit at hand, a change is a fault that noise does not explain (in its standard deviations)
#: and that the uncertainty does not cover (in standard uncertainties).
EXCLUDED_NOISE, EXCLUDED_SCORE = 2.0, 1.0
#: Neighbourhood of an element whose residuals are tested: from below its peak to above it, in FWHM of the peak.
BELOW, ABOVE = 3.0, 2.0


@dataclass(frozen=True)
class _Refits:
    """The areas of all variants, member by member, and the residuals of the first."""

    variants: tuple[Variant, ...]
    base: xr.Dataset
    spread: Spread
    area: Array
    unc: Array
    structure: Array


def adequacy(
    spectrum: xr.Dataset,
    recipe: Recipe | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    r"""Refit a LEIS spectrum or series with other backgrounds, and tell which areas depend on them.

    A background that is wrong under a peak can fit well: a step without its plural-scattering foot has a reduced
    chi-square of 1.2 to 1.4 on the spectrum of a thick oxide, and an area of P that is wrong by half. So foot, slope of
    the shoulders, survival, sputter tail and peak tail are switched, the foot is widened and narrowed and the window
    narrowed (and wide accepted angles given another shape), and of the backgrounds that the deviance does not exclude

    .. math:: c_v - \min_v c_v \le 10, \qquad c = D/s + 2p

    the areas are compared (:mod:`surfspec.leis.spectrum.area_spread`). An element is at fault where an acceptable
    background changes its area by more than 5 % *and* 4 standard uncertainties. Where the fit at hand is excluded
    itself, one standard uncertainty and two standard deviations of the noise in the change are enough. Every spectrum
    is refitted alone, from the start values of the recipe, also where the fit shared parameters. Where the statistics
    are unknown, the reasons of the fit are repeated: the answer is never better than the fit.

    Parameters
    ----------
    spectrum
        What :func:`surfspec.leis.fit` returned; or, with `recipe`, what it would be given.
    recipe
        The recipe, for data that are not fitted yet.
    progress
        Called with the number of fits done and their total, members times backgrounds.

    Returns
    -------
    xarray.Dataset
        Of kind ``table`` over (..., variant, element); the first variant is the fit as it stands. ``area`` and
        ``area_unc`` (counts eV), ``criterion`` (1) above the least and ``acceptable`` over (..., variant),
        ``area_change`` (%) and ``area_score`` (standard uncertainties). Over (..., element): ``area_model_unc``
        (counts eV; root mean square change over the acceptable backgrounds, noise taken off, for `area_model_unc` of
        :func:`surfspec.leis.normalise`), ``area_range`` over the acceptable backgrounds and ``area_range_all``,
        ``residual_score`` (runs or autocorrelation around the peak, the larger), ``at_fault``. Over the series:
        ``verdict`` and ``reasons``, which name the elements.

    Raises
    ------
    InputError
        For a fit together with another recipe, a spectrum without one, or data that are no LEIS spectrum.

    References
    ----------
    Burnham and Anderson, Model Selection and Multimodel Inference (2002), section 2.6; Hausman, Econometrica 46 (1978)
    1251.

    Examples
    --------
    >>> import surfspec as ss
    >>> energy = np.arange(900.0, 2850.0, 5.0)
    >>> counts = 20 + 900 * np.exp(-((energy - 1182) ** 2) / 800) + 300 * np.exp(-((energy - 2557) ** 2) / 800)
    >>> data = ss.spectrum(energy, np.random.default_rng(2).poisson(counts), technique="LEIS", simulated="true")
    >>> table = ss.leis.adequacy(data, ss.leis.Recipe(elements=("O", "Zr")))
    >>> table.at_fault.values.tolist()
    [0, 0]
    """
    check_progress(progress)
    found = _refit(*_data(spectrum, recipe), progress)
    return _table(found)


def _data(spectrum: xr.Dataset, recipe: Recipe | None) -> tuple[xr.Dataset, Recipe]:
    """Return the data to fit and the recipe."""
    kind = schema.kind_of(spectrum)
    if spectrum.attrs.get("technique") != "LEIS":
        raise InputError(
            f"this is {spectrum.attrs.get('technique', 'no')} data", where="spectrum", remedy="Give a LEIS fit"
        )
    if kind == "fit":
        if recipe is not None:
            raise InputError(
                "a fit has a recipe of its own",
                where="recipe",
                remedy="Give the fit alone, or the spectrum and a recipe",
            )
        schema.check(spectrum, "fit")
        kept = [name for name in ("intensity", "intensity_unc") if name in spectrum]
        data = spectrum[kept]
        strange = ("recipe", "ion", "ion_energy", "scattering_angle")
        data.attrs = {**{k: v for k, v in spectrum.attrs.items() if k not in strange}, "kind": "spectrum"}
        return data, load_yaml(str(spectrum.attrs["recipe"]), Recipe)
    if not isinstance(recipe, Recipe):
        raise InputError(
            "a spectrum without a recipe", where="recipe", remedy="Give surfspec.leis.Recipe(...), or a fit"
        )
    return spectra.crop(schema.check(spectrum, "spectrum"), *recipe.limits()), recipe


def _refit(data: xr.Dataset, recipe: Recipe, progress: Callable[[int, int], None] | None) -> _Refits:
    """Fit every variant to every member."""
    variants = variants_of(recipe)
    members = int(np.prod([size for dim, size in data.sizes.items() if dim != "kinetic_energy"], dtype=np.int64))

    def done(before: int, count: int, _: int) -> None:
        if progress is not None:
            progress(before + count, members * len(variants))

    fits = [fit(data, one.recipe, progress=partial(done, i * members)) for i, one in enumerate(variants)]
    base = fits[0]

    def over(name: str) -> Array:
        return np.stack([one[name].values.astype(np.float64) for one in fits], axis=base["chi2"].ndim)

    failed = np.stack([one["verdict"].values == "failed" for one in fits], axis=-1)
    area, unc, dof = over("area"), over("area_unc"), over("dof")
    points = np.array([one.sizes["kinetic_energy"] for one in fits], dtype=np.float64)
    deviance = np.where(failed, np.nan, over("deviance"))
    spread = spread_of(
        area, unc, deviance, dof, points - dof, np.array([one.same_points for one in variants]),
        known_noise=data.attrs["statistics"] != "unknown",
    )  # fmt: skip
    return _Refits(variants, base, spread, area, unc, _structure(base))


def _structure(base: xr.Dataset) -> Array:
    """Return the score of structure in the residuals around each peak, shape (..., element)."""
    x = base["kinetic_energy"].values
    y, model = (base[name].transpose(..., "kinetic_energy").values for name in ("intensity", "model"))
    statistics = str(base.attrs["statistics"])
    if statistics == "given":
        sigma = base["intensity_unc"].transpose(..., "kinetic_energy").values
    elif statistics == "poisson":
        sigma = np.sqrt(np.maximum(model, 1e-9))
    else:
        sigma = np.std(y - model, axis=-1, keepdims=True)
    residuals = normal_residuals((y - model) / np.where(sigma > 0, sigma, 1.0), model, statistics)
    center, fwhm = base["center"].values, base["fwhm"].values
    out = np.zeros(center.shape)
    for index in np.ndindex(*center.shape):
        middle, width = center[index], fwhm[index]
        near = (x > middle - BELOW * width) & (x < middle + ABOVE * width)
        some = residuals[index[:-1]][near]
        if some.size >= 10 and np.all(np.isfinite(some)):
            out[index] = max(float(runs_score(some)), float(autocorrelation_score(some)))
    return out


def _at_fault(found: _Refits) -> NDArray[np.bool_]:
    """Return which change of an area is a fault of the model, shape (..., variant, element)."""
    spread = found.spread
    larger = np.fmax(np.abs(found.area), np.abs(found.area[..., :1, :]))
    score, change = np.abs(spread.score), np.abs(spread.change)
    excluded = (score > EXCLUDED_SCORE) & (change > EXCLUDED_NOISE * spread.noise)
    big = np.where(spread.acceptable[..., :1, None], score > FAULT_SCORE, excluded) & (change > FAULT_SHARE * larger)
    return np.asarray(big & spread.acceptable[..., None])


def _percent(found: _Refits) -> Array:
    """Return the changes of the areas over the larger of the two, %, shape (..., variant, element)."""
    larger = np.fmax(np.abs(found.area), np.abs(found.area[..., :1, :]))
    return np.asarray(np.divide(100.0 * found.spread.change, larger, out=np.zeros(larger.shape), where=larger > 0))


def _reasons(found: _Refits, faults: NDArray[np.bool_], index: tuple[int, ...]) -> list[str]:
    """Return what is to be said of one member."""
    spread, elements = found.spread, [str(name) for name in found.base["component"].values]
    if str(found.base["verdict"].values[index]) == "failed":
        return ["not fitted: the fit itself failed"]
    # where nobody knows the noise, other backgrounds settle nothing that the fit left open
    unknown = str(found.base.attrs["statistics"]) == "unknown"
    reasons = [one for one in str(found.base["reasons"].values[index]).split("; ") if one] if unknown else []
    names = [one.name for one in found.variants]
    percent = _percent(found)
    stands = bool(spread.acceptable[index][0])
    best = int(np.nanargmin(spread.criterion[index]))
    for e, element in enumerate(elements):
        here = np.flatnonzero(faults[index][:, e])
        if not here.size:
            continue
        v = int(best if best in here else here[np.argmax(np.abs(spread.score[index][here, e]))])
        area, first = found.area[index][v, e], found.area[index][0, e]
        # the number that the table has as area_change
        by = f"{percent[index][v, e]:+.0f} % of the larger" if first > 0 else f"from 0 to {area:.3g}"
        why = "which fits as well" if stands else "which the data prefer"
        reasons.append(
            f"model inadequate: the area of {element} changes by {by} "
            f"({abs(spread.score[index][v, e]):.0f} standard uncertainties) with {names[v]!r}, {why}"
        )
    near = [(e, s) for e, s in zip(elements, found.structure[index], strict=True) if s > STRUCTURE_SCORE]
    return reasons + [f"residual structure: around {element}, score {score:.1f}" for element, score in near]


def _table(found: _Refits) -> xr.Dataset:
    """Lay the refits out as a Dataset."""
    base, spread = found.base, found.spread
    series = tuple(map(str, base["chi2"].dims))
    unit = str(base["area"].attrs["units"])
    faults = _at_fault(found)
    by_variant, by_element, by_both = (*series, "variant"), (*series, "element"), (*series, "variant", "element")

    def entry(dims: tuple[str, ...], data: Array, units: str, name: str, unc: str = "") -> tuple[object, ...]:
        more = {"ancillary_variables": unc} if unc else {}
        return dims, data, {"units": units, "long_name": name, **more}

    texts = np.empty(base["chi2"].shape, dtype=object)
    for index in np.ndindex(*texts.shape):
        texts[index] = _reasons(found, faults, index)
    variables = {
        "area": entry(by_both, found.area, unit, "Area of the surface peak", "area_unc"),
        "area_unc": entry(by_both, found.unc, unit, "Standard uncertainty of the area by the fit"),
        "area_change": entry(by_both, _percent(found), "%", "Change of the area, over the larger of the two"),
        "area_score": entry(by_both, spread.score, "1", "Change of the area in standard uncertainties"),
        "criterion": entry(by_variant, spread.criterion, "1", "Criterion above the least of all backgrounds"),
        "acceptable": (by_variant, spread.acceptable.astype(np.int8), {"units": "1", "long_name": "1 if acceptable"}),
        "area_model_unc": entry(by_element, spread.model_unc, unit, "Standard uncertainty by the background"),
        "area_range": entry(by_element, spread.accepted, unit, "Range of the area over acceptable backgrounds"),
        "area_range_all": entry(by_element, spread.all_of_them, unit, "Range of the area over all backgrounds"),
        "residual_score": entry(by_element, found.structure, "1", "Score of structure in the residuals around"),
        "at_fault": (
            by_element, np.any(faults, axis=-2).astype(np.int8), {"units": "1", "long_name": "1 if at fault"}
        ),
        "reasons": (series, np.array(["; ".join(one) for one in texts.ravel()]).reshape(texts.shape)),
        "verdict": (series, np.array([verdict_of(one) for one in texts.ravel()]).reshape(texts.shape)),
    }  # fmt: skip
    coords = {str(name): c for name, c in base.coords.items() if set(map(str, c.dims)) <= set(series)}
    out = xr.Dataset(
        variables,
        coords={
            **coords,
            "variant": np.array([one.name for one in found.variants]),
            "element": base["component"].values,
        },
        attrs={
            "kind": "table", "technique": "LEIS", "fault_score": FAULT_SCORE, "fault_share": FAULT_SHARE,
            **spectra.origin(base),
        },
    )  # fmt: skip
    return schema.check(out, "table")
