"""A core-level model whose background's end levels may move, as their measured means allow."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from surfspec.fitting.model import BoundModel, Parameter

Array = NDArray[np.float64]

#: Names of the two further parameters, in units of the standard uncertainties of the end levels.
LEVELS: Final = ("lower end level", "upper end level")
#: Farthest that an end level may move, in standard uncertainties.
FARTHEST: Final = 30.0
#: Counts of an auxiliary point: so many that their Poisson deviance is that of a normal variable to 1e-4 of it.
MANY: Final = 1e8


class WithEndLevels:
    r"""The model of a core level with the noise of its background's end levels as two nuisance parameters.

    .. math:: m_i(p, z) = m_i(p) + \sum_k z_k\, u_k\, \partial B_i / \partial b_k, \qquad z_k \sim N(0, 1)

    That each level was measured, with the standard uncertainty :math:`u_k`, enters as one more point of the data: for
    counts `MANY` of them where the model has :math:`N + z \sqrt N`, else 0 where it has `z` with the uncertainty 1.
    Only the points of a level outside the window measure it so: those inside are data of the fit already.

    Parameters
    ----------
    bound
        The model over its background.
    change
        What one standard uncertainty of each end level does to every point, shape (2, n).
    measured
        Part of the points of each end level that lie outside the window, 0 to 1.
    counts
        Whether the data are counts.

    References
    ----------
    Barlow, Statistics (1989), section 4.4 (nuisances as measurements of their own).
    """

    def __init__(self, bound: BoundModel, change: Array, measured: tuple[float, float], *, counts: bool) -> None:
        self.bound, self.change = bound, change
        self.scale = np.sqrt(measured) * (np.sqrt(MANY) if counts else 1.0)
        self.auxiliary = np.full(2, MANY if counts else 0.0)
        self.parameters = (*bound.parameters, *(Parameter(name, 0.0, -FARTHEST, FARTHEST) for name in LEVELS))

    def evaluate(self, values: Array) -> Array:
        """Return the model and the two auxiliary points, shape (n + 2,)."""
        own, z = values[:-2], values[-2:]
        return np.concatenate([self.bound.evaluate(own) + z @ self.change, self.auxiliary + self.scale * z])

    def jacobian(self, values: Array) -> Array:
        """Return the derivatives by every parameter, shape (n + 2, p + 2)."""
        own = self.bound.jacobian(values[:-2])
        n, p = own.shape
        out = np.zeros((n + 2, p + 2))
        out[:n, :p], out[:n, p:] = own, self.change.T
        out[n:, p:] = np.diag(self.scale)
        return out

    def data(self, y: Array) -> Array:
        """Return the intensities with the two auxiliary measurements, shape (n + 2,)."""
        return np.concatenate([y, self.auxiliary])
