r"""Transmission of the analyser over kinetic energy: a power of the energy, or a table."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from surfspec.errors import InputError
from surfspec.given import number, shown

Array = NDArray[np.float64]
#: An exponent, pairs of energy (eV) and value, or none at all.
Transmission = float | tuple[tuple[float, float], ...] | None

#: Largest exponent that is believed; measured analysers lie between about -1 and 1.
LARGEST_EXPONENT = 5.0


def check_transmission(given: Transmission) -> None:
    """Refuse what is no transmission.

    Raises
    ------
    InputError
        For an exponent that is no number or beyond :data:`LARGEST_EXPONENT`, fewer than two pairs, energies that do not
        rise, or values that are not positive.
    """
    if given is None:
        return
    if not isinstance(given, tuple):
        try:
            number(given, "transmission", low=-LARGEST_EXPONENT, high=LARGEST_EXPONENT)
        except InputError:
            raise InputError(
                f"the exponent {shown(given)} of the transmission is no number, or beyond {LARGEST_EXPONENT:g}",
                where="transmission",
                remedy="Give p of (E/E0)^p, such as -0.5, or pairs of energy and value",
            ) from None
        return
    try:
        table = [[number(value, "transmission") for value in pair] for pair in given if isinstance(pair, tuple)]
    except InputError:
        table = []
    if len(given) < 2 or len(table) < len(given) or any(len(pair) != 2 for pair in table):
        raise InputError(
            "a table of the transmission needs two or more pairs of energy and value, all of them numbers",
            where="transmission",
            remedy="Give [[energy, value], [energy, value], ...]",
        )
    if given[0][0] <= 0 or any(second[0] <= first[0] for first, second in pairwise(given)):
        raise InputError(
            "the energies of the transmission do not rise from above 0",
            where="transmission",
            remedy="Sort the pairs by energy, each energy once",
        )
    if any(value <= 0 for _, value in given):
        raise InputError(
            "the transmission is not above 0 everywhere",
            where="transmission",
            remedy="Leave out pairs at which the analyser sees nothing, and choose a window inside the others",
        )


def transmission(energy: Array, given: Transmission, *, ion_energy: float) -> Array:
    r"""Return the transmission at each energy.

    .. math:: T(E) = (E/E_0)^p

    or linear interpolation in a table, constant beyond its ends.

    Parameters
    ----------
    energy
        Kinetic energies, any shape, eV.
    given
        The exponent `p`, pairs (eV, 1), or None for 1 everywhere.
    ion_energy
        :math:`E_0`, eV.

    Returns
    -------
    numpy.ndarray
        The shape of `energy`, 1.

    Examples
    --------
    >>> transmission(np.array([750.0, 3000.0]), -0.5, ion_energy=3000.0).tolist()
    [2.0, 1.0]
    >>> transmission(np.array([1500.0, 9000.0]), ((1000.0, 1.0), (2000.0, 0.5)), ion_energy=3000.0).tolist()
    [0.75, 0.5]
    """
    x = np.asarray(energy, dtype=np.float64)
    if given is None:
        return np.ones_like(x)
    if isinstance(given, tuple):
        table = np.asarray(given, dtype=np.float64)
        return np.asarray(np.interp(x, table[:, 0], table[:, 1]))
    # an axis may begin at zero, where no power is
    return np.asarray((np.maximum(x, 1.0) / ion_energy) ** given)
