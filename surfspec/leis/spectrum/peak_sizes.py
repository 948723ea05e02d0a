r"""Width and height of whole LEIS peaks, isotopes, tail and accepted angles included, with exact derivatives.

A peak :math:`p(E; q)` has its height where :math:`\partial p/\partial E = 0` and its width between the two energies at
which :math:`p` is half of that. All three are found by Newton's steps from a coarse grid. The height follows the shape
parameters :math:`q` as :math:`dP/dq = \partial p/\partial q` at the maximum, and a point of half height as

.. math:: \frac{dE}{dq} = \frac{\frac12\,dP/dq - \partial p/\partial q}{\partial p/\partial E}.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from surfspec.leis.features import shapes
from surfspec.leis.model import SpectrumModel

Array = NDArray[np.float64]

#: Points of the coarse grid to a standard deviation of one line, and how far it reaches beyond the outer lines.
GRID, BEYOND = 3.0, 4.0
#: Newton's steps, the step that is none and the distance over which the curvature is taken, in spacings of the grid.
STEPS, NONE, STENCIL = 30, 1e-8, 1e-2


def peak_sizes(model: SpectrumModel, values: Array) -> tuple[Array, Array, Array, Array]:
    """Return FWHM and height at unit area of each peak, with their derivatives by the non-linear parameters.

    Parameters
    ----------
    model, values
        The model on its points, and all its parameters, shape (parameters,).

    Returns
    -------
    fwhm, fwhm_slopes, height, height_slopes
        Shapes (elements,) and (elements, shape_count), eV and 1/eV.
    """
    shape = values[: model.shape_count]
    found = [_size(_Peak(model, element, shape)) for element in model.recipe.elements]
    fwhm, by_fwhm, height, by_height = (np.array(part) for part in zip(*found, strict=True))
    return fwhm, by_fwhm, height, by_height


class _Peak:
    """The peak of unit area of one element."""

    def __init__(self, model: SpectrumModel, element: str, shape: Array) -> None:
        self.lines = model.lines[element]
        named = model.named(shape)
        self.tail = named["tail"]
        self.blur = model.blur(element, named)
        self.model = model

    def grid(self) -> Array:
        """Return energies that hold the maximum and both points of half height."""
        reach = BEYOND * self.blur.sigma + 0.5 * self.blur.box * (1.0 + 0.5 * abs(self.lines.bend) * self.blur.box)
        low = float(self.lines.energy.min()) - reach - 2.0 * self.tail
        high = float(self.lines.energy.max()) + reach
        return np.linspace(low, high, 2 + int((high - low) / self.blur.sigma * GRID))

    def at(self, x: Array) -> tuple[Array, Array, Array]:
        """Return value, slope by energy and the slopes by the non-linear parameters, (n,) and (shape_count, n)."""
        lines, blur = self.lines, self.blur
        one = shapes.peak(
            x[:, None], lines.energy, blur.sigma, self.tail, box=blur.box, window=blur.window, bend=lines.bend
        )
        passed, steeper = self._response(x)
        by_sigma, by_box = one.by_sigma @ lines.weight, one.by_box @ lines.weight
        slopes = np.zeros((self.model.shape_count, x.size))
        for i, name in enumerate(self.model.shape_names):
            if name == "tail":
                slopes[i] = (one.by_tail @ lines.weight) * passed
            elif name in ("resolution", "acceptance"):
                by_name = blur.sigma_slopes.get(name, 0.0) * by_sigma + blur.box_slopes.get(name, 0.0) * by_box
                slopes[i] = by_name * passed
        bare = one.value @ lines.weight
        return bare * passed, steeper * bare - (one.by_center @ lines.weight) * passed, slopes

    def _response(self, x: Array) -> tuple[Array, Array]:
        """Return the transmission of the analyser and its slope, which is all but constant over 0.1 eV."""
        if self.model.recipe.transmission is None:
            return np.ones_like(x), np.zeros_like(x)
        around = [self.model.response_at(x + step) for step in (-0.05, 0.0, 0.05)]
        return around[1], (around[2] - around[0]) / 0.1


def _size(peak: _Peak) -> tuple[float, Array, float, Array]:
    """Return FWHM, its slopes, height and its slopes."""
    x = peak.grid()
    value, slope, by_shape = peak.at(x)
    most, spacing = int(np.argmax(value)), float(x[1] - x[0])
    half = 0.5 * float(value[most])
    under = np.flatnonzero(value < half)
    if not (np.any(under < most) and np.any(under > most)):  # such as where the analyser passes nothing
        unknown = np.full(by_shape.shape[0], np.nan)
        return np.nan, unknown, np.nan, unknown
    before, after = int(under[under < most][-1]), int(under[under > most][0])
    # three numbers: the points of half height and, between them, the maximum
    beside = most if slope[most] > 0 else most - 1
    found = np.array([_zero(x, value - half, before), _zero(x, slope, beside), _zero(x, value - half, after - 1)])
    low, high = found - spacing, found + spacing
    step = STENCIL * spacing
    for _ in range(STEPS):
        left, top, right = found
        value, slope, _ = peak.at(np.array([left, top - step, top + step, right]))
        bend = (slope[2] - slope[1]) / (2.0 * step)
        half = 0.25 * float(value[1] + value[2] - bend * step**2)
        turn = -0.5 * (slope[1] + slope[2]) / bend if bend < 0 else 0.0
        move = np.array([(half - value[0]) / slope[0], turn, (half - value[3]) / slope[3]])
        found = np.clip(found + move, low, high)
        if np.all(np.abs(move) <= NONE * spacing):
            break
    value, slope, by_shape = peak.at(found)
    by_half = (0.5 * by_shape[:, 1:2] - by_shape[:, [0, 2]]) / slope[[0, 2]]
    return float(found[2] - found[0]), by_half[:, 1] - by_half[:, 0], float(value[1]), by_shape[:, 1]


def _zero(x: Array, y: Array, i: int) -> float:
    """Return where the straight line through two neighbours is zero, as far as it lies between them."""
    change = float(y[i + 1] - y[i])
    share = float(np.clip(-y[i] / change, 0.0, 1.0)) if change else 0.5
    return float(x[i] + share * (x[i + 1] - x[i]))
