"""What may be said of a film on a substrate: materials, angle, states and uncertainties, checked before the fit."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import xarray as xr

from surfspec import reference
from surfspec.errors import InputError
from surfspec.reference import Material
from surfspec.xps.amounts.areas import check_mapping, element_of, is_core, number
from surfspec.xps.amounts.budget import Transmission
from surfspec.xps.amounts.mean_free_path import METHODS
from surfspec.xps.film.model import BARE, THICK
from surfspec.xps.film.signals import PHASES, Layers

#: Standard uncertainties of the inputs where none are stated, relative. Those of the lengths come from the formula and
#: the numbers of the material. Choices of this program: 5 % a sensitivity factor, 3 % the ratio of the densities, 0.05
#: the exponent of the transmission, 10 % the gain between two samples.
TYPICAL: Final[dict[str, float]] = {
    "sensitivity": 0.05,
    "density": 0.03,
    "transmission_exponent": 0.05,
    "bare_gain": 0.10,
    "thick_gain": 0.10,
}
#: What may be stated.
KEYS: Final = ("film_length", "substrate_length", "contamination_length", *TYPICAL)
#: Emission angles in degrees: up to the first electrons fly nearly straight (ISO 14701 and Cumpson & Seah, Surf.
#: Interface Anal. 25 (1997) 430, stay within about 60 to 65), beyond the second the model says nothing.
STRAIGHT, GRAZING = 65.0, 80.0
#: Elements that draw electrons from a pure one, so that its level lies at higher binding energy in their compounds;
#: and the elements for which that does not hold, whose oxides have shifts of the other sign or none.
DRAWING: Final = frozenset({"O", "F", "Cl"})
UNUSUAL: Final = frozenset({"Ag", "Cd", "Ca", "Sr", "Ba", "K", "Rb", "Cs", "O", "F", "Cl"})


def layers_of(
    film: str | Material,
    substrate: str | Material,
    contamination: str | Material | None,
    attenuation: str,
    angle: float,
    library: str | Mapping[str, float],
    transmission: Transmission,
    states: Mapping[str, str] | None,
) -> Layers:
    """Return the layers, as :func:`surfspec.xps.thickness` is told of them.

    Raises
    ------
    InputError
        For unknown materials, formulas or layers, a film of the substrate's material, an impossible angle.
    """
    if attenuation not in METHODS:
        raise InputError(
            f"attenuation is {attenuation!r}", where="attenuation", remedy=f"Use one of {', '.join(METHODS)}"
        )
    if number(angle, "emission_angle", 0.0, 90.0, "degrees from the normal") > GRAZING:
        raise InputError(
            f"emission_angle is {angle:g} degrees, where electrons fly along the surface",
            where="emission_angle",
            remedy=f"Measure at {STRAIGHT:g} degrees from the normal or less: the straight-line model says nothing "
            f"beyond {GRAZING:g} (ISO 14701)",
        )
    if states is not None and not isinstance(states, Mapping):
        raise InputError(
            f"states is a {type(states).__name__}", where="states", remedy="Give {'SiO2': 'film', 'Si': 'substrate'}"
        )
    wrong = [phase for phase in (states or {}).values() if phase not in PHASES]
    if wrong:
        raise InputError(
            f"there is no layer {wrong[0]!r}", where="states", remedy=f"Assign species to {', '.join(PHASES)}"
        )
    upper, lower = reference.material(film), reference.material(substrate)
    if (upper.formula, upper.density) == (lower.formula, lower.density):
        raise InputError(
            f"film and substrate are both {upper.formula}",
            where="film",
            remedy="Name two materials: a film of the substrate's own material has no thickness that lines could tell",
        )
    return Layers(
        film=upper,
        substrate=lower,
        contamination=None if contamination is None else reference.material(contamination),
        method=attenuation,
        cosine=float(np.cos(np.radians(angle))),
        factors=library,
        transmission=transmission,
        states=dict(states or {}),
    )


def sigma_of(uncertainties: Mapping[str, float] | None) -> dict[str, float]:
    """Return the relative uncertainties of the inputs, the typical ones where nothing is stated."""
    if uncertainties is not None and not isinstance(uncertainties, Mapping):
        raise InputError(
            f"uncertainties is a {type(uncertainties).__name__}",
            where="uncertainties",
            remedy=f"Give a mapping with some of {', '.join(KEYS)}",
        )
    for key, value in (uncertainties or {}).items():
        if key not in KEYS:
            near = difflib.get_close_matches(str(key), KEYS, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"Use some of {', '.join(KEYS)}"
            raise InputError(f"{key!r} is no source of uncertainty", where="uncertainties", remedy=hint)
        number(value, key, 0.0, 10.0)
    return {**TYPICAL, **{key: float(value) for key, value in (uncertainties or {}).items()}}


def references_of(
    fits: Mapping[str, xr.Dataset], bare: Mapping[str, xr.Dataset] | None, thick: Mapping[str, xr.Dataset] | None
) -> dict[int, Mapping[str, xr.Dataset]]:
    """Return the references that are given, by the number of their sample.

    Raises
    ------
    InputError
        For a reference that is no mapping of fits, or that shares no region with the sample.
    """
    found = {}
    for sample, name, given in ((BARE, "bare_substrate", bare), (THICK, "thick_film", thick)):
        if given is None:
            continue
        check_mapping(given, name)
        if not set(given) & set(fits):
            raise InputError(
                f"it has {', '.join(map(str, given))} and the sample {', '.join(map(str, fits))}",
                where=name,
                remedy="Give fits of the same regions as those of the sample: they are compared line by line",
            )
        found[sample] = given
    return found


def check_states(fits: Sequence[xr.Dataset], layers: Layers) -> None:
    """Refuse states that no fit has, and those of a pure element and its oxide or halide that are exchanged.

    Parameters
    ----------
    fits
        Fits of the sample and of its references.
    layers
        What the states are assigned to.

    Raises
    ------
    InputError
        Naming the state.

    References
    ----------
    Moulder et al., Handbook of X-ray Photoelectron Spectroscopy (1992): chemical shifts.
    """
    species = dict.fromkeys(str(one) for fit in fits for one in fit["species"].values)
    unknown = [name for name in layers.states if name not in species]
    if unknown:
        raise InputError(
            f"no fit has the state {unknown[0]!r}", where="states", remedy=f"The fits have {', '.join(species)}"
        )
    for fit in fits:
        places = _places(fit, layers.states)
        for pure, other in (("film", "substrate"), ("substrate", "film")):
            if {pure, other} <= set(places) and _is_oxidised(fit, layers, pure, other) and places[pure] > places[other]:
                names = " and ".join(f"{name} to the {phase}" for name, phase in layers.states.items())
                raise InputError(
                    f"the states go {names}, yet the pure element would lie {places[pure] - places[other]:.2f} eV "
                    "above its compound",
                    where="states",
                    remedy="Exchange them: an oxide or halide lies at higher binding energy than the element",
                )


def _places(fit: xr.Dataset, states: Mapping[str, str]) -> dict[str, float]:
    """Return the mean binding energy of the states of each layer, eV."""
    places: dict[str, list[float]] = {}
    for name, center, core in zip(fit["species"].values, fit["center"].values, is_core(fit), strict=True):
        if core and str(name) in states and np.isfinite(center):
            places.setdefault(states[str(name)], []).append(float(center))
    return {phase: float(np.mean(values)) for phase, values in places.items()}


def _is_oxidised(fit: xr.Dataset, layers: Layers, pure: str, other: str) -> bool:
    """Say whether one layer is the element of a fit and the other its oxide or halide."""
    element = element_of(fit)
    held = {phase: set(reference.composition(getattr(layers, phase).formula)) for phase in (pure, other)}
    return held[pure] == {element} and element in held[other] and bool(held[other] & DRAWING) and element not in UNUSUAL
