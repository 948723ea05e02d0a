r"""How the lag of an in-depth edge follows from the thickness of the film, and back, with uncertainties kept apart.

.. math:: \text{lag} = Q\,(1 - \tfrac12 e^{-t/t_n}) + b\,(t - d/2)

with `b` in eV/nm and the distance `d` of atomic layers. The surface peaks, from which the lag is counted, come from the
outermost plane of atoms. The first plane beneath a film of `n` layers lies :math:`n d` below that one, but it stands
for half a layer on either side, so that the smooth edge of the sum over planes lies half a layer higher. From a
calibration :math:`t_n` and `d` are 0 and `Q` is its intercept. A calibration is known where films were: outside of
their thicknesses another slope is allowed for, of a relative standard uncertainty of :data:`ELSEWHERE`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import schema
from surfspec.errors import InputError

Array = NDArray[np.float64]

#: Relative standard uncertainty of the slope outside of the thicknesses a law was seen at: that of a computed stopping.
ELSEWHERE = 0.25


@dataclass(frozen=True)
class EdgeLaw:
    """A law of lag against thickness.

    Attributes
    ----------
    zero, slope
        Lag of a thick film extrapolated to none, eV, and lag for a nm, eV/nm.
    covariance
        Of the two, shape (2, 2).
    scatter
        Standard deviation of lags about the law, eV.
    depth
        Thickness over which ions that were never neutralised die out, nm.
    layer
        Distance of atomic layers, nm.
    thinnest, thickest
        Thicknesses between which the law was seen to hold, nm.
    """

    zero: float
    slope: float
    covariance: Array
    scatter: float = 0.0
    depth: float = 0.0
    layer: float = 0.0
    thinnest: float = 0.0
    thickest: float = np.inf

    def never_neutral(self, thickness: float) -> float:
        """Return the largest share of ions that were never neutralised."""
        return float(np.exp(-max(thickness, 0.0) / self.depth)) if self.depth > 0 else 0.0

    def lag(self, thickness: float) -> float:
        """Return the lag, eV.

        Examples
        --------
        >>> EdgeLaw(20.0, 60.0, np.zeros((2, 2))).lag(0.5)
        50.0
        """
        return self.zero * (1.0 - 0.5 * self.never_neutral(thickness)) + self.slope * (thickness - 0.5 * self.layer)

    def thickness(self, lag: float, unc: float) -> tuple[float, float, float]:
        """Return the thickness that a lag means, nm, and its uncertainties by the lag and by the law.

        Parameters
        ----------
        lag, unc
            eV. Below the lag without a film the thickness is negative.

        Examples
        --------
        >>> law = EdgeLaw(20.0, 60.0, np.diag([25.0, 225.0]), depth=0.4)
        >>> t, by_lag, by_law = law.thickness(law.lag(0.5), 3.0)
        >>> round(t, 6), round(by_lag, 3), round(by_law, 3)
        (0.5, 0.045, 0.131)
        """
        low, high = 0.0, max(0.0, lag / self.slope) + self.layer + 1.0
        start = self.lag(0.0)
        if lag <= start:
            t = (lag - start) / self.slope
        else:
            for _ in range(60):  # the lag rises with the thickness
                t = 0.5 * (low + high)
                low, high = (t, high) if self.lag(t) < lag else (low, t)
        share = self.never_neutral(t)
        steep = self.slope + (0.5 * self.zero * share / self.depth if self.depth > 0 and t > 0 else 0.0)
        gradient = np.array([1.0 - 0.5 * share, max(t - 0.5 * self.layer, 0.0)])
        common = (float(gradient @ self.covariance @ gradient) + (self.zero * share) ** 2 / 12.0) / steep**2
        common += (ELSEWHERE * self.outside(t)) ** 2
        return t, float(np.hypot(unc, self.scatter)) / steep, float(np.sqrt(common))

    def outside(self, thickness: float) -> float:
        """Return how far a thickness lies outside of those the law was seen at, nm.

        Examples
        --------
        >>> law = EdgeLaw(20.0, 60.0, np.zeros((2, 2)), thinnest=0.5, thickest=1.0)
        >>> law.outside(0.75), law.outside(0.25), law.outside(1.5)
        (0.0, 0.25, 0.5)
        """
        return max(0.0, self.thinnest - thickness, thickness - self.thickest)


def law_of(calibration: xr.Dataset, element: str) -> EdgeLaw:
    """Return the law of a calibration.

    Parameters
    ----------
    calibration
        What :func:`surfspec.leis.calibrate_edge` returned.
    element
        Whose edge it must be.

    Raises
    ------
    InputError
        For another table, or another element.
    """
    schema.check(calibration, "table")
    if not {"intercept", "slope", "covariance", "scatter", "known_thickness"} <= set(calibration.data_vars):
        raise InputError(
            "this table is no calibration of an edge", where="calibration", remedy="Make it with leis.calibrate_edge"
        )
    if calibration.attrs.get("element") != element:
        raise InputError(
            f"the calibration is that of {calibration.attrs.get('element')}, the edge that of {element}",
            where="calibration",
            remedy="Calibrate with the same element, or pass element=",
        )
    return EdgeLaw(
        zero=float(calibration["intercept"]),
        slope=float(calibration["slope"]),
        covariance=np.asarray(calibration["covariance"].values, dtype=np.float64),
        scatter=float(calibration["scatter"]),
        thinnest=float(calibration["known_thickness"].min()),
        thickest=float(calibration["known_thickness"].max()),
    )
