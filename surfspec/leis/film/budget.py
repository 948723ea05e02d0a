r"""What an ion dose can have removed at all, beside every answer of a dose model.

.. math:: t = \frac{D\,Y}{N_s}\,d

with the dose `D`, a sputter yield `Y`, the atoms :math:`N_s` of a monolayer per area and its thickness `d`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from surfspec.errors import InputError

Array = NDArray[np.float64]


def sputter_budget(
    dose: Array,
    *,
    sputter_yield: tuple[float, float] = (0.05, 0.2),
    site_density: float = 1.77e15,
    monolayer: float = 0.238,
) -> Array:
    r"""Thickness that a dose can have removed, :math:`D\,Y/N_s` monolayers.

    Parameters
    ----------
    dose
        Cumulated dose, any shape, ions/cm2.
    sputter_yield
        Lowest and highest plausible yield, atoms/ion (0.05 to 0.2 for keV He on oxides).
    site_density
        Atoms in a monolayer, 1/cm2.
    monolayer
        Its thickness, nm.

    Returns
    -------
    numpy.ndarray
        Shape (..., 2): lowest and highest, nm.

    Examples
    --------
    >>> sputter_budget(np.array([6.4e15])).round(2).tolist()
    [[0.04, 0.17]]
    """
    try:
        yields = np.asarray(sputter_yield, dtype=np.float64)
    except (TypeError, ValueError):
        yields = np.full(1, np.nan)
    if yields.shape != (2,) or not 0 < yields[0] < yields[1] < np.inf or not (site_density > 0 and monolayer > 0):
        raise InputError(
            f"sputter yields {sputter_yield}, site density {site_density:g}, monolayer {monolayer:g}",
            where="sputter_yield",
            remedy="Give a lower and a higher positive yield, and a positive site density and monolayer thickness",
        )
    return np.asarray(np.asarray(dose, dtype=np.float64)[..., None] * yields / site_density * monolayer)


def effective_yield(cross_section: float, site_density: float) -> float:
    r"""Sputter yield that a removal cross-section means, :math:`Y = \sigma N_s`, atoms/ion.

    Examples
    --------
    >>> round(effective_yield(1e-16, 1.77e15), 3)
    0.177
    """
    return cross_section * site_density


#: Sputter yields that no ion of some keV exceeds or falls short of, atoms/ion: beyond, the dose is in another unit.
HIGHEST_YIELD = 10.0
LOWEST_YIELD = 0.005
#: What no dose that leaves a surface to look at removes at the lowest yield, nm.
DEEP = 10.0
#: Sites of a monolayer of an oxide, 1/cm2.
SITE_DENSITY = 1.77e15


def implausible(cross_section: float, site_density: float = SITE_DENSITY, name: str = "") -> str:
    """Return the reason for doubt where a cross-section (cm2) means too many or too few atoms per ion, else nothing.

    Examples
    --------
    >>> implausible(2e-16), implausible(0.44)[:58]
    ('', 'model inadequate: the cross-section means 7.8e+14 atoms/io')
    >>> print(implausible(2e-20))
    model inadequate: the cross-section means 3.5e-05 atoms/ion, is the dose in ions/cm2?
    """
    found = effective_yield(cross_section, site_density)
    if not (found > HIGHEST_YIELD or found < LOWEST_YIELD):
        return ""
    of = f" of {name}" if name else ""
    return f"model inadequate: the cross-section{of} means {found:.2g} atoms/ion, is the dose in ions/cm2?"


def _two(number: float) -> str:
    """Return a number with two significant digits, and no exponent where none is needed.

    Examples
    --------
    >>> _two(430.2), _two(4.4e-05), _two(0.381)
    ('430', '4.4e-05', '0.38')
    """
    return f"{float(f'{number:.2g}'):g}"


def statement(
    dose: float,
    cross_section: float,
    thicknesses: tuple[int, ...],
    *,
    sputter_yield: tuple[float, float],
    site_density: float,
    monolayer: float,
) -> str:
    """Say in one sentence what the dose can have removed, and how that goes with the fitted film.

    Parameters
    ----------
    dose
        Of the whole series, ions/cm2.
    cross_section
        Fitted removal cross-section, cm2; NaN for none.
    thicknesses
        Monolayers that the series does not exclude.
    sputter_yield, site_density, monolayer
        As for :func:`sputter_budget`.

    Examples
    --------
    >>> print(statement(6.4e15, 2.5e-16, (2, 3), sputter_yield=(0.05, 0.2), site_density=1.77e15, monolayer=0.238))
    6.4e+15 ions/cm2 remove 0.043 to 0.17 nm at 0.05 to 0.2 atoms/ion. The fitted removal means 0.44 atoms/ion, above \
that range: 0.38 nm removed by the series. It speaks of a film of 2 to 3 monolayers, 0.48 to 0.71 nm; a film thicker \
than that would not have opened at this dose.
    """
    low, high = sputter_budget(
        np.array(dose), sputter_yield=sputter_yield, site_density=site_density, monolayer=monolayer
    ).tolist()
    text = (
        f"{dose:.2g} ions/cm2 remove {_two(low)} to {_two(high)} nm at {sputter_yield[0]:g} to {sputter_yield[1]:g} "
        f"atoms/ion."
    )
    if low > DEEP:
        text += " No surface outlasts that: is the dose in ions/cm2?"
    if not (np.isfinite(cross_section) and thicknesses):
        return f"{text} The series determines no removal cross-section, and so no thickness."
    found = effective_yield(cross_section, site_density)
    place = "above" if found > sputter_yield[1] else "below" if found < sputter_yield[0] else "within"
    some = sorted(thicknesses)
    layers = f"{some[0]}" if len(some) == 1 else f"{some[0]} to {some[-1]}"
    nm = " to ".join(f"{n * monolayer:.2f}" for n in dict.fromkeys((some[0], some[-1])))
    if implausible(cross_section, site_density) and not low > DEEP:
        text += " No ion of some keV removes what was fitted: is the dose in ions/cm2?"
    word = "monolayer" if layers == "1" else "monolayers"
    return (
        f"{text} The fitted removal means {_two(found)} atoms/ion, {place} that range: "
        f"{_two(dose * found / site_density * monolayer)} nm removed by the series. It speaks of a film of {layers} "
        f"{word}, {nm} nm; a film thicker than that would not have opened at this dose."
    )
