"""Calculated powder patterns of phases."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from surfspec import given
from surfspec.errors import InputError
from surfspec.xrd.patterns.axial import Axial
from surfspec.xrd.patterns.intensities import Conditions, Engine, check_engine, rising, total
from surfspec.xrd.patterns.optics import Optics, Slit
from surfspec.xrd.patterns.profile import REACH, Caglioti, two_theta_of
from surfspec.xrd.patterns.reflections import customary
from surfspec.xrd.patterns.structure_factors import lines
from surfspec.xrd.patterns.texture import Texture
from surfspec.xrd.patterns.thompson import Thompson
from surfspec.xrd.patterns.wavelengths import Radiation, radiation
from surfspec.xrd.structures.chosen import one_phase
from surfspec.xrd.structures.phase import Phase

Array = NDArray[np.float64]


def pattern(
    phase: Phase | str,
    *,
    wavelength: str | float | Radiation,
    two_theta: tuple[float, float] | ArrayLike = (10.0, 90.0),
    profile: Caglioti | Thompson | None = None,
    monochromator: float = 0.0,
    zero: float = 0.0,
    displacement: float = 0.0,
    scale: float | None = None,
    threshold: float = 1e-3,
    transparency: float = 0.0,
    slit: Slit = "fixed",
    k_beta: float = 0.0,
    tungsten: float = 0.0,
    texture: Texture | tuple[float, tuple[int, int, int]] | None = None,
    size: float | None = None,
    strain: float = 0.0,
    axial: Axial | tuple[float, float] | None = None,
    perfect: bool = False,
    reach: float = REACH,
    engine: Engine = "numpy",
) -> xr.Dataset:
    r"""Calculate the powder pattern of a phase.

    .. math:: I_{hkl} = S\, \frac{m |F|^2}{V^2}\, LP(\theta)\, P_{hkl}, \qquad
       y(2\theta) = \sum_{hkl} I_{hkl}\, \Omega(2\theta - 2\theta_{hkl})

    Parameters
    ----------
    phase
        The structure, or the id, name or formula of a card.
    wavelength
        ``"CuKa"``, ``"CuKa1"``, ... or angstrom.
    two_theta
        Range (low, high) for the lines alone, or an array of angles in deg, on which the profile is drawn as well.
    profile
        Line width and shape: :class:`~surfspec.xrd.Caglioti` with a fixed Lorentzian share (by default 0.1 deg wide),
        or :class:`~surfspec.xrd.Thompson` with a Gaussian and a Lorentzian width.
    monochromator
        2 theta of the monochromator crystal, deg; 0 for none. It may sit before or after the specimen.
    zero, displacement
        Shifts z and delta of the lines, deg, see :func:`surfspec.xrd.patterns.profile.shift`.
    scale
        S. By default the strongest line has a relative area of 100.
    threshold
        Lines weaker than this share of the strongest are left out.
    transparency
        Shift t of a transparent specimen, deg, see there.
    slit
        ``"fixed"`` divergence slit, or ``"variable"`` (intensities times sin theta).
    k_beta, tungsten
        Intensity of K-beta and of W La over that of Ka1, 0 by default. Their lines are drawn, not listed.
    texture
        March-Dollase preferred orientation: r (1 for none, below 1 for plates) and the hkl of the planes that lie flat.
    size
        Crystallite size in nm (Scherrer, K = 0.9); None for large ones.
    strain
        Microstrain, a fraction.
    axial
        Half heights S/L and H/L of specimen and receiving slit over the radius: asymmetry of lines at low angles.
    perfect
        Whether the monochromator is a perfect crystal (Ge) instead of a mosaic one (graphite).
    reach
        Lines are drawn this many FWHM to either side: a Lorentzian leaves 2.7 % of its area outside 12, 0.5 %
        outside 60.
    engine
        ``"numpy"``, or ``"numba"`` (extra ``fast``) for many patterns; see :func:`surfspec.xrd.intensity`.

    Returns
    -------
    xarray.Dataset
        Kind ``table`` over ``reflection``: ``reflection_two_theta`` (deg, of the first wavelength), ``d`` (angstrom),
        ``area``, ``relative_intensity`` (%), ``f_squared``, ``multiplicity``, ``h``, ``k``, ``l``. With an array of
        angles kind ``spectrum``, with ``intensity`` over ``two_theta`` in addition, and ``simulated`` in the attrs.

    Raises
    ------
    InputError
        Without a wavelength or a phase, for an empty or impossible range, impossible parameters of profile, optics or
        specimen.

    References
    ----------
    International Tables for Crystallography C, section 6.2; Thompson, Cox & Hastings (1987) J. Appl. Cryst. 20, 79;
    Dollase (1986) J. Appl. Cryst. 19, 267; Finger, Cox & Jephcoat (1994) J. Appl. Cryst. 27, 892.

    Examples
    --------
    >>> from surfspec import xrd
    >>> salt = xrd.phases(["halite"])[0]
    >>> lines = xrd.pattern(salt, wavelength="CuKa1", two_theta=(25, 50))
    >>> lines.reflection_two_theta.values.round(2).tolist()
    [27.36, 31.7, 45.44]
    """
    phase = one_phase(phase, "phase")
    span, grid = _range(two_theta)
    check_engine(engine)
    threshold = given.number(threshold, "threshold", low=0.0, high=0.999)
    if scale is not None:
        scale = given.number(scale, "scale", low=0.0)
    conditions = Conditions(
        light=radiation(wavelength, k_beta=k_beta, tungsten=tungsten),
        profile=Caglioti() if profile is None else profile,
        optics=Optics(monochromator, perfect=perfect, slit=slit),
        texture=Texture(*texture) if isinstance(texture, tuple) and len(texture) == 2 else texture,
        size=float("inf") if size is None else size,
        strain=strain,
        axial=Axial(*axial) if isinstance(axial, tuple) and len(axial) == 2 else axial,
        zero=zero,
        displacement=displacement,
        transparency=transparency,
        reach=reach,
    )
    wave = conditions.light.wavelengths[0]
    # a grid shows the flanks of lines beyond its end as well
    found = lines(phase, wave, span[1] if grid is None else conditions.ends(*span)[1])
    positions = two_theta_of(found.q, wave)
    strength = conditions.strength(phase, found, positions)
    keep = (positions >= span[0]) & (positions <= span[1]) & (strength > threshold * strength.max(initial=0.0))
    strongest = float(strength[keep].max(initial=0.0))
    if strongest == 0.0:
        raise InputError(
            f"{phase.name} has no line between {span[0]:g} and {span[1]:g} deg at {wave:g} angstrom",
            where="two_theta",
            remedy="Choose a wider range",
        )
    factor = 100.0 / strongest if scale is None else scale
    columns = {
        "reflection_two_theta": (conditions.moved(positions[keep]), "deg", "2θ of the line"),
        "d": (found.d[keep], "angstrom", "Lattice spacing"),
        "area": (factor * strength[keep], "arb. units deg", "Integrated intensity"),
        "relative_intensity": (100.0 * strength[keep] / strongest, "%", "Intensity relative to the strongest line"),
        "f_squared": (found.f_squared[keep], "1", "Mean squared structure factor of the form, electrons²"),
        "multiplicity": (found.multiplicity[keep], "1", "Multiplicity"),
    }
    data = {name: ("reflection", values, {"units": unit, "long_name": label})
            for name, (values, unit, label) in columns.items()}  # fmt: skip
    hkl = customary(found.hkl[keep], phase.space_group)
    coords: dict[str, object] = {
        name: ("reflection", hkl[:, index], {"long_name": f"Miller index {name}"}) for index, name in enumerate("hkl")
    }
    attrs = {"kind": "table", "technique": "XRD", "phase": phase.id, "formula": phase.formula, "simulated": "true",
             "wavelength": wave, "wavelength_name": conditions.light.name, "trust": phase.trust}  # fmt: skip
    if grid is not None:
        drawn = total(phase, grid, conditions, factor=factor, threshold=threshold, engine=engine)
        data["intensity"] = ("two_theta", drawn, {"units": "arb. units", "long_name": "Calculated intensity"})
        coords["two_theta"] = ("two_theta", grid, {"units": "deg", "long_name": "2θ"})
        attrs |= {"kind": "spectrum", "statistics": "unknown"}
    return xr.Dataset(data, coords=coords, attrs=attrs)


def _range(two_theta: tuple[float, float] | ArrayLike) -> tuple[tuple[float, float], Array | None]:
    values = rising(two_theta)
    return (float(values[0]), float(values[-1])), values if values.size > 2 else None
