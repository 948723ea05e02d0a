"""The fit Dataset of a refinement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import schema
from surfspec.fitting.members import MemberFit
from surfspec.fitting.model import Parameter
from surfspec.fitting.result import assemble
from surfspec.fitting.verdict import verdict_of
from surfspec.xrd.amounts import weights
from surfspec.xrd.patterns.reflections import customary
from surfspec.xrd.refinement import judgement
from surfspec.xrd.refinement.agreement import LineAreas, line_areas, r_factors
from surfspec.xrd.refinement.covariance import Uncertainty, uncertainty
from surfspec.xrd.refinement.parameters import NATURAL, unit_of
from surfspec.xrd.refinement.physical import CELL, Facts, facts_of
from surfspec.xrd.refinement.shift_choice import ShiftChoice, choice_of
from surfspec.xrd.refinement.stages import Fit
from surfspec.xrd.structures.phase import Phase

Array = NDArray[np.float64]


def dataset_of(
    spectrum: xr.Dataset, fit: Fit, recipe: str, notes: Sequence[str], instrument: Mapping[str, float] | None
) -> xr.Dataset:
    """Make the Dataset of one refined pattern.

    Parameters
    ----------
    spectrum
        The data within the fitted range.
    fit
        The refinement.
    recipe
        The options as text.
    notes
        Reasons found before the fit.
    instrument
        Profile of the instrument, where it is known.
    """
    spread = uncertainty(fit.models, fit.state, fit.fitted)
    wide = spread.inflation**2
    known = None if instrument is None else dict(instrument)
    facts = [facts_of(fit, spread, i, known) for i in range(len(fit.models))]
    areas = line_areas(fit.models, fit.state, fit.fitted)
    scale, covariance, density, absorptions = _scales(fit, spread, facts)
    curves = [one.columns @ fit.state.amplitudes_of(fit.models, i) for i, one in enumerate(fit.state.drawn)]
    area, area_covariance = _areas(fit, spread)
    present = area > 3.0 * np.sqrt(np.diag(area_covariance) * wide)
    fraction, fraction_covariance = _fractions(scale, covariance * wide, density, absorptions, areas, present)
    if judgement.spoilt(fit, areas, present, fraction):
        fraction_covariance = np.full_like(fraction_covariance, np.nan)
    verdict, reasons = judgement.judge(fit, spread, facts, areas, present, fraction, absorptions, density)
    free = [one.phase.id for one, there in zip(fit.models, present, strict=True) if one.pawley and there]
    if free and len(fit.models) > 1:
        reasons.append(f"not resolved: the weight of {', '.join(free)} (areas are free)")
        verdict = verdict_of([one for one in reasons if one.split(":")[0] not in judgement.NOTES])
    reasons = [*notes, *reasons]
    choice = choice_of(fit.models, fit.state, fit.other, spread.inflation)
    extra = _extra(fit, spread, facts, areas, scale, covariance * wide, density, absorptions)
    if choice is not None:
        said = _shift_chosen(extra, facts, choice, [one.phase.id for one in fit.models])
        reasons += [said] if said else []
    if notes:
        verdict = verdict_of([one for one in reasons if one.split(":")[0] not in judgement.NOTES])
    height = np.array([float(one.max(initial=0.0)) for one in curves])
    contribution = np.stack(curves)
    background = fit.state.background
    table = fit.state.parameters
    shown = np.flatnonzero(table.free)
    values, value_covariance = _reported(fit, spread, shown, scale, covariance)
    start = np.concatenate([fit.start.value[shown], np.full(len(scale), np.nan)])
    limits = [np.concatenate([edge[shown], np.full(len(scale), other)])
              for edge, other in ((table.low, 0.0), (table.high, np.inf))]  # fmt: skip
    relative = np.sqrt(np.diag(area_covariance) * wide) / np.maximum(area, 1e-300)
    member = MemberFit(
        model=background + contribution.sum(axis=0), background=background, contribution=contribution,
        area=area, area_unc=np.sqrt(np.diag(area_covariance) * wide), area_covariance=area_covariance * wide,
        center=np.array([one.center[0] for one in facts]),
        center_unc=np.array([one.center[1] for one in facts]) * spread.inflation,
        fwhm=np.array([one.fwhm[0] for one in facts]),
        fwhm_unc=np.array([one.fwhm[1] for one in facts]) * spread.inflation,
        height=height, height_unc=height * relative,
        flag=np.array(["ok" if there else "below_detection" for there in present], dtype="<U16"),
        value=values, value_unc=np.sqrt(np.diag(value_covariance) * wide), start=start, low=limits[0], high=limits[1],
        covariance=value_covariance * wide, chi2=fit.state.chi2, deviance=_deviance(fit, spectrum),
        dof=len(fit.fitted.x) - spread.fitted, verdict=verdict, reasons=tuple(reasons),
    )  # fmt: skip
    ids = [one.phase.id for one in fit.models]
    parameters = [
        Parameter(table.names[i], float(table.value[i]), float(table.low[i]), float(table.high[i]),
                  unit=unit_of(table.roles[i]), natural_low=table.roles[i] in NATURAL,
                  prior=(float(table.prior[i]), float(table.prior_unc[i])))
        for i in shown
    ] + [Parameter(f"{name}.scale", float(max(value, 0.0)) if np.isfinite(value) else 0.0, 0.0, unit="arb. units")
         for name, value in zip(ids, scale, strict=True)]  # fmt: skip
    labels = {key: [str(getattr(one.phase, key) or one.phase.id) for one in fit.models]
              for key in ("name", "formula", "space_group")}  # fmt: skip
    labels["treatment"] = ["pawley" if one.pawley else "structure" for one in fit.models]
    attrs = _attrs(fit, instrument)
    if choice is not None:
        attrs |= {"zero_probability": choice.probability}
    dataset = assemble(
        [member], spectrum, components=ids, parameters=parameters, labels=labels, recipe=recipe, attrs=attrs
    )
    extra |= _weights(fraction, fraction_covariance)
    dataset = dataset.assign(extra).assign_coords(
        axis=np.array(CELL[:3]), corner=np.array(CELL[3:6]), cell_parameter=np.array(CELL),
        cell_parameter_b=np.array(CELL),
    )  # fmt: skip
    dataset = dataset.merge(_reflections(fit, areas))
    return schema.check(dataset, "fit")


def _attrs(fit: Fit, instrument: Mapping[str, float] | None) -> dict[str, Any]:
    attrs: dict[str, Any] = {
        "wavelength": fit.light.wavelengths[0], "wavelength_name": fit.light.name,
        "profile": "given" if instrument is not None else "refined",
    }  # fmt: skip
    table = fit.state.parameters
    attrs |= {f"profile_{role}": float(table.value[table.where(-1, role)[0]]) for role in ("U", "V", "W", "asymmetry")}
    for role in "XY":
        first = float(table.value[table.where(0, role)[0]])
        attrs[f"profile_{role}"] = first if instrument is None else float(instrument.get(role, 0.0))
    attrs["overspill"] = float(table.value[table.where(-1, "overspill")[0]])
    for role in ("zero", "displacement"):
        attrs[f"{role}_shift"] = float(table.value[table.where(-1, role)[0]])
    return attrs


def _deviance(fit: Fit, spectrum: xr.Dataset) -> float:
    model = np.maximum(fit.state.calculated + fit.state.background, 1e-12)
    if str(spectrum.attrs.get("statistics")) != "poisson" or np.any(fit.fitted.y < 0):
        return fit.state.chi2
    y = fit.fitted.y
    log = np.where(y > 0, y * np.log(np.where(y > 0, y, 1.0) / model), 0.0)
    return float(2.0 * np.sum(log - (y - model)))


def _scales(fit: Fit, spread: Uncertainty, facts: Sequence[Facts]) -> tuple[Array, Array, Array, Array]:
    """Scales s of m|F|^2 LP / V^2 in the refined cell, their covariance, densities and absorption; NaN for Pawley."""
    first = np.cumsum([0, *(one.count for one in fit.models[:-1])])
    scale = fit.state.amplitudes[first].copy()
    covariance = spread.amplitudes[np.ix_(first, first)].copy()
    density, absorptions = np.full(len(first), np.nan), np.full(len(first), np.nan)
    factor = np.ones(len(first))
    for i, one in enumerate(fit.models):
        if one.pawley or not isinstance(one.phase, Phase):
            factor[i] = np.nan
            continue
        swelling = float(facts[i].cell[6]) / one.phase.volume
        factor[i] = swelling**2
        density[i] = one.phase.density / swelling
        absorptions[i] = weights.absorption(one.phase, fit.light.wavelengths[0]) / swelling
    return scale * factor, covariance * np.outer(factor, factor), density, absorptions


def _areas(fit: Fit, spread: Uncertainty) -> tuple[Array, Array]:
    """Areas of the phases above the background within the data, with statistical covariance."""
    gradient = np.zeros((len(fit.models), len(fit.state.amplitudes)))
    at = 0
    for i, one in enumerate(fit.state.drawn):
        count = fit.models[i].count
        gradient[i, at : at + count] = np.trapezoid(one.columns, fit.fitted.x, axis=0)
        at += count
    return gradient @ fit.state.amplitudes, gradient @ spread.amplitudes @ gradient.T


def _fractions(
    scale: Array, covariance: Array, density: Array, absorptions: Array, areas: Sequence[LineAreas],
    present: NDArray[np.bool_],
) -> tuple[Array, Array]:  # fmt: skip
    """Weight fractions of the phases with a structure; none where a phase without one takes part."""
    count = len(scale)
    unknown = np.full(count, np.nan), np.full((count, count), np.nan)
    if np.any(np.isnan(scale) & present) and count > 1:
        return unknown
    known = np.isfinite(scale)
    if not np.any(known) or scale[known].sum() <= 0:
        return unknown
    scatter = np.array([one.scatter for one in areas])[known]
    sigma = weights.systematic(scatter[:, 0], absorptions[known], scale[known], density[known], scatter[:, 1])
    inner = np.where(np.isnan(covariance), 0.0, covariance)[np.ix_(known, known)]
    fraction, matrix = weights.fractions(scale[known], inner, density[known], sigma)
    full, wide = unknown
    full[known] = fraction
    wide[np.ix_(known, known)] = matrix
    return full, wide


def _reported(
    fit: Fit, spread: Uncertainty, shown: NDArray[np.intp], scale: Array, covariance: Array
) -> tuple[Array, Array]:
    """Free parameters and scales with their joint covariance."""
    first = np.cumsum([0, *(one.count for one in fit.models[:-1])])
    with np.errstate(invalid="ignore", divide="ignore"):
        factor = scale / fit.state.amplitudes[first]
    factor = np.where(np.isfinite(factor), factor, 1.0)
    size = len(shown)
    matrix = np.full((size + len(scale),) * 2, np.nan)
    matrix[:size, :size] = spread.parameters[np.ix_(shown, shown)]
    matrix[size:, size:] = covariance
    matrix[:size, size:] = spread.cross[np.ix_(shown, first)] * factor
    matrix[size:, :size] = matrix[:size, size:].T
    return np.concatenate([fit.state.parameters.value[shown], scale]), matrix


def _extra(
    fit: Fit, spread: Uncertainty, facts: Sequence[Facts], areas: Sequence[LineAreas], scale: Array, covariance: Array,
    density: Array, absorptions: Array,
) -> dict[str, Any]:  # fmt: skip
    cells = np.array([one.cell for one in facts])
    variances = np.array([one.cell_covariance for one in facts]) * spread.inflation**2
    unc = np.sqrt(np.array([np.diag(one) for one in variances]))
    factors = r_factors(fit.fitted, fit.state, spread.fitted)
    part = ("component",)

    def one(name: str, dims: tuple[str, ...], values: object, units: str, label: str, beside: bool = True) -> None:
        meta = {"units": units, "long_name": label}
        if beside:
            meta["ancillary_variables"] = f"{name}_unc"
        out[name] = (dims, np.asarray(values, dtype=np.float64), meta)

    def pair(name: str, dims: tuple[str, ...], values: object, error: object, units: str, label: str) -> None:
        one(name, dims, values, units, label)
        one(f"{name}_unc", dims, error, units, f"Standard uncertainty: {label.lower()}", beside=False)

    out: dict[str, Any] = {}
    pair("cell_length", (*part, "axis"), cells[:, :3], unc[:, :3], "angstrom", "Length of the cell")
    pair("cell_angle", (*part, "corner"), cells[:, 3:6], unc[:, 3:6], "deg", "Angle of the cell")
    pair("cell_volume", part, cells[:, 6], unc[:, 6], "angstrom3", "Volume of the cell")
    one(
        "cell_covariance",
        (*part, "cell_parameter", "cell_parameter_b"),
        variances,
        "1",
        "Covariance of the cell",
        False,
    )
    out["cell_covariance"][2]["comment"] = "a, b, c in angstrom, angles in deg, volume in angstrom3"
    cards = np.array([[*model.phase.cell, model.phase.unit_cell.volume] for model in fit.models])
    share = np.array([np.nan if model.phase.cell_uncertainty is None else model.phase.cell_uncertainty
                      for model in fit.models])  # fmt: skip
    one("card_length", (*part, "axis"), cards[:, :3], "angstrom", "Length of the cell of the card", False)
    one("card_angle", (*part, "corner"), cards[:, 3:6], "deg", "Angle of the cell of the card", False)
    one("card_volume", part, cards[:, 6], "angstrom3", "Volume of the cell of the card", False)
    one("card_relative_unc", part, share, "1", "Relative standard uncertainty of the lengths of the card", False)
    pair("size", part, [f.size[0] for f in facts], np.array([f.size[1] for f in facts]) * spread.inflation, "nm",
         "Size of crystallites")  # fmt: skip
    pair("strain", part, [f.strain[0] for f in facts], np.array([f.strain[1] for f in facts]) * spread.inflation, "1",
         "Microstrain")  # fmt: skip
    one("size_limit", part, [f.size_limit for f in facts], "nm", "Smallest size, no instrument taken off", False)
    pair("texture", part, [f.texture[0] for f in facts], np.array([f.texture[1] for f in facts]) * spread.inflation,
         "1", "March coefficient")  # fmt: skip
    pair("scale", part, scale, np.sqrt(np.diag(covariance)), "arb. units", "Scale S of m|F|² LP / V²")
    one("scale_covariance", (*part, "component_b"), covariance, "arb. units", "Covariance of the scales", False)
    one("density", part, density, "g/cm3", "Density in the refined cell", False)
    one("absorption", part, absorptions, "cm-1", "Linear absorption coefficient", False)
    one("r_bragg", part, [100.0 * a.r_bragg for a in areas], "%", "R of the areas of the lines", False)
    for name, label in (("r_wp", "Weighted profile R"), ("r_exp", "Expected R")):
        one(name, (), factors[name], "%", label, False)
    one("goodness_of_fit", (), factors["goodness_of_fit"], "1", "Goodness of fit", False)
    one("durbin_watson", (), spread.durbin_watson, "1", "Durbin-Watson d", False)
    one("inflation", (), spread.inflation, "1", "Factor in all uncertainties for misfit and correlation", False)
    directions = ["".join(map(str, m.direction)) if m.direction is not None else "" for m in fit.models]
    out["texture_direction"] = (part, np.array(directions, dtype=np.str_), {"long_name": "hkl of the texture"})
    return out


def _shift_chosen(extra: dict[str, Any], facts: Sequence[Facts], choice: ShiftChoice, ids: Sequence[str]) -> str:
    """Put the choice of the line shift into the covariance of the cells; return what is to be said of it."""
    cells = np.array([one.cell for one in facts])
    apart = choice.cells - cells
    variances = extra["cell_covariance"][1]
    own = np.sqrt(np.einsum("pii->pi", variances))
    variances += choice.probability * apart[:, :, None] * apart[:, None, :]
    unc = np.sqrt(np.einsum("pii->pi", variances))
    for name, part in (("length", slice(0, 3)), ("angle", slice(3, 6)), ("volume", 6)):
        extra[f"cell_{name}_unc"][1][...] = unc[:, part]
    label = {"units": "angstrom", "long_name": "Length of the cell with a zero shift in place of a displacement"}
    extra["zero_length"] = (("component", "axis"), choice.cells[:, :3], label)
    return choice.note(ids, cells, own)


def _weights(fraction: Array, covariance: Array) -> dict[str, Any]:
    one = {"units": "1"}
    return {
        "weight_fraction": ("component", fraction, one | {
            "long_name": "Weight fraction of the crystalline phases", "ancillary_variables": "weight_fraction_unc"}),
        "weight_fraction_unc": ("component", np.sqrt(np.diag(covariance)), one | {"long_name": "Standard uncertainty"}),
        "weight_fraction_covariance": (("component", "component_b"), covariance, one | {"long_name": "Covariance"}),
    }  # fmt: skip


def _reflections(fit: Fit, areas: Sequence[LineAreas]) -> xr.Dataset:
    owner = np.concatenate([np.full(len(a.number), m.phase.id) for m, a in zip(fit.models, areas, strict=True)])
    hkl = np.concatenate(
        [customary(m.hkl[a.number], m.phase.space_group) for m, a in zip(fit.models, areas, strict=True)]
    )

    def joined(name: str) -> Array:
        return np.concatenate([getattr(a, name) for a in areas])

    unit = "arb. units deg"
    columns = {
        "reflection_two_theta": (joined("two_theta"), "deg", "2θ of the line as it appears"),
        "reflection_d": (joined("d"), "angstrom", "Lattice spacing in the refined cell"),
        "expected_area": (joined("expected"), unit, "Calculated area"),
        "observed_ratio": (joined("ratio"), "1", "Observed over calculated area"),
        "observed_ratio_unc": (joined("ratio_unc"), "1", "Standard uncertainty"),
        "share": (joined("share"), "1", "Share of the phase in the signal at the line"),
    }
    status = np.where(joined("share") > 0.7, np.where(joined("ratio") > 0.3, "confirmed", "missing"), "overlapped")
    data = {name: ("reflection", values, {"units": units, "long_name": label})
            for name, (values, units, label) in columns.items()}  # fmt: skip
    coords = {
        "reflection_phase": ("reflection", owner.astype(np.str_)),
        "status": ("reflection", status.astype(np.str_)),
        **{name: ("reflection", hkl[:, i]) for i, name in enumerate("hkl")},
    }
    return xr.Dataset(data, coords=coords)
