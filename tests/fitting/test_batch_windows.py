"""Rows of the compiled kernel that are zero beyond a window: the same answers as the kernel that has no windows."""

from __future__ import annotations

import numpy as np
import pytest

from surfspec.fitting import BoundModel, Component, Model, Parameter, Tie
from surfspec.fitting.batch import solve_batch

pytest.importorskip("numba")
X = np.arange(0.0, 1201.0, 2.0)


def _model(shapes: tuple[str, ...], places: tuple[float, ...]) -> tuple[Model, np.ndarray]:
    """Lines of one area and width each; a pseudo-Voigt on the area of the first line where there is one."""
    parameters, components, truth = [], [], []
    for i, (name, place) in enumerate(zip(shapes, places, strict=True)):
        height = 60.0 if name == "edge" else 4000.0
        for what, value, low, high in (
            ("area", height, 0.0, np.inf), ("center", place, place - 30.0, place + 30.0), ("fwhm", 25.0, 5.0, 90.0)
        ):  # fmt: skip
            parameters.append(Parameter(f"{what}{i}", 1.1 * value if what == "fwhm" else value, low=low, high=high))
            truth.append(value + (4.0 if what == "center" else 0.0))
        roles = {"center": Tie(f"center{i}"), "fwhm": Tie(f"fwhm{i}")}
        if name == "pseudo_voigt":
            roles = {"center": Tie("center0", offset=200.0), "fwhm": Tie("fwhm0"), "mixing": Tie("mixing")}
            parameters[-3:], truth[-3:] = [Parameter("mixing", 0.4, low=0.0, high=1.0, vary=False)], [0.4]
        area = Tie("area0") if name == "pseudo_voigt" else Tie(f"area{i}")
        components.append(Component(f"{i}", name, area, roles))
    return Model(tuple(parameters), tuple(components)), np.array(truth)


@pytest.mark.parametrize("statistics", ["poisson", "given"])
@pytest.mark.parametrize(
    ("shapes", "places"),
    [
        (("gaussian", "edge", "gaussian", "edge", "gaussian"), (200.0, 420.0, 600.0, 800.0, 1000.0)),
        (("gaussian", "pseudo_voigt", "gaussian"), (300.0, 500.0, 900.0)),
        (("gaussian", "gaussian", "lorentzian"), (1205.0, 600.0, 300.0)),
    ],
)
def test_windows_change_no_answer(shapes: tuple[str, ...], places: tuple[float, ...], statistics: str) -> None:
    model, truth = _model(shapes, places)
    base = np.full(X.size, 30.0)
    y = np.random.default_rng(3).poisson(BoundModel(model, X, base).evaluate(truth), (6, X.size)).astype(float)
    sigma = np.sqrt(np.maximum(y, 1.0)) if statistics == "given" else None
    plain, found = (
        solve_batch(model, X, y, base, statistics=statistics, sigma=sigma, engine=engine, rescue=False)
        for engine in ("numpy", "numba")
    )
    assert plain.converged.all()
    assert found.converged.all()
    np.testing.assert_array_equal(found.at_bound, plain.at_bound)
    free = ~plain.at_bound
    pulls = np.abs(found.values - plain.values) / np.where(plain.uncertainties > 0, plain.uncertainties, np.inf)
    assert pulls[free].max() < 1e-4
    np.testing.assert_allclose(found.uncertainties[free], plain.uncertainties[free], rtol=1e-4)
    down = solve_batch(
        model, X[::-1].copy(), y[:, ::-1].copy(), base, statistics=statistics, engine="numba", rescue=False,
        sigma=None if sigma is None else sigma[:, ::-1].copy(),
    )  # fmt: skip
    assert (np.abs(down.values - found.values)[free] <= 1e-4 * found.uncertainties[free]).all()


def test_rows_are_zero_beyond_their_windows_only() -> None:
    from surfspec.fitting.batch.fast.windows import limit, window

    for center, fwhm in ((600.3, 25.0), (-40.0, 20.0), (1300.0, 25.0), (601.0, 1e-3), (600.0, 1e6)):
        first, end = window(X, center, fwhm, True)
        bell = -4.0 * np.log(2.0) * ((X - center) / fwhm) ** 2
        inside = bell > bell.max() - 36.0
        assert inside[first:end].sum() == inside.sum() > 0
        assert first % 8 == 0
    assert window(X, np.nan, 1.0, True) == (0, X.size)
    rows, windows = np.ones((1, 32)), np.array([[8, 24]])
    limit(rows, windows, 0, 0.0, 16, 32)
    assert rows[0].tolist() == [1.0] * 8 + [0.0] * 8 + [1.0] * 16
    limit(rows, windows, 0, 1.0, 0, 8)
    assert windows.tolist() == [[0, 32]]
