r"""What the spectra say against each link, from their own fits.

A link holds the numbers :math:`\theta` that it touches on a surface :math:`\theta(s)` of fewer dimensions. With their
values and covariances in the spectra's own fits, nothing being linked and the noise of background ends included,

.. math:: W = \min_s\ [\hat\theta - \theta(s)]^T C^{-1} [\hat\theta - \theta(s)]

is distributed as chi-square with as many degrees of freedom as the link takes away, where it is true.

References
----------
Wald, Trans. Am. Math. Soc. 54 (1943) 426.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surfspec.fitting.linked_ratio import NULL, whitening
from surfspec.fitting.residual_tests import chi2_probability
from surfspec.fitting.solver import Solution
from surfspec.xps.linked.data import Ready
from surfspec.xps.linked.graph import Node, is_center
from surfspec.xps.linked.links import named
from surfspec.xps.linked.maps import Array, Follows, graph_of, maps_of
from surfspec.xps.linked.recipe import GlobalRecipe

#: Linearisations where a link has a factor to be found.
PASSES = 20


@dataclass(frozen=True)
class LinkTest:
    """The test of one link.

    Attributes
    ----------
    text
        The link in one line.
    chi_square, constraints, probability
        NaN and 0 where nothing can be tested.
    worst
        The spectrum that is farthest from what the others say.
    shares
        The share of each spectrum of the chi-square, by its number.
    """

    text: str
    chi_square: float
    constraints: int
    probability: float
    worst: str
    shares: Mapping[int, float]


def checked_links(
    recipe: GlobalRecipe, every: Sequence[Ready], alone: Mapping[int, Solution], common: Mapping[str, float]
) -> list[LinkTest]:
    """Test every link alone, and the common shifts of the samples.

    Parameters
    ----------
    recipe
        The global recipe.
    every
        The spectra.
    alone
        Their own fits; those that were refused are not among them.
    common
        Values of the common parameters, where the linearisation begins.
    """
    usable = [number for number in range(len(every)) if number in alone]
    out = []
    for number, link in [*enumerate(recipe.links), *([(-1, None)] if recipe.charge is not None else [])]:
        graph = graph_of(recipe, every, [] if link is None else [(number, link)])
        parameters, maps = maps_of(recipe, every, graph)
        picked = [
            _rows(recipe, every[i], maps[i], alone[i], None if link is None else set(graph.values)) for i in usable
        ]
        start = np.array([common.get(p.name, p.value) for p in parameters])
        text = "one charge shift for all regions of a sample" if link is None else link.told()
        chosen = [every[i] for i in usable], [maps[i] for i in usable], [alone[i] for i in usable]
        out.append(_test(text, usable, *chosen, picked, start))
    return out


def _rows(
    recipe: GlobalRecipe, one: Ready, follows: Follows, fit: Solution, linked: set[Node] | None
) -> NDArray[np.intp]:
    """Return the rows of a spectrum that a link touches (all fixed centres: None) and that its own fit determines."""
    of_centers = linked is not None and any(is_center(name) for _, _, name in linked)
    reference = None if recipe.charge is None else named(recipe.charge.reference, "reference")
    rows = []
    for row, p in enumerate(one.parameters):
        fixes = p.name in one.recipe_centers and (linked is None or (of_centers and (one.region, p.name) == reference))
        touched = linked is not None and (one.sample, one.region, p.name) in linked
        if (fixes or touched) and p.name in follows.tied and fit.uncertainties[row] > 0:
            rows.append(row)
    return np.array(rows, dtype=np.intp)


def _test(
    text: str,
    numbers: Sequence[int],
    every: Sequence[Ready],
    maps: Sequence[Follows],
    alone: Sequence[Solution],
    rows: Sequence[NDArray[np.intp]],
    start: Array,
) -> LinkTest:
    """Return the chi-square of one link, its degrees of freedom, and the spectrum with the largest share."""
    whiten = [whitening(fit.covariance[np.ix_(r, r)]) for fit, r in zip(alone, rows, strict=True)]
    values, residual, matrix = np.array(start), np.zeros(0), np.zeros((0, start.size))
    for _ in range(PASSES):
        parts = [
            (w @ (fit.values - f.links.moved(values))[r], w @ f.links.slopes(values)[r])
            for w, fit, f, r in zip(whiten, alone, maps, rows, strict=True)
        ]
        residual = np.concatenate([part[0] for part in parts])
        matrix = np.concatenate([part[1] for part in parts])
        size = np.sqrt(np.sum(matrix**2, axis=0))
        size[size == 0] = 1.0
        step = np.linalg.lstsq(matrix / size, residual, rcond=NULL)[0] / size
        residual = residual - matrix @ step
        values = values + step
        if not any(f.links.products for f in maps):
            break
    used = matrix[:, np.any(matrix != 0, axis=0)]
    size = np.sqrt(np.sum(used**2, axis=0))
    rank = int(np.linalg.matrix_rank(used / size, tol=1e-8)) if used.size else 0
    constraints = residual.size - rank
    if constraints < 1:
        return LinkTest(text, np.nan, 0, np.nan, "", {})
    total = float(residual @ residual)
    ends = np.cumsum([w.shape[0] for w in whiten])[:-1]
    shares = [float(part @ part) for part in np.split(residual, ends)]
    worst = every[int(np.argmax(shares))]
    return LinkTest(
        text=text,
        chi_square=total,
        constraints=constraints,
        probability=float(chi2_probability(total, constraints)),
        worst=f"{worst.sample} / {worst.region}",
        shares=dict(zip(numbers, shares, strict=True)),
    )
