"""What stands against a share: fits on which none may rest, and the reasons that its statement must carry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import xarray as xr

from surfspec.errors import NotDeterminedError
from surfspec.fitting.verdict import require, verdict_of, worst

#: Reduced chi-square above which the model is no description, so that no statistics of its parameters hold.
NO_DESCRIPTION: Final = 3.0


def grounds(
    fitted: xr.Dataset, before: Sequence[str], component: str, *, where: str = "", force: bool = False
) -> tuple[str, str]:
    """Return verdict and reasons of a fit on which a share may rest, or refuse it.

    Parameters
    ----------
    fitted
        Fit of one spectrum, kind ``fit``.
    before
        Reasons that were found before the fit, when the shift of the scale was looked for.
    component
        The state, for the message.
    where
        Which spectrum, for the message.
    force
        Let everything pass.

    Raises
    ------
    NotDeterminedError
        For a failed fit, a shift of the scale that is not known, or a model that does not describe the data.
    """
    told = [one for one in str(fitted["reasons"].item()).split("; ") if one]
    told += [one for one in before if one not in told]
    verdict = worst([str(fitted["verdict"].item()), verdict_of(before)])
    what = f"the share of {component}"
    require(verdict, "; ".join(told), what=what, force=force)
    scale = [one for one in told if one.startswith("energy scale")]
    if scale and not force:
        raise NotDeterminedError(
            f"{what} rests on a fit whose energies are not known ({scale[0]})",
            where=where,
            remedy="Correct the charge first (xps.charge_correct), or give energy_shift= or a wider shift_search=",
        )
    reduced = float(fitted["reduced_chi2"]) if fitted.attrs["statistics"] != "unknown" else np.nan
    if reduced > NO_DESCRIPTION and not force:
        raise NotDeterminedError(
            f"{what} rests on a model that does not describe the data (reduced chi-square {reduced:.3g})",
            where=where,
            remedy="Correct the charge first, mend the recipe, or pass force=True and answer for it",
        )
    return verdict, "; ".join(told)


def hedged(statement: str, component: str, verdict: str, reasons: str) -> str:
    """Return a statement with what the fit says against it.

    That the state itself is below detection says nothing against a limit, and unknown noise is in the uncertainty.
    That the other states are not seen does: a shifted scale would look the same.

    Examples
    --------
    >>> hedged("Zr2+ is 2 % of Zr 3d", "Zr2+", "check", "at bound: Zr2+ center")
    'Zr2+ is 2 % of Zr 3d; the fit is doubtful: at bound: Zr2+ center'
    >>> hedged("Zr2+ is less than 1 %", "Zr2+", "check", "below detection: Zr2+ 3d5/2")
    'Zr2+ is less than 1 %'
    """
    against = [one for one in reasons.split("; ") if one and not _harmless(one, component)]
    if verdict == "ok" or not against:
        return statement
    return f"{statement}; the fit {'failed' if verdict == 'failed' else 'is doubtful'}: {'; '.join(against)}"


def _harmless(reason: str, component: str) -> bool:
    kind, _, names = reason.partition(": ")
    own = all(f"{name} ".startswith(f"{component} ") for name in names.split(", "))
    return kind == "statistics unknown" or (kind == "below detection" and own)
