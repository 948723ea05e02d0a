"""Lines broadened by small crystallites and by microstrain."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from surfspec.errors import InputError
from surfspec.xrd.patterns.thompson import mix, unmix

Array = NDArray[np.float64]

#: Scherrer's constant for the FWHM of roughly round crystallites.
SCHERRER_K = 0.9


def lorentzian_width(two_theta: Array, *, wavelength: float | Array, size: float, strain: float) -> Array:
    r"""FWHM in deg 2 theta that size and strain add, both as Lorentzians.

    .. math:: \beta = \frac{180}{\pi} \left( \frac{K \lambda}{D \cos\theta} + 4 \varepsilon \tan\theta \right),
       \qquad K = 0.9

    Parameters
    ----------
    two_theta
        deg.
    wavelength
        angstrom.
    size
        Crystallite size D in nm, infinite for none.
    strain
        Microstrain (a fraction, 0.001 is 0.1 %), e of Stokes and Wilson with widths for breadths.

    Returns
    -------
    numpy.ndarray
        deg.

    Raises
    ------
    InputError
        For a size that is not above 0 or a negative strain.

    References
    ----------
    Scherrer (1918) Nachr. Ges. Wiss. Goettingen 26, 98; Stokes & Wilson (1944) Proc. Phys. Soc. 56, 174.

    Examples
    --------
    >>> lorentzian_width(np.array([0.0]), wavelength=1.54, size=100.0, strain=0.0).round(5).tolist()
    [0.07941]
    """
    if not size > 0.0 or not 0.0 <= strain < 0.5:
        raise InputError(
            f"size {size} nm and strain {strain} are impossible",
            where="size",
            remedy="Give a size above 0 nm and a strain of 0 or more (0.001 for 0.1 %)",
        )
    theta = np.radians(two_theta) / 2.0
    of_size = SCHERRER_K * np.asarray(wavelength) / (10.0 * size * np.cos(theta))
    return np.asarray(np.degrees(of_size + 4.0 * strain * np.tan(theta)))


def broaden(fwhm: Array, eta: Array, lorentzian: Array) -> tuple[Array, Array]:
    """FWHM and Lorentzian share of pseudo-Voigt lines folded with Lorentzians.

    Each line is taken apart into its Gaussian and Lorentzian width (Thompson, Cox & Hastings 1987); Lorentzian widths
    add up.

    Parameters
    ----------
    fwhm, eta
        Of the lines, deg and 1, shape (n,).
    lorentzian
        FWHM to add, deg, shape (n,).

    Returns
    -------
    fwhm, eta
        Shape (n,).
    """
    narrow, wide = unmix(fwhm, eta)
    return mix(narrow, wide + lorentzian)
