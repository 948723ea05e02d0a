"""What an identification hands on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surfspec.xrd.matching.dictionary import Dictionary
from surfspec.xrd.matching.evidence import Assessment
from surfspec.xrd.matching.measured import Measured
from surfspec.xrd.matching.model import State
from surfspec.xrd.matching.priors import Prior
from surfspec.xrd.recipe import Limits
from surfspec.xrd.structures.phase import Phase


@dataclass(frozen=True)
class Outcome:
    """One identification.

    Attributes
    ----------
    state, assessments
        Best set, and how sure each of its phases is.
    rejected
        Phases that were left out, in the order of leaving.
    data
        The pattern.
    unexplained
        Lines nobody explains: 2 theta, height, significance, explained share.
    candidates, book, prior, limits
        What was tried, and within which limits.
    sets
        Ln evidence of each set of phases that was refined.
    """

    state: State
    assessments: Sequence[Assessment]
    rejected: Sequence[tuple[str, Assessment]]
    data: Measured
    unexplained: NDArray[np.float64]
    candidates: tuple[Phase, ...]
    book: Dictionary
    prior: Prior
    limits: Limits
    sets: Mapping[frozenset[str], float]
