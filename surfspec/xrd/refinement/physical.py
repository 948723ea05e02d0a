"""What the parameters say of a phase: cell, size, strain, texture, position and width of its strongest line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from surfspec.xrd.refinement.covariance import Uncertainty
from surfspec.xrd.refinement.lattice import cell_of
from surfspec.xrd.refinement.line_shape import shape
from surfspec.xrd.refinement.parameters import Parameters
from surfspec.xrd.refinement.stages import Fit

Array = NDArray[np.float64]

#: Scherrer's constant for the FWHM.
SCHERRER: Final = 0.9
#: A parameter whose uncertainty exceeds this share of its prior's rests on the prior.
PRIOR_RULES: Final = 0.5
CELL: Final = ("a", "b", "c", "alpha", "beta", "gamma", "volume")


@dataclass(frozen=True)
class Facts:
    """What a refinement says of one phase, with statistical variances (NaN where not determined).

    Attributes
    ----------
    cell, cell_covariance
        a, b, c (angstrom), angles (deg), volume (angstrom^3), shapes (7,) and (7, 7).
    size, strain
        nm and 1, each with its standard uncertainty; NaN without an instrument profile.
    size_limit
        Smallest size (nm): all Lorentzian broadening of the pattern taken for that of small crystallites.
    center, fwhm
        Of the strongest line, deg, each with its standard uncertainty.
    on_prior
        Whether the cell rests on its prior.
    """

    cell: Array
    cell_covariance: Array
    size: tuple[float, float]
    strain: tuple[float, float]
    size_limit: float
    texture: tuple[float, float]
    center: tuple[float, float]
    fwhm: tuple[float, float]
    on_prior: bool


def facts_of(fit: Fit, spread: Uncertainty, number: int, instrument: dict[str, float] | None) -> Facts:
    """Collect the facts of one phase."""
    table, model = fit.state.parameters, fit.models[number]
    place = table.where(number, "p")
    cell, by = cell_of(model.terms, table.value[place])
    variance = spread.parameters[np.ix_(place, place)]
    on_prior = bool(np.any(np.sqrt(np.diag(variance)) > PRIOR_RULES * table.prior_unc[place]))
    moved = bool(np.all(table.free[place]))
    covariance = by @ variance @ by.T if moved and not on_prior else np.full((7, 7), np.nan)
    fixed = ~np.any(np.abs(by) > 0, axis=1)
    covariance[fixed, :] = 0.0
    covariance[:, fixed] = 0.0
    size, strain, limit = _broadening(fit, spread, number, instrument)
    r = table.where(number, "r")
    texture = (float(table.value[r][0]), _root(spread, r[0])) if table.free[r][0] else (1.0, float("nan"))
    center, fwhm = _strongest(fit, spread, number)
    return Facts(cell, covariance, size, strain, limit, texture, center, fwhm, on_prior)


def _root(spread: Uncertainty, place: np.intp) -> float:
    return float(np.sqrt(spread.parameters[place, place]))


def _broadening(
    fit: Fit, spread: Uncertainty, number: int, instrument: dict[str, float] | None
) -> tuple[tuple[float, float], tuple[float, float], float]:
    table, wave = fit.state.parameters, fit.light.wavelengths[0]
    x, y = table.where(number, "X")[0], table.where(number, "Y")[0]
    none = (float("nan"), float("nan"))
    total = np.radians(table.value[x])
    limit = 0.1 * SCHERRER * wave / total if total > 0 else float("nan")
    if instrument is None:
        return none, none, float(limit)
    own = np.radians(table.value[x] - instrument.get("X", 0.0))
    unc = np.radians(_root(spread, x))
    size = none
    if np.isfinite(unc) and own > 3.0 * unc:
        size = (0.1 * SCHERRER * wave / own, 0.1 * SCHERRER * wave / own**2 * unc)
    wide, wide_unc = np.radians(table.value[y] - instrument.get("Y", 0.0)), np.radians(_root(spread, y))
    strain = (wide / 4.0, wide_unc / 4.0) if np.isfinite(wide_unc) else none
    return size, (float(strain[0]), float(strain[1])), float(limit)


def _strongest(fit: Fit, spread: Uncertainty, number: int) -> tuple[tuple[float, float], tuple[float, float]]:
    drawn, model, table = fit.state.drawn[number], fit.models[number], fit.state.parameters
    inside = (drawn.facts["center"] > fit.fitted.x[0]) & (drawn.facts["center"] < fit.fitted.x[-1])
    if not np.any(inside):
        none = (float("nan"), float("nan"))
        return none, none
    strength = drawn.area * fit.state.amplitudes_of(fit.models, number)[model.groups[drawn.number]]
    i = int(np.argmax(np.where(inside, strength + 1e-30 * drawn.area, -1.0)))
    facts = {name: float(value[i]) for name, value in drawn.facts.items()}
    line = drawn.number[i]
    gradient = np.zeros(len(table.value))
    gradient[table.where(number, "p")] = facts["by_q"] * model.parts[line]
    for role, key in (("zero", 1.0), ("displacement", facts["cosine"]), ("asymmetry", facts["by_asymmetry"])):
        gradient[table.where(-1, role)] = key
    one = shape(np.array([facts["gauss"]]), np.array([max(facts["lorentz"], 0.0)]))
    width = np.zeros(len(table.value))
    half = float(one.width_g[0]) / (2.0 * facts["gauss"])
    for role, key in (("U", facts["tangent"] ** 2), ("V", facts["tangent"]), ("W", 1.0)):
        width[table.where(-1, role)] = half * key
    width[table.where(number, "X")] = float(one.width_l[0]) / facts["cosine"]
    width[table.where(number, "Y")] = float(one.width_l[0]) * facts["tangent"]
    return (
        (facts["center"], _propagated(gradient, spread, table)),
        (float(one.width[0]), _propagated(width, spread, table)),
    )


def _propagated(gradient: Array, spread: Uncertainty, table: Parameters) -> float:
    """Return the standard uncertainty of a linear form; parameters that rest on a natural limit do not move."""
    known = np.isfinite(np.diag(spread.parameters))
    if not np.any(known & (gradient != 0)):
        return float("nan")
    part = gradient[known]
    return float(np.sqrt(max(part @ spread.parameters[np.ix_(known, known)] @ part, 0.0)))
