"""What widens the lines of an element: analyser, thermal motion and accepted angles, with derivatives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from surfspec.leis.collisions.width import ACCEPTANCE_FACTOR, FWHM, AcceptanceShape, Window
from surfspec.leis.features.lines import Lines


@dataclass(frozen=True)
class Blur:
    """What widens a line, in eV, with derivatives by the parameters ``resolution`` and ``acceptance``.

    Attributes
    ----------
    sigma, sigma_slopes
        Standard deviation of a Gaussian.
    box, box_slopes
        Full width of the window of angles; 0 where the Gaussian holds it.
    window
        Shape of the window.
    total, total_slopes
        Standard deviation of both together.
    """

    sigma: float
    sigma_slopes: dict[str, float]
    box: float
    box_slopes: dict[str, float]
    window: Window
    total: float
    total_slopes: dict[str, float]


def blur_of(lines: Lines, *, resolution: float, acceptance: float, shape: AcceptanceShape) -> Blur:
    """Return what widens the lines of an element.

    Parameters
    ----------
    lines
        The element's lines.
    resolution
        Of the analyser, FWHM over energy.
    acceptance, shape
        Accepted angles in deg, and their shape; see :class:`surfspec.leis.recipe.Recipe`.

    Examples
    --------
    >>> from surfspec.leis.features.lines import lines_of
    >>> from surfspec.leis.recipe import Recipe
    >>> lines = lines_of("Ni", Recipe(elements=("Ni",), energy=975, angle=107))
    >>> one = blur_of(lines, resolution=0.012, acceptance=20.0, shape="cone")
    >>> round(one.sigma, 1), round(one.box, 1), round(one.total, 1)
    (5.4, 37.3, 10.8)
    """
    by_energy, by_angle = lines.centroid / FWHM, lines.dispersion / ACCEPTANCE_FACTOR[shape]
    from_energy, from_angle = (resolution * by_energy) ** 2, (acceptance * by_angle) ** 2
    total = float(np.sqrt(from_energy + from_angle + lines.doppler_variance))
    slope, slope_of_angle = resolution * by_energy**2, acceptance * by_angle**2
    total_slopes = {"resolution": slope / total, "acceptance": slope_of_angle / total}
    if shape == "gaussian":
        return Blur(total, total_slopes, 0.0, {}, "box", total, total_slopes)
    sigma, wide = float(np.sqrt(from_energy + lines.doppler_variance)), abs(lines.dispersion)
    return Blur(
        sigma, {"resolution": slope / sigma}, acceptance * wide, {"acceptance": wide}, shape, total, total_slopes
    )
