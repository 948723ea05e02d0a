"""What is unlikely about a structure, asked by name or of a phase of one's own."""

from __future__ import annotations

from surfspec.xrd.structures.chosen import one_phase
from surfspec.xrd.structures.phase import Phase
from surfspec.xrd.structures.plausibility import unlikely


def doubts(phase: str | Phase) -> tuple[str, ...]:
    """Return what is unlikely about a phase, as sentences; empty when nothing is.

    Distances are compared with the sum of the covalent radii (Cordero et al. 2008), the density with the volume that
    atoms need, the content of the cell with the formula.

    Parameters
    ----------
    phase
        A phase, or the name of a card; it passed the checks for what is impossible when it was made.

    Returns
    -------
    tuple of str
        One sentence a doubt.

    Raises
    ------
    InputError
        For what is no phase, or a name of none or several.

    References
    ----------
    B. Cordero et al., Dalton Trans. (2008) 2832 (radii, as tabulated by gemmi).

    Examples
    --------
    >>> doubts("Pb_fcc")
    ()
    """
    return unlikely(one_phase(phase, "phase"))
