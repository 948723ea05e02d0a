"""How much of a line belongs to one chemical state: a fraction with its uncertainty, or less than a limit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import xarray as xr
from scipy.stats import chi2, norm

from surfspec import schema, spectra
from surfspec._version import __version__
from surfspec.errors import InputError
from surfspec.fitting.likelihood import ONE_SIGMA
from surfspec.fitting.series import Progress, check_progress
from surfspec.fitting.solver import solve as solve_problem
from surfspec.fitting.solver.inputs import probability
from surfspec.xps.questions.fraction_grounds import grounds, hedged
from surfspec.xps.questions.profiled_fraction import BETTER, LARGEST, Curve, Shares, upper_limit
from surfspec.xps.questions.simulated_ratio import check_simulation, simulated_ratio
from surfspec.xps.questions.states import level_of, shares_of, without
from surfspec.xps.recipe import Recipe, load_recipe
from surfspec.xps.region.prepare import prepare
from surfspec.xps.region.solving import Solved, solve
from surfspec.xps.region.spectrum_fit import fit

#: A state is detected where its absence is as improbable as a normal deviation of this many sigma, one-sided.
DETECTED: Final = 3.0
#: Times the best fit is looked for again where a better one turns up on the way.
PASSES: Final = 4
#: Step in the share where its uncertainty is not known.
FIRST_STEP: Final = 0.01
#: What the table holds for each spectrum: long names; shares have the unit 1.
_NUMBERS: Final = {
    "fraction": "Share of the line's area",
    "fraction_unc": "Standard uncertainty",
    "fraction_low": "Low end of the 68 % interval of the profile likelihood",
    "fraction_high": "High end of the 68 % interval of the profile likelihood",
    "upper_limit": "Share that is excluded from here on (CLs)",
    "likelihood_ratio": "Rise of the deviance without the state",
    "p_value": "Probability of such a rise where nothing is",
    "p_value_unc": "Uncertainty that the number of replicates leaves",
    "position": "Best place of the state",
}
_WORDS: Final = ("answer", "statement", "p_value_by", "verdict", "reasons")


def state_fraction(
    spectrum: xr.Dataset,
    recipe: Recipe | str,
    component: str,
    *,
    confidence: float = 0.95,
    shift_search: float | None = None,
    energy_shift: float | None = None,
    replicates: int = 0,
    seed: int = 0,
    engine: str = "auto",
    force: bool = False,
    progress: Progress | None = None,
) -> xr.Dataset:
    r"""Return the share that one chemical state has of its line, or the limit below which it lies.

    .. math:: f = \frac{\sum_{c\,\in\,\mathrm{state}} A_c}{\sum_{c\,\in\,\mathrm{line}} A_c}, \qquad
              q(f) = \min_{\mathrm{others}} D(f) - D_{\min}

    The deviance D is minimised at every share over all other parameters: areas, widths, the end levels of the
    background within their noise, and the place of the state in the range that the recipe gives it. The 68 % interval
    is where q < 1; the upper limit is where :math:`CL_s(f) = 1 -` confidence. CLs divides the probability of so
    small a signal at the share f by that where nothing is: it is right at the limit 0, never excludes what the data
    cannot see, and covers at least what it says. A free place makes the limit that of the place that allows most.

    Correct the charge first (:func:`surfspec.xps.charge_correct`): places mean something on a known scale only, and a
    shift beyond the recipe's ``shift_search`` moves the state out of its range. What the fit says against itself
    (``reasons``) is part of the statement.

    Parameters
    ----------
    spectrum
        Kind ``spectrum``, technique XPS; of a series each member by itself.
    recipe
        With the state and the other states of its line, each with an area of its own.
    component
        Name of the state in the recipe: ``"Zr2+"``.
    confidence
        Of the upper limit.
    shift_search, energy_shift
        As for :func:`surfspec.xps.fit`.
    replicates
        Spectra without the state that are simulated for the p-value; it then knows that the place was looked for. With
        0 the p-value is that of chi-square (halved where place and shape are known).
    seed, engine
        Of the replicates, as for :func:`surfspec.xps.bootstrap`.
    force
        Use fits as well that are refused otherwise.
    progress
        Called with (members done, members in all).

    Returns
    -------
    xarray.Dataset
        Kind ``table``, over the dimensions of a series: ``fraction`` with ``_unc`` (covariance), ``fraction_low``,
        ``fraction_high`` (profile), ``upper_limit``, all with the unit 1; ``likelihood_ratio``, ``p_value``,
        ``p_value_unc`` and ``p_value_by``; ``position`` (eV); ``answer`` (``detected`` from three sigma on,
        ``upper limit``, or ``no limit``), ``statement``; ``verdict`` and ``reasons`` of the fit.

    Raises
    ------
    InputError
        For a state that the recipe does not have, that is tied to another area, or that has its line for itself.
    NotDeterminedError
        Unless forced, for a failed fit, a reduced chi-square above 3 (known statistics), or an energy scale that is not
        known: the search for its shift ended at its end.

    References
    ----------
    Read, J. Phys. G 28 (2002) 2693 (CLs); Cowan, Cranmer, Gross and Vitells, Eur. Phys. J. C 71 (2011) 1554;
    Feldman and Cousins, Phys. Rev. D 57 (1998) 3873 (why a limit must know the boundary); Gross and Vitells, Eur. Phys.
    J. C 70 (2010) 525 (looking elsewhere).

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> from dataclasses import replace
    >>> one = ss.xps.load_recipe("Zr 3d")
    >>> lower = replace(one.doublets[0], name="Zr2+", center=ss.xps.Range(follows="Zr4+", offset=-1.6),
    ...                 splitting=ss.xps.Range(follows="Zr4+"),
    ...                 widths={role: ss.xps.Range(follows="Zr4+") for role in ("fwhm_gauss", "fwhm_lorentz")})
    >>> e = np.arange(176.0, 192.0, 0.1)
    >>> y = 500 + 900 * np.exp(-((e - 182.4) / 0.8) ** 2) + 600 * np.exp(-((e - 184.81) / 0.8) ** 2)
    >>> spectrum = ss.spectrum(e, np.round(y), technique="XPS", region="Zr 3d")
    >>> found = ss.xps.state_fraction(spectrum, replace(one, doublets=(one.doublets[0], lower)), "Zr2+")
    >>> found.answer.item(), bool(0 < found.upper_limit < 0.03)
    ('upper limit', True)
    """
    chosen = load_recipe(recipe) if isinstance(recipe, str) else recipe
    level = probability("confidence", confidence)
    simulation = _Simulation(check_simulation(replicates, seed, engine), seed, engine)
    check_progress(progress)
    if not isinstance(spectrum, xr.Dataset):
        raise InputError(
            f"a {type(spectrum).__name__} is no spectrum", where="spectrum", remedy="Give one: ss.read(...)"
        )
    ready = prepare(spectrum, chosen, shift_search=shift_search, energy_shift=energy_shift)
    shares = shares_of(chosen, ready.task.table, component)
    asked = _Asked(chosen, component, shares, level, ready.shift, ready.task.extra, force)
    dims = schema.series_dims(spectrum)
    shape = tuple(spectrum.sizes[dim] for dim in dims)
    rows = []
    for number, index in enumerate(np.ndindex(shape)):
        member = spectrum.isel(dict(zip(dims, index, strict=True)))
        where = ", ".join(f"{dim} {i}" for dim, i in zip(dims, index, strict=True))
        rows.append(asked.of(member, simulation, where))
        if progress is not None:
            progress(number + 1, max(1, int(np.prod(shape, dtype=int))))
    return _table(spectrum, asked, rows, dims, shape)


@dataclass(frozen=True)
class _Simulation:
    """How the p-value is simulated."""

    replicates: int
    seed: int
    engine: str


@dataclass(frozen=True)
class _Asked:
    """What is asked of every spectrum."""

    recipe: Recipe
    component: str
    shares: Shares
    confidence: float
    shift: float
    before: tuple[str, ...]
    force: bool

    def of(self, spectrum: xr.Dataset, simulation: _Simulation, where: str) -> dict[str, Any]:
        """Return the row of one spectrum."""
        fitted = fit(spectrum, self.recipe, energy_shift=self.shift)
        verdict, reasons = grounds(fitted, self.before, self.component, where=where, force=self.force)
        one = solve(spectrum, self.recipe, energy_shift=self.shift)
        center = self._center(one)
        curve, step = self._curve(one, center)
        share, unc = self.shares.fraction(curve.best[2], curve.covariance)
        out: dict[str, Any] = {
            "fraction": share,
            "fraction_unc": unc,
            "fraction_low": curve.end(1.0, step, up=False),
            "fraction_high": curve.end(1.0, step, up=True),
            "upper_limit": upper_limit(curve, self._nothing(one, curve, center), self.confidence, 2 * step),
            "likelihood_ratio": curve.rise(0.0),
            "position": self._position(curve.best[2]) if share > 0 else np.nan,
            "verdict": verdict,
            "reasons": reasons,
        }
        out |= self._probability(spectrum, one, out["likelihood_ratio"], simulation)
        answer = self._answer(out)
        return out | answer | {"statement": hedged(answer["statement"], self.component, verdict, reasons)}

    def _curve(self, one: Solved, center: int | None) -> tuple[Curve, float]:
        """Return the deviance over the share, its minimum asked at both ends of the interval; and the step to take."""
        best = one.solution
        for _ in range(PASSES):
            curve = Curve(one.problem, one.y, one.noise, self.shares, center, best)
            unc = self.shares.fraction(best.values, best.covariance)[1]
            step = unc if np.isfinite(unc) and 0 < unc < 1 else FIRST_STEP
            for fraction in (0.0, curve.best[0] + step, curve.best[0] + 2 * step):
                curve.deviance(min(fraction, LARGEST))
            if curve.best[1] >= best.deviance - BETTER * curve.scale:
                break
            best = solve_problem(one.problem, one.y, starts=[curve.best[2]], **one.noise)
        return curve, step

    def _center(self, one: Solved) -> int | None:
        """Return the position of the state's own free centre among the parameters."""
        names = [p.name for p in one.problem.parameters]
        name = f"{self.component} center"
        return names.index(name) if name in names and one.problem.parameters[names.index(name)].vary else None

    def _nothing(self, one: Solved, curve: Curve, center: int | None) -> Curve:
        """Return the curve of the model without the state, as if it had been measured without noise."""
        values = curve.seen[0.0][1]
        expected = np.asarray(one.problem.evaluate(values), dtype=np.float64)
        expected = np.maximum(expected, 0.0) if one.noise["statistics"] == "poisson" else expected
        told = dict(one.noise)
        if told["statistics"] == "unknown":
            told = {"statistics": "given", "sigma": np.sqrt(curve.scale) * self._spread(one)}
        best = replace(one.solution, values=values, deviance=0.0, scale=1.0)
        return Curve(one.problem, expected, told, self.shares, center, best)

    def _spread(self, one: Solved) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Return the standard uncertainties that the solver took, before they were scaled."""
        with np.errstate(invalid="ignore", divide="ignore"):
            pulls = one.solution.pulls * np.sqrt(one.solution.scale)
            spread = (one.y - one.solution.fitted) / pulls
        return np.asarray(np.where(np.isfinite(spread) & (spread > 0), spread, np.nanmedian(spread)))

    def _position(self, values: np.ndarray[Any, np.dtype[np.float64]]) -> float:
        count = len(self.shares.bound.parameters)
        place, _ = self.shares.bound.gradient(self.shares.state[0], "center", values[:count])
        return float(place)

    def _probability(
        self, spectrum: xr.Dataset, one: Solved, rise: float, simulation: _Simulation
    ) -> dict[str, float | str]:
        """Return the probability of such a rise where nothing is, and where it comes from."""
        if simulation.replicates:
            found = simulated_ratio(
                spectrum,
                without(self.recipe, self.component),
                self.recipe,
                energy_shift=self.shift,
                replicates=simulation.replicates,
                seed=simulation.seed,
                engine=simulation.engine,
            )
            by = f"{found.replicates} simulated spectra without the state"
            return {"p_value": found.p_value, "p_value_unc": found.p_unc, "p_value_by": by}
        own = [p for p in one.problem.parameters if p.vary and p.name.startswith(f"{self.component} ")]
        free = len(own) - 1  # that mean nothing without the area
        p = 0.5 * float(chi2.sf(rise, 1)) if rise > 0 and not free else float(chi2.sf(rise, 1 + free))
        by = (
            f"chi-square with {1 + free} degrees of freedom" if free else "half a chi-square with one degree of freedom"
        )
        return {"p_value": p, "p_value_unc": np.nan, "p_value_by": by}

    def _answer(self, row: dict[str, Any]) -> dict[str, str]:
        """Return the answer in words."""
        line = level_of(self.recipe.region)
        count = str(row["p_value_by"]).split(maxsplit=1)[0]
        needed = float(norm.sf(DETECTED))
        if count.isdigit():  # no simulation of n spectra finds less than 1 in n + 1
            needed = max(needed, 1.5 / (int(count) + 1))
        if row["p_value"] <= needed and row["fraction"] > 0:
            low, high = 100 * row["fraction_low"], 100 * row["fraction_high"]
            text = (
                f"{self.component} is {100 * row['fraction']:.3g} +- {100 * row['fraction_unc']:.2g} % of {line}"
                f" ({ONE_SIGMA:.0%} interval {low:.3g} to {high:.3g} %)"
            )
            return {"answer": "detected", "statement": text}
        if not row["upper_limit"] < 1:
            return {"answer": "no limit", "statement": f"the data do not limit the share of {self.component}"}
        limit = f"{100 * row['upper_limit']:.2g} % of {line}"
        text = f"{self.component} is less than {limit} ({100 * self.confidence:.4g} % confidence)"
        return {"answer": "upper limit", "statement": text}


def _table(
    spectrum: xr.Dataset, asked: _Asked, rows: list[dict[str, Any]], dims: tuple[str, ...], shape: tuple[int, ...]
) -> xr.Dataset:
    """Return the rows as a Dataset over the series."""
    out = xr.Dataset(coords={name: one for name, one in spectrum.coords.items() if set(one.dims) <= set(dims)})
    for name, label in _NUMBERS.items():
        attrs = {"units": "eV" if name == "position" else "1", "long_name": label}
        if f"{name}_unc" in _NUMBERS:
            attrs["ancillary_variables"] = f"{name}_unc"
        out[name] = (dims, np.array([float(row[name]) for row in rows]).reshape(shape), attrs)
    for name in _WORDS:
        out[name] = (dims, np.array([str(row[name]) for row in rows]).reshape(shape))
    out.attrs = {
        "kind": "table",
        "technique": "XPS",
        "surfspec_version": __version__,
        "component": asked.component,
        "confidence": asked.confidence,
        "recipe_name": asked.recipe.recipe,
        "energy_shift": asked.shift,
        "statistics": str(spectrum.attrs["statistics"]),
        **spectra.origin(spectrum),
    }
    return schema.check(out, "table")
