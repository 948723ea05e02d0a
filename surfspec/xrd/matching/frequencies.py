r"""From what the model says to how often that is true: the calibrated maps applied to one identification.

A named phase j has the model's probability Q_j that it or a card which looks like it is there, and its share P_j/Q_j
among those. The map is that of phases which are named, and the share stays:

.. math:: P'_j = f_{named}(\ln\tfrac{Q_j}{1 - Q_j})\, \frac{P_j}{Q_j}

A candidate that was left out has the map of such candidates, at most one half: what sets of phases decided against is
not likelier than not, whatever it is worth alone. An unlisted phase has its own map. Below the probability from which a
candidate was considered at all the map goes linearly to zero. All maps rise with the model's probability; those that
improve nothing on mixtures they were not fitted on are kept out and leave the model's probability as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from surfspec.xrd.matching.calibrated import Calibration, shipped
from surfspec.xrd.matching.evidence import Assessment
from surfspec.xrd.matching.judgement import cap

Array = NDArray[np.float64]

#: Model probability from which a candidate counts as considered.
CONSIDERED = 1e-3
#: Model probability of a phase or its look-alikes from which the phase is named.
NAMED = 0.5


def named(assessments: Sequence[Assessment], unexplained: float) -> list[Assessment]:
    """Return assessments with calibrated probabilities, capped where most of the signal is unexplained.

    Parameters
    ----------
    assessments
        As the model has them.
    unexplained
        Share of the signal, see :func:`surfspec.xrd.matching.judgement.cap`.
    """
    return [_named(one, unexplained) for one in assessments]


def _named(one: Assessment, unexplained: float) -> Assessment:
    # a phase that the recipe states to be there may be as improbable as one that was left out
    both = max(one.presence, one.probability)
    question = shipped()["named"] if both >= NAMED else shipped()["candidate"]
    share = float(mapped(question, both)) / both if both > 0 else 0.0
    probability = share * one.probability
    rival = min(share * one.rival_probability, 1.0 - probability)
    return replace(one, probability=cap(probability, unexplained), rival_probability=rival)


def candidates(model: ArrayLike) -> Array:
    """Calibrate the probabilities of candidates that were left out, any shape."""
    value = np.asarray(model, dtype=np.float64)
    question = shipped()["candidate"]
    least = float(mapped(question, CONSIDERED))
    found = np.where(value >= CONSIDERED, mapped(question, np.maximum(value, CONSIDERED)), value * least / CONSIDERED)
    return np.minimum(found, NAMED)


def unknown(model: float) -> float:
    """Calibrate the probability of an unlisted phase."""
    return float(mapped(shipped()["unknown"], model))


def mapped(question: Calibration, probability: ArrayLike) -> Array:
    """Calibrate probabilities of any shape by a map of log-odds.

    Examples
    --------
    >>> mapped(Calibration(0.0, 1.0), [0.2, 0.9]).round(6).tolist()
    [0.2, 0.9]
    """
    value = np.clip(np.asarray(probability, dtype=np.float64), 1e-12, 1.0 - 1e-12)
    return question.probability(np.log(value / (1.0 - value)))
