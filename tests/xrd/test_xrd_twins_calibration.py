"""The map of log-odds to frequencies, and measures of calibration, against closed forms and an optimiser of scipy."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.optimize import minimize

from benchmarks import xrd_calibration, xrd_recalibration
from surfspec.errors import InputError
from surfspec.xrd.matching import calibrated


def _claims(intercept: float, slope: float, count: int, seed: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    odds = rng.uniform(-6, 6, count)
    return odds, (rng.random(count) < 1 / (1 + np.exp(-(intercept + slope * odds)))).astype(float)


def test_fit_is_the_penalised_maximum() -> None:
    odds, seen = _claims(-0.6, 0.5, 400)

    def cost(pair: np.ndarray) -> float:
        eta = pair[0] + pair[1] * odds
        likelihood = np.sum(seen * eta - np.logaddexp(0, eta))
        return -likelihood + 0.5 * (pair[0] / 1.5) ** 2 + 0.5 * ((pair[1] - 1) / 0.5) ** 2

    best = minimize(cost, [0.0, 1.0], method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-10})
    found = calibrated.fit(odds, seen)
    assert (found.intercept, found.slope) == pytest.approx(tuple(best.x), abs=1e-5)
    h = 1e-3
    step = np.eye(2) * h
    hessian = np.array([
        [cost(best.x + a + b) - cost(best.x + a - b) - cost(best.x - a + b) + cost(best.x - a - b) for b in step]
        for a in step
    ]) / (4 * h * h)  # fmt: skip
    inverse = np.linalg.inv(hessian)
    assert found.covariance == pytest.approx((inverse[0, 0], inverse[0, 1], inverse[1, 1]), rel=1e-3)


def test_fit_recovers_an_overconfident_model() -> None:
    """The pulls of both parameters over many sets of claims have unit width."""
    pulls = []
    for seed in range(60):
        found = calibrated.fit(*_claims(-0.4, 0.7, 500, seed))
        pulls.append([
            (found.intercept + 0.4) / found.covariance[0] ** 0.5, (found.slope - 0.7) / found.covariance[2] ** 0.5,
        ])  # fmt: skip
    assert np.all(np.abs(np.mean(pulls, axis=0)) < 0.5)
    assert np.all((np.std(pulls, axis=0) > 0.75) & (np.std(pulls, axis=0) < 1.3))


def test_few_claims_change_little() -> None:
    """One claim leaves the map near the identity, and its uncertainty pulls towards one half."""
    found = calibrated.fit([3.0], [0])
    assert abs(found.slope - 1) < 0.5
    plain = calibrated.Calibration(found.intercept, found.slope)
    assert 0.5 < found.probability(4.0) < plain.probability(4.0)


def test_all_true_claims_have_an_end() -> None:
    found = calibrated.fit(np.linspace(0, 30, 50), np.ones(50))
    assert np.isfinite([found.intercept, found.slope, *found.covariance]).all()
    assert found.probability([-np.inf, np.inf]).tolist() == found.probability([-8.0, 8.0]).tolist()


@pytest.mark.parametrize(
    ("odds", "seen"), [([], []), ([1.0], [1, 0]), ([1.0], [0.5]), ([np.nan], [1]), ([[1.0]], [[1]])]
)
def test_bad_claims_are_refused(odds: list, seen: list) -> None:
    with pytest.raises(InputError):
        calibrated.fit(odds, seen)


def test_shipped_maps_rise() -> None:
    maps = calibrated.shipped()
    assert set(maps) == {"named", "candidate", "unknown"}
    for one in maps.values():
        assert np.all(np.diff(one.probability(np.linspace(-7, 7, 29))) > 0)
        assert one.claims > 60


def test_calibration_error_by_hand() -> None:
    p = np.array([0.05, 0.05, 0.95, 0.95])
    assert xrd_calibration.calibration_error(p, np.array([0.0, 0.0, 1.0, 1.0])) == pytest.approx(0.05)
    assert xrd_calibration.calibration_error(p, np.array([0.0, 1.0, 1.0, 0.0])) == pytest.approx(0.45)
    assert xrd_calibration.brier(p, np.array([0.0, 0.0, 1.0, 1.0])) == pytest.approx(0.0025)


def test_honest_probabilities_have_no_error_and_the_map_leaves_them() -> None:
    rng = np.random.default_rng(8)
    p = rng.random(20000)
    seen = (rng.random(20000) < p).astype(float)
    assert xrd_calibration.calibration_error(p, seen) < 0.02
    assert xrd_calibration.calibration_error(p**0.3, seen) > 0.1
    found = calibrated.fit(np.log(p / (1 - p)), seen)
    assert (found.intercept, found.slope) == pytest.approx((0.0, 1.0), abs=0.08)


@pytest.fixture(scope="module")
def rows() -> list[xrd_calibration.Row]:
    return xrd_calibration.trial(1008, modes=("elements",))


def test_a_trial_tells_of_every_candidate(rows: list[xrd_calibration.Row]) -> None:
    sample = xrd_calibration.mixtures.draw(1008)
    phases = [row for row in rows if row.kind == "candidate"]
    assert {row.phase for row in phases} == set(sample.candidates())
    there = {row.phase for row in phases if row.present}
    assert there == set(sample.weights) - {sample.unknown}
    assert all(0.0 <= row.probability <= 1.0 for row in rows)
    assert sum(row.weight for row in phases) == pytest.approx(1.0)
    unknown = [row for row in rows if row.kind == "unknown"]
    assert len(unknown) == 1
    assert bool(unknown[0].present) == bool(sample.unknown)


def test_rows_survive_a_file(rows: list[xrd_calibration.Row], tmp_path) -> None:
    file = tmp_path / "rows.csv"
    xrd_calibration.save(rows, file)
    assert "SIMULATED" in file.read_text(encoding="utf-8").splitlines()[0]
    again = xrd_calibration.load(file)
    assert [row.phase for row in again] == [row.phase for row in rows]
    assert [row.probability for row in again] == [row.probability for row in rows]


def test_mapping_gives_what_a_match_states(rows: list[xrd_calibration.Row]) -> None:
    """The benchmark maps the model's probabilities as the match does, but for the cap where most is unexplained."""
    after = xrd_recalibration.mapped(rows, dict(calibrated.shipped()))
    for old, new in zip(rows, after, strict=True):
        if not (old.kind == "candidate" and old.unexplained > 0.5):
            assert new.probability == pytest.approx(old.probability, rel=1e-6, abs=1e-9)


def test_a_map_moves_every_question(rows: list[xrd_calibration.Row]) -> None:
    doubt = calibrated.Calibration(-1.0, 0.5)
    named, left_out, faint = (
        dataclasses.replace(rows[0], kind="candidate", named=flag, model=p, presence=p)
        for flag, p in ((1, 0.9), (0, 0.9), (0, 1e-9))
    )
    maps = dict.fromkeys(("named", "candidate", "unknown"), doubt)
    moved = [row.probability for row in xrd_recalibration.mapped([named, left_out, faint], maps)]
    assert moved[0] == pytest.approx(1.0 / (1.0 + np.exp(1.0 - 0.5 * np.log(9.0))))
    assert moved[1] == 0.5
    assert moved[2] < 1e-6
