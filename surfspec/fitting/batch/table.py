r"""A :class:`~surfspec.fitting.model.Model` compiled into index arrays, so that one kernel serves every model.

The model is split into what enters linearly and what does not (Golub and Pereyra, SIAM J. Numer. Anal. 10 (1973) 413):

.. math:: m(x) = b(x) + \sum_j a_j \varphi_j(x; \theta) + o(x; \theta), \qquad
   \varphi_j = \sum_k F_{kj} f_k(x; R_k \theta + r_k)

with the free areas and background amplitudes :math:`a`, all other free parameters :math:`\theta`, the unit-area shapes
:math:`f_k`, the factors `F` and `R` of the ties, and the share `o` of areas that are fixed or have an offset.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from surfspec.errors import InputError
from surfspec.fitting.lineshapes import shape
from surfspec.fitting.model import Model, Parameter, Tie

Array = NDArray[np.float64]
Index = NDArray[np.int64]

#: Shapes that the batched kernels evaluate, with their codes.
KINDS: Final[dict[str, int]] = {
    "gaussian": 0, "lorentzian": 1, "pseudo_voigt": 2, "gl_sum": 3, "voigt": 4, "edge": 5,
    "gl_product": 6, "doniach_sunjic": 7,
}  # fmt: skip
#: Codes below this are those of the compiled kernel, too.
COMPILED: Final = 6
#: Longest step of a position and of a width in units of the width, and of a mixing. Chosen so that starts which are
#: wrong by a width still find their peak; a fit near its end takes shorter steps anyway.
STEP_POSITION: Final = 0.3
STEP_WIDTH: Final = 0.2
STEP_MIXING: Final = 0.1
#: Roles of a shape in the table; a shape with fewer leaves the last unused.
ROLES: Final = 3


@dataclass(frozen=True)
class Columns:
    """Linear columns that are fitted beside the peaks: a background inside the fit.

    Attributes
    ----------
    parameters
        The amplitude of each column; their limits hold, their start values do not matter.
    make
        ``make(x, y) -> (members, columns, n)`` for the intensities (members, n) of some spectra.
    """

    parameters: tuple[Parameter, ...]
    make: Callable[[Array, Array], Array]


def constant_and_step(x: Array, y: Array) -> Array:
    r"""Return the columns of a Shirley background that is fitted with the peaks: the step and a constant.

    .. math:: B_i = k \sum_{j \le i} y_j + c

    The sum runs over the measured intensities below each binding energy (the loss rises towards higher binding energy).

    Parameters
    ----------
    x
        Rising binding energies, shape (n,), eV.
    y
        Intensities, shape (members, n), counts.

    Returns
    -------
    numpy.ndarray
        Shape (members, 2, n).

    References
    ----------
    Herrera-Gomez et al., Surf. Interface Anal. 46 (2014) 897 (active Shirley background).

    Examples
    --------
    >>> constant_and_step(np.arange(3.0), np.array([[1.0, 2.0, 3.0]]))[0].tolist()
    [[1.0, 3.0, 6.0], [1.0, 1.0, 1.0]]
    """
    out = np.empty((y.shape[0], 2, y.shape[1]))
    np.cumsum(y, axis=1, out=out[:, 0])
    out[:, 1] = 1.0
    return out


@dataclass(frozen=True)
class Table:
    """The compiled model: K components, L linear and Q other free parameters, E extra columns among the linear.

    Attributes
    ----------
    parameters
        All of them: the model's and then those of the extra columns.
    linear, nonlinear
        Positions of the free ones, the model's areas first, then the extra columns.
    areas
        How many of the linear ones are areas.
    kinds
        Code of each component's shape, shape (K,).
    role_factor, role_offset
        ``roles = role_factor @ theta + role_offset``, shapes (K, 3, Q) and (K, 3).
    area_factor, area_offset
        ``areas = area_factor @ linear + area_offset``, shapes (K, L) and (K,).
    pairs
        Every (linear column, nonlinear parameter) whose mixed derivative is not zero, shape (P, 2); the column L stands
        for the share with fixed areas.
    has_offset
        Whether that share exists.
    cap_factor, cap_offset
        Longest steps of the nonlinear parameters, ``cap_factor @ theta + cap_offset``, shapes (Q, Q) and (Q,).
    prior_mean, prior_weight
        What is known of the nonlinear parameters beforehand, and one over its variance (0 for nothing), shape (Q,).
    """

    parameters: tuple[Parameter, ...]
    linear: Index
    nonlinear: Index
    areas: int
    kinds: Index
    role_factor: Array
    role_offset: Array
    area_factor: Array
    area_offset: Array
    pairs: Index
    has_offset: bool
    cap_factor: Array
    cap_offset: Array
    prior_mean: Array
    prior_weight: Array

    def means(self, known: Array | None) -> Array:
        """Return the means of the priors of the nonlinear parameters, shape (1, Q), or (m, Q) where members differ."""
        if known is None:
            return self.prior_mean[None]
        return np.where(self.prior_weight > 0, known[:, self.nonlinear], 0.0)

    @property
    def priors(self) -> int:
        """How many parameters have a prior: points of the data beside those of the spectrum."""
        return int(np.count_nonzero(self.prior_weight))

    @property
    def free(self) -> Index:
        """Positions of the free parameters in the order of the kernels: linear, then nonlinear."""
        return np.concatenate([self.linear, self.nonlinear])

    def limits(self, positions: Index) -> tuple[Array, Array]:
        """Return the low and high limits of some parameters."""
        chosen = [self.parameters[i] for i in positions]
        return np.array([p.low for p in chosen]), np.array([p.high for p in chosen])


def unsupported(model: Model) -> str:
    """Say why a model cannot be compiled, or return an empty text.

    Examples
    --------
    >>> unsupported(Model((), ()))
    ''
    """
    for component in model.components:
        if component.shape not in KINDS:
            return f"component {component.name!r} has the shape {component.shape!r}"
        product = next((tie for tie in (component.area, *component.roles.values()) if tie.times), None)
        if product is not None:
            return f"component {component.name!r} has the product of {product.times!r} and {product.parameter!r}"
    linear = {name for c in model.components for name, _ in c.area.terms()}
    twice = {name for c in model.components for tie in c.roles.values() for name, _ in tie.terms()} & linear
    vary = {p.name for p in model.parameters if p.vary}
    known = {p.name for p in model.parameters if p.prior is not None} & linear & vary
    if known:
        return f"the area {sorted(known)[0]!r} has a prior"
    if twice & vary:
        return f"parameter {sorted(twice & vary)[0]!r} is both an area and something else"
    return ""


def compile_model(model: Model, columns: Columns | None = None) -> Table:
    """Compile a model.

    Parameters
    ----------
    model
        The table of components with their ties.
    columns
        Linear columns beside the peaks.

    Returns
    -------
    Table

    Raises
    ------
    InputError
        For a model that the kernels cannot take (see :func:`unsupported`).

    Examples
    --------
    >>> from surfspec.fitting import Component
    >>> ps = (Parameter("a", 1.0, low=0.0), Parameter("c", 0.0), Parameter("w", 1.0, low=0.1))
    >>> peak = Component("one", "gaussian", Tie("a"), {"center": Tie("c"), "fwhm": Tie("w")})
    >>> compile_model(Model(ps, (peak,))).pairs.tolist()
    [[0, 0], [0, 1]]
    """
    reason = unsupported(model)
    if reason:
        raise InputError(f"this model cannot be compiled: {reason}", remedy="Fit it with solve(), one by one")
    extra = columns.parameters if columns else ()
    parameters = (*model.parameters, *extra)
    position = {p.name: i for i, p in enumerate(parameters)}
    if len(position) < len(parameters):
        raise InputError("a column is named like a parameter of the model", remedy="Give each its own name")
    in_area = {name for c in model.components for name, _ in c.area.terms()} | {p.name for p in extra}
    linear = np.array([i for i, p in enumerate(parameters) if p.vary and p.name in in_area], dtype=np.int64)
    nonlinear = np.array([i for i, p in enumerate(parameters) if p.vary and p.name not in in_area], dtype=np.int64)

    def unfold(tie: Tie, free: Index) -> tuple[Array, float]:
        """Return the factors over the free parameters, and the constant with the fixed ones in it."""
        factors, offset = np.zeros(len(parameters)), tie.offset
        for name, factor in tie.terms():
            factors[position[name]] += factor
            offset += 0.0 if parameters[position[name]].vary else factor * parameters[position[name]].value
        return factors[free], offset

    count = len(model.components)
    role_factor, role_offset = np.zeros((count, ROLES, nonlinear.size)), np.zeros((count, ROLES))
    area_factor, area_offset = np.zeros((count, linear.size)), np.zeros(count)
    for k, component in enumerate(model.components):
        area_factor[k], area_offset[k] = unfold(component.area, linear)
        for i, role in enumerate(shape(component.shape).roles):
            role_factor[k, i], role_offset[k, i] = unfold(component.roles[role], nonlinear)
    has_offset = bool(np.any(area_offset))
    every = np.concatenate([area_factor, area_offset[:, None]], axis=1) != 0
    moves = np.any(role_factor != 0, axis=1)
    pairs = np.argwhere(every.T.astype(np.int64) @ moves.astype(np.int64)).astype(np.int64)
    kinds = np.array([KINDS[c.shape] for c in model.components], dtype=np.int64)
    cap_factor, cap_offset = _caps(kinds, role_factor, role_offset)
    known = [parameters[i].prior for i in nonlinear]
    return Table(
        parameters=parameters,
        linear=linear,
        nonlinear=nonlinear,
        areas=int(np.sum(linear < len(model.parameters))),
        kinds=kinds,
        role_factor=role_factor,
        role_offset=role_offset,
        area_factor=area_factor,
        area_offset=area_offset,
        pairs=pairs.reshape(-1, 2),
        has_offset=has_offset,
        cap_factor=cap_factor,
        cap_offset=cap_offset,
        prior_mean=np.array([0.0 if one is None else one[0] for one in known]),
        prior_weight=np.array([0.0 if one is None else one[1] ** -2.0 for one in known]),
    )


def _caps(kinds: Index, role_factor: Array, role_offset: Array) -> tuple[Array, Array]:
    """Return the longest steps, measured by the first component that a parameter moves."""
    count = role_factor.shape[2]
    factor, offset = np.zeros((count, count)), np.full(count, np.inf)
    for q in range(count):
        moved = np.argwhere(role_factor[:, :, q])
        if not moved.size:
            continue
        k, role = moved[0]
        slope = abs(role_factor[k, role, q])
        if role == 2 and kinds[k] != KINDS["voigt"]:
            offset[q] = STEP_MIXING / slope
            continue
        widths = slice(1, 3) if kinds[k] == KINDS["voigt"] else slice(1, 2)
        share = (STEP_POSITION if role == 0 else STEP_WIDTH) / slope
        factor[q] = share * role_factor[k, widths].sum(axis=0)
        offset[q] = share * role_offset[k, widths].sum()
    return factor, offset
