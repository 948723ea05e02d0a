"""What the diffractometer does to intensities and positions: polarisation, slits, misplaced specimens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from surfspec import given
from surfspec.errors import InputError

Array = NDArray[np.float64]
Slit = Literal["fixed", "variable"]
SLITS: Final = ("fixed", "variable")


@dataclass(frozen=True)
class Optics:
    """Beam path of a Bragg-Brentano diffractometer.

    Attributes
    ----------
    monochromator
        2 theta_M of the monochromator crystal in deg, 0 for none; about 26.6 for graphite (002) and 27.3 for Ge (111)
        with Cu K-alpha. It may sit in the incident or in the diffracted beam.
    perfect
        True for a perfect crystal (Ge, Si), False for a mosaic one (graphite).
    slit
        ``"fixed"`` divergence slit, or ``"variable"`` (automatic: constant irradiated length).
    """

    monochromator: float = 0.0
    perfect: bool = False
    slit: Slit = "fixed"

    def __post_init__(self) -> None:
        object.__setattr__(self, "monochromator", given.number(self.monochromator, "monochromator"))
        given.switch(self.perfect, "perfect")
        if not 0.0 <= self.monochromator < 180.0:
            raise InputError(
                f"the monochromator stands at {self.monochromator} deg",
                where="monochromator",
                remedy="Give its 2 theta in deg, from 0 (none) to 180",
            )
        if not isinstance(self.slit, str) or self.slit not in SLITS:
            raise _unknown_slit(self.slit)

    @property
    def share(self) -> float:
        """A of the polarisation factor: what the crystal leaves of the component in the plane."""
        return _share(self.monochromator, self.perfect)

    def factor(self, two_theta: ArrayLike) -> Array:
        """Lorentz-polarisation factor times that of the slit at 2 theta in deg."""
        angle = np.asarray(two_theta, dtype=np.float64)
        polarised = lorentz_polarisation(angle, self.monochromator, perfect=self.perfect)
        return polarised if self.slit == "fixed" else polarised * slit_factor(angle, self.slit)


def lorentz_polarisation(two_theta: Array, monochromator: float = 0.0, *, perfect: bool = False) -> Array:
    r"""Lorentz-polarisation factor of Bragg-Brentano powder diffraction.

    .. math:: LP = \frac{1 + A\cos^2 2\theta}{(1 + A) \sin^2\theta\cos\theta}, \qquad A = \cos^2 2\theta_M

    A crystal in the incident beam weakens the component in the plane by A before the specimen, one in the diffracted
    beam after it: the numerator is the same, and the angles decide nothing else (both reflect in one plane). For a
    perfect crystal A = abs(cos 2 theta_M).

    Parameters
    ----------
    two_theta
        deg.
    monochromator
        Diffraction angle 2 theta_M of a graphite or Ge monochromator, deg; 0 for none (unpolarised beam).
    perfect
        True where the crystal is perfect instead of mosaic.

    Returns
    -------
    numpy.ndarray
        Shape of `two_theta`.

    References
    ----------
    International Tables for Crystallography C, section 6.2; Azaroff (1955) Acta Cryst. 8, 701.

    Examples
    --------
    >>> round(float(lorentz_polarisation(np.array([90.0]))[0]), 4)
    1.4142
    """
    theta = np.radians(np.asarray(two_theta, dtype=np.float64)) / 2.0
    share = _share(monochromator, perfect)
    sine_squared = np.sin(theta) ** 2
    polarisation = (1.0 + share * (1.0 - 2.0 * sine_squared) ** 2) / (1.0 + share)
    return np.asarray(polarisation / (sine_squared * np.cos(theta)))


def _share(monochromator: float, perfect: bool) -> float:
    cosine = abs(float(np.cos(np.radians(monochromator))))
    return cosine if perfect else cosine**2


def slit_factor(two_theta: ArrayLike, slit: str = "fixed") -> Array:
    r"""Intensity with a divergence slit, relative to a fixed one.

    .. math:: f = 1 \ \text{(fixed)}, \qquad f = \sin\theta \ \text{(variable)}

    A variable slit opens with the angle so that the irradiated length stays the same: the beam, and with it the
    intensity of a thick specimen, grows as sin(theta). Scale-free: f is 1 at 180 deg. For a fixed slit whose beam is
    longer than the specimen at low angles see :func:`overspill_factor`.

    Parameters
    ----------
    two_theta
        deg.
    slit
        ``"fixed"`` or ``"variable"``.

    Returns
    -------
    numpy.ndarray
        Shape of `two_theta`.

    Examples
    --------
    >>> slit_factor([60.0], "variable").round(6).tolist()
    [0.5]
    """
    angle = np.asarray(two_theta, dtype=np.float64)
    if slit == "fixed":
        return np.ones_like(angle)
    if slit == "variable":
        return np.asarray(np.sin(np.radians(angle) / 2.0))
    raise _unknown_slit(slit)


def overspill_factor(two_theta: ArrayLike, overspill: float) -> tuple[Array, Array]:
    r"""Share of the beam that falls on a round, spinning specimen, and its derivative with respect to `overspill`.

    .. math:: f = \int_0^1 \min(1, s\sqrt{1 - u^2})\,\mathrm{d}u, \qquad s = \sin\theta / o, \qquad
       o = R\delta / D

    A beam of divergence delta (rad) is R delta / sin(theta) long on the specimen; of a strip at u times the radius
    D/2 it covers the chord D sqrt(1 - u^2). Where it is longer, what goes by is lost: below sin(theta) = o even in the
    middle. A beam as wide as the specimen is assumed. Plain geometry of a fixed slit; 1 without overspill (o = 0).

    Parameters
    ----------
    two_theta
        deg.
    overspill
        o, the length of the beam at normal incidence over the diameter of the specimen.

    Returns
    -------
    factor, slope
        f and df/do, each of the shape of `two_theta`.

    Examples
    --------
    >>> overspill_factor([10.0, 60.0], 0.2)[0].round(3).tolist()
    [0.342, 0.973]
    """
    sine = np.sin(np.radians(np.asarray(two_theta, dtype=np.float64)) / 2.0)
    if overspill <= 0.0:
        return np.ones_like(sine), np.zeros_like(sine)
    s = np.maximum(sine, 1e-12) / overspill
    wide = np.maximum(s, 1.0)
    u = np.sqrt(np.maximum(1.0 - wide**-2.0, 0.0))
    by_s = np.pi / 4.0 - 0.5 * (np.arcsin(u) + u / wide)
    return np.asarray(u + s * by_s), np.asarray(-by_s * s / overspill)


def _unknown_slit(slit: object) -> InputError:
    return InputError(f"unknown slit {given.shown(slit)}", where="slit", remedy="Say 'fixed' or 'variable'")


def displacement_to_degrees(displacement: float, *, radius: float) -> float:
    r"""Shift delta of the lines of a displaced specimen, for :func:`surfspec.xrd.patterns.profile.shift`.

    .. math:: \delta = -\frac{2 s}{R}\,\frac{180}{\pi}

    Parameters
    ----------
    displacement
        s in mm, positive away from the source and the detector (specimen too low).
    radius
        Goniometer radius R in mm.

    Returns
    -------
    float
        delta in deg; the line moves by delta cos(theta).

    Raises
    ------
    InputError
        For a displacement that is no finite number, or a radius that is not above 0.

    References
    ----------
    Wilson (1963) Mathematical Theory of X-ray Powder Diffractometry.

    Examples
    --------
    >>> round(displacement_to_degrees(0.1, radius=200.0), 5)
    -0.0573
    """
    return -2.0 * given.number(displacement, "displacement") / _positive(radius) * float(np.degrees(1.0))


def displacement_to_mm(shift: float, *, radius: float) -> float:
    r"""Specimen displacement of a shift delta of the lines: the inverse of :func:`displacement_to_degrees`.

    .. math:: s = -\frac{\delta R}{2}\,\frac{\pi}{180}

    Parameters
    ----------
    shift
        delta in deg, as a refinement gives it.
    radius
        Goniometer radius R in mm.

    Returns
    -------
    float
        s in mm, positive away from the source and the detector.

    Raises
    ------
    InputError
        For a shift that is no finite number, or a radius that is not above 0.

    References
    ----------
    Wilson (1963) Mathematical Theory of X-ray Powder Diffractometry.

    Examples
    --------
    >>> round(displacement_to_mm(-0.0573, radius=200.0), 4)
    0.1
    """
    return -given.number(shift, "shift") * float(np.radians(1.0)) * _positive(radius) / 2.0


def _positive(radius: float) -> float:
    return given.number(radius, "radius", low=0.0, above=True)


def transparency_to_degrees(absorption: float, *, radius: float) -> float:
    r"""Shift coefficient of a thick, transparent specimen, for :func:`surfspec.xrd.patterns.profile.shift`.

    .. math:: t = -\frac{1}{2\mu R}\,\frac{180}{\pi}

    Parameters
    ----------
    absorption
        Linear absorption coefficient mu of the powder (with its pores), cm^-1.
    radius
        Goniometer radius R, mm.

    Returns
    -------
    float
        t in deg; the centroid of a line moves by t sin(2 theta).

    Raises
    ------
    InputError
        For a radius (or mu) that is not above 0.

    References
    ----------
    Wilson (1963) Mathematical Theory of X-ray Powder Diffractometry.

    Examples
    --------
    >>> round(transparency_to_degrees(50.0, radius=200.0), 4)
    -0.0286
    """
    mu = given.number(absorption, "absorption", low=0.0, above=True)
    return -1.0 / (2.0 * mu * _positive(radius) / 10.0) * float(np.degrees(1.0))
