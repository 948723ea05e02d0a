r"""Tougaard backgrounds: electrons that lost the energy T on their way out.

.. math:: B(E) = b_1 + \int_{E' < E} K(E - E')\,[y(E') - b_1]\, dE'

on the binding-energy axis, so that losses come to lie at higher energy. Universal cross-sections:

* ``U2``: :math:`K = B T / (C + T^2)^2`;
* ``U3``: :math:`K = B T / [(C - T^2)^2 + D T^2]`;
* ``U4``: ``U3`` with a gap, below which no energy is lost.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.fft import irfft, next_fast_len, rfft

from surfspec.errors import BackgroundError, InputError
from surfspec.fitting.backgrounds.base import LEVEL, Array, Background, BackgroundSeries, Pair, Part
from surfspec.fitting.backgrounds.region import Region, Spectra, draft_of, make_region, single

#: Rows of the kernel matrix that are held at once where the axis is not evenly spaced.
_CHUNK: Final = 512


class CrossSection(NamedTuple):
    """Parameters of a universal cross-section: B, C and D in eV2, the gap in eV."""

    B: float
    C: float
    D: float
    gap: float


#: ``U2``: S. Tougaard, Solid State Commun. 61 (1987) 547, metals and oxides. ``U3``, ``U4``: S. Tougaard, Surf.
#: Interface Anal. 25 (1997) 137, polymers (the factor 396 eV2 is unverified against the paper; it is used only where
#: ``B`` is left out, and there it cancels).
CROSS_SECTIONS: Final[dict[str, CrossSection]] = {
    "U2": CrossSection(2866.0, 1643.0, np.nan, 0.0),
    "U3": CrossSection(396.0, 551.0, 436.0, 0.0),
    "U4": CrossSection(396.0, 551.0, 436.0, np.nan),
}


def kernel(loss: Array, parameters: CrossSection) -> Array:
    """Evaluate the universal cross-section K(T).

    Parameters
    ----------
    loss : ndarray
        Energy lost [eV]; K is 0 for T <= 0 and below the gap.
    parameters : CrossSection
        With ``D`` NaN for two parameters.

    Returns
    -------
    ndarray
        [1/eV].

    References
    ----------
    S. Tougaard, Surf. Interface Anal. 25 (1997) 137.

    Examples
    --------
    >>> T = np.arange(0.0, 60.0, 0.1)
    >>> float(T[kernel(T, CROSS_SECTIONS["U2"]).argmax()])
    23.4
    """
    t = np.maximum(loss, 0.0)
    t2 = t * t
    b, c, d, gap = parameters
    below = (c + t2) ** 2 if np.isnan(d) else (c - t2) ** 2 + d * t2
    return np.where(t >= gap, b * t / below, 0.0)


def tougaard(
    x: ArrayLike,
    y: ArrayLike,
    *,
    cross_section: Literal["U2", "U3", "U4"] = "U2",
    B: float | None = None,
    C: float | None = None,
    D: float | None = None,
    gap: float | None = None,
    sigma: ArrayLike | None = None,
    average: int = 11,
    anchors: Pair | None = None,
    window: Pair | None = None,
) -> Background:
    """Return the Tougaard background, the integral of a universal cross-section over what lies above the low level.

    Parameters
    ----------
    x, y, sigma, average, anchors, window
        As for :func:`surfspec.fitting.backgrounds.linear`.
    cross_section : {"U2", "U3", "U4"}
    B : float, optional
        Factor of the cross-section [eV2]. Without it, it is chosen such that the background reaches the upper level;
        ``Background.k`` holds the factor used.
    C, D : float, optional
        Parameters that replace the universal ones [eV2].
    gap : float, optional
        Energy below which nothing is lost [eV]; ``U4`` needs it.

    Returns
    -------
    Background

    Raises
    ------
    BackgroundError
        Where the level falls, or no data lie above it, and ``B`` is to be found.
    InputError
        For data or parameters that cannot be used.

    References
    ----------
    S. Tougaard, Solid State Commun. 61 (1987) 547; Surf. Interface Anal. 25 (1997) 137.

    Examples
    --------
    >>> E = np.arange(0.0, 80.0, 0.5)
    >>> line = 100 * np.exp(-((E - 10) ** 2))
    >>> B = tougaard(E, 50 + line, B=2866.0)
    >>> float(E[B.values.argmax()]) - 10
    23.5
    """
    return tougaard_rows(
        single(x, y, sigma, anchors, window), cross_section=cross_section, B=B, C=C, D=D, gap=gap, average=average
    ).member(0)


def tougaard_rows(
    spectra: Spectra,
    *,
    cross_section: Literal["U2", "U3", "U4"] = "U2",
    B: float | None = None,
    C: float | None = None,
    D: float | None = None,
    gap: float | None = None,
    average: int = 11,
) -> BackgroundSeries:
    """Make :func:`tougaard` for many spectra."""
    parameters = _parameters(cross_section, B, C, D, gap)
    region = make_region(spectra, average)
    draft = draft_of(region, "tougaard")
    low, step = region.anchors[:, :1], region.step[:, None]
    above = _loss_integral(region, region.y - low, parameters)
    plain = _loss_integral(region, np.ones((1, region.x.size)), parameters)
    if B is not None:
        rows = np.zeros((len(above), 2, region.x.size))
        rows[:, 0] = 1.0 - plain
        draft.put(slice(None), Part(low + above, rows, k=parameters.B, note=f"{cross_section} with the factor given"))
        return draft.finish()
    last = above[:, -1:].copy()
    level, lost = step == 0.0, (step < 0.0) | ~(last > 0.0)
    by_high = above / np.where(last == 0.0, 1.0, last)
    ratio = np.where(level | lost, 0.0, step / np.where(last == 0.0, 1.0, last))
    above *= ratio
    by_low = 1.0 - by_high - ratio * (plain - by_high * plain[:, -1:])
    rows = np.stack([by_low, by_high], axis=1)
    rows[(level & (last == 0.0))[:, 0]] = 0.5
    factor = parameters.B * ratio[:, 0]
    notes = [
        LEVEL if equal else f"{cross_section}; factor {f:.4g} eV2 from the upper level, {r:.2g} of the universal one"
        for equal, f, r in zip(level[:, 0].tolist(), factor.tolist(), ratio[:, 0].tolist(), strict=True)
    ]
    draft.put(slice(None), Part(low + above, rows, k=factor, note=notes))
    for row in np.flatnonzero(lost & ~level).tolist():
        first, second = region.anchors[row].tolist()
        error = BackgroundError(
            f"The level goes from {first:.6g} to {second:.6g} with a loss integral of {last[row, 0]:.3g}: "
            "no Tougaard background joins them",
            remedy="Give the factor B, wider limits, or take a linear background",
        )
        draft.errors.setdefault(row, error)
    return draft.finish()


def _parameters(name: str, b: float | None, c: float | None, d: float | None, gap: float | None) -> CrossSection:
    if name not in CROSS_SECTIONS:
        raise InputError(
            f"Unknown cross-section {name!r}",
            remedy=f"Take one of {', '.join(CROSS_SECTIONS)}",
            where="cross_section",
        )
    known = CROSS_SECTIONS[name]
    if d is not None and name == "U2":
        raise InputError("The cross-section U2 has no D", remedy="Take cross_section 'U3', or leave D out", where="D")
    if gap is not None and name != "U4":
        raise InputError(f"The cross-section {name} has no gap", remedy="Take cross_section 'U4'", where="gap")
    if gap is None and name == "U4":
        raise InputError("The cross-section U4 needs its gap", remedy="Give gap in eV", where="gap")
    chosen = CrossSection(
        known.B if b is None else float(b),
        known.C if c is None else float(c),
        known.D if d is None else float(d),
        known.gap if gap is None else float(gap),
    )
    for field, value, least in (("B", chosen.B, 0.0), ("C", chosen.C, 0.0), ("D", chosen.D, 0.0)):
        if not (field == "D" and name == "U2") and not least < value < np.inf:
            raise InputError(f"{field} = {value:g} is not positive", remedy="Give it in eV2", where=field)
    if not 0.0 <= chosen.gap < np.inf:
        raise InputError(f"gap = {chosen.gap:g} is not an energy", remedy="Give 0 or more, in eV", where="gap")
    return chosen


def _loss_integral(region: Region, rows: Array, parameters: CrossSection) -> Array:
    """Trapezoidal integral over all lower energies, for each row; K(0) = 0 makes the last point free."""
    x = region.x
    gaps = np.diff(x)
    weight = 0.5 * (np.append(gaps, 0.0) + np.append(0.0, gaps))
    weighted = rows * weight
    step = region.width / (x.size - 1)
    if float(np.abs(gaps - step).max()) <= 1e-6 * step:
        k = kernel(np.linspace(0.0, region.width, x.size), parameters)
        size = next_fast_len(2 * x.size - 1, real=True)
        spectrum = rfft(weighted, size, axis=1) * rfft(k, size)
        return np.asarray(irfft(spectrum, size, axis=1)[:, : x.size], dtype=np.float64)
    out = np.empty_like(rows)
    for first in range(0, x.size, _CHUNK):
        part = slice(first, first + _CHUNK)
        losses = kernel(x[part, None] - x[None, :], parameters)
        for i, row in enumerate(weighted):
            out[i, part] = losses @ row
    return out
