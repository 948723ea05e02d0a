"""The parts of a match Dataset: lines, candidates, other answers, curves, unexplained lines."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec.xrd.matching import alternatives, detection, frequencies, judgement, model, search
from surfspec.xrd.matching.deciding import deciding_lines
from surfspec.xrd.matching.dictionary import scan
from surfspec.xrd.matching.evidence import OWN_LINE, Assessment
from surfspec.xrd.matching.model import State
from surfspec.xrd.matching.observed import background
from surfspec.xrd.matching.outcome import Outcome
from surfspec.xrd.patterns import profile
from surfspec.xrd.patterns.profile import REACH
from surfspec.xrd.patterns.reflections import customary

Array = NDArray[np.float64]

#: Weight fraction that a phase may hide below and still be called absent.
LARGEST_LIMIT = 0.5
#: A candidate of whose pattern found phases hide more than this share, so that its limit is above this weight fraction,
#: is not told apart from them.
HIDDEN, LEAST_HIDDEN = 0.1, 0.05


def reflections_table(chosen: Sequence[model.Member], assessed: Sequence[Assessment], state: State) -> xr.Dataset:
    """Tell what each line of the named phases should be and is."""
    owner = np.concatenate(
        [np.full(len(a.reflections.number), m.phase.id) for m, a in zip(chosen, assessed, strict=True)]
        or [np.empty(0, dtype=np.str_)]
    )
    hkl = np.concatenate([customary(m.found.hkl[a.reflections.number], m.phase.space_group)
                          for m, a in zip(chosen, assessed, strict=True)]
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


def candidates_table(outcome: Outcome, unknown: float, named: Sequence[Assessment]) -> xr.Dataset:
    """Limits, probabilities, verdicts and deciding lines over ``candidate``.

    `unknown` is the model's probability of an unlisted phase, `named` are the calibrated assessments.
    """
    state, data, book = outcome.state, outcome.data, outcome.book
    ids = np.array([phase.id for phase in outcome.candidates], dtype=np.str_)
    foreign = int(np.count_nonzero(outcome.unexplained[:, 3] < OWN_LINE))
    if len(ids):
        groups = [detection.groups_of(one, state.common, data) for one in book.members]
        scales, hidden = detection.limits_of(
            groups, book, state, data, outcome.prior, foreign, len(outcome.unexplained)
        )
        limit = detection.weight_fractions(scales, book, state)
        gain, _ = scan(book, state, data)
        lines = deciding_lines(groups, book, state, data)
    else:
        limit, hidden, gain, lines = np.empty(0), np.empty(0), np.empty(0), []
    before = outcome.prior.cost(one.phase for one in state.members)
    phases = [one.phase for one in state.members]
    cost = np.array([
        search.parameters_cost([one], data) + outcome.prior.cost([*phases, one.phase]) - before for one in book.members
    ])  # fmt: skip
    raw = alternatives.candidate_probabilities(outcome, gain, cost, unknown)
    said = {one.phase.id: item for one, item in zip(state.members, named, strict=True)}
    rivals = {item.rival: item.rival_probability for item in named if item.rival and item.rival not in said}
    probability = frequencies.candidates(raw)
    for number, name in enumerate(ids):
        if name in said:
            probability[number] = said[name].probability
        elif name in rivals:
            probability[number] = max(probability[number], rivals[name])
    alike = (hidden > HIDDEN) & ~(limit <= LEAST_HIDDEN)
    verdicts = [
        _word(float(p), float(q), float(w), name in said, bool(same))
        for p, q, w, name, same in zip(probability, raw, limit, ids, alike, strict=True)
    ]
    hkl = np.array([_hkl(one, number.number) for one, number in zip(book.members, lines, strict=True)], dtype=np.int64)
    hkl = hkl.reshape(-1, 3)
    columns = {
        "detection_limit": (limit, "1", "Weight fraction that would have been named"),
        "candidate_probability": (probability, "1", "Probability that the candidate is present"),
        "candidate_model_probability": (raw, "1", "The same as the model has it, before calibration"),
        "deciding_two_theta": ([one.two_theta for one in lines], "deg", "2θ of the line that decides"),
        "deciding_intensity": ([100.0 * one.share for one in lines], "%", "Its share of the strongest line"),
    }
    data_vars = {name: ("candidate", np.asarray(values, dtype=np.float64), {"units": unit, "long_name": label})
                 for name, (values, unit, label) in columns.items()}  # fmt: skip
    coords = {
        "candidate": ("candidate", ids),
        "candidate_verdict": ("candidate", np.array(verdicts, dtype=np.str_)),
        "deciding_against": ("candidate", np.array([one.against for one in lines], dtype=np.str_)),
        **{f"deciding_{axis}": ("candidate", hkl[:, i]) for i, axis in enumerate("hkl")},
    }
    return xr.Dataset(data_vars, coords=coords)


def _word(probability: float, raw: float, limit: float, named: bool, alike: bool) -> str:
    """Verdict on a candidate; one that looks like found phases (`alike`) may be there beside them."""
    if named:
        return "present" if probability >= judgement.SURE else "cannot tell"
    return "absent" if not alike and raw <= 1.0 - judgement.SURE and limit <= LARGEST_LIMIT else "cannot tell"


def _hkl(one: model.Member, number: int) -> list[int]:
    return (
        [int(index) for index in customary(one.found.hkl[number : number + 1], one.phase.space_group)[0]]
        if number >= 0
        else [0, 0, 0]
    )


def alternatives_table(outcome: Outcome) -> xr.Dataset:
    """Most probable sets of phases over ``alternative``."""
    listed = alternatives.set_probabilities(outcome)
    text = np.array([" + ".join(ids) or "no phase" for ids, _ in listed], dtype=np.str_)
    unit = {"units": "1", "long_name": "Model probability of this set among those the search refined, not calibrated"}
    return xr.Dataset(
        {"alternative_probability": ("alternative", np.array([p for _, p in listed], dtype=np.float64), unit)},
        coords={"alternative_phases": ("alternative", text, {"long_name": "Set of phases"})},
    )


def curves_table(spectrum: xr.Dataset, outcome: Outcome, order: NDArray[np.int64]) -> xr.Dataset:
    """Measured and calculated curves over two_theta."""
    state, data = outcome.state, outcome.data
    x = spectrum["two_theta"].values
    floor = np.interp(x, data.x, background(state, data))
    parts = [state.scales[i] * _drawn(state.members[i], state, x) for i in order]
    contribution = np.stack(parts) if parts else np.empty((0, len(x)))
    unit = {"units": str(spectrum["intensity"].attrs["units"])}
    variables = {
        "intensity": ("two_theta", spectrum["intensity"].values.astype(np.float64), unit | {"long_name": "Intensity"}),
        "model": ("two_theta", floor + contribution.sum(axis=0), unit | {"long_name": "Calculated intensity"}),
        "background": ("two_theta", floor, unit | {"long_name": "Background"}),
        "contribution": (("phase", "two_theta"), contribution, unit | {"long_name": "Contribution of the phase"}),
    }
    return xr.Dataset(variables, coords={"two_theta": spectrum["two_theta"]})


def _drawn(one: model.Member, state: State, x: Array) -> Array:
    positions, areas, width, _, _ = model.geometry(one, state.common)
    shown = profile.shift(positions, state.common.zero, state.common.displacement)
    keep = (shown > x[0] - 5 * width) & (shown < x[-1] + 5 * width) & (areas > 1e-4 * areas.max(initial=0.0))
    main = profile.draw(x, shown[keep], areas[keep], width[keep], state.common.eta, REACH)
    for wave, share in state.common.ghosts:
        positions, areas, width, _, _ = model.geometry(one, model.lit_by(state.common, wave))
        shown = profile.shift(positions, state.common.zero, state.common.displacement)
        keep = (shown > x[0] - 5 * width) & (shown < x[-1] + 5 * width) & (areas > 1e-3 * areas.max(initial=0.0))
        main = main + share * profile.draw(x, shown[keep], areas[keep], width[keep], state.common.eta, REACH)
    return main


def peaks_table(lines: Sequence[judgement.Leftover], spectrum: xr.Dataset) -> xr.Dataset:
    """Lines that no phase explains."""
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
