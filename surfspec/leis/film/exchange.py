r"""Are film and substrate exchanged? What can be seen of it without their formulas.

A beam opens a film: its coverage falls with dose. Where it rises, by more than
:math:`3\sqrt{u_1^2 + u_k^2 - 2u_{1k}}` between the first and the last dose, the two references are most likely
exchanged. Without doses the elements tell: a substrate that shows nothing which the film lacks, under a film that shows
what the substrate lacks, is rather the film.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from surfspec.leis.film.one_sample import Phases
from surfspec.leis.film.unmixing import SHARE_UNCERTAINTY, SHOWN

Array = NDArray[np.float64]

#: Standard uncertainties by which a coverage must rise or fall, and the least rise that counts.
CLEAR, LEAST = 3.0, 0.02


def own_elements(phases: Phases) -> tuple[list[str], list[str]]:
    """Return the elements that the film shows and the substrate does not, and the other way round.

    Examples
    --------
    >>> yields = np.array([[5.0, 8.0], [0.0, 8.0]])
    >>> own_elements(Phases(["O", "Zr"], yields, np.zeros((2, 2, 2))))
    ([], ['Zr'])
    """
    total = np.maximum(phases.yields.sum(axis=0), 1e-300)
    share = phases.yields / total
    unc = np.sqrt(np.maximum(np.einsum("pjj->jp", phases.errors), 0.0)) / total
    shown = share > SHOWN * np.hypot(unc, SHARE_UNCERTAINTY)
    film = [name for name, (f, s) in zip(phases.names, shown, strict=True) if f and not s]
    substrate = [name for name, (f, s) in zip(phases.names, shown, strict=True) if s and not f]
    return film, substrate


def exchange_reason(phases: Phases, coverage: Array, covariance: Array) -> str:
    """Return the reason for doubt, or nothing.

    Parameters
    ----------
    phases
        The two references.
    coverage, covariance
        Over rising dose, shapes (k,) and (k, k); NaN where missing.
    """
    known = np.flatnonzero(np.isfinite(coverage) & np.isfinite(np.diag(covariance)))
    rise, unc = 0.0, np.inf
    if known.size > 1:
        a, b = known[0], known[-1]
        rise = float(coverage[b] - coverage[a])
        unc = float(np.sqrt(max(covariance[a, a] + covariance[b, b] - 2.0 * covariance[a, b], 1e-12)))
        if rise > max(CLEAR * unc, LEAST):
            return (
                f"model inadequate: the coverage rises with dose, from {coverage[a]:.3f} to {coverage[b]:.3f}: "
                "are film and substrate exchanged?"
            )
    film, substrate = own_elements(phases)
    if film and not substrate and not rise < -CLEAR * unc:
        return (
            f"ambiguous: the film shows {' and '.join(film)}, which the substrate lacks, and the substrate nothing "
            "that the film lacks: are they exchanged?"
        )
    return ""
