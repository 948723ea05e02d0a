"""Tables of a film drawn from the equations alone, simulated with numpy: an oracle without a line of the package."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import factorial

import numpy as np
import xarray as xr
from numpy.typing import NDArray

Array = NDArray[np.float64]

EDGES = np.array([0.0, 1.6e15, 3.2e15, 4.8e15, 6.4e15])
MONOLAYER = 0.238
#: Standard uncertainties: coverage (own, common), edge (own, relative common), length, XPS product.
OWN, COMMON, EDGE, STOPPING, LENGTH, PRODUCT = 0.012, 0.010, 0.05, 0.25, 3.0, 0.02


@dataclass(frozen=True)
class Film:
    """What is true."""

    coverage: float
    layers: int
    sigma: float
    thickness: float


def left_by_sum(layers: int, sigma: float) -> tuple[Array, Array]:
    """Mean share covered and layers on it in each spectrum: Poisson terms summed, doses averaged on a fine grid."""
    covered, left = [], []
    for a, b in pairwise(EDGES):
        x = sigma * (a + (b - a) * (np.arange(400) + 0.5) / 400)
        terms = [np.exp(-x) * x**j / factorial(j) for j in range(layers)]
        covered.append(sum(terms).mean())
        left.append(sum((layers - j) * term for j, term in enumerate(terms)).mean() / covered[-1])
    return np.array(covered), np.array(left)


def film(rng: np.random.Generator, coverage: float, layers: int, sigma: float) -> Film:
    """Return a film whose thickness is that of its layers, to half a monolayer and 5 %."""
    thickness = layers * MONOLAYER * (1 + 0.05 * rng.normal()) + MONOLAYER * (rng.uniform() - 0.5)
    return Film(coverage, layers, sigma, max(thickness, 0.0))


def over_dose(variables: dict[str, Array], units: str, **attrs: float | str) -> xr.Dataset:
    data = {name: ("dose", values, {"units": units}) for name, values in variables.items()}
    dose = {"dose": ("dose", EDGES[1:], {"units": "ions/cm2"})}
    return xr.Dataset(data, coords=dose, attrs={"kind": "table", "technique": "LEIS", "simulated": "true", **attrs})


def coverages(rng: np.random.Generator, true: Film, noise: float = 1.0) -> xr.Dataset:
    covered, _ = left_by_sum(true.layers, true.sigma)
    seen = true.coverage * covered + noise * (OWN * rng.normal(size=4) + COMMON * rng.normal())
    covariance = OWN**2 * np.eye(4) + COMMON**2
    table = over_dose({"coverage": seen, "coverage_unc": np.sqrt(np.diag(covariance))}, "1", monolayer=MONOLAYER)
    table["coverage_covariance"] = (("dose", "dose_b"), covariance, {"units": "1"})
    return table


def thicknesses(rng: np.random.Generator, true: Film, noise: float = 1.0) -> xr.Dataset:
    _, left = left_by_sum(true.layers, true.sigma)
    seen = true.thickness * left / true.layers * (1 + noise * STOPPING * rng.normal())
    seen = seen + noise * EDGE * rng.normal(size=4)
    own = np.full(4, EDGE)
    return over_dose(
        {"thickness": seen, "thickness_unc": np.hypot(own, STOPPING * seen), "thickness_stat_unc": own}, "nm"
    )


def attenuation(rng: np.random.Generator, true: Film, noise: float = 1.0, factor: float = 1.0) -> xr.Dataset:
    """Return the table of lines of one length, which tell the product and nothing else."""
    product = true.coverage * (1 - np.exp(-factor * true.thickness / LENGTH)) + noise * PRODUCT * rng.normal()
    trial = np.round(np.linspace(0.05, 1.0, 20), 2)
    share = np.clip(product / trial, 0.0, 1.0)
    thick = np.where(share < 1, -LENGTH * np.log1p(-np.minimum(share, 0.9999)), np.nan)
    chi2 = np.where(share < 1, 0.0, ((product - trial) / PRODUCT) ** 2)
    scalar = {
        "equivalent_thickness": -LENGTH * np.log1p(-product),
        "equivalent_thickness_unc": PRODUCT * LENGTH / (1 - product),
    }
    return xr.Dataset(
        {
            **{name: ((), value, {"units": "nm"}) for name, value in scalar.items()},
            "trial_thickness": ("trial_coverage", thick, {"units": "nm"}),
            "trial_chi2": ("trial_coverage", chi2, {"units": "1"}),
            "film_length": ("line", np.full(3, LENGTH), {"units": "nm"}),
        },
        coords={"trial_coverage": ("trial_coverage", trial, {"units": "1"})},
        attrs={"kind": "table", "technique": "XPS", "simulated": "true"},
    )
