"""What to fit in a LEIS spectrum: projectile, geometry, elements, and what of the model is free."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, get_args

import numpy as np
import xarray as xr

from surfspec.errors import GeometryError, InputError
from surfspec.given import interval, listed, number, shown, switch
from surfspec.leis.collisions import isotopes as iso
from surfspec.leis.collisions.analyser import check_transmission
from surfspec.leis.collisions.kinematics import (
    HIGHEST_ENERGY,
    LOWEST_BEAM,
    check_geometry,
    elastic_energy,
    isotope_energies,
)
from surfspec.leis.collisions.potentials import SCREENING
from surfspec.leis.collisions.width import AcceptanceShape
from surfspec.leis.instrument import INSTRUMENT, instrument_of

#: Position above the edge and standard deviation of the plural-scattering foot, in units of the ion energy.
FOOT_SHAPE = (40.0 / 3000.0, 130.0 / 3000.0)

#: Largest energy (eV) at which the defaults of offset and tail hold; they grow with the energy beyond.
SCALED_ABOVE = 3000.0
_SCALED: Final = {"offset": (-30.0, 30.0), "tail": (0.5, 60.0)}
#: What is allowed, and whether the lower end is left out.
_RANGES: Final = {
    "offset": (-HIGHEST_ENERGY, HIGHEST_ENERGY, False),
    "resolution": (0.0, 1.0, True),
    "survival": (0.0, 1e5, False),
    "tail": (0.0, 1e5, True),
    "lag_range": (0.0, HIGHEST_ENERGY, False),
}
_NUMBERS: Final = {
    "gain": (0.01, 100.0, False),
    "thermal_energy": (0.0, 10.0, False),
    "sputter_decay": (1.0, 1e6, False),
}


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
        Range of the common shift of all energies, eV; the default is 30 eV either way, above 3 keV 1 % of the energy.
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
        Peaks with an exponential to low energy, and the range of its decay length, eV; the default reaches to 60 eV,
        above 3 keV to 2 % of the energy.
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
    offset: tuple[float, float] = field(default=_SCALED["offset"], metadata={"unit": "eV"})
    resolution: tuple[float, float] = field(default=(0.002, 0.04), metadata={"above": 0.0})
    acceptance: float | tuple[float, float] = field(default=1.0, metadata={"low": 0.0, "unit": "deg"})
    acceptance_shape: AcceptanceShape = "gaussian"
    thermal_energy: float = field(default=0.045, metadata={"low": 0.0, "unit": "eV"})
    low_energy_tail: bool = True
    tail: tuple[float, float] = field(default=_SCALED["tail"], metadata={"above": 0.0, "unit": "eV"})
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
                f"elements is the text {given!r}",
                where="elements",
                remedy=f"Give a list of symbols: {tuple(iso.symbols_in(given))}",
            )

        def put(name: str, value: object) -> None:
            object.__setattr__(self, name, value)

        put("elements", listed(self.elements, "elements"))
        if self.lag is not None:
            put("lag", listed(self.lag, "lag"))
        check_geometry(self.energy, self.angle, lowest=LOWEST_BEAM)
        if not isinstance(self.inelastic_loss, Mapping):
            raise InputError(
                f"inelastic_loss is {shown(self.inelastic_loss)}",
                where="inelastic_loss",
                remedy='Give eV by element: {"O": 12.0}',
            )
        self._check_elements()
        for name, (low, high, above) in _RANGES.items():
            value = getattr(self, name)
            if self.energy > SCALED_ABOVE and value is _SCALED.get(name):
                value = tuple(end * self.energy / SCALED_ABOVE for end in _SCALED[name])
            put(name, interval(value, name, low=low, high=high, above=above))
        for name, (low, high, above) in _NUMBERS.items():
            put(name, number(getattr(self, name), name, low=low, high=high, above=above))
        for name in ("low_energy_tail", "foot", "slope", "sputter_tail", "isotopes"):
            put(name, switch(getattr(self, name), name))
        self._check_rest(put)

    def _check_elements(self) -> None:
        iso.ion(self.ion)
        if not self.elements:
            raise InputError("no elements to look for", where="elements", remedy="Name at least one, such as O or Zr")
        for element in self.elements:
            iso.element_symbol(element)
        for loss in self.inelastic_loss.values():
            number(loss, "inelastic_loss", low=0.0, high=self.energy)
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

    def _check_rest(self, put: Callable[[str, object], None]) -> None:
        """Check what may be one of several things, by itself and against the other entries."""
        if isinstance(self.acceptance, list | tuple):
            put("acceptance", interval(self.acceptance, "acceptance", low=0.0, high=180.0, above=True))
        else:
            put("acceptance", number(self.acceptance, "acceptance", low=0.0, high=180.0))
        for name, words in (("acceptance_shape", get_args(AcceptanceShape)), ("potential", tuple(SCREENING))):
            if not isinstance(getattr(self, name), str) or getattr(self, name) not in words:
                raise InputError(
                    f"{name} is {shown(getattr(self, name))}", where=name, remedy=f"Use one of {', '.join(words)}"
                )
        if self.window is not None:
            put("window", interval(self.window, "window", low=0.0, high=10.0 * self.energy))
            if self.window[0] == self.window[1]:
                raise InputError(f"window {self.window} is empty", where="window", remedy="Give two energies")
        try:
            place, width = self.foot_shape
            place = number(place, "foot_shape", low=-1.0, high=1.0)
            put("foot_shape", (place, number(width, "foot_shape", low=0.0, high=1.0, above=True)))
        except (InputError, TypeError, ValueError):
            raise InputError(
                f"foot_shape {shown(self.foot_shape)} is no position and width",
                where="foot_shape",
                remedy="Give two fractions of the ion energy, such as [0.013, 0.043]",
            ) from None
        given: object = self.transmission
        if isinstance(given, list | tuple):
            pairs = tuple(tuple(pair) if isinstance(pair, list | tuple) else pair for pair in given)
            put("transmission", pairs)
        check_transmission(self.transmission)
        if isinstance(self.transmission, tuple):
            low, high = self.limits()
            if self.transmission[-1][0] <= low or self.transmission[0][0] >= high:
                raise InputError(
                    f"the transmission is known from {self.transmission[0][0]:g} to {self.transmission[-1][0]:g} eV, "
                    f"the window reaches from {low:g} to {high:g} eV",
                    where="transmission",
                    remedy="Give pairs inside the window, energies in eV",
                )

    def limits(self) -> tuple[float, float]:
        """Return the window in eV: the one given, or the one that the elements ask for."""
        if self.window is not None:
            return self.window
        centers = [self.gain * self.line(element) for element in self.elements]
        return max(0.0, min(centers) - 0.1 * self.energy), max(centers) + 0.1 * self.energy

    def with_instrument(self, found: Mapping[str, float] | xr.Dataset) -> Recipe:
        """Return the recipe with parameters of the instrument fixed, found once on spectra of good statistics.

        Parameters
        ----------
        found
            Values by name: ``offset``, ``resolution``, ``acceptance``, ``survival`` or ``tail``. Or the fit of one
            spectrum: all of these among its parameters.

        Raises
        ------
        InputError
            For another name, a fit of several spectra, or a failed one.

        Examples
        --------
        >>> Recipe(elements=("O",)).with_instrument({"resolution": 0.024}).resolution
        (0.024, 0.024)
        """
        values: Mapping[str, float] = instrument_of(found) if isinstance(found, xr.Dataset) else found
        if not isinstance(values, Mapping):
            raise InputError(
                f"found is {shown(values)}", where="with_instrument", remedy='Give values by name: {"offset": -3.0}'
            )
        for name in values:
            if name not in INSTRUMENT:
                raise InputError(
                    f"{name!r} is no parameter of the instrument",
                    where="with_instrument",
                    remedy="Use offset, resolution, acceptance, survival or tail",
                )
        fixed: dict[str, Any] = {name: (number(value, name),) * 2 for name, value in values.items()}
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
