"""The likelihood ratio of two recipes, its distribution found by simulation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec.errors import InputError, NotDeterminedError
from surfspec.fitting.series import Progress
from surfspec.fitting.solver.inputs import whole_number
from surfspec.xps.recipe import Recipe
from surfspec.xps.region.member import END_POINTS, noise
from surfspec.xps.region.spectrum_fit import ENGINES, fit

Array = NDArray[np.float64]

#: Replicates that are fitted at once.
CHUNK: Final = 50
#: Replicates beyond the data after which the answer is clear.
CLEAR: Final = 20
#: Dimension of the replicates.
DIM: Final = "null_replicate"
#: Difference of two ratios that are equal: both models are at one minimum.
EQUAL: Final = 1e-6


@dataclass(frozen=True)
class SimulatedRatio:
    """A likelihood ratio and how often chance makes it as large.

    Attributes
    ----------
    observed
        Deviance of the smaller model less that of the larger, over the scale of the noise.
    p_value, p_unc
        Part of the spectra of the smaller model whose ratio is at least that, and the uncertainty that the number of
        replicates leaves.
    replicates
        How many were fitted.
    ratios
        Those of the replicates, shape (replicates,).
    """

    observed: float
    p_value: float
    p_unc: float
    replicates: int
    ratios: Array


def check_simulation(replicates: Any, seed: Any, engine: Any) -> int:
    """Check how replicates are asked for, used or not, and return how many.

    Raises
    ------
    InputError
        For what is no number from 0 on, or an engine that does not exist.
    """
    if isinstance(replicates, bool) or not isinstance(replicates, int | np.integer) or replicates < 0:
        raise InputError(f"{replicates!r:.40} replicates", where="replicates", remedy="Give 0, or some hundreds")
    whole_number("seed", seed, 0)
    if not isinstance(engine, str) or engine not in ENGINES:
        raise InputError(f"engine={engine!r:.40} is not known", where="engine", remedy=f"Use {', '.join(ENGINES)}")
    return int(replicates)


def simulated_ratio(
    spectrum: xr.Dataset,
    smaller: Recipe,
    larger: Recipe,
    *,
    energy_shift: float,
    replicates: int,
    seed: int = 0,
    engine: str = "auto",
    progress: Progress | None = None,
) -> SimulatedRatio:
    r"""Compare two nested recipes by spectra drawn from the fit of the smaller one.

    .. math:: T = (D_0 - D_1) / s, \qquad p = \frac{1 + \#\{T^* \ge T\}}{1 + n} \quad\text{or}\quad \frac{h}{l}

    where the h-th replicate that reaches T is the l-th of all: there it ends, the answer is clear. The regularity
    conditions of the chi-square distribution fail here (an area of zero lies on its limit, and there its centre means
    nothing), so the distribution of T is simulated. The background of every replicate is computed anew from its data.

    Parameters
    ----------
    spectrum
        Single, kind ``spectrum``.
    smaller, larger
        Recipes; the larger one has what the smaller one has.
    energy_shift
        Of the scale, as for :func:`surfspec.xps.fit`.
    replicates
        At most.
    seed, engine, progress
        As for :func:`surfspec.xps.bootstrap`.

    Returns
    -------
    SimulatedRatio

    Raises
    ------
    NotDeterminedError
        When the data cannot be fitted with one of the recipes, or most replicates cannot.

    References
    ----------
    Besag and Clifford, Biometrika 78 (1991) 301 (sequential Monte Carlo p-values); Davison and Hinkley, Bootstrap
    Methods and their Application (1997), section 4.2; Protassov et al., Astrophys. J. 571 (2002) 545.
    """
    null = fit(spectrum, smaller, energy_shift=energy_shift)
    draw = _Drawing(spectrum, null, np.random.default_rng(seed))
    ratios, observed, done = np.zeros(0), np.nan, 0
    while done < replicates and np.count_nonzero(ratios >= observed - EQUAL) < CLEAR:
        count = min(CHUNK, replicates - done)
        series = draw.series(count, with_data=done == 0)
        found = _ratios(series, smaller, larger, energy_shift, engine)
        if done == 0:
            observed, found = float(found[0]), found[1:]
            if not np.isfinite(observed):
                raise NotDeterminedError(
                    "one of the two models cannot be fitted to these data",
                    where=f"{smaller.recipe}, {larger.recipe}",
                    remedy="Fit each with xps.fit, see its reasons and mend the recipe or the data",
                )
        ratios = np.concatenate([ratios, found[np.isfinite(found)]])
        done += count
        if progress is not None:
            progress(done, replicates)
    if 2 * ratios.size < done:
        raise NotDeterminedError(
            f"{done - ratios.size} of {done} replicates could not be fitted",
            where=smaller.recipe,
            remedy="Narrow the ranges of the recipe",
        )
    return SimulatedRatio(observed, *_p_value(ratios >= observed - EQUAL), ratios)


def _p_value(beyond: NDArray[np.bool_]) -> tuple[float, float, int]:
    """Return the p-value, its uncertainty and the number of replicates that it rests on."""
    n, hits = beyond.size, np.flatnonzero(beyond)
    if hits.size >= CLEAR:
        last = int(hits[CLEAR - 1]) + 1
        p = CLEAR / last
        return p, p * float(np.sqrt((1 - p) / CLEAR)), n
    p = (1 + hits.size) / (1 + n)
    return p, float(np.sqrt(p * (1 - p) / n)), n


def _ratios(series: xr.Dataset, smaller: Recipe, larger: Recipe, shift: float, engine: str) -> Array:
    """Return the likelihood ratio of every member; NaN where a fit was refused."""
    one, two = (fit(series, recipe, energy_shift=shift, engine=engine) for recipe in (smaller, larger))
    scale = two["chi2"].values / two["dof"].values if series.attrs["statistics"] == "unknown" else 1.0
    return np.asarray((one["deviance"].values - two["deviance"].values) / scale, dtype=np.float64)


class _Drawing:
    """Draws spectra that the fit of a recipe says could have been measured."""

    def __init__(self, spectrum: xr.Dataset, null: xr.Dataset, rng: np.random.Generator) -> None:
        if not np.all(np.isfinite(null["model"].values)):
            raise NotDeterminedError(
                f"there is no model to draw spectra from ({null['reasons'].item()})",
                where=str(null.attrs["recipe_name"]),
                remedy="Mend the recipe or the data",
            )
        self.spectrum, self.rng = spectrum, rng
        y = np.asarray(spectrum["intensity"].values, dtype=np.float64)
        self.counts = spectrum.attrs["statistics"] == "poisson"
        half = END_POINTS // 2  # outside the window nothing was fitted: the centred mean is what would be expected
        expected = np.convolve(np.pad(y, half, mode="reflect"), np.ones(END_POINTS) / END_POINTS, mode="valid")
        expected[np.isin(spectrum["binding_energy"].values, null["binding_energy"].values)] = null["model"].values
        self.expected = np.maximum(expected, 0.0) if self.counts else expected
        given = np.asarray(spectrum["intensity_unc"].values, dtype=np.float64) if "intensity_unc" in spectrum else None
        self.spread = given if self.counts else noise(y, str(spectrum.attrs["statistics"]), given)
        if not self.counts and self.spread is None:
            raise InputError("no uncertainties are given", where="spectrum", remedy="Add intensity_unc")

    def series(self, count: int, *, with_data: bool) -> xr.Dataset:
        """Return so many spectra, the measured one first where asked."""
        shape = (count, self.expected.size)
        if self.counts:
            drawn = self.rng.poisson(self.expected, shape).astype(np.float64)
        else:
            drawn = self.rng.normal(self.expected, np.asarray(self.spread), shape)
        if with_data:
            drawn = np.concatenate([self.spectrum["intensity"].values[None], drawn])
        out = self.spectrum.drop_vars("intensity")
        out["intensity"] = ((DIM, "binding_energy"), drawn, self.spectrum["intensity"].attrs)
        if "intensity_unc" in out:
            out["intensity_unc"] = out["intensity_unc"].broadcast_like(out["intensity"]).transpose(DIM, ...)
        return out
