"""The one module that imports lmfit: bounded least squares, and a fit handed over to lmfit."""

from __future__ import annotations

import re
from typing import Any

import lmfit
import numpy as np
from numpy.typing import NDArray

from surfspec.errors import InputError
from surfspec.fitting.model import Parameter
from surfspec.fitting.solver.inputs import start_values
from surfspec.fitting.solver.objective import FAR, Objective, Precise, Problem, bounded, objective

Array = NDArray[np.float64]

#: The optimiser keeps off a limit of zero by the smallest float there is; that is zero.
TINY = 1e-90


class _Residuals:
    """Residuals and their Jacobian over lmfit's parameters; the last model is kept for the Jacobian."""

    def __init__(self, problem: Problem, goal: Objective, names: tuple[str, ...]) -> None:
        self.problem = problem
        self.goal = goal
        self.names = names
        self.free = np.array([p.vary for p in problem.parameters])
        self._values: Array | None = None
        self._model: Precise = np.empty(0)

    def vector(self, current: Any) -> Array:
        values = np.array([current[name].value for name in self.names], dtype=np.float64)
        return np.where(np.abs(values) < TINY, 0.0, values)

    def model(self, values: Array) -> Precise:
        if self._values is None or not np.array_equal(values, self._values):
            self._values, self._model = values, self.problem.evaluate(values)
            if self._model.shape != self.goal.y.shape:
                raise InputError(
                    f"{self.goal.y.size} intensities and a model on {self._model.size} points",
                    remedy="Give intensities on the axis of the model",
                )
        return self._model

    def residual(self, current: Any) -> Array:
        return bounded(self.goal.residuals(self.model(self.vector(current)))[0])

    def jacobian(self, current: Any) -> Array:
        values = self.vector(current)
        _, slope = self.goal.residuals(self.model(values))
        columns = slope[:, None] * self.problem.jacobian(values)[:, self.free]
        return np.where(np.isfinite(columns), np.clip(columns, -FAR, FAR), 0.0)


def trust_region(
    problem: Problem, goal: Objective, start: Array, tolerance: float, max_evaluations: int
) -> tuple[Array, int]:
    """Run lmfit's bounded least squares (trust region reflective) with the exact Jacobian.

    Returns
    -------
    values, evaluations
        Shape (p,); the optimiser's own success flag is not used.
    """
    names = tuple(f"p{i}" for i in range(len(problem.parameters)))
    work = _Residuals(problem, goal, names)
    parameters = _parameters(problem.parameters, names, start)
    if not np.any(work.free):
        return work.vector(parameters), 1
    minimizer = lmfit.Minimizer(work.residual, parameters, nan_policy="raise")
    outcome = minimizer.minimize(
        method="least_squares", jac=work.jacobian, x_scale="jac",
        ftol=tolerance, xtol=tolerance, gtol=tolerance, max_nfev=max_evaluations,
    )  # fmt: skip
    return work.vector(outcome.params), int(outcome.nfev)


def _parameters(parameters: tuple[Parameter, ...], names: tuple[str, ...], start: Array) -> Any:
    out = lmfit.Parameters()
    for name, one, value in zip(names, parameters, start, strict=True):
        margin = 1e-7 * (one.high - one.low) if np.isfinite(one.high - one.low) else 0.0
        known = np.clip(value, -FAR, FAR) if np.isfinite(value) else one.value
        inside = float(np.clip(known, one.low + margin, one.high - margin))
        out.add(name, value=inside, vary=bool(one.vary), min=one.low, max=one.high)
        out[name].user_data = one.name
    return out


def identifiers(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return names that lmfit takes, one for each of ours, in order.

    Examples
    --------
    >>> identifiers(("Zr4+ area", "Zr4 area", "1s fwhm"))
    ('Zr4_area', 'Zr4_area_2', 'p_1s_fwhm')
    """
    out: list[str] = []
    for name in names:
        plain = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_")
        plain = plain if plain and not plain[0].isdigit() else f"p_{plain}"
        number, unique = 2, plain
        while unique in out:
            unique, number = f"{plain}_{number}", number + 1
        out.append(unique)
    return tuple(out)


def to_lmfit(
    problem: Problem,
    y: Precise,
    *,
    statistics: str = "poisson",
    sigma: Array | None = None,
    values: Array | None = None,
) -> Any:
    """Return the same fit as an :class:`lmfit.Minimizer`, for everything that lmfit can do with it.

    Its residuals are those of :func:`solve`, so that half their sum of squares is minus the logarithm
    of the likelihood: ``minimizer.minimize()``, ``lmfit.conf_interval(minimizer, result)`` and
    ``minimizer.emcee()`` work on it as it is. Covariances are not rescaled by the residuals.

    Parameters
    ----------
    problem
        Parameters, model and Jacobian: a :class:`~surfspec.fitting.model.BoundModel`, say.
    y, statistics, sigma
        As for :func:`solve`.
    values
        Where the parameters stand, shape (p,): those of a :class:`Solution`, say. By default the starts.

    Returns
    -------
    lmfit.Minimizer
        ``params`` have names that lmfit takes (``"Zr4+ area"`` becomes ``Zr4_area``); ``user_data`` of
        each is our name.

    Raises
    ------
    InputError
        As :func:`solve`.

    Examples
    --------
    >>> import numpy as np
    >>> from surfspec.fitting import BoundModel, Component, Model, Parameter, Tie
    >>> parameters = (Parameter("C 1s area", 50.0, 0.0, 1e6), Parameter("C 1s center", 285.0, 280.0, 290.0))
    >>> peak = Component("C 1s", "gaussian", Tie("C 1s area"), {"center": Tie("C 1s center"), "fwhm": Tie("w")})
    >>> x = np.linspace(280.0, 290.0, 101)
    >>> bound = BoundModel(Model((*parameters, Parameter("w", 1.2, vary=False)), (peak,)), x, np.full(101, 5.0))
    >>> y = bound.evaluate(np.array([100.0, 285.2, 1.2]))
    >>> result = to_lmfit(bound, y).minimize()
    >>> round(result.params["C_1s_area"].value, 3)
    100.0
    """
    goal = objective(problem, y, statistics, sigma)
    names = identifiers(tuple(p.name for p in problem.parameters))
    start = start_values(problem, None if values is None else [values])[0]
    work = _Residuals(problem, goal, names)
    parameters = _parameters(problem.parameters, names, start)
    return lmfit.Minimizer(work.residual, parameters, scale_covar=statistics == "unknown")
