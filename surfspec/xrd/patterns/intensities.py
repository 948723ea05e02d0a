"""The calculated intensity of a phase on a grid of angles, as an array."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from surfspec import given
from surfspec.errors import InputError
from surfspec.xrd.patterns import fast
from surfspec.xrd.patterns.atoms import atoms_of
from surfspec.xrd.patterns.axial import UNSEEN, Axial, axial_split, points_for, spread
from surfspec.xrd.patterns.broadening import SCHERRER_K, broaden, lorentzian_width
from surfspec.xrd.patterns.optics import Optics, Slit
from surfspec.xrd.patterns.profile import REACH, Caglioti, draw, shift, two_theta_of
from surfspec.xrd.patterns.reflections import reciprocal_terms, symmetry_codes
from surfspec.xrd.patterns.structure_factors import NEGLIGIBLE, Lines, lines, smallest_spacing
from surfspec.xrd.patterns.texture import Texture, march_dollase
from surfspec.xrd.patterns.thompson import Thompson
from surfspec.xrd.patterns.wavelengths import HC, Radiation, radiation
from surfspec.xrd.structures.chosen import one_phase
from surfspec.xrd.structures.phase import Phase

Array = NDArray[np.float64]
Engine = Literal["numpy", "numba"]

#: Largest shift of a line, deg.
LARGEST_SHIFT = 10.0


@dataclass(frozen=True)
class Conditions:
    """How a pattern is recorded, and of what kind of specimen; the parameters of :func:`surfspec.xrd.pattern`."""

    light: Radiation
    profile: Caglioti | Thompson
    optics: Optics
    texture: Texture | None = None
    size: float = float("inf")
    strain: float = 0.0
    axial: Axial | None = None
    zero: float = 0.0
    displacement: float = 0.0
    transparency: float = 0.0
    reach: float = REACH

    @property
    def broadened(self) -> bool:
        """Whether size or strain widens the lines."""
        return self.size != float("inf") or self.strain != 0.0

    def __post_init__(self) -> None:
        for name, kind, remedy in (
            ("profile", Caglioti | Thompson, "Give an xrd.Caglioti or an xrd.Thompson"),
            ("texture", Texture | None, "Give (r, (h, k, l)) or an xrd.Texture"),
            ("axial", Axial | None, "Give (S/L, H/L) or an xrd.Axial"),
        ):
            value = getattr(self, name)
            if not isinstance(value, kind):
                raise InputError(f"{name} is {given.shown(value)}", where=name, remedy=remedy)
        if not isinstance(self.size, int | float) or self.size != float("inf"):
            object.__setattr__(self, "size", given.number(self.size, "size", low=0.0, above=True))
        object.__setattr__(self, "strain", given.number(self.strain, "strain", low=0.0, high=0.5))
        for name in ("zero", "displacement", "transparency"):
            moved = given.number(getattr(self, name), name, low=-LARGEST_SHIFT, high=LARGEST_SHIFT)
            object.__setattr__(self, name, moved)
        object.__setattr__(self, "reach", given.number(self.reach, "reach", low=1.0, high=1e4))

    def shape(self, two_theta: Array, wavelength: Array) -> tuple[Array, Array]:
        """FWHM (deg) and Lorentzian share of lines at 2 theta (deg)."""
        fwhm, eta = self.profile.shape(two_theta)
        if not self.broadened:
            return fwhm, eta
        extra = lorentzian_width(two_theta, wavelength=wavelength, size=self.size, strain=self.strain)
        return broaden(fwhm, eta, extra)

    def moved(self, two_theta: Array) -> Array:
        """Positions after zero shift, displacement and transparency."""
        return shift(two_theta, self.zero, self.displacement, self.transparency)

    def strength(self, phase: Phase, found: Lines, two_theta: Array) -> Array:
        """Integrated intensities m F^2 LP P / V^2 of lines at 2 theta (deg)."""
        return self.bare(phase, found) * self.optics.factor(two_theta)

    def bare(self, phase: Phase, found: Lines) -> Array:
        """Integrated intensities m F^2 P / V^2 of lines: without what the optics do at their angles."""
        strength = found.multiplicity * found.f_squared / found.volume**2
        if self.texture is None:
            return np.asarray(strength)
        texture = march_dollase(found.hkl, phase, direction=self.texture.direction, r=self.texture.r)
        return np.asarray(strength * texture)

    def ends(self, low: float, high: float) -> tuple[float, float]:
        """Angles between which a line may lie that is seen between `low` and `high`, deg."""
        near, far = max(low, 0.5), min(high, 178.0)
        width = max(self.profile.at_most(near), self.profile.at_most(far))
        if self.broadened:
            at = np.array([near, far])
            wave = self.light.wavelengths[0]
            width += float(lorentzian_width(at, wavelength=wave, size=self.size, strain=self.strain).max())
        margin = self.reach * width + abs(self.zero) + abs(self.displacement) + abs(self.transparency)
        if self.axial is not None:
            margin += float(spread(np.array([near, far]), self.axial).max())
        return low - margin, min(high + margin, 179.0)


def intensity(
    phase: Phase | str,
    two_theta: ArrayLike,
    *,
    wavelength: str | float | Radiation,
    profile: Caglioti | Thompson | None = None,
    monochromator: float = 0.0,
    slit: Slit = "fixed",
    size: float = float("inf"),
    strain: float = 0.0,
    zero: float = 0.0,
    displacement: float = 0.0,
    transparency: float = 0.0,
    scale: float = 1.0,
    reach: float = REACH,
    engine: Engine = "numpy",
) -> Array:
    r"""Calculate the intensity of a phase at given angles: :func:`surfspec.xrd.pattern` as a bare, quick array.

    .. math:: y(2\theta) = S \sum_{hkl} \frac{m |F|^2}{V^2}\, LP(\theta_{hkl})\, \Omega(2\theta - 2\theta_{hkl})

    Parameters
    ----------
    phase
        The structure, or the id, name or formula of a card.
    two_theta
        Rising angles, deg, shape (n,).
    wavelength, profile, monochromator, slit, size, strain, zero, displacement, transparency
        As for :func:`surfspec.xrd.pattern`.
    scale
        S, in electrons^-2 angstrom^6.
    reach
        Half width of the drawn part of a line, in FWHM of the widest.
    engine
        ``"numpy"``, or ``"numba"`` (extra ``fast``): the whole pattern in one compiled pass, worth its loading time of
        about a second from some thousand patterns on.

    Returns
    -------
    numpy.ndarray
        Shape (n,), in arb. units (areas in arb. units deg).

    Raises
    ------
    InputError
        Without a wavelength or a phase, for angles that do not rise, numbers that are not finite or out of range, an
        unknown engine.

    Examples
    --------
    >>> from surfspec import xrd
    >>> x = np.arange(25.0, 35.0, 0.01)
    >>> y = intensity(xrd.phases(["halite"])[0], x, wavelength="CuKa1")
    >>> round(float(x[y.argmax()]), 2)
    31.69
    """
    structure = one_phase(phase, "phase")
    grid = rising(two_theta)
    conditions = Conditions(
        light=radiation(wavelength),
        profile=Caglioti() if profile is None else profile,
        optics=Optics(monochromator, slit=slit),
        size=size,
        strain=strain,
        zero=zero,
        displacement=displacement,
        transparency=transparency,
        reach=reach,
    )
    return total(structure, grid, conditions, factor=given.number(scale, "scale", low=0.0), engine=engine)


def rising(two_theta: object) -> Array:
    """Return angles as an array; refuse those that do not rise, or leave 0 to 179 deg."""
    try:
        grid = np.ascontiguousarray(two_theta, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        grid = np.empty(0)
    if grid.ndim != 1 or grid.size < 2 or not np.all(grid[1:] > grid[:-1]):
        raise InputError(
            f"two_theta is {given.shown(two_theta)}, no rising range",
            where="two_theta",
            remedy="Give (low, high) or rising angles",
        )
    if grid[0] < 0.0 or not 0.0 < grid[-1] <= 179.0:
        raise InputError(
            f"two_theta runs from {grid[0]:g} to {grid[-1]:g}", where="two_theta", remedy="Stay within 0 to 179 deg"
        )
    return grid


def total(
    phase: Phase,
    grid: Array,
    conditions: Conditions,
    *,
    factor: float = 1.0,
    threshold: float = 0.0,
    engine: Engine = "numpy",
) -> Array:
    """Sum the lines of a phase that are seen on a grid.

    Parameters
    ----------
    phase
        The structure.
    grid
        Rising 2 theta, deg, shape (n,).
    conditions
        Radiation, optics, profile, specimen.
    factor
        Multiplies all areas.
    threshold
        Lines weaker than this share of the strongest are left out.
    engine
        ``"numpy"`` or ``"numba"``.

    Returns
    -------
    numpy.ndarray
        Shape (n,).
    """
    check_engine(engine)
    ends = conditions.ends(float(grid[0]), float(grid[-1]))
    if engine == "numba" and threshold == 0.0 and _one_pass(conditions):
        return _compiled(phase, grid, conditions, ends, factor)
    parts = [
        _drawable(phase, conditions, ends, waves, weights, threshold) for waves, weights in _families(conditions.light)
    ]
    centers, areas, fwhm, eta = (
        parts[0] if len(parts) == 1 else (np.concatenate(columns) for columns in zip(*parts, strict=True))
    )
    if conditions.axial is not None:
        centers, areas, fwhm, eta = _spread_out(centers, areas, fwhm, eta, conditions.axial)
    if engine == "numba":
        return np.asarray(fast.kernel.draw_lines(grid, centers, factor * areas, fwhm, eta, conditions.reach))
    return draw(grid, centers, factor * areas, fwhm, eta, conditions.reach)


def check_engine(engine: str) -> None:
    """Refuse an engine that is not known or not installed."""
    if not isinstance(engine, str) or engine not in ("numpy", "numba"):
        raise InputError(f"engine={given.shown(engine)} is not known", where="engine", remedy="Use 'numpy' or 'numba'")
    if engine == "numba" and not fast.installed():
        raise InputError(
            "the engine 'numba' needs numba, which is not installed",
            where="engine",
            remedy="Install surfspec[fast], or use engine='numpy'",
        )


def _families(light: Radiation) -> list[tuple[tuple[float, ...], tuple[float, ...]]]:
    """Wavelengths and weights that share structure factors (not LP): the lines of a doublet, each satellite alone."""
    far = light.satellites
    if not any(far):
        return [(light.wavelengths, light.weights)]
    near = [index for index, one in enumerate(far) if not one]
    groups = [near, *([index] for index, one in enumerate(far) if one)]
    return [(tuple(light.wavelengths[i] for i in group), tuple(light.weights[i] for i in group)) for group in groups]


def _drawable(
    phase: Phase,
    conditions: Conditions,
    ends: tuple[float, float],
    waves: tuple[float, ...],
    weights: tuple[float, ...],
    threshold: float,
) -> tuple[Array, Array, Array, Array]:
    """Places, areas, FWHM and Lorentzian shares of the lines of one family of wavelengths."""
    found = lines(phase, waves[0], ends[1])
    first = two_theta_of(found.q, waves[0])
    placed = [first, *(two_theta_of(found.q, wave) for wave in waves[1:])]
    places = np.concatenate(placed)
    bare = conditions.bare(phase, found)
    strength = bare * conditions.optics.factor(first)
    areas = np.concatenate(
        [weight * bare * conditions.optics.factor(at) for weight, at in zip(weights, placed, strict=True)]
    )
    seen = (places >= ends[0]) & (places <= ends[1])
    if threshold > 0.0:
        seen &= np.tile(strength > threshold * strength.max(initial=0.0), len(waves))
    places = places[seen]
    fwhm, eta = conditions.shape(places, np.repeat(waves, len(first))[seen])
    return conditions.moved(places), areas[seen], fwhm, eta


def _spread_out(
    centers: Array, areas: Array, fwhm: Array, eta: Array, axial: Axial
) -> tuple[Array, Array, Array, Array]:
    """Replace the lines that axial divergence visibly spreads by their parts, the more the wider they spread."""
    share = np.where((centers > 0.0) & (centers < 180.0), spread(centers, axial) / fwhm, 0.0)
    out = [(centers[share <= UNSEEN], areas[share <= UNSEEN], fwhm[share <= UNSEEN], eta[share <= UNSEEN])]
    points = points_for(share)
    for count in np.unique(points[share > UNSEEN]).tolist():
        some = (share > UNSEEN) & (points == count)
        places, weights = axial_split(centers[some], axial, points=count)
        parts = places.shape[1]
        widths, shares = np.repeat(fwhm[some], parts), np.repeat(eta[some], parts)
        out.append((places.ravel(), (areas[some, None] * weights).ravel(), widths, shares))
    columns = [np.concatenate(column) for column in zip(*out, strict=True)]
    return columns[0], columns[1], columns[2], columns[3]


def _one_pass(conditions: Conditions) -> bool:
    plain = conditions.texture is None and conditions.axial is None and not any(conditions.light.satellites)
    return plain and (isinstance(conditions.profile, Thompson) or not conditions.broadened)


def _compiled(phase: Phase, grid: Array, conditions: Conditions, ends: tuple[float, float], factor: float) -> Array:
    light, shape, optics = conditions.light, conditions.profile, conditions.optics
    atoms = atoms_of(phase, HC / light.wavelengths[0])
    if isinstance(shape, Thompson):
        of_size = float(np.degrees(SCHERRER_K / (10.0 * conditions.size)))
        of_strain = float(np.degrees(4.0 * conditions.strain))
        widths = (shape.u, shape.v, shape.w, shape.p, shape.x, shape.y + of_strain, float("nan"), of_size)
    else:
        widths = (shape.u, shape.v, shape.w, 0.0, 0.0, 0.0, shape.eta, 0.0)
    drawn = fast.kernel.pattern(
        grid, phase.cell[:3], reciprocal_terms(phase), smallest_spacing(light.wavelengths[0], ends[1]),
        symmetry_codes(phase.space_group), atoms.turns, atoms.first, atoms.b_iso, atoms.a, atoms.b, atoms.c,
        atoms.imaginary, atoms.centred, factor * atoms.copies**2 / phase.volume**2,
        np.array([light.wavelengths, light.weights]), widths,
        (optics.share, 1.0 if optics.slit == "variable" else 0.0),
        (conditions.zero, conditions.displacement, conditions.transparency), ends, NEGLIGIBLE, float(conditions.reach),
    )  # fmt: skip
    if np.isnan(drawn[0]):
        raise InputError(
            "the profile has no real width at a line of the pattern", where="profile", remedy="Choose W > V^2 / (4 U)"
        )
    return np.asarray(drawn)
