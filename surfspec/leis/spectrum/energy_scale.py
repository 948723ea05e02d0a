r"""Does a spectrum ask for another energy scale? A score test at the maximum of the likelihood.

The offset moves all peaks alike, so a wrong gain (or ion energy, or angle) leaves the outer peaks on either side of
their places. With the weighted derivative `g` of the model by the gain, made orthogonal to those by all free
parameters, and the pulls `r`,

.. math:: z = \frac{g_\perp^T r}{\lvert g_\perp\rvert\sqrt s}, \qquad
          \delta g = \frac{g_\perp^T r}{\lvert g_\perp\rvert^2}

(Rao, Proc. Camb. Phil. Soc. 44 (1948) 50). `z` is standard normal where the model is right, and :math:`\delta g` what
one Gauss-Newton step would change the gain by; :math:`s` is reduced chi-square, at least 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from surfspec.fitting.solver import Solution
from surfspec.leis.model import SpectrumModel
from surfspec.leis.spectrum.maximisation import LEAST_VARIANCE
from surfspec.leis.spectrum.projection import expected_sigma

Array = NDArray[np.float64]

#: Standard score from which another gain is asked for; of 95 spectra of an independent Monte Carlo of oxides, whose
#: background this model describes to a few per cent only, 1 passes it at the right gain.
ASKED = 4.25
#: Share of the derivative by the gain that no other parameter does, below which nothing can be asked.
OWN = 1e-3


def gain_score(
    model: SpectrumModel, solution: Solution, y: Array, statistics: str, sigma: Array | None
) -> tuple[float, float, float]:
    """Return the standard score of another gain, that gain, and its standard uncertainty; NaN where none can be told.

    Parameters
    ----------
    model, solution
        The model on its points, and its parameters at the maximum.
    y
        Intensities, shape (n,).
    statistics, sigma
        As for :func:`surfspec.fitting.solver.solve`.
    """
    count = model.shape_count
    shape, linear = solution.values[:count], solution.values[count:]
    spread = expected_sigma(solution.fitted, y, statistics, sigma, LEAST_VARIANCE)
    pulls = (y - solution.fitted) / spread
    free = solution.uncertainties > 0
    free[model.shape_names.index("offset")] = True
    columns = model.jacobian(solution.values)[:, free] / spread[:, None]
    size = np.linalg.norm(columns, axis=0)
    left, singular, _ = np.linalg.svd(columns[:, size > 0] / size[size > 0], full_matrices=False)
    basis = left[:, singular > 1e-9 * singular[0]]
    gain = model.gain_slope(shape, linear) / spread
    own = gain - basis @ (basis.T @ gain)
    length = float(np.linalg.norm(own))
    if not length > OWN * float(np.linalg.norm(gain)):
        return float("nan"), float("nan"), float("nan")
    scale = float(np.sqrt(max(float(pulls @ pulls) / solution.dof, 0.0 if statistics == "unknown" else 1.0)))
    step = float(own @ pulls) / length**2
    return step * length / scale if scale > 0 else float("nan"), model.recipe.gain + step, scale / length


def scale_reasons(
    model: SpectrumModel, solution: Solution, y: Array, statistics: str, sigma: Array | None
) -> list[str]:
    """Return the reason for another gain, none below :data:`ASKED`; parameters as for :func:`gain_score`."""
    score, gain, unc = gain_score(model, solution, y, statistics, sigma)
    if not abs(score) > ASKED:
        return []
    reason = (
        f"energy scale: the peaks ask for a gain of {gain:.4f} +- {unc:.4f}, not {model.recipe.gain:g} "
        f"(score {score:+.1f}), check gain, ion energy and angle"
    )
    return [reason]
