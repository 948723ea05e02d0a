"""Look again for faint peaks: a peak without area cannot move, so that a fit may leave it where there is none."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from surfspec.fitting.batch_members import Links
from surfspec.fitting.model import Model
from surfspec.fitting.result import DETECTION

Array = NDArray[np.float64]

#: Places of a faint peak's centre within its range from which it is looked for again.
PLACES = (1 / 6, 1 / 2, 5 / 6)
#: Part of the largest area below which an area is none.
NOTHING = 1e-9


def other_places(model: Model, values: Array, uncertainties: Array) -> list[Array]:
    """Return start values with the centres of faint peaks elsewhere in their ranges.

    Parameters
    ----------
    model
        The table of components.
    values, uncertainties
        Where the fits of m spectra ended, shape (m, p).

    Returns
    -------
    list of numpy.ndarray
        For each place the start values, shape (m, p); equal to `values` for a member whose peaks are all detected
        (its areas lie three standard uncertainties or more above zero), or whose faint peaks have no range.

    Examples
    --------
    >>> from surfspec.fitting import Component, Parameter, Tie
    >>> ps = (Parameter("a", 1.0, 0.0), Parameter("c", 5.0, 2.0, 8.0), Parameter("w", 1.0, 0.1, 2.0))
    >>> peak = Component("one", "gaussian", Tie("a"), {"center": Tie("c"), "fwhm": Tie("w")})
    >>> moved = other_places(Model(ps, (peak,)), np.array([[2.0, 4.4, 1.0]]), np.array([[1.0, 0.5, 0.2]]))
    >>> [round(float(one[0, 1]), 9) for one in moved]
    [3.0, 5.0, 7.0]
    """
    links = Links.of(model)
    faint = ~(links.areas_of(values) >= DETECTION * np.abs(uncertainties) @ np.abs(links.area).T)
    at, _ = links.centers
    leads = np.zeros(links.area.shape, dtype=bool)
    for k, component in enumerate(model.components):
        leads[k] = np.array([p.name == component.roles["center"].parameter for p in model.parameters])
    low = np.array([p.low for p in model.parameters])
    high = np.array([p.high for p in model.parameters])
    ranged = np.array([p.vary for p in model.parameters]) & np.isfinite(low) & np.isfinite(high)
    # a centre moves when every peak that follows it is faint
    held = (~faint[:, :, None] & (at != 0)).any(axis=1)
    moves = (faint[:, :, None] & leads).any(axis=1) & ~held & ranged
    middle, width = np.where(ranged, low, 0.0), np.where(ranged, high - low, 0.0)
    return [np.where(moves, middle + place * width, values) for place in PLACES]


def own_places(model: Model, values: Array) -> Array:
    """Return the values with what belongs to peaks without area where the recipe has it.

    A peak of area zero has no place: its centre and widths move nothing. Wherever a fit left them, they would still
    decide the error bars of the areas that such a peak would overlap.

    Parameters
    ----------
    model
        The table of components.
    values
        Where the fits of m spectra ended, shape (m, p).

    Examples
    --------
    >>> from surfspec.fitting import Component, Parameter, Tie
    >>> ps = (Parameter("a", 1.0, 0.0), Parameter("c", 5.0, 2.0, 8.0), Parameter("w", 1.0, 0.1, 2.0))
    >>> peak = Component("one", "gaussian", Tie("a"), {"center": Tie("c"), "fwhm": Tie("w")})
    >>> own_places(Model(ps, (peak,)), np.array([[0.0, 2.0, 2.0], [3.0, 2.0, 2.0]])).tolist()
    [[0.0, 5.0, 1.0], [3.0, 2.0, 2.0]]
    """
    links = Links.of(model)
    areas = links.areas_of(values)
    alive = areas > NOTHING * np.max(areas, axis=1, keepdims=True)
    free = np.array([p.vary for p in model.parameters])
    follows = np.stack([(roles != 0).any(axis=0) for roles in links.roles])
    feeds = links.area != 0
    own = np.array([p.value for p in model.parameters])
    none = np.array([p.low for p in model.parameters])
    moves = follows.any(axis=0) & free & ~(alive[:, :, None] & follows).any(axis=1)
    falls = feeds.any(axis=0) & free & (none == 0) & ~(alive[:, :, None] & feeds).any(axis=1)
    return np.where(moves, own, np.where(falls, none, values))
