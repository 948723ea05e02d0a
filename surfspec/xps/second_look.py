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
