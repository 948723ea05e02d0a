"""The verdict on an identification, and what the lines that no phase explains may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from surfspec.fitting.verdict import verdict_of
from surfspec.xrd.amounts import weights
from surfspec.xrd.matching.evidence import Assessment
from surfspec.xrd.matching.ghosts import others
from surfspec.xrd.matching.measured import Measured
from surfspec.xrd.matching.model import Member, State, geometry
from surfspec.xrd.matching.observed import agreement
from surfspec.xrd.matching.priors import Prior
from surfspec.xrd.patterns import profile
from surfspec.xrd.patterns.reflections import customary
from surfspec.xrd.patterns.structure_factors import lines, lorentz_polarisation
from surfspec.xrd.structures.phase import Phase

Array = NDArray[np.float64]

#: Relative height (%) from which an unexplained line calls for another phase.
STRONG = 3.0
#: Calculated height, relative to the observed one, from which a line counts as one of its phase, wrong in intensity.
LEAST_OWN = 0.1
#: How the origin of such a line begins.
STRONGER = "stronger than calculated:"
#: Origins that need no phase.
KNOWN = ("K-beta", "W L", STRONGER)
#: Probability from which a phase is called present without reservation.
SURE = 0.95
#: Reasons that leave the verdict as it is, because the stated uncertainties hold them already: the uncertainty of a
#: weight fraction includes half of Brindley's contrast (:func:`surfspec.xrd.amounts.weights.systematic`).
NOTES = ("microabsorption",)
#: Share of the signal that may stay unexplained before the model is called inadequate and weight fractions lose their
#: uncertainty: what is not explained may be phases, and their weight is unknown.
INADEQUATE = 0.20
#: Unexplained share from which the probability of a phase is capped, see :func:`cap`.
MOSTLY = 0.5


class Found(Protocol):
    """What the verdict needs of an identification."""

    @property
    def state(self) -> State:
        """Best state."""
        ...

    @property
    def data(self) -> Measured:
        """Prepared pattern."""
        ...

    @property
    def prior(self) -> Prior:
        """What was held likely before."""
        ...

    @property
    def candidates(self) -> tuple[Phase, ...]:
        """Phases that were tried."""
        ...


@dataclass(frozen=True)
class Leftover:
    """A line that no phase explains: 2 theta (deg), d (angstrom), height, relative height (%), significance, origin."""

    two_theta: float
    d: float
    height: float
    relative: float
    significance: float
    origin: str


def leftover_lines(rows: Array, state: State, data: Measured, candidates: Sequence[Phase]) -> list[Leftover]:
    """Say of each unexplained line whether it may be K-beta, tungsten or the main line of a candidate.

    Parameters
    ----------
    rows
        2 theta, height, significance (and more) of each line, shape (n, 3 or more).
    state, data
        The identification.
    candidates
        Phases whose strongest line is compared.

    Returns
    -------
    list of Leftover
        Strongest first.
    """
    light = state.common.light
    tallest = max(float(data.peaks.height.max(initial=0.0)), 1e-300)
    tall = data.peaks.height > 0.2 * tallest
    strong, heights = data.peaks.two_theta[tall], data.peaks.height[tall]
    found: list[Leftover] = []
    for at, height, significance in rows[np.argsort(-rows[:, 1]), :3] if len(rows) else ():
        moved = state.common.zero + state.common.displacement * np.cos(np.radians(at) / 2.0)
        true = at - moved
        d = light.wavelengths[0] / (2.0 * np.sin(np.radians(true) / 2.0))
        origin = ""
        for wave, most, word in others(light) if state.members else ():
            ghosts = _ghosts(strong - moved, light.wavelengths[0], wave)
            hit = (np.abs(ghosts - true) < 0.5 * data.resolution) & (height < most * heights)
            if np.any(hit) and not origin:
                origin = f"{word} of {strong[hit][0]:.2f}"
        origin = origin or _own_line(float(at), float(height), state, data)
        if origin.startswith(STRONGER) and any(one.origin == origin for one in found):
            continue  # K-alpha2 of a line that is told already
        if not origin:
            near = _main_lines(float(true), light.wavelengths[0], candidates, data.resolution)
            origin = f"perhaps {', '.join(near)}" if near else ""
        found.append(
            Leftover(float(at), float(d), float(height), float(100 * height / tallest), float(significance), origin)
        )
    return found


def _own_line(at: float, height: float, state: State, data: Measured) -> str:
    """Name of a line of a found phase at this place that is calculated too weak, '' if there is none."""
    for one, scale in zip(state.members, state.scales, strict=True):
        positions, areas, width, _, numbers = geometry(one, state.common)
        shown = profile.shift(positions, state.common.zero, state.common.displacement)
        near = (np.abs(shown - at) < 0.5 * width) & (scale * areas / width > LEAST_OWN * height)
        if np.any(near):
            best = int(np.flatnonzero(near)[np.argmax(areas[near])])
            h, k, l = customary(one.found.hkl[numbers[best]][None, :], one.phase.space_group)[0]  # noqa: E741
            return f"{STRONGER} {one.phase.id} {h} {k} {l}"
    return ""


def _ghosts(two_theta: Array, wavelength: float, other: float) -> Array:
    if not np.isfinite(other):
        return np.full(len(two_theta), np.nan)
    sine = np.sin(np.radians(two_theta) / 2.0) * other / wavelength
    return np.asarray(2.0 * np.degrees(np.arcsin(np.minimum(sine, 1.0))))


def _main_lines(two_theta: float, wavelength: float, candidates: Sequence[Phase], width: float) -> list[str]:
    near = []
    for phase in candidates:
        found = lines(phase, wavelength, 90.0)
        positions = profile.two_theta_of(found.q, wavelength)
        strength = found.multiplicity * found.f_squared * lorentz_polarisation(positions)
        main = positions[int(np.argmax(strength))]
        if abs(main - two_theta) < max(0.7 * width, 0.003 * two_theta):
            near.append((abs(main - two_theta), phase.id))
    return [name for _, name in sorted(near)[:3]]


def foreign_lines(lines: Sequence[Leftover]) -> Array:
    """Height and significance of the lines that are no ghosts and no lines of found phases, shape (m, 2)."""
    rows = [(one.height, one.significance) for one in lines if not one.origin.startswith(KNOWN)]
    return np.array(rows, dtype=np.float64).reshape(-1, 2)


def cap(probability: float, share: float) -> float:
    r"""Cap the probability of a phase where most of the pattern is unexplained.

    .. math:: P \le 1.5 - s \quad (s > 0.5)

    `s` is the unexplained share of the signal (:func:`surfspec.xrd.matching.evidence.agreement`). A convention and no
    likelihood: the probabilities hold if the true phases are in the list, and a pattern of which nearly nothing is
    explained shows that they are not; a phase then stands for chance coincidences with lines of unknown ones. Nothing
    goes below the one half that a phase needs to be named.

    Examples
    --------
    >>> cap(0.99, 0.3), round(cap(0.99, 0.95), 2)
    (0.99, 0.55)
    """
    return min(probability, 1.5 - share) if share > MOSTLY else probability


def judge(
    outcome: Found, chosen: Sequence[Member], assessed: Sequence[Assessment], left: Sequence[Leftover],
    fraction: Array, absorptions: Array, density: Array,
) -> tuple[str, list[str]]:  # fmt: skip
    """Return the verdict and its reasons.

    ``failed``: no line, or no phase. ``check``: a line is unexplained, a phase is not sure, has rivals or lacks
    strong lines, or the model leaves much of the
    signal; :data:`NOTES` change nothing. Otherwise ``ok``.
    """
    data = outcome.data
    if not chosen:
        if not len(data.peaks.two_theta):
            return "failed", ["no peak detected: nothing stands out from the noise"]
        return "failed", [
            f"no phase: none of {len(outcome.candidates)} candidates explains the {len(data.peaks.two_theta)} lines"
        ]
    reasons = _about_lines(left)
    reasons += _about_phases(chosen, assessed, outcome.prior)
    share = agreement(outcome.state, data)
    if share > INADEQUATE:
        alone = len(chosen) == 1 and share <= MOSTLY and not len(foreign_lines(left))
        told = (
            "refine() tells whether structure, texture, slit or overspill is the cause"
            if alone
            else "weight fractions have no uncertainty"
        )
        reasons.append(f"model inadequate: {100 * share:.0f} % of the signal is not explained, {told}")
    if len(chosen) > 1:
        spoilt = weights.contrast(absorptions, fraction, density) > weights.BRINDLEY
        biased = [one.phase.id for one, bad in zip(chosen, spoilt, strict=True) if bad]
        if biased:
            reasons.append(f"microabsorption: weight fractions are biased unless grains are fine ({', '.join(biased)})")
    return verdict_of([reason for reason in reasons if reason.split(":")[0] not in NOTES]), reasons


def _about_lines(left: Sequence[Leftover]) -> list[str]:
    """Say what the unexplained lines speak for."""
    reasons: list[str] = []
    unknown = [line for line in left if line.relative >= STRONG and not line.origin.startswith(KNOWN)]
    textured = [line for line in left if line.relative >= STRONG and line.origin.startswith(STRONGER)]
    if textured:
        names = ", ".join(line.origin.removeprefix(STRONGER).strip() for line in textured[:4])
        reasons.append(
            f"model inadequate: lines stronger than calculated ({names}): texture or coarse grains, "
            "refine() takes texture into account"
        )
    if unknown:
        where = ", ".join(f"{line.two_theta:.2f}" for line in unknown[:4])
        reasons.append(f"unknown phase likely: strong lines unexplained at {where} deg")
    else:
        faint = [line for line in left if line.relative < STRONG and not line.origin.startswith(KNOWN)]
        if faint:
            where = ", ".join(f"{line.two_theta:.2f}" for line in faint[:4])
            reasons.append(
                f"unknown phase likely: {len(faint)} line{'s' if len(faint) > 1 else ''} unexplained at {where} deg, "
                f"the strongest {max(line.relative for line in faint):.1f} % of the highest line"
            )
    return reasons


def _about_phases(chosen: Sequence[Member], assessed: Sequence[Assessment], prior: Prior) -> list[str]:
    """Say which phases are not sure."""
    reasons = []
    for one, item in zip(chosen, assessed, strict=True):
        if one.phase.id in prior.stated:
            if item.presence < 1.0 - SURE:
                reasons.append(
                    f"prior contradicted: {one.phase.id} is stated, the data alone give it {item.presence:.2f}"
                )
        elif item.probability < SURE:
            other = f", or {item.rival}" if item.rival else ""
            reasons.append(f"ambiguous: {one.phase.id} has probability {item.probability:.2f}{other}")
        elif item.score < 0.6:
            reasons.append(f"ambiguous: {one.phase.id} lacks expected lines (score {item.score:.2f})")
    return reasons
