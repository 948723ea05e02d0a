"""Width and height of whole LEIS peaks, isotopes and tail included, with their derivatives."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from surfspec.leis.features import shapes
from surfspec.leis.model import SpectrumModel

Array = NDArray[np.float64]


def peak_sizes(model: SpectrumModel, values: Array) -> tuple[Array, Array, Array, Array]:
    """Return FWHM and height at unit area of each peak, with their derivatives by the non-linear parameters."""
    count = model.shape_count
    names = list(model.shape_names)

    def sizes(shape: Array) -> tuple[Array, Array]:
        pairs = [_size(model, element, shape) for element in model.recipe.elements]
        return np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs])

    fwhm, height = sizes(values[:count])
    fwhm_slopes, height_slopes = np.zeros((fwhm.size, count)), np.zeros((fwhm.size, count))
    for i, name in enumerate(names):
        if name not in ("resolution", "acceptance", "tail"):
            continue
        step = 1e-3 * float(values[i])
        up, down = values[:count].copy(), values[:count].copy()
        up[i] += step
        down[i] -= step
        (f1, h1), (f0, h0) = sizes(up), sizes(down)
        fwhm_slopes[:, i], height_slopes[:, i] = (f1 - f0) / (2 * step), (h1 - h0) / (2 * step)
    return fwhm, fwhm_slopes, height, height_slopes


def _size(model: SpectrumModel, element: str, shape: Array) -> tuple[float, float]:
    """Return FWHM and height of the peak of unit area, read off a fine grid around its maximum."""
    lines, named = model.lines[element], model.named(shape)
    sigma, tail = model.widths(element, named)[0], named["tail"]
    main = float(lines.energy[np.argmax(lines.weight)])
    x = np.linspace(main - 8.0 * (sigma + tail), main + 8.0 * sigma, 4001)
    profile = shapes.peak(x[:, None], lines.energy, sigma, tail).value @ lines.weight * model.response_at(x)
    top = int(np.argmax(profile))
    half = 0.5 * profile[top]
    left = np.flatnonzero(profile[:top] < half)[-1]
    right = top + np.flatnonzero(profile[top:] < half)[0]
    low = x[left] + (half - profile[left]) / (profile[left + 1] - profile[left]) * (x[left + 1] - x[left])
    high = x[right - 1] + (half - profile[right - 1]) / (profile[right] - profile[right - 1]) * (
        x[right] - x[right - 1]
    )
    return float(high - low), float(profile[top])
