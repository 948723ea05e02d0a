r"""What a film makes every technique see, as residuals.

A film of thickness `t` on the share :math:`\theta_0` of the surface, `n` monolayers of which the beam removes one at a
time with the cross-section :math:`\sigma`:

* LEIS at a dose sees the coverage :math:`\theta_0\,\overline{Q(n, \sigma D)}`,
* the in-depth edge the layers left on covered sites, :math:`(t/n)\,\overline{\ell(n, \sigma D)}\,(1 + s z)`, with the
  stopping error `z` of unit variance common to all edges,
* XPS, before the beam, :math:`\theta_0 (1 - e^{-t/L})`,
* and `n` whole monolayers of thickness `m` make :math:`t = n m`, to half a monolayer and the error of `m`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from surfspec.joint.data import Attenuation, Doses, Edges
from surfspec.joint.removal import covered_and_left

Array = NDArray[np.float64]

#: Parameters beside coverage and number of layers: thickness (nm), logarithm of the removal cross-section over
#: :data:`TYPICAL`, and the common error of the edges in its standard uncertainty.
THICKNESS, LOG_SIGMA, STOPPING = 0, 1, 2
LOW: Final = np.array([0.0, -7.0, -6.0])
HIGH: Final = np.array([60.0, 6.0, 6.0])
#: What is known of a removal cross-section beforehand: 1e-16 cm2 within a factor exp(1.5) = 4.5, one standard
#: deviation; sputter yields of 0.04 to 0.8 atoms per ion at 1.77e15 sites/cm2. A choice, wide against the data.
TYPICAL, FACTOR = 1e-16, 1.5
#: Standard deviation of a thickness of which nothing is known, nm, and of that beyond the last number of layers.
ANY_THICKNESS, BEYOND = 10.0, 3.0


@dataclass(frozen=True)
class Evidence:
    """The data of one sample; what is missing is None.

    Attributes
    ----------
    doses, edges, attenuation
        What each technique says.
    layers
        Numbers of monolayers to try, rising; the last stands for itself and all beyond.
    monolayer, monolayer_unc
        Thickness of one and its relative standard uncertainty.
    """

    doses: Doses | None
    edges: Edges | None
    attenuation: Attenuation | None
    layers: tuple[int, ...]
    monolayer: float
    monolayer_unc: float

    def only(self, name: str) -> Evidence:
        """Return the evidence of one technique alone."""
        return replace(
            self,
            doses=self.doses if name == "doses" else None,
            edges=self.edges if name == "edges" else None,
            attenuation=self.attenuation if name == "attenuation" else None,
        )

    @property
    def present(self) -> tuple[str, ...]:
        """Names of what there is."""
        return tuple(name for name in ("doses", "edges", "attenuation") if getattr(self, name) is not None)

    @property
    def candidates(self) -> Array:
        """Numbers of monolayers that the data bear on: all of them, or one where nothing was seen at a dose."""
        dosed = self.doses is not None or (self.edges is not None and bool(np.any(np.isfinite(self.edges.end))))
        return np.array(self.layers if dosed else (1,), dtype=np.float64)


@dataclass(frozen=True)
class Row:
    """One datum: name, unit, measured, standard uncertainty, and what the model makes of it."""

    name: str
    unit: str
    value: float
    unc: float
    predicted: float


class Beam:
    """What the beam has left in each spectrum; remembers the last cross-sections, which most derivatives do not move.

    Parameters
    ----------
    evidence
        The data.
    layers
        Monolayers of each member, shape (m,).
    """

    def __init__(self, evidence: Evidence, layers: Array) -> None:
        self._layers = layers[:, None]
        self._intervals = {
            name: (np.nan_to_num(one.start), np.nan_to_num(one.end))
            for name, one in (("doses", evidence.doses), ("edges", evidence.edges))
            if one is not None
        }
        self._sigma: Array | None = None
        self._found: dict[str, tuple[Array, Array]] = {}

    def left(self, name: str, sigma: Array) -> tuple[Array, Array]:
        """Return the covered share and the layers on it in the spectra of ``doses`` or ``edges``, shape (m, k)."""
        if self._sigma is None or not np.array_equal(self._sigma, sigma):
            self._sigma, self._found = sigma.copy(), {}
        start, end = self._intervals[name]
        for other, pair in self._found.items():
            if all(np.array_equal(a, b) for a, b in zip(self._intervals[other], (start, end), strict=True)):
                return pair
        self._found[name] = covered_and_left(self._layers, sigma[:, None] * start, sigma[:, None] * end)
        return self._found[name]


def residuals(evidence: Evidence, coverage: Array, layers: Array, values: Array, beam: Beam) -> tuple[Array, Array]:
    """Return the residuals of the data and of what is known beforehand, all of unit variance.

    Parameters
    ----------
    evidence
        The data.
    coverage, layers
        Shape (m,).
    values
        Parameters, shape (m, 3).
    beam
        Made of the same evidence and layers.

    Returns
    -------
    of_data, of_priors
        Shapes (m, n) and (m, 2).
    """
    t, z = values[:, THICKNESS], values[:, STOPPING]
    sigma = TYPICAL * np.exp(values[:, LOG_SIGMA])
    parts = [z[:, None]]
    if evidence.doses is not None:
        gap = evidence.doses.value - coverage[:, None] * beam.left("doses", sigma)[0]
        parts.append(gap @ evidence.doses.whitening.T)
        parts.append(_of_layers(evidence, layers, t)[:, None])
    if evidence.edges is not None:
        seen = seen_edges(evidence.edges, t, layers, beam.left("edges", sigma)[1], z)
        parts.append((evidence.edges.value - seen) / evidence.edges.own)
    if evidence.attenuation is not None:
        parts.append(_of_attenuation(evidence.attenuation, coverage, t))
    return np.concatenate(parts, axis=1), np.stack([values[:, LOG_SIGMA] / FACTOR, t / ANY_THICKNESS], axis=1)


def seen_edges(edges: Edges, thickness: Array, layers: Array, left: Array, error: Array) -> Array:
    """Return the thickness by each edge, shape (m, k), nm, for the layers left on covered sites."""
    share = np.where(np.isfinite(edges.end), left / layers[:, None], 1.0)
    return np.asarray(thickness[:, None] * share * (1 + edges.common * error[:, None]))


def seen_product(seen: Attenuation, coverage: Array, thickness: Array) -> Array:
    r"""Return :math:`\theta(1 - e^{-t/L})`, shape (m,)."""
    return np.asarray(coverage * -np.expm1(-thickness / seen.length))


def _of_attenuation(seen: Attenuation, coverage: Array, thickness: Array) -> Array:
    target = np.interp(coverage, seen.coverage, seen.product)
    lines = np.sqrt(np.clip(np.interp(coverage, seen.coverage, seen.chi2), 0.0, None))
    return np.stack([(target - seen_product(seen, coverage, thickness)) / seen.unc, lines], axis=1)


def unc_of_layers(evidence: Evidence, layers: Array, *, above: bool = False) -> Array:
    """Return the standard uncertainty of the thickness of whole monolayers, nm: half of one more or less, uniform.

    The last number stands for all beyond it, with :data:`BEYOND` upwards (`above`).
    """
    unc = evidence.monolayer * np.sqrt(1 / 12 + (evidence.monolayer_unc * layers) ** 2)
    return np.where((layers == evidence.layers[-1]) & above, BEYOND, unc)


def log_width_of_layers(evidence: Evidence, layers: Array) -> Array:
    """Return the logarithm of the width of thicknesses that a number of monolayers stands for; 0 without doses."""
    if evidence.doses is None:
        return np.zeros(layers.shape)
    below, beyond = unc_of_layers(evidence, layers), unc_of_layers(evidence, layers, above=True)
    return np.asarray(np.log(0.5 * (below + beyond)))


def _of_layers(evidence: Evidence, layers: Array, thickness: Array) -> Array:
    gap = layers * evidence.monolayer - thickness
    below, beyond = unc_of_layers(evidence, layers), unc_of_layers(evidence, layers, above=True)
    return np.asarray(gap / np.where(gap > 0, below, beyond))


def rows(evidence: Evidence, coverage: float, layers: int, values: Array) -> list[Row]:
    """Return every datum beside what the model makes of it."""
    c, n, x = np.array([coverage]), np.array([float(layers)]), values[None]
    t, sigma = x[:, THICKNESS], TYPICAL * np.exp(x[:, LOG_SIGMA])
    found: list[Row] = []
    beam = Beam(evidence, n)
    if (doses := evidence.doses) is not None:
        made = coverage * beam.left("doses", sigma)[0][0]
        for i in range(doses.value.size):
            name = f"LEIS coverage at {doses.end[i]:.3g} ions/cm2"
            found.append(Row(name, "1", float(doses.value[i]), float(doses.unc[i]), float(made[i])))
        nominal = layers * evidence.monolayer
        unc = float(unc_of_layers(evidence, n, above=bool(t[0] > nominal))[0])
        found.append(Row(f"LEIS {layers} monolayer{'s' if layers > 1 else ''}", "nm", nominal, unc, float(t[0])))
    if (edges := evidence.edges) is not None:
        made = seen_edges(edges, t, n, beam.left("edges", sigma)[1], x[:, STOPPING])[0]
        for i in range(edges.value.size):
            name = f"LEIS edge at {edges.end[i]:.3g} ions/cm2" if np.isfinite(edges.end[i]) else "LEIS edge"
            found.append(Row(name, "nm", float(edges.value[i]), float(edges.own[i]), float(made[i])))
        found.append(Row("LEIS stopping", "1", 0.0, 1.0, float(x[0, STOPPING])))
    if (seen := evidence.attenuation) is not None:
        target = float(np.interp(coverage, seen.coverage, seen.product))
        lines = float(np.sqrt(np.clip(np.interp(coverage, seen.coverage, seen.chi2), 0.0, None)))
        found.append(Row("XPS attenuation", "1", target, seen.unc, float(seen_product(seen, c, t)[0])))
        found.append(Row("XPS lines among themselves", "1", lines, 1.0, 0.0))
    return found
