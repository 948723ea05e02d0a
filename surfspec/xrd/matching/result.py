"""The match Dataset: from the arrays of an identification to labelled variables, and from members to a series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import schema
from surfspec.fitting.verdict import verdict_of, worst
from surfspec.xrd.amounts import microabsorption, scales, weights
from surfspec.xrd.amounts.grains import distribution
from surfspec.xrd.matching import alternatives, frequencies, judgement, model, observed, rivals, tables
from surfspec.xrd.matching.evidence import Assessment
from surfspec.xrd.matching.measured import Measured
from surfspec.xrd.matching.model import State
from surfspec.xrd.matching.outcome import Outcome
from surfspec.xrd.recipe import Recipe

Array = NDArray[np.float64]


def scale_covariance(state: State, data: Measured) -> Array:
    """Covariance of the scales with the background fitted and cells and widths fixed."""
    if not state.members:
        return np.empty((0, 0))
    projected = data.project(state.columns)
    norm = np.linalg.norm(projected, axis=0) + 1e-300
    inverse = np.linalg.pinv((projected / norm).T @ (projected / norm))
    return np.asarray(inverse / np.outer(norm, norm))


def assemble(spectrum: xr.Dataset, outcome: Outcome, settings: Recipe, notes: Sequence[str] = ()) -> xr.Dataset:
    """Make the match Dataset of one pattern; `notes` are reasons that its verdict must know."""
    share = observed.agreement(outcome.state, outcome.data)
    calibrated = frequencies.named(outcome.assessments, share)
    state, data = outcome.state, outcome.data
    order = np.argsort([-float(np.sum(state.columns[:, i]) * state.scales[i]) for i in range(len(state.members))])
    order = order.astype(np.int64)
    light = state.common.light
    chosen = [state.members[i] for i in order]
    assessed, model_says = [calibrated[i] for i in order], [outcome.assessments[i] for i in order]
    scale = state.scales[order] if len(order) else np.empty(0)
    covariance = scale_covariance(state, data)[np.ix_(order, order)]
    density = np.array([one.phase.density for one in chosen])
    absorptions = np.array([weights.absorption(one.phase, light.wavelengths[0]) for one in chosen])
    fraction, fraction_covariance = _fractions(assessed, scale, covariance, density, absorptions)
    if share > judgement.INADEQUATE:
        fraction_covariance = np.full_like(fraction_covariance, np.nan)
    one = {"units": "1"}
    phase_data = {
        "score": ([item.score for item in assessed], "1", "Share of the clean expected intensity that is seen"),
        "probability": ([item.probability for item in assessed], "1", "Probability that the phase is present"),
        "model_probability": (
            [item.probability for item in model_says],
            "1",
            "Probability of the phase before calibration",
        ),
        "model_presence": (
            [max(item.presence, item.probability) for item in model_says],
            "1",
            "Probability of the phase or of a card that looks like it, before calibration",
        ),
        "rival_probability": ([item.rival_probability for item in assessed], "1", "Probability of the rival instead"),
        "scale": (scale, "arb. units", "Scale S of m|F|² LP / V²"),
        "scale_unc": (np.sqrt(np.diag(covariance)), "arb. units", "Standard uncertainty of the scale"),
        "weight_fraction": (fraction, "1", "Weight fraction of the named crystalline phases"),
        "weight_fraction_unc": (np.sqrt(np.diag(fraction_covariance)), "1", "Standard uncertainty"),
        "density": (density, "g/cm3", "Calculated density"),
        "absorption": (absorptions, "cm-1", "Linear absorption coefficient"),
        "strain": ([_strain(item) for item in chosen], "1", "Largest relative change of the cell against its card"),
        "texture": (
            [item.texture[3] if item.texture else 1.0 for item in chosen],
            "1",
            "March coefficient, 1 for none",
        ),
        "line_width": ([item.size for item in chosen], "deg", "Size term of the line width"),
    }
    variables: dict[str, Any] = {
        name: ("phase", np.asarray(values, dtype=np.float64), {"units": unit, "long_name": label})
        for name, (values, unit, label) in phase_data.items()
    }
    for status in ("confirmed", "missing", "overlapped"):
        counts = [int(np.sum(item.reflections.status == status)) for item in assessed]
        variables[f"lines_{status}"] = ("phase", np.array(counts, dtype=np.int64), {"long_name": f"Lines {status}"})
    variables["scale_covariance"] = (("phase", "phase_b"), covariance, {"units": "arb. units"})
    variables["weight_fraction_covariance"] = (("phase", "phase_b"), fraction_covariance, one)
    coords = _phase_coords(outcome, chosen, assessed, settings.cell_range)
    dataset = xr.Dataset(variables, coords=coords)
    lines = judgement.leftover_lines(outcome.unexplained, state, data, outcome.candidates)
    unknown = alternatives.unknown_probability(outcome, judgement.foreign_lines(lines))
    for part in (
        tables.reflections_table(chosen, assessed, state),
        tables.candidates_table(outcome, unknown, calibrated),
        tables.alternatives_table(outcome),
        tables.curves_table(spectrum, outcome, order),
    ):
        dataset = dataset.merge(part)
    dataset = dataset.merge(tables.peaks_table(lines, spectrum))
    said = "Probability that a phase which is not in the list shows lines"
    dataset["unknown_probability"] = ((), frequencies.unknown(unknown), {"units": "1", "long_name": said})
    dataset["unknown_model_probability"] = ((), unknown, {"units": "1", "long_name": f"{said}, before calibration"})
    verdict, reasons = judgement.judge(outcome, chosen, assessed, lines, fraction, absorptions, density)
    dataset["verdict"] = ((), worst([verdict, verdict_of(notes)]))
    dataset["reasons"] = ((), "; ".join([*notes, *reasons]))
    kept = {
        key: spectrum.attrs[key]
        for key in ("sample", "source_file", "source_sha256", "simulated")
        if key in spectrum.attrs
    }
    dataset.attrs = {
        "kind": "match", "technique": "XRD", **kept, "wavelength": light.wavelengths[0], "wavelength_name": light.name,
        "zero_shift": state.common.zero, "displacement_shift": state.common.displacement,
        "model_error": data.model_error, "reduced_chi2": state.chi2 / len(data.x),
        "unexplained_share": share, "candidates": len(outcome.candidates),
        "recipe": _recipe_text(settings),
    }  # fmt: skip
    return schema.check(dataset, "match")


def _phase_coords(
    outcome: Outcome, chosen: Sequence[model.Member], assessed: Sequence[Assessment], reach: float
) -> dict[str, Any]:
    """Tell what the cards of the named phases say, and what rivals them; `reach` is the largest strain of a cell."""
    coords: dict[str, Any] = {
        name: ("phase", np.array([getattr(item.phase, key) for item in chosen], dtype=np.str_), {"long_name": label})
        for name, key, label in (
            ("phase", "id", "Phase"), ("name", "name", "Name"), ("formula", "formula", "Formula"),
            ("space_group", "space_group", "Space group"), ("trust", "trust", "Trust in the card"),
        )
    }  # fmt: skip
    verified = np.array([item.phase.verified for item in chosen], dtype=np.int8)
    coords["verified"] = ("phase", verified, {"units": "1", "long_name": "1 where the card is verified"})
    stated = np.array([item.phase.id in outcome.prior.stated for item in chosen], dtype=np.int8)
    coords["stated"] = ("phase", stated, {"units": "1", "long_name": "1 where the recipe says the phase is present"})
    cards = {phase.id: phase for phase in outcome.candidates}
    why = [
        rivals.reason(one.phase, cards[item.rival], reach) if item.rival else ""
        for one, item in zip(chosen, assessed, strict=True)
    ]
    coords["rival_reason"] = ("phase", np.array(why, dtype=np.str_), {"long_name": "Why the rival looks alike"})
    coords["rival"] = ("phase", np.array([item.rival for item in assessed], dtype=np.str_), {"long_name": "Best rival"})
    axes = [" ".join(map(str, item.texture[:3])) if item.texture else "" for item in chosen]
    coords["texture_axis"] = ("phase", np.array(axes, dtype=np.str_), {"long_name": "Axis of the texture, h k l"})
    coords["phase_b"] = ("phase_b", coords["phase"][1])
    return coords


def _recipe_text(settings: Recipe) -> str:
    return "{" + ", ".join(f"{key}: {value!r}" for key, value in asdict(settings).items()) + "}"


def _fractions(
    assessed: Sequence[Assessment], scale: Array, covariance: Array, density: Array, absorptions: Array
) -> tuple[Array, Array]:
    """Weight fractions with covariance, as :func:`surfspec.xrd.quantify` gives them for grains of unknown size."""
    if not assessed:
        return np.empty(0), np.empty((0, 0))
    scatter, carrying = np.array([_scatter(item) for item in assessed]).T
    unrefined = weights.systematic(scatter, np.zeros(len(scale)), scale, density, carrying)
    fraction, total = weights.fractions(scale, covariance, density, unrefined)
    here = np.flatnonzero(scale > 0)
    if len(here) > 1:
        median, factor, _ = distribution(None, tuple(map(str, here)))
        mass = scale[here] * density[here]
        total[np.ix_(here, here)] += microabsorption.spread(
            mass, density[here], absorptions[here], fraction[here], median, factor
        )
    return fraction, total


def _scatter(item: Assessment) -> tuple[float, float]:
    """Scatter of observed over calculated areas of the confirmed lines, and (sum A)^2 / sum A^2 of those that carry it.

    By the rule of :func:`surfspec.xrd.amounts.scales.read`, so that a match and its quantification agree.
    """
    lines = item.reflections
    seen = lines.status == "confirmed"
    seen &= lines.expected > scales.WEAKEST * lines.expected[seen].max(initial=0.0)
    area, ratio = lines.expected[seen], lines.ratio[seen]
    if len(area) < 2:
        return scales.UNSEEN_SCATTER, 1.0
    return float(np.sqrt(np.average((ratio - 1.0) ** 2, weights=area))), float(area.sum() ** 2 / np.sum(area**2))


def _strain(one: model.Member) -> float:
    change = -(one.metric - 1.0) / 2.0
    return float(change[np.argmax(np.abs(change))]) if len(change) else 0.0
