r"""How small a chance can be that rests on `n` blanks: Student's distribution with n - 1 degrees of freedom.

A chance averaged over what the blanks tell of their scatter (:func:`surfspec.leis.amounts.blanks.blank_p_value`) is
calibrated down to some 0.01. Far out it is the tail of a normal distribution whose width twelve spectra do not know.
There it is held above the chance that the blanks alone allow,

.. math:: p_n = P\Big(T_{n-1} \ge \frac{\bar r - \bar b}{s_b\sqrt{1/m + 1/n}}\Big)

which assumes normal blanks and nothing else.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from surfspec.leis.amounts.blanks import Blank

Array = NDArray[np.float64]

#: Below this chance the tail by the blanks alone is asked.
FAR = 1e-3


def held(p: float, seen: Array, blank: Blank) -> float:
    """Return a chance that is no smaller than what the number of blanks allows.

    Parameters
    ----------
    p
        Chance found, 1.
    seen
        Signed shares of the element in the `m` spectra in question, shape (m,).
    blank
        The same where the element is absent.

    References
    ----------
    Currie, Pure Appl. Chem. 67 (1995) 1699 (IUPAC), for decisions from few blanks by Student's distribution.

    Examples
    --------
    >>> blank = Blank(np.array([-0.001, 0.0, 0.001]), np.full(3, 0.001))
    >>> held(1e-30, np.array([0.1]), blank) > 1e-5, held(0.04, np.array([0.1]), blank)
    (True, 0.04)
    """
    if p >= FAR:
        return p
    spread = np.std(blank.share, ddof=1) * np.sqrt(1.0 / seen.size + 1.0 / blank.share.size)
    if not spread > 0:
        return FAR
    alone = float(t.sf((np.mean(seen) - np.mean(blank.share)) / spread, blank.share.size - 1))
    return max(p, min(FAR, alone))
