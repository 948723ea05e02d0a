"""Indices of lines as people write them: of all equivalents the one without minus signs, the largest h first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from surfspec.xrd.patterns.texture import laue_rotations
from surfspec.xrd.structures.phase import Phase


def usual(hkl: NDArray[np.signedinteger], phase: Phase) -> NDArray[np.int64]:
    """Return the usual one of the equivalents of each line.

    Fewest negative indices first, then the largest h, k, l. The sign of the whole is free (Friedel).

    Parameters
    ----------
    hkl
        Indices, shape (n, 3).
    phase
        Its space group tells what is equivalent.

    Returns
    -------
    numpy.ndarray
        Shape (n, 3).

    Examples
    --------
    >>> from surfspec import xrd
    >>> usual(np.array([[0, -4, 0], [1, 1, -3]]), xrd.phases(["halite"])[0]).tolist()
    [[4, 0, 0], [3, 1, 1]]
    >>> usual(np.array([[1, 0, -14]]), xrd.phases(["corundum"])[0]).tolist()
    [[0, 1, 14]]
    """
    given = np.asarray(hkl, dtype=np.int64).reshape(-1, 3)
    turned = np.einsum("nh,khj->nkj", given, np.rint(laue_rotations(phase.space_group)).astype(np.int64))
    alike = np.concatenate([turned, -turned], axis=1)
    base = 2 * int(np.abs(alike).max(initial=0)) + 1
    value = (alike[..., 0] * base + alike[..., 1]) * base + alike[..., 2]
    value = value - np.count_nonzero(alike < 0, axis=2) * (4 * base**3)
    best = np.argmax(value, axis=1)
    return np.asarray(alike[np.arange(len(given)), best])
