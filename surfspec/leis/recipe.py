"""What to fit in a LEIS spectrum: projectile, geometry, elements, and what of the model is free."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, get_args

import numpy as np

from surfspec.errors import GeometryError, InputError
from surfspec.leis.collisions import isotopes as iso
from surfspec.leis.collisions.analyser import check_transmission
from surfspec.leis.collisions.kinematics import check_geometry, elastic_energy, isotope_energies
from surfspec.leis.collisions.width import AcceptanceShape

#: Position above the edge and standard deviation of the plural-scattering foot, in units of the ion energy.
FOOT_SHAPE = (40.0 / 3000.0, 130.0 / 3000.0)


@dataclass(frozen=True)
class Recipe:
    r"""A LEIS fit. Every position follows from the kinematics; no peak moves on its own.

    A range whose two ends are equal fixes its parameter there; :meth:`with_instrument` does that with what a fit found.

    Attributes
    ----------
    elements
        Symbols of the elements looked for; each gives one component.
    ion, energy, angle
        Projectile isotope, its energy (eV) and the laboratory scattering angle (deg).
    window
        Lowest and highest energy fitted, eV; by default from a tenth of the ion energy below the lowest peak
        to a tenth above the highest.
    gain
        Factor on the kinematic energies (energy scale of the analyser), fixed.
    offset
        Range of the common shift of all energies, eV.
    resolution
        Range of the analyser's relative resolution (FWHM over energy).
    acceptance
        Full width of the accepted angles at half maximum, deg; or its range, where it is to be fitted. Wide lenses make
        light targets broader than heavy ones, as no energy resolution does.
    acceptance_shape
        Of the accepted angles: ``"gaussian"``; ``"box"``, uniform over a full width `acceptance`, as behind a slit;
        ``"cone"``, all directions inside a cone of the full opening `acceptance`, as behind a round aperture.
    thermal_energy
        Effective kT of the target atoms, zero-point motion included, eV.
    low_energy_tail, tail
        Peaks with an exponential to low energy, and the range of its decay length, eV.
    foot
        Plural scattering above the in-depth edge of every element but the heaviest.
    foot_shape
        Position of the foot above the edge and its standard deviation, in units of the ion energy.
    slope
        Shoulders that may rise towards low energy.
    survival
        Range of the exponent `k` with which in-depth ions die out towards low energy, :math:`e^{-kE^{-1/2}}`, eV^(1/2);
        :math:`v_c\sqrt{m/2}/\cos\beta` for one characteristic velocity, an effective number for a thick target.
    sputter_tail, sputter_decay
        Sputtered ions: an exponential towards low energy, and its decay length, eV.
    lag, lag_range
        Elements whose in-depth edge may lie below their surface peak (buried atoms), and by how much, eV. By default
        the heaviest element, whose edge stands clear of all others. Name another one where that element may be absent;
        say ``lag=()`` for metals and thick pure samples, whose edge lies on the peak: a free lag then trades counts
        with the area.
    inelastic_loss
        Energy lost to excitation in the collision, by element, eV.
    potential
        Of the cross-sections that weight the isotopes, ``"ZBL"``, ``"TFM"``, ``"TFM_OB"`` or ``"KrC"``.
    isotopes
        One line per isotope; False puts all of an element into its most abundant one, which shows what that costs.
    transmission
        Of the analyser, :math:`T(E)`: an exponent `p` for :math:`(E/E_0)^p` with the ion energy :math:`E_0`, or pairs
        (energy in eV, value) between which it is interpolated and beyond which it stays. Peaks and shoulders are
        multiplied by it, so that areas and heights in the fit are those of an analyser with :math:`T = 1`. By default
        none.

    Raises
    ------
    InputError
        For an unknown element or ion, or a range that is none.
    GeometryError
        For an element that cannot scatter the ion into the angle.

    Examples
    --------
    >>> import surfspec as ss
    >>> recipe = ss.leis.Recipe(elements=("O", "Na", "Si", "P", "Zr"), energy=3000, angle=145)
    >>> [round(x) for x in recipe.limits()]
    [882, 2857]
    """

    elements: tuple[str, ...] = field(metadata={"doc": "symbols of the elements looked for"})
    ion: str = "4He"
    energy: float = field(default=3000.0, metadata={"above": 0.0, "unit": "eV"})
    angle: float = field(default=145.0, metadata={"above": 0.0, "high": 180.0, "unit": "deg"})
    window: tuple[float, float] | None = field(default=None, metadata={"low": 0.0, "unit": "eV"})
    gain: float = field(default=1.0, metadata={"above": 0.0})
    offset: tuple[float, float] = field(default=(-30.0, 30.0), metadata={"unit": "eV"})
    resolution: tuple[float, float] = field(default=(0.002, 0.04), metadata={"above": 0.0})
    acceptance: float | tuple[float, float] = field(default=1.0, metadata={"low": 0.0, "unit": "deg"})
    acceptance_shape: AcceptanceShape = "gaussian"
    thermal_energy: float = field(default=0.045, metadata={"low": 0.0, "unit": "eV"})
    low_energy_tail: bool = True
    tail: tuple[float, float] = field(default=(0.5, 60.0), metadata={"above": 0.0, "unit": "eV"})
    foot: bool = True
    foot_shape: tuple[float, float] = field(default=FOOT_SHAPE, metadata={"low": 0.0})
    slope: bool = True
    survival: tuple[float, float] = field(default=(0.0, 300.0), metadata={"low": 0.0})
    sputter_tail: bool = True
    sputter_decay: float = field(default=150.0, metadata={"above": 0.0, "unit": "eV"})
    lag: tuple[str, ...] | None = None
    lag_range: tuple[float, float] = field(default=(0.0, 200.0), metadata={"low": 0.0, "unit": "eV"})
    inelastic_loss: Mapping[str, float] = field(default_factory=dict, metadata={"low": 0.0, "unit": "eV"})
    potential: str = "ZBL"
    isotopes: bool = True
    transmission: float | tuple[tuple[float, float], ...] | None = None

    def __post_init__(self) -> None:
        given: object = self.elements
        if isinstance(given, str):
            raise InputError(
                f"elements is the text {given!r}", where="elements", remedy=f"Give a list of symbols: ({given!r},)"
            )
        for name in (
            "elements",
            "lag",
            "acceptance",
            "offset",
            "resolution",
            "survival",
            "tail",
            "lag_range",
            "window",
            "foot_shape",
        ):
            value = getattr(self, name)
            object.__setattr__(self, name, tuple(value) if isinstance(value, list | tuple) else value)
        check_geometry(self.energy, self.angle)
        self._check_elements()
        self._check_ranges()
        if isinstance(self.transmission, list | tuple):
            object.__setattr__(self, "transmission", tuple(tuple(pair) for pair in self.transmission))
        check_transmission(self.transmission)

    def _check_elements(self) -> None:
        iso.ion(self.ion)
        if not self.elements:
            raise InputError("no elements to look for", where="elements", remedy="Name at least one, such as O or Zr")
        for element in self.elements:
            iso.element_symbol(element)
        repeated = sorted({e for e in self.elements if self.elements.count(e) > 1})
        if repeated:
            raise InputError(f"{repeated[0]} is named twice", where="elements", remedy="Name each element once")
        for where, names in (("lag", self.lag or ()), ("inelastic_loss", tuple(self.inelastic_loss))):
            for element in names:
                if element not in self.elements:
                    raise InputError(
                        f"{element!r} is not among the elements {', '.join(self.elements)}",
                        where=where,
                        remedy="Use the elements of the recipe",
                    )
        for element in self.elements:
            lines = isotope_energies(
                element, ion=self.ion, energy=self.energy, angle=self.angle, loss=self.inelastic_loss.get(element, 0.0)
            )
            if not np.any(np.isfinite(lines)):
                heaviest = float(iso.isotopes(element).mass.max() / iso.ion(self.ion).mass)
                reach = f"up to {np.degrees(np.arcsin(heaviest)):.1f} deg" if heaviest < 1 else "to smaller angles only"
                raise GeometryError(
                    f"{self.ion} of {self.energy:g} eV cannot scatter from {element} into {self.angle:g} deg "
                    f"({element} scatters it {reach})",
                    where="elements",
                    remedy=f"Leave {element} out, or use a lighter ion or a smaller angle",
                )

    def _check_ranges(self) -> None:
        if self.acceptance_shape not in get_args(AcceptanceShape):
            raise InputError(
                f"acceptance_shape is {self.acceptance_shape!r}",
                where="acceptance_shape",
                remedy=f"Use one of {', '.join(get_args(AcceptanceShape))}",
            )
        optional = [name for name in ("window", "acceptance") if isinstance(getattr(self, name), tuple)]
        for name in ("offset", "resolution", "survival", "tail", "lag_range", *optional):
            pair = getattr(self, name)
            if len(pair) != 2 or not np.all(np.isfinite(pair)) or not pair[0] <= pair[1]:
                raise InputError(f"{name} {pair} is no range", where=name, remedy="Give a lower and a higher number")
            if name == "window" and pair[0] == pair[1]:
                raise InputError(f"window {pair} is empty", where=name, remedy="Give a lower and a higher energy")
        for name in ("resolution", "tail", *(one for one in optional if one == "acceptance")):
            if getattr(self, name)[0] <= 0:
                raise InputError(f"{name} may reach {getattr(self, name)[0]}", where=name, remedy="Keep it above 0")
        if len(self.foot_shape) != 2 or not np.all(np.isfinite(self.foot_shape)) or not self.foot_shape[1] > 0:
            raise InputError(
                f"foot_shape {self.foot_shape} is no position and width",
                where="foot_shape",
                remedy="Give two fractions of the ion energy, such as [0.013, 0.043]",
            )
        for name in ("gain", "sputter_decay"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name} is {getattr(self, name)}", where=name, remedy="Give a positive number")

    def limits(self) -> tuple[float, float]:
        """Return the window in eV: the one given, or the one that the elements ask for."""
        if self.window is not None:
            return self.window
        centers = [self.gain * self.line(element) for element in self.elements]
        return max(0.0, min(centers) - 0.1 * self.energy), max(centers) + 0.1 * self.energy

    def with_instrument(self, found: Mapping[str, float]) -> Recipe:
        """Return the recipe with parameters of the instrument fixed, found once on spectra of good statistics.

        Parameters
        ----------
        found
            Values by name: ``offset``, ``resolution``, ``acceptance``, ``survival`` or ``tail``.

        Raises
        ------
        InputError
            For another name.

        Examples
        --------
        >>> Recipe(elements=("O",)).with_instrument({"resolution": 0.024}).resolution
        (0.024, 0.024)
        """
        for name in found:
            if name not in ("offset", "resolution", "acceptance", "survival", "tail"):
                raise InputError(
                    f"{name!r} is no parameter of the instrument",
                    where="with_instrument",
                    remedy="Use offset, resolution, acceptance, survival or tail",
                )
        fixed: dict[str, Any] = {name: (float(value), float(value)) for name, value in found.items()}
        return replace(self, **fixed)

    def heaviest(self) -> str:
        """Return the element with the highest peak energy."""
        return max(self.elements, key=self.line)

    def lagging(self) -> tuple[str, ...]:
        """Return the elements whose in-depth edge is free."""
        return (self.heaviest(),) if self.lag is None else self.lag

    def line(self, element: str) -> float:
        """Return the mean energy of single scattering from `element` in eV, gain and offset left out."""
        loss = self.inelastic_loss.get(element, 0.0)
        return elastic_energy(element, ion=self.ion, energy=self.energy, angle=self.angle, loss=loss)
