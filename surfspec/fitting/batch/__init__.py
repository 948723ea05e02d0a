"""Many spectra with one model: batched variable projection, in plain numpy or (extra ``fast``) compiled by numba."""

from surfspec.fitting.batch.resample import Replicates, bootstrap_batch
from surfspec.fitting.batch.solution import BatchSolution
from surfspec.fitting.batch.solve import solve_batch
from surfspec.fitting.batch.table import Columns, constant_and_step

__all__ = ["BatchSolution", "Columns", "Replicates", "bootstrap_batch", "constant_and_step", "solve_batch"]
