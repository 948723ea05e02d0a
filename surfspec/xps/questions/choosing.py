"""Which of several recipes a spectrum asks for: information criteria, likelihood ratios by simulation, a conclusion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import schema, spectra
from surfspec._version import __version__
from surfspec.errors import InputError
from surfspec.fitting.series import Progress, check_progress
from surfspec.fitting.solver.inputs import probability
from surfspec.xps.questions.fraction_grounds import grounds
from surfspec.xps.questions.simulated_ratio import SimulatedRatio, check_simulation, simulated_ratio
from surfspec.xps.recipe import Recipe, load_recipe
from surfspec.xps.region.prepare import Prepared, prepare
from surfspec.xps.region.spectrum_fit import fit

Array = NDArray[np.float64]

#: Reasons that stand against the parameters of a model that the data ask for.
LOOSE: Final = ("not determined", "not resolved", "below detection", "correlated", "no peak detected")
#: Difference of two BIC that is strong evidence (Kass and Raftery), and one that says nothing.
STRONG: Final = 6.0
WEAK: Final = 2.0
_NONE: Final = "not resolved"


def choose(
    spectrum: xr.Dataset,
    recipes: Sequence[Recipe | str],
    *,
    level: float = 0.05,
    replicates: int = 999,
    seed: int = 0,
    shift_search: float | None = None,
    energy_shift: float | None = None,
    engine: str = "auto",
    progress: Progress | None = None,
) -> xr.Dataset:
    r"""Fit several recipes to one spectrum and say which one the data ask for.

    .. math:: \mathrm{AIC} = D + 2k, \qquad \mathrm{BIC} = D + k \ln n, \qquad
              w_i \propto e^{-(\mathrm{IC}_i - \min \mathrm{IC}) / 2}, \qquad T = D_0 - D_1

    with the deviance D, k free parameters and n points (for unknown statistics :math:`D = n \ln(\chi^2 / n)`). Where
    one recipe has all the peaks of another one and more, the likelihood ratio T is compared with that of spectra
    which are drawn from the fit of the smaller one, background and all: the chi-square distribution does not hold.

    The conclusion goes from the smallest recipe upwards: a larger one is taken where p < `level`. It is ``not
    resolved`` where the data ask for more than the smaller recipe but leave the peaks of the larger one
    undetermined (see its reasons), and where p > `level` although the BIC does not speak strongly (6) for the
    smaller one. A recipe that is enough does not exclude peaks closer than the data can tell apart.

    Parameters
    ----------
    spectrum
        Single, kind ``spectrum``, technique XPS.
    recipes
        Two or more with the same window, background and satellites; in any order.
    level
        Share of spectra of the smaller model for which the larger one is taken, wrongly.
    replicates
        Simulated at most for a likelihood ratio; fewer where the answer is clear. 0: information criteria only.
    seed
        The same seed gives the same p-values.
    shift_search, energy_shift
        As for :func:`surfspec.xps.fit`; a shift is searched with the first recipe and serves all.
    engine
        As for :func:`surfspec.xps.bootstrap`.
    progress
        Called with (replicates done, replicates at most), for each pair anew.

    Returns
    -------
    xarray.Dataset
        Kind ``table`` over ``model`` (names of the recipes, smallest first): ``deviance``, ``dof``, ``parameters``,
        ``aic``, ``bic``, ``akaike_weight``, ``bic_weight``; ``against`` (the smaller recipe of the likelihood ratio),
        ``likelihood_ratio``, ``p_value`` with ``p_value_unc`` (that of the simulation) and ``replicates``; ``verdict``,
        ``reasons``. ``attrs["conclusion"]`` is a model or ``not resolved``, ``attrs["statement"]`` says why.

    Raises
    ------
    InputError
        For fewer than two recipes, equal names, different windows or backgrounds, or a series.

    References
    ----------
    Akaike, IEEE Trans. Autom. Control 19 (1974) 716; Schwarz, Ann. Stat. 6 (1978) 461; Kass and Raftery, J. Am. Stat.
    Assoc. 90 (1995) 773 (what a difference of BIC is worth); Protassov et al., Astrophys. J. 571 (2002) 545 (likelihood
    ratios at a limit).

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> two = ss.xps.Recipe("two", "C 1s", (281.0, 292.0), peaks=(
    ...     ss.xps.Peak("low", "C 1s", ss.xps.Range(284.8, 284.0, 285.6)),
    ...     ss.xps.Peak("high", "C 1s", ss.xps.Range(286.4, 285.8, 288.0),
    ...                 widths={role: ss.xps.Range(follows="low") for role in ("fwhm_gauss", "fwhm_lorentz")})))
    >>> one = ss.xps.Recipe("one", "C 1s", (281.0, 292.0), peaks=two.peaks[:1])
    >>> e = np.arange(280.0, 293.0, 0.1)
    >>> y = 100 + 900 * np.exp(-((e - 284.8) / 0.7) ** 2) + 300 * np.exp(-((e - 286.4) / 0.7) ** 2)
    >>> found = ss.xps.choose(ss.spectrum(e, np.round(y), technique="XPS"), [one, two], replicates=99)
    >>> found.attrs["conclusion"], float(found.p_value.sel(model="two"))
    ('two', 0.01)
    """
    level = probability("level", level)
    replicates = check_simulation(replicates, seed, engine)
    check_progress(progress)
    chosen, ready = _checked(spectrum, recipes, shift_search, energy_shift)
    models = sorted((_model(spectrum, one, ready) for one in chosen), key=lambda one: one.parameters)
    tests: dict[str, tuple[str, SimulatedRatio]] = {}
    current = models[0]
    for larger in models[1:] if replicates else ():
        if not (_nested(current.recipe, larger.recipe) and current.usable and larger.usable):
            continue
        found = simulated_ratio(
            spectrum,
            current.recipe,
            larger.recipe,
            energy_shift=ready.shift,
            replicates=replicates,
            seed=seed,
            engine=engine,
            progress=progress,
        )
        tests[larger.name] = current.name, found
        current = larger if found.p_value < level else current
    conclusion, statement = _conclusion(models, tests, level, current)
    return _table(spectrum, models, tests, ready, {"conclusion": conclusion, "statement": statement, "level": level})


@dataclass(frozen=True)
class _Fitted:
    """What the fit of one recipe is worth."""

    recipe: Recipe
    parameters: int
    deviance: float
    dof: int
    points: int
    aic: float
    bic: float
    verdict: str
    reasons: str

    @property
    def name(self) -> str:
        """Name of the recipe."""
        return self.recipe.recipe

    @property
    def usable(self) -> bool:
        """Whether there is a fit at all."""
        return bool(np.isfinite(self.deviance))

    @property
    def loose(self) -> str:
        """Reasons that stand against its peaks."""
        return "; ".join(text for text in self.reasons.split("; ") if text.split(":")[0] in LOOSE)


def _checked(
    spectrum: xr.Dataset, recipes: Sequence[Recipe | str], shift_search: float | None, energy_shift: float | None
) -> tuple[list[Recipe], Prepared]:
    """Return the recipes and the prepared data; refuse what cannot be compared."""
    if not isinstance(recipes, Sequence) or isinstance(recipes, str | bytes) or len(recipes) < 2:
        raise InputError(
            f"there is nothing to choose from in {type(recipes).__name__}",
            where="recipes",
            remedy="Give two recipes or more as a list: [one, two]",
        )
    if not isinstance(spectrum, xr.Dataset):
        raise InputError(
            f"a {type(spectrum).__name__} is no spectrum", where="spectrum", remedy="Give one: ss.read(...)"
        )
    chosen = [load_recipe(one) if isinstance(one, str) else one for one in recipes]
    wrong = [type(one).__name__ for one in chosen if not isinstance(one, Recipe)]
    if wrong:
        raise InputError(f"a {wrong[0]} is no recipe", where="recipes", remedy="Give xps.Recipe objects or their names")
    ready = prepare(spectrum, chosen[0], shift_search=shift_search, energy_shift=energy_shift)
    if schema.series_dims(spectrum):
        raise InputError("this is a series", where="spectrum", remedy="Select one member with .isel(), and loop")
    for one in chosen:
        if one.window != chosen[0].window or one.background != chosen[0].background:
            raise InputError(
                f"{one.recipe!r} has another window or background than {chosen[0].recipe!r}",
                where="recipes",
                remedy="Deviances compare on the same points over the same background: dataclasses.replace(...) it",
            )
    names = [one.recipe for one in chosen]
    if len(set(names)) < len(names):
        raise InputError(
            f"two recipes are called {sorted(names)[0]!r}",
            where="recipes",
            remedy="dataclasses.replace(recipe, recipe='two components') gives one a name",
        )
    return chosen, ready


def _model(spectrum: xr.Dataset, recipe: Recipe, first: Prepared) -> _Fitted:
    """Fit one recipe with the shift that was found with the first one."""
    shift = first.shift
    ready = prepare(spectrum, recipe, shift_search=None, energy_shift=shift)
    free = sum(one.vary for one in ready.task.table.model.parameters)
    found = fit(spectrum, recipe, energy_shift=shift)
    verdict, reasons = grounds(found, first.task.extra, recipe.recipe, force=True)
    n = found.sizes["binding_energy"]
    deviance = float(found["deviance"])
    measure = n * np.log(float(found["chi2"]) / n) if ready.task.statistics == "unknown" else deviance
    return _Fitted(
        recipe=recipe,
        parameters=free,
        deviance=deviance,
        dof=int(found["dof"]),
        points=n,
        aic=float(measure) + 2 * free,
        bic=float(measure) + free * float(np.log(n)),
        verdict=verdict,
        reasons=reasons,
    )


def _nested(smaller: Recipe, larger: Recipe) -> bool:
    """Say whether the larger recipe has every peak of the smaller one, as it is, and more."""
    entries = {one.name: one for one in larger.entries()}
    kept = [entries.get(one.name) == one for one in smaller.entries()]
    return all(kept) and len(kept) < len(entries) and replace(smaller, satellites=larger.satellites) == smaller


def _conclusion(
    models: list[_Fitted], tests: dict[str, tuple[str, SimulatedRatio]], level: float, current: _Fitted
) -> tuple[str, str]:
    """Return the model that the data ask for, or that they do not say, and why."""
    usable = [one for one in models if one.usable]
    if not usable:
        return _NONE, "none of the recipes could be fitted"
    ranked = sorted(usable, key=lambda one: one.bic)
    if len(tests) < len(models) - 1:
        return _by_bic(ranked)
    against = [(one, tests[one.name][1]) for one in models if one.name in tests]
    told = "; ".join(f"{one.name}: p = {found.p_value:.2g}({found.p_unc:.1g})" for one, found in against)
    if current is not models[0] and current.loose:
        return (
            _NONE,
            f"more than {tests[current.name][0]} is there, but {current.name} is not determined: {current.loose}",
        )
    rivals = [one for one, found in against if found.p_value >= level and one.parameters > current.parameters]
    near = [one for one in rivals if one.bic - current.bic < STRONG]
    if near:
        return _NONE, f"{near[0].name} is not needed, and {current.name} is not clearly better ({told})"
    if current is models[0]:
        return current.name, f"{current.name} is enough ({told}); peaks closer than the data resolve are not excluded"
    return current.name, f"the data ask for {current.name} ({told})"


def _by_bic(ranked: list[_Fitted]) -> tuple[str, str]:
    """Conclude from the BIC alone, where recipes are not nested or nothing was simulated."""
    best = ranked[0]
    if len(ranked) == 1:
        return best.name, f"only {best.name} could be fitted"
    apart = ranked[1].bic - best.bic
    told = f"BIC of {best.name} is {apart:.2g} below that of {ranked[1].name}"
    if best.loose:
        return _NONE, f"{told}, but its peaks are not determined: {best.loose}"
    return (best.name, told) if apart >= WEAK else (_NONE, told)


def _weights(criterion: Array) -> Array:
    """Return the weights of models, 0 for those that could not be fitted."""
    good = np.isfinite(criterion)
    out = np.zeros(criterion.size)
    if good.any():
        out[good] = np.exp(-(criterion[good] - criterion[good].min()) / 2)
        out /= out.sum()
    return out


def _table(
    spectrum: xr.Dataset,
    models: list[_Fitted],
    tests: dict[str, tuple[str, SimulatedRatio]],
    ready: Prepared,
    attrs: dict[str, Any],
) -> xr.Dataset:
    """Return the models as a Dataset."""
    found = [tests[one.name][1] if one.name in tests else None for one in models]

    def of_tests(name: str) -> list[float]:
        return [np.nan if one is None else float(getattr(one, name)) for one in found]

    numbers: dict[str, tuple[str, Any]] = {
        "deviance": ("Deviance", [one.deviance for one in models]),
        "aic": ("Akaike's information criterion", [one.aic for one in models]),
        "bic": ("Bayesian information criterion", [one.bic for one in models]),
        "akaike_weight": ("Weight by AIC", _weights(np.array([one.aic for one in models]))),
        "bic_weight": ("Weight by BIC", _weights(np.array([one.bic for one in models]))),
        "likelihood_ratio": ("Deviance of the smaller model less this one", of_tests("observed")),
        "p_value": ("Probability of such a ratio under the smaller model", of_tests("p_value")),
        "p_value_unc": ("Uncertainty that the number of replicates leaves", of_tests("p_unc")),
    }
    out = xr.Dataset(
        {
            name: ("model", np.asarray(values, dtype=np.float64), {"units": "1", "long_name": label})
            for name, (label, values) in numbers.items()
        },
        coords={"model": np.array([one.name for one in models])},
    )
    out["dof"] = ("model", np.array([one.dof for one in models]), {"long_name": "Degrees of freedom"})
    out["parameters"] = ("model", np.array([one.parameters for one in models]), {"long_name": "Free parameters"})
    out["replicates"] = ("model", np.array([one.replicates if one else 0 for one in found]))
    out["against"] = ("model", np.array([tests[one.name][0] if one.name in tests else "" for one in models]))
    out["verdict"] = ("model", np.array([one.verdict for one in models]))
    out["reasons"] = ("model", np.array([one.reasons for one in models]))
    out.attrs = {
        "kind": "table",
        "technique": "XPS",
        "surfspec_version": __version__,
        "points": models[0].points,
        "energy_shift": ready.shift,
        "statistics": ready.task.statistics,
        **attrs,
        **spectra.origin(spectrum),
    }
    return schema.check(out, "table")
