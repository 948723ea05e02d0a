"""Gaussian priors: what is known of a parameter beforehand, as one more measurement of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from surfspec.errors import InputError
from surfspec.fitting.model import Parameter
from surfspec.fitting.solver.objective import Objective, Precise, Problem
from surfspec.fitting.solver.solution import Solution

Array = NDArray[np.float64]

#: Counts of an auxiliary point: so many that their Poisson deviance is that of a normal variable to 1e-4 of it.
MANY: Final = 1e8


def has_priors(parameters: tuple[Parameter, ...]) -> bool:
    """Say whether a free parameter has a prior.

    Examples
    --------
    >>> has_priors((Parameter("splitting", 2.41, 2.2, 2.6, prior=(2.41, 0.01)),))
    True
    """
    return any(one.prior is not None and one.vary for one in parameters)


class WithPriors:
    r"""A problem whose parameters were measured before: each prior is one more point of the data.

    .. math:: -2\ln L = D(p) + \sum_k \left(\frac{p_k - \mu_k}{u_k}\right)^2

    For counts the point has `MANY` of them where the model has :math:`N + z\sqrt N` with
    :math:`z = (p - \mu) / u`; else it is 0 where the model has z, with the uncertainty 1.

    Parameters
    ----------
    problem
        The problem; its parameters carry the priors.
    counts
        Whether the data are counts.
    relative
        Factor by which the solver will scale variances (statistics unknown): a prior is known in absolute terms, so
        that its uncertainty is divided by the root of it.

    References
    ----------
    Barlow, Statistics (1989), section 4.4 (prior knowledge as a measurement of its own).

    Examples
    --------
    >>> from surfspec.fitting import BoundModel, Component, Model, Tie
    >>> ps = (Parameter("a", 50.0, 0.0), Parameter("c", 5.0, 2.0, 8.0, prior=(5.0, 0.1)), Parameter("w", 1.0, 0.3))
    >>> peak = Component("one", "gaussian", Tie("a"), {"center": Tie("c"), "fwhm": Tie("w")})
    >>> x = np.linspace(0.0, 10.0, 11)
    >>> held = WithPriors(BoundModel(Model(ps, (peak,)), x, np.ones(11)), counts=False)
    >>> round(float(held.evaluate(np.array([50.0, 5.2, 1.0]))[-1]), 9)
    2.0
    """

    def __init__(self, problem: Problem, *, counts: bool, relative: float = 1.0) -> None:
        self.problem = problem
        self.parameters = problem.parameters
        known = [(i, p.prior) for i, p in enumerate(problem.parameters) if p.prior is not None and p.vary]
        self.positions = np.array([i for i, _ in known], dtype=np.intp)
        self.mean = np.array([prior[0] for _, prior in known])
        self.unc = np.array([prior[1] for _, prior in known]) / np.sqrt(relative)
        self.scale = np.sqrt(MANY) if counts else 1.0
        self.auxiliary = np.full(self.mean.size, MANY if counts else 0.0)

    def evaluate(self, values: Array) -> Precise:
        """Return the model and the auxiliary points, shape (n + k,)."""
        z = (values[self.positions] - self.mean) / self.unc
        return np.concatenate([self.problem.evaluate(values), self.auxiliary + self.scale * z])

    def jacobian(self, values: Array) -> Array:
        """Return the derivatives by every parameter, shape (n + k, p)."""
        own = self.problem.jacobian(values)
        rows = np.zeros((self.mean.size, own.shape[1]))
        rows[np.arange(self.mean.size), self.positions] = self.scale / self.unc
        return np.concatenate([own, rows])

    def goal(self, goal: Objective) -> Objective:
        """Return what is minimised, with the auxiliary measurements among the data."""
        return Objective(self.data(goal.y), goal.statistics, np.concatenate([goal.sigma, np.ones(self.mean.size)]))

    def data(self, y: Precise) -> Precise:
        """Return the intensities with the auxiliary measurements, shape (n + k,)."""
        return np.concatenate([y, self.auxiliary])

    def nuisance(self, nuisance: Array | None) -> Array | None:
        """Return nuisances that do not touch the auxiliary measurements, shape (m, n + k)."""
        return None if nuisance is None else np.pad(nuisance, ((0, 0), (0, self.mean.size)))

    def of_data(self, solution: Solution) -> Solution:
        """Return the solution with the points of the data alone; its chi-square keeps the share of the priors."""
        points = solution.fitted.size - self.mean.size
        return replace(solution, fitted=solution.fitted[:points], pulls=solution.pulls[:points])


def check_prior(name: str, mean: float, unc: float) -> tuple[float, float]:
    """Return a prior whose uncertainty is a positive number.

    Raises
    ------
    InputError
        For anything else.

    Examples
    --------
    >>> check_prior("splitting", 2.41, 0.01)
    (2.41, 0.01)
    """
    if not (np.isfinite(mean) and np.isfinite(unc) and unc > 0):
        raise InputError(
            f"the prior of {name!r} is {mean:g} +- {unc:g}",
            where=name,
            remedy="Give one standard uncertainty above 0, or leave the prior out",
        )
    return float(mean), float(unc)
