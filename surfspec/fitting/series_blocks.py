"""Run a batched fit block by block, so that it can say how far it is and be stopped without losing what is done."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from surfspec.errors import InputError
from surfspec.fitting.members import MemberFit, Members
from surfspec.fitting.model import Parameter
from surfspec.fitting.series import INTERRUPTED, Progress

#: Fits some members of a series, given by their numbers, and returns them in that order.
Work = Callable[[NDArray[np.intp]], Members | Sequence[MemberFit]]


def in_blocks(
    count: int,
    block: int,
    work: Work,
    *,
    points: int,
    components: int,
    parameters: Sequence[Parameter],
    progress: Progress | None = None,
) -> Members:
    """Fit the members of a series block by block.

    Parameters
    ----------
    count
        Members of the series.
    block
        Members that are fitted at once; the last block may be smaller.
    work
        Called with the numbers of a block's members, shape (b,); returns their fits.
    points, components, parameters
        Size of the result.
    progress
        Called after each block with the number of members done and their total.

    Returns
    -------
    Members
        All of them, in order. After a KeyboardInterrupt, the blocks that are done are returned and the other members
        are failed with the reason ``"refused: interrupted"``, as :func:`~surfspec.fitting.series.fit_members` does;
        before the first block is done it is raised.

    Raises
    ------
    InputError
        For a block of less than one member, or work that returns another number of members than it was given.

    Examples
    --------
    >>> from surfspec.fitting.members import empty_member
    >>> def work(rows):
    ...     return [empty_member(3, 1, (), (f"refused: number {row}",)) for row in rows]
    >>> seen = []
    >>> found = in_blocks(5, 2, work, points=3, components=1, parameters=(), progress=lambda *x: seen.append(x))
    >>> found[4].reasons, seen
    (('refused: number 4',), [(2, 5), (4, 5), (5, 5)])
    """
    if block < 1:
        raise InputError(f"blocks of {block} members", where="block", remedy="Take 64 to 1024")
    out = Members.empty(count, points, components, parameters, (INTERRUPTED,))
    done = 0
    try:
        while done < count:
            rows = np.arange(done, min(done + block, count))
            out = out.put(rows, _checked(work(rows), rows.size))
            done = int(rows[-1]) + 1
            if progress is not None:
                progress(done, count)
    except KeyboardInterrupt:
        if not done:
            raise
        # the interrupt may have come while a block was being written
        rest = np.arange(done, count)
        out = out.put(rest, Members.empty(rest.size, points, components, parameters, (INTERRUPTED,)))
    return out


def _checked(found: Members | Sequence[MemberFit], count: int) -> Members:
    if len(found) != count:
        raise InputError(
            f"the work on {count} members returned {len(found)}", where="work", remedy="Return one fit for each member"
        )
    return found if isinstance(found, Members) else Members.of(found)
