"""Global fits: some parameters have one value for all members of a series, the others one for each member."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from surfspec.errors import InputError
from surfspec.fitting.linked import SharedFit, fit_linked
from surfspec.fitting.linked_data import LinkedMember
from surfspec.fitting.linked_map import LinkedMap
from surfspec.fitting.model import BoundModel
from surfspec.fitting.shared_problem import Array, common_parameters

__all__ = ["SharedFit", "fit_shared"]


def fit_shared(
    models: Sequence[BoundModel],
    data: Sequence[Array],
    *,
    shared: Sequence[str],
    statistics: str = "poisson",
    sigma: Sequence[Array] | None = None,
    nuisance: Sequence[Array] | None = None,
    extra: Sequence[Sequence[str]] | None = None,
    starts: Sequence[Array] | None = None,
) -> SharedFit:
    r"""Fit several spectra at once, some of their parameters having one value for all.

    .. math:: D(s, t_1 \dots t_N) = \sum_i D_i(s, t_i) \to \min

    Each member is fitted alone first; the common parameters begin at the mean of these fits, weighted with their
    variances. With :math:`F` the Fisher matrix of the common parameters after elimination of all others, the
    covariance of a member is that of the joint fit:

    .. math:: C_{ss} = F^{-1}, \qquad C_{st} = C_{ss} G^T, \qquad C_{tt} = A^{-1} + G\,C_{ss}\,G^T

    Parameters
    ----------
    models
        One for each member, each with all the `shared` names among its parameters.
    data
        Intensities, shape (n_i,) each.
    shared
        Names of the common parameters.
    statistics
        ``"poisson"``, ``"given"`` (by `sigma`) or ``"unknown"`` (one scale of the variance for all members).
    sigma
        One standard uncertainty of the data, shape (n_i,) each.
    nuisance
        Change of each model by one standard deviation of each of its nuisances, shape (k_i, n_i); they are
        independent between members.
    extra
        Reasons for the verdict of each member that were found elsewhere.
    starts
        Start values of each member's own fit, shape (p_i,) each; by default those of its parameters with the areas that
        fit best.

    Returns
    -------
    SharedFit
        Never raises for a bad fit; the verdicts of the members say what it is worth.

    Raises
    ------
    InputError
        For a shared name that is missing, fixed or repeated, for lists of different lengths, or a member whose data
        cannot be fitted at all.

    References
    ----------
    Bates and Watts, Nonlinear Regression Analysis and Its Applications (1988), chapter 6.

    Examples
    --------
    >>> import numpy as np
    >>> from surfspec.fitting import Component, Model, Parameter, Tie
    >>> parameters = (Parameter("area", 50.0, 0.0), Parameter("center", 285.0, 280.0, 290.0), Parameter("w", 1.2, 0.3))
    >>> peak = Component("C 1s", "gaussian", Tie("area"), {"center": Tie("center"), "fwhm": Tie("w")})
    >>> x = np.linspace(280.0, 290.0, 101)
    >>> bound = BoundModel(Model(parameters, (peak,)), x, np.full(101, 5.0))
    >>> data = [bound.evaluate(np.array([area, 285.2, 1.0])) for area in (100.0, 300.0)]
    >>> fit = fit_shared([bound, bound], data, shared=["center", "w"])
    >>> fit.values.round(6).tolist(), [round(float(m.area[0]), 4) for m in fit.members]
    ([285.2, 1.0], [100.0, 300.0])
    """
    if isinstance(shared, str):
        raise InputError(
            f"shared={shared!r:.40} is one text", where="shared", remedy=f"Give a list of names: [{shared!r:.40}]"
        )
    _lists(models, data, statistics, sigma, nuisance, extra, starts)
    parameters = common_parameters(models, shared)
    members = [
        LinkedMember(
            bound=bound,
            y=np.asarray(y),
            links=LinkedMap.of_shared(len(bound.parameters), [_place(bound, name) for name in shared], len(parameters)),
            statistics=statistics,
            sigma=None if sigma is None or statistics == "poisson" else sigma[number],
            nuisance=None if nuisance is None else nuisance[number],
            start=None if starts is None else starts[number],
            extra=() if extra is None else tuple(extra[number]),
        )
        for number, (bound, y) in enumerate(zip(models, data, strict=True))
    ]
    return fit_linked(members, parameters, one_scale=True)


def _lists(
    models: Sequence[BoundModel],
    data: Sequence[Array],
    statistics: str,
    sigma: Sequence[Array] | None,
    nuisance: Sequence[Array] | None,
    extra: Sequence[Sequence[str]] | None,
    starts: Sequence[Array] | None,
) -> None:
    """Refuse lists that are none, or of different lengths."""
    if models is None or not len(models):
        raise InputError("there are no members", where="models", remedy="Give at least one model")
    if data is None:
        raise InputError("there are no data", where="data", remedy="Give the intensities of each member")
    for name, one in (("data", data), ("sigma", sigma), ("nuisance", nuisance), ("extra", extra), ("starts", starts)):
        if one is not None and len(one) != len(models):
            raise InputError(f"{len(one)} entries for {len(models)} members", where=name, remedy="Give one for each")
    if statistics not in ("poisson", "given", "unknown"):
        raise InputError(
            f"statistics {statistics!r} is not known", where="statistics", remedy="Use poisson, given or unknown"
        )
    for number, y in enumerate(data):
        if np.size(y) != models[number].x.size:
            raise InputError(
                f"member {number} has {np.size(y)} intensities on {models[number].x.size} points",
                where="data",
                remedy="Give each member its own axis and data of one length",
            )


def _place(bound: BoundModel, name: str) -> int:
    return [p.name for p in bound.parameters].index(name)
