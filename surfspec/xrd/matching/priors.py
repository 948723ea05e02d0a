r"""What is held likely before the measurement: how many candidates, which elements, which phases are stated.

.. math:: \ln\pi(S) = -|S| \ln N - \lambda\,|E(S)|, \qquad \lambda = \max\left(0, \ln(n_E/4 - 1)\right)

N is the number of candidates and E(S) the elements of the set S without H, C and O, which air and water bring. A sample
holds about four of the n_E elements of the candidates, so the odds of each are 4 : (n_E - 4): with a short list of
elements no phase is held unlikely for its chemistry, with all cards a phase whose elements nothing else supports is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from surfspec.xrd.structures.phase import Phase

#: Elements that cost nothing, because air and water bring them.
FREE = frozenset({"H", "C", "O"})
#: Elements (other than those) that a sample is expected to hold.
USUAL = 4.0


@dataclass(frozen=True)
class Prior:
    """Number of candidates, cost of an element (lambda, nats), and ids of phases that are stated to be present."""

    candidates: int
    element_cost: float
    stated: frozenset[str] = frozenset()

    def cost(self, phases: Iterable[Phase]) -> float:
        """Return -ln of the prior of a set of phases, up to a constant."""
        chosen = [one for one in phases if one.id not in self.stated]
        known: frozenset[str] = frozenset()
        return len(chosen) * float(np.log(max(self.candidates, 1))) + self.element_cost * len(
            known.union(*(one.elements for one in chosen)) - FREE
        )


def prior_of(candidates: Iterable[Phase], stated: Iterable[str] = ()) -> Prior:
    """Return the prior that a list of candidates stands for.

    Examples
    --------
    >>> from surfspec import xrd
    >>> prior_of(xrd.phases(elements=["Na", "Pb", "O"])).element_cost
    0.0
    """
    found = list(candidates)
    none: frozenset[str] = frozenset()
    count = len(none.union(*(one.elements for one in found)) - FREE)
    cost = float(np.log(count / USUAL - 1.0)) if count > 2 * USUAL else 0.0
    return Prior(len(found), cost, frozenset(stated))
