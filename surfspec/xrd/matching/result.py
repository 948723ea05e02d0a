"""The match Dataset: from the arrays of an identification to labelled variables, and from members to a series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import schema
from surfspec.fitting.verdict import verdict_of, worst
from surfspec.xrd.amounts import weights
from surfspec.xrd.matching import evidence, judgement, model
from surfspec.xrd.matching.evidence import Assessment
from surfspec.xrd.matching.measured import Measured
from surfspec.xrd.matching.model import State
from surfspec.xrd.patterns import profile
from surfspec.xrd.patterns.profile import REACH
from surfspec.xrd.recipe import Recipe
from surfspec.xrd.structures.phase import Phase

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Outcome:
    """One identification: the state, how sure each phase is, what was left out, what stays unexplained."""

    state: State
    assessments: Sequence[Assessment]
    rejected: Sequence[tuple[str, Assessment]]
    data: Measured
    unexplained: Array
    candidates: tuple[Phase, ...]
    detection: Array


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
    share = evidence.agreement(outcome.state, outcome.data)
    outcome = replace(
        outcome,
        assessments=[replace(one, probability=judgement.cap(one.probability, share)) for one in outcome.assessments],
    )
    state, data = outcome.state, outcome.data
    order = np.argsort([-float(np.sum(state.columns[:, i]) * state.scales[i]) for i in range(len(state.members))])
    order = order.astype(np.int64)
    light = state.common.light
    chosen = [state.members[i] for i in order]
    assessed = [outcome.assessments[i] for i in order]
    scale = state.scales[order] if len(order) else np.empty(0)
    covariance = scale_covariance(state, data)[np.ix_(order, order)]
    density = np.array([one.phase.density for one in chosen])
    absorptions = np.array([weights.absorption(one.phase, light.wavelengths[0]) for one in chosen])
    scatter = np.array([_scatter(item) for item in assessed])
    fraction, fraction_covariance = np.empty(0), np.empty((0, 0))
    if chosen:
        unrefined = weights.systematic(scatter, absorptions, scale, density)
        fraction, fraction_covariance = weights.fractions(scale, covariance, density, unrefined)
        if share > judgement.INADEQUATE:
            fraction_covariance = np.full_like(fraction_covariance, np.nan)
    one = {"units": "1"}
    phase_data = {
        "score": ([item.score for item in assessed], "1", "Share of the clean expected intensity that is seen"),
        "probability": ([item.probability for item in assessed], "1", "Probability that the phase is present"),
        "scale": (scale, "arb. units", "Scale S of m|F|² LP / V²"),
        "scale_unc": (np.sqrt(np.diag(covariance)), "arb. units", "Standard uncertainty of the scale"),
        "weight_fraction": (fraction, "1", "Weight fraction of the named crystalline phases"),
        "weight_fraction_unc": (np.sqrt(np.diag(fraction_covariance)), "1", "Standard uncertainty"),
        "density": (density, "g/cm3", "Calculated density"),
        "absorption": (absorptions, "cm-1", "Linear absorption coefficient"),
        "strain": ([_strain(item) for item in chosen], "1", "Largest relative change of the cell against its card"),
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
    coords: dict[str, Any] = {
        name: ("phase", np.array([getattr(item.phase, key) for item in chosen], dtype=np.str_), {"long_name": label})
        for name, key, label in (
            ("phase", "id", "Phase"), ("name", "name", "Name"), ("formula", "formula", "Formula"),
            ("space_group", "space_group", "Space group"), ("trust", "trust", "Trust in the card"),
        )
    }  # fmt: skip
    verified = np.array([item.phase.verified for item in chosen], dtype=np.int8)
    coords["verified"] = ("phase", verified, {"units": "1", "long_name": "1 where the card is verified"})
    coords["rival"] = ("phase", np.array([item.rival for item in assessed], dtype=np.str_), {"long_name": "Best rival"})
    coords["phase_b"] = ("phase_b", coords["phase"][1])
    dataset = xr.Dataset(variables, coords=coords)
    dataset = dataset.merge(_reflections(chosen, assessed, state)).merge(_candidates(outcome, scale, density))
    dataset = dataset.merge(_curves(spectrum, outcome, order))
    lines = judgement.leftover_lines(outcome.unexplained, state, data, outcome.candidates)
    dataset = dataset.merge(_peaks(lines, spectrum))
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


def _recipe_text(settings: Recipe) -> str:
    return "{" + ", ".join(f"{key}: {value!r}" for key, value in asdict(settings).items()) + "}"


def _scatter(item: Assessment) -> float:
    """Robust scatter of observed over calculated areas of the confirmed lines, weighted by strength."""
    lines = item.reflections
    seen = (lines.status == "confirmed") & (lines.expected > 0.05 * lines.expected.max(initial=0.0))
    if np.count_nonzero(seen) < 2:
        return 0.2
    return float(np.sqrt(np.average((lines.ratio[seen] - 1.0) ** 2, weights=np.sqrt(lines.expected[seen]))))


def _strain(one: model.Member) -> float:
    change = -(one.metric - 1.0) / 2.0
    return float(change[np.argmax(np.abs(change))]) if len(change) else 0.0


def _reflections(chosen: Sequence[model.Member], assessed: Sequence[Assessment], state: State) -> xr.Dataset:
    owner = np.concatenate(
        [np.full(len(a.reflections.number), m.phase.id) for m, a in zip(chosen, assessed, strict=True)]
        or [np.empty(0, dtype=np.str_)]
    )
    hkl = np.concatenate([m.found.hkl[a.reflections.number] for m, a in zip(chosen, assessed, strict=True)]
                         or [np.empty((0, 3), dtype=np.int64)])  # fmt: skip
    d = np.concatenate([1.0 / np.sqrt((m.found.parts @ m.metric)[a.reflections.number])
                        for m, a in zip(chosen, assessed, strict=True)] or [np.empty(0)])  # fmt: skip

    def joined(name: str, kind: type = float) -> NDArray[np.generic]:
        return np.concatenate([getattr(a.reflections, name) for a in assessed] or [np.empty(0, dtype=kind)])

    unit = "arb. units deg"
    columns = {
        "reflection_two_theta": (joined("two_theta"), "deg", "2θ of the line as it appears"),
        "reflection_d": (d, "angstrom", "Lattice spacing in the refined cell"),
        "expected_area": (joined("expected"), unit, "Calculated area"),
        "observed_ratio": (joined("ratio"), "1", "Observed over calculated area"),
        "observed_ratio_unc": (joined("ratio_unc"), "1", "Standard uncertainty"),
        "share": (joined("share"), "1", "Share of the phase in the signal at the line"),
    }
    data = {name: ("reflection", values, {"units": units, "long_name": label})
            for name, (values, units, label) in columns.items()}  # fmt: skip
    coords = {
        "reflection_phase": ("reflection", owner.astype(np.str_)),
        "status": ("reflection", joined("status", np.str_).astype(np.str_)),
        **{name: ("reflection", hkl[:, i]) for i, name in enumerate("hkl")},
    }
    return xr.Dataset(data, coords=coords)


def _candidates(outcome: Outcome, scale: Array, density: Array) -> xr.Dataset:
    ids = np.array([phase.id for phase in outcome.candidates], dtype=np.str_)
    mass = outcome.detection * np.array([phase.density for phase in outcome.candidates])
    known = float(np.sum(scale * density))
    limit = mass / (known + mass) if known > 0 else np.full(len(ids), np.nan)
    left = {name: item.probability for name, item in outcome.rejected}
    named = {m.phase.id: a.probability for m, a in zip(outcome.state.members, outcome.assessments, strict=True)}
    probability = [named.get(name, left.get(name, 0.0)) for name in ids]
    return xr.Dataset(
        {
            "detection_limit": ("candidate", limit, {"units": "1", "long_name": "Weight fraction seen at three sigma"}),
            "candidate_probability": ("candidate", np.array(probability, dtype=np.float64), {"units": "1"}),
        },
        coords={"candidate": ("candidate", ids)},
    )


def _curves(spectrum: xr.Dataset, outcome: Outcome, order: NDArray[np.int64]) -> xr.Dataset:
    state, data = outcome.state, outcome.data
    x = spectrum["two_theta"].values
    background = np.interp(x, data.x, evidence.background(state, data))
    parts = [state.scales[i] * _drawn(state.members[i], state, x) for i in order]
    contribution = np.stack(parts) if parts else np.empty((0, len(x)))
    unit = {"units": str(spectrum["intensity"].attrs["units"])}
    variables = {
        "intensity": ("two_theta", spectrum["intensity"].values.astype(np.float64), unit | {"long_name": "Intensity"}),
        "model": ("two_theta", background + contribution.sum(axis=0), unit | {"long_name": "Calculated intensity"}),
        "background": ("two_theta", background, unit | {"long_name": "Background"}),
        "contribution": (("phase", "two_theta"), contribution, unit | {"long_name": "Contribution of the phase"}),
    }
    return xr.Dataset(variables, coords={"two_theta": spectrum["two_theta"]})


def _drawn(one: model.Member, state: State, x: Array) -> Array:
    positions, areas, width, _, _ = model.geometry(one, state.common)
    shown = profile.shift(positions, state.common.zero, state.common.displacement)
    keep = (shown > x[0] - 5 * width) & (shown < x[-1] + 5 * width) & (areas > 1e-4 * areas.max(initial=0.0))
    return profile.draw(x, shown[keep], areas[keep], width[keep], state.common.eta, REACH)


def _peaks(lines: Sequence[judgement.Leftover], spectrum: xr.Dataset) -> xr.Dataset:
    columns = {
        "peak_two_theta": ("two_theta", "deg", "2θ of a line that no phase explains"),
        "peak_d": ("d", "angstrom", "Lattice spacing"),
        "peak_height": ("height", str(spectrum["intensity"].attrs["units"]), "Height"),
        "relative_intensity": ("relative", "%", "Height relative to the strongest line"),
        "peak_significance": ("significance", "1", "Signal over noise and model error"),
    }
    data = {name: ("peak", np.array([getattr(line, key) for line in lines], dtype=np.float64),
                   {"units": unit, "long_name": label}) for name, (key, unit, label) in columns.items()}  # fmt: skip
    origin = np.array([line.origin for line in lines], dtype=np.str_)
    return xr.Dataset(data, coords={"origin": ("peak", origin, {"long_name": "Where it may come from"})})


def members_of(spectrum: xr.Dataset) -> list[xr.Dataset]:
    """Split a series into its patterns, in C order of the leading dimensions."""
    dims = schema.series_dims(spectrum)
    if not dims:
        return [spectrum]
    shape = [spectrum.sizes[name] for name in dims]
    return [spectrum.isel(dict(zip(dims, map(int, index), strict=True))) for index in np.ndindex(*shape)]


def joined(spectrum: xr.Dataset, found: Sequence[xr.Dataset]) -> xr.Dataset:
    """Join the matches of a series: phases are united (absent: scale 0), line tables padded with NaN and ''."""
    dims = schema.series_dims(spectrum)
    if not dims:
        return found[0]
    ids = list(dict.fromkeys(str(name) for one in found for name in one["phase"].values))
    tables = {name: max(one.sizes[name] for one in found) for name in ("reflection", "peak")}
    padded = [_united(one, ids, tables, found) for one in found]
    shape = tuple(spectrum.sizes[name] for name in dims)
    variables = {}
    for name in padded[0].data_vars:
        stacked = np.stack([one[name].values for one in padded])
        variables[name] = (
            (*dims, *padded[0][name].dims),
            stacked.reshape(*shape, *stacked.shape[1:]),
            padded[0][name].attrs,
        )
    shared = {name: padded[0][name] for name in ("phase", "phase_b", *_CARD, "verified", "candidate", "two_theta")}
    leading = {name: value for name, value in spectrum.coords.items() if set(value.dims) <= set(dims)}
    result = xr.Dataset(variables, coords={**leading, **shared})
    common = {key: value for key, value in found[0].attrs.items() if all(one.attrs.get(key) == value for one in found)}
    result.attrs = {"kind": "match", "technique": "XRD", **common}
    return schema.check(result, "match")


#: Coordinates that tell of the card of a phase, as text.
_CARD = ("name", "formula", "space_group", "trust")


def _united(one: xr.Dataset, ids: list[str], tables: dict[str, int], found: Sequence[xr.Dataset]) -> xr.Dataset:
    labels = {
        name: {
            str(p): str(v) for other in found for p, v in zip(other["phase"].values, other[name].values, strict=True)
        }
        for name in _CARD
    }
    moved = one.reset_coords(["rival", "reflection_phase", "status", "h", "k", "l", "origin"])
    verified = {
        str(p): int(v) for other in found for p, v in zip(other["phase"].values, other["verified"].values, strict=True)
    }
    moved = moved.drop_vars([*_CARD, "verified"])
    place = {name: i for i, name in enumerate(map(str, one["phase"].values))}
    index = np.array([place.get(name, -1) for name in ids], dtype=np.int64)
    variables = {}
    for name, variable in moved.data_vars.items():
        values = variable.values
        for axis, dim in enumerate(variable.dims):
            if dim in ("phase", "phase_b"):
                values = _take(values, index, axis, str(name))
            elif dim in tables:
                values = _take(values, _row_index(values.shape[axis], tables[str(dim)]), axis, "")
        variables[name] = (variable.dims, values, variable.attrs)
    coords = {
        "phase": np.array(ids, dtype=np.str_), "phase_b": np.array(ids, dtype=np.str_),
        "candidate": moved["candidate"], "two_theta": moved["two_theta"],
        **{name: ("phase", np.array([table[i] for i in ids], dtype=np.str_)) for name, table in labels.items()},
        "verified": ("phase", np.array([verified[i] for i in ids], dtype=np.int8), one["verified"].attrs),
    }  # fmt: skip
    return xr.Dataset(variables, coords=coords)


def _row_index(length: int, total: int) -> NDArray[np.int64]:
    return np.where(np.arange(total) < length, np.arange(total), -1)


_ABSENT_IS_ZERO = ("probability", "scale", "weight_fraction", "score", "contribution",
                   "lines_confirmed", "lines_missing", "lines_overlapped")  # fmt: skip


def _take(values: NDArray[np.generic], index: NDArray[np.int64], axis: int, name: str) -> NDArray[np.generic]:
    """Pick rows along an axis; -1 gives an absent row: 0, NaN, -1 or '' by what the variable is."""
    kind = values.dtype.kind
    absent = "" if kind in "US" else (-1 if kind in "iu" else np.nan)
    if name in _ABSENT_IS_ZERO:
        absent = 0
    shape = list(values.shape)
    shape[axis] = 1
    wide = np.concatenate([values, np.full(shape, absent, dtype=values.dtype)], axis=axis)
    return np.take(wide, np.where(index < 0, values.shape[axis], index), axis=axis)
