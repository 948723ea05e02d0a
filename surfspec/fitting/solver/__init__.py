"""Solve one fit.

Counts are fitted by the Poisson deviance, through signed deviance residuals that keep a
least-squares solver usable; everything else by least squares. The optimiser's own success
flag is not used: convergence is the length of the next step, and :mod:`surfspec.fitting.verdict` judges.
"""

from surfspec.fitting.solver.minimise import to_lmfit
from surfspec.fitting.solver.objective import Problem, assumed_sigma, deviance_residuals
from surfspec.fitting.solver.polish import ON_BOUND
from surfspec.fitting.solver.priors import WithPriors
from surfspec.fitting.solver.run import solve
from surfspec.fitting.solver.solution import Solution

#: The name under which the batched fits know it.
_sigma = assumed_sigma

__all__ = ["ON_BOUND", "Problem", "Solution", "WithPriors", "assumed_sigma", "deviance_residuals", "solve", "to_lmfit"]
