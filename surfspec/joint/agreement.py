r"""Do the techniques agree, and is the film closed or in patches: numbers, and one sentence for each.

Techniques that share parameters agree as far as the chi-square of the joint fit does not exceed the sum of those of
each alone by more than chance: :math:`\chi^2_\mathrm{joint} - \sum_i \chi^2_i`, of as many degrees of freedom as
the parameters that all determine apart, less those of the joint fit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.special import chdtrc

from surfspec.joint.data import Attenuation
from surfspec.joint.model import TYPICAL, Evidence
from surfspec.joint.posterior import Posterior, posterior

#: Probability below which techniques disagree.
CONTRADICTION: Final = 0.01
#: Differences of two thicknesses, in their combined standard uncertainty, above which techniques disagree, and above
#: which they cannot be said to agree. The chi-square alone forgives an edge that is relatively uncertain (stopping):
#: a thicker film would make it more uncertain too.
APART, DOUBTFUL = 3.0, 2.0
#: Relative uncertainty of the difference of two thicknesses above which they cannot contradict each other.
BLUNT: Final = 0.5
#: Bayes factor from which one description is preferred (Kass & Raftery 1995: "positive").
PREFERRED: Final = 3.0
#: Uncertainty of a coverage above which it is not determined (ignorance: 0.29), standard uncertainties that a film
#: must stand out by, relative uncertainties above which thickness and cross-section are not determined, and the
#: probability of the last number of layers above which a thickness has no end.
VAGUE_COVERAGE, DETECTED, VAGUE, OPEN = 0.2, 2.0, 0.5, 0.1
#: Names of the techniques in words.
WORDS: Final = {"doses": "LEIS dose series", "edges": "LEIS edge", "attenuation": "XPS"}


@dataclass(frozen=True)
class Estimate:
    """Coverage, thickness (nm) and removal cross-section (cm2) with uncertainties; NaN where not determined.

    ``equivalent`` is the thickness of a closed film that XPS would not tell from this one.
    """

    coverage: tuple[float, float]
    thickness: tuple[float, float]
    cross_section: tuple[float, float]
    equivalent: tuple[float, float]


@dataclass(frozen=True)
class Agreement:
    """Chi-square, degrees of freedom, probability, ``agree``, ``disagree`` or ``cannot tell``, and a sentence."""

    chi2: float
    dof: int
    p_value: float
    word: str
    statement: str


_NOTHING: Final = (float("nan"), float("nan"))


def film_is_seen(evidence: Evidence, found: Posterior) -> bool:
    """Say whether a film stands out from the uncertainties, of its coverage or of what it takes from the lines."""
    if evidence.present == ("edges",):
        return True
    seen = evidence.attenuation
    if seen is not None and seen.thickness > DETECTED * seen.thickness_unc and evidence.doses is None:
        return True
    return bool(found.mean[0] > DETECTED * found.unc[0])


def estimate_of(evidence: Evidence, found: Posterior, dose_scale: float) -> Estimate:
    """Return what a posterior determines.

    Parameters
    ----------
    evidence, found
        The data and what they allow.
    dose_scale
        Relative standard uncertainty of all doses together.
    """
    (c, t, s), (uc, ut, us) = found.mean, found.unc
    covered = bool(uc < VAGUE_COVERAGE) and (evidence.doses is not None or evidence.attenuation is not None)
    film = film_is_seen(evidence, found)
    ended = evidence.doses is None or found.probability[-1] < OPEN
    thick = film and ended and bool(ut < VAGUE * t)
    cut = film and evidence.doses is not None and bool(us < VAGUE)
    sigma = TYPICAL * float(np.exp(s))
    equivalent = _NOTHING
    if (seen := evidence.attenuation) is not None:
        equivalent = (seen.thickness, seen.thickness_unc) if evidence.present == ("attenuation",) else equivalent
        if thick and covered:
            equivalent = _equivalent(seen, found)
    return Estimate(
        (float(c), float(uc)) if covered else _NOTHING,
        (float(t), float(ut)) if thick else _NOTHING,
        (sigma, sigma * float(np.hypot(us, dose_scale))) if cut else _NOTHING,
        equivalent,
    )


def _equivalent(seen: Attenuation, found: Posterior) -> tuple[float, float]:
    c, t = found.mean[:2]
    passed = float(np.exp(-t / seen.length))
    clear = 1 - c * (1 - passed)
    slope = np.array([seen.length * (1 - passed), c * passed]) / clear
    return float(-seen.length * np.log(clear)), float(np.sqrt(slope @ found.covariance[:2, :2] @ slope))


def by_xps(seen: Attenuation, coverage: float, coverage_unc: float) -> tuple[float, float]:
    """Return the thickness (nm) that XPS gives a film of known coverage; NaN where no thickness attenuates so much."""
    share = float(np.interp(coverage, seen.coverage, seen.product)) / coverage if coverage > 0 else 1.0
    if not share < 1:
        return _NOTHING
    slope = seen.length / (1 - share) / coverage
    return -seen.length * float(np.log1p(-share)), slope * float(np.hypot(seen.unc, share * coverage_unc))


def determined_by(evidence: Evidence, *, film: bool) -> dict[str, int]:
    """Return how many parameters each technique determines, and ``joint`` how many there are."""
    found: dict[str, int] = {}
    if evidence.doses is not None:
        found["doses"] = min(evidence.doses.value.size + 1, 3) if film else 1
    if evidence.edges is not None:
        found["edges"] = 1
    if evidence.attenuation is not None:
        found["attenuation"] = 1
    both = evidence.doses is not None or evidence.attenuation is not None
    found["joint"] = min(sum(found.values()), (1 + (evidence.doses is not None and film) + both))
    return found


def agreement_of(evidence: Evidence, found: Posterior, alone: dict[str, Posterior], dose_scale: float) -> Agreement:
    """Return whether the techniques agree.

    References
    ----------
    Maltoni & Schwetz, Phys. Rev. D 68 (2003) 033020: parameter goodness of fit.
    """
    film = film_is_seen(evidence, found)
    counts = determined_by(evidence, film=film)
    dof = sum(counts[name] for name in alone) - counts["joint"]
    chi2 = max(0.0, found.chi2 - sum(one.chi2 for one in alone.values()))
    if len(alone) < 2:
        only = WORDS[next(iter(alone))]
        return Agreement(np.nan, 0, np.nan, "cannot tell", f"{only} alone: nothing to compare with")
    seen = evidence.attenuation
    nothing = seen is not None and seen.thickness < DETECTED * seen.thickness_unc
    if not film and nothing and evidence.doses is not None:
        return Agreement(np.nan, 0, np.nan, "agree", "LEIS and XPS agree: neither sees a film")
    if dof <= 0:
        return Agreement(np.nan, 0, np.nan, "cannot tell", "the techniques determine nothing in common")
    p_value = float(chdtrc(dof, chi2))
    word, sentence = _compared(evidence, found, alone, dose_scale, p_value)
    return Agreement(chi2, dof, p_value, word, sentence)


def _compared(
    evidence: Evidence, found: Posterior, alone: dict[str, Posterior], dose_scale: float, p_value: float
) -> tuple[str, str]:
    """Return the word and the sentence, by the chance of the chi-square and the thicknesses beside each other."""
    each = _thicknesses(evidence, found, alone, dose_scale)
    told = ", ".join(f"{WORDS[name]} {t:.2f} +- {u:.2f} nm" for name, (t, u) in each.items())
    told = f" (p = {p_value:.2g}, thickness by {told or 'none of them alone'})"
    far, widest = _widest(evidence, each, dose_scale)
    who = _and(alone)
    apart = f": thickness by {widest}, {far:.1f} combined uncertainties apart{told}"
    sharp = [
        (a, b) for a in each for b in each
        if a < b and float(np.hypot(each[a][1], each[b][1])) < BLUNT * float(found.mean[1])
    ]  # fmt: skip
    if far > APART:
        return "disagree", f"{who} disagree{apart}"
    if p_value < CONTRADICTION:
        return "disagree", f"{who} disagree{told}"
    if far > DOUBTFUL:
        return "cannot tell", f"{who} may contradict each other{apart}"
    if not sharp:
        return "cannot tell", f"{who} do not contradict each other and hardly could{told}"
    return "agree", f"{who} agree{told}"


def _widest(evidence: Evidence, each: dict[str, tuple[float, float]], dose_scale: float) -> tuple[float, str]:
    """Return how far the thickness by XPS is from that by LEIS together, in combined uncertainties."""
    if "attenuation" not in each:
        return 0.0, ""
    others = {WORDS[name]: pair for name, pair in each.items() if name != "attenuation"}
    if evidence.doses is not None and evidence.edges is not None:
        leis = replace(evidence, attenuation=None)
        pair = estimate_of(leis, posterior(leis), dose_scale).thickness
        if np.isfinite(pair[0]):
            others = {"LEIS": pair}
    t, u = each["attenuation"]
    apart = {name: abs(t - pair[0]) / float(np.hypot(u, pair[1])) for name, pair in others.items()}
    if not apart:
        return 0.0, ""
    name = max(apart, key=lambda one: apart[one])
    value, unc = others[name]
    return apart[name], f"XPS {t:.2f} +- {u:.2f} nm and by {name} {value:.2f} +- {unc:.2f} nm"


def _and(alone: dict[str, Posterior]) -> str:
    names = [WORDS[name] for name in alone]
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _thicknesses(
    evidence: Evidence, found: Posterior, alone: dict[str, Posterior], dose_scale: float
) -> dict[str, tuple[float, float]]:
    """Return the thickness by each technique, that of XPS at the joint coverage."""
    out = {}
    for name, one in alone.items():
        pair = estimate_of(evidence.only(name), one, dose_scale).thickness
        if name == "attenuation" and evidence.attenuation is not None:
            pair = by_xps(evidence.attenuation, float(found.mean[0]), float(found.unc[0]))
        if np.isfinite(pair[0]):
            out[name] = pair
    return out


def shape_of(found: Posterior, *, film: bool) -> str:
    """Return ``closed``, ``patches`` or ``cannot tell``: a coverage of 1 against any, by their evidence."""
    if not film:
        return "cannot tell"
    edge = float(np.log(PREFERRED))
    return "closed" if found.log_uniform > edge else "patches" if found.log_uniform < -edge else "cannot tell"
