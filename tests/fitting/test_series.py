"""Series: where starts come from, what an interrupt leaves, and what progress says."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import fields, replace

import numpy as np
import pytest
import xarray as xr

import surfspec as ss
from surfspec.errors import InputError
from surfspec.fitting.members import MemberFit, Members, empty_member
from surfspec.fitting.model import BoundModel, Component, Model, Parameter, Tie
from surfspec.fitting.progress import ProgressBar
from surfspec.fitting.result import member_from_model
from surfspec.fitting.series import INTERRUPTED, fit_members
from surfspec.fitting.series_blocks import in_blocks
from surfspec.fitting.solver import solve
from surfspec.fitting.verdict import judge

Array = np.ndarray

X = np.arange(280.0, 300.0, 0.1)
PARAMETERS = (
    Parameter("area", 300.0, 0.0, natural_low=True),
    Parameter("center", 284.0, 280.5, 299.5, unit="eV"),
    Parameter("fwhm", 1.2, 0.5, 3.0, unit="eV"),
)


def bound() -> BoundModel:
    roles = {"center": Tie("center"), "fwhm": Tie("fwhm")}
    return BoundModel(Model(PARAMETERS, (Component("peak", "gaussian", Tie("area"), roles),)), X, np.full(X.size, 20.0))


def spectrum_of(center: float, area: float = 400.0, seed: int = 0) -> Array:
    """Counts (simulated) of one peak over a constant."""
    model = bound().evaluate(np.array([area, center, 1.3]))
    return np.random.default_rng(seed).poisson(model).astype(float)


def series_of(centers: list[float], dim: str = "time", **coords: object) -> xr.Dataset:
    members = [ss.spectrum(X, spectrum_of(c, seed=i), technique="XPS") for i, c in enumerate(centers)]
    return ss.stack(members, dim=dim).assign_coords(coords)


class FitOne:
    """A fit of one peak that can begin at given values, and remembers how it was called."""

    def __init__(self) -> None:
        self.calls: list[tuple[tuple[int, ...], float | None]] = []

    def __call__(
        self, x: Array, y: Array, sigma: Array | None, index: tuple[int, ...], *, warm: Array | None = None
    ) -> MemberFit:
        self.calls.append((index, None if warm is None else float(warm[1])))
        model = bound()
        start = np.array([p.value for p in PARAMETERS]) if warm is None else warm
        statistics = "poisson" if sigma is None else "given"
        solution = solve(model, y, statistics=statistics, sigma=sigma, starts=[start])
        verdict, reasons = judge(solution)
        return member_from_model(model, solution, start, verdict=verdict, reasons=reasons)


def run(dataset: xr.Dataset, fit_one: Callable[..., MemberFit] | None = None, **options: object) -> list[MemberFit]:
    return fit_members(dataset, fit_one or FitOne(), components=1, parameters=PARAMETERS, **options)  # type: ignore[arg-type]


def centers(members: list[MemberFit]) -> Array:
    return np.array([m.value[1] for m in members])


DRIFT = [284.0 + 1.0 * i for i in range(12)]  # far beyond the reach of one start value


class TestFresh:
    def test_the_order_of_members_never_changes_an_answer(self) -> None:
        series = series_of([284.0, 284.5, 283.8, 284.2])
        forwards, backwards = run(series), run(series.isel(time=slice(None, None, -1)))
        for a, b in zip(forwards, backwards[::-1], strict=True):
            assert np.array_equal(a.value, b.value)
            assert np.array_equal(a.covariance, b.covariance)

    def test_a_fit_that_takes_no_start_values_is_called_as_ever(self) -> None:
        def fit_one(x: Array, y: Array, sigma: Array | None, index: tuple[int, ...]) -> MemberFit:
            return empty_member(x.size, 1, PARAMETERS, (f"refused: {index}",))

        assert [m.reasons[0] for m in run(series_of([284.0, 285.0]), fit_one)] == ["refused: (0,)", "refused: (1,)"]
        with pytest.raises(InputError, match="takes no start values"):
            run(series_of([284.0, 285.0]), fit_one, start="neighbour")

    def test_an_unknown_start(self) -> None:
        with pytest.raises(InputError, match="start='warm' is not known"):
            run(series_of([284.0]), start="warm")


class TestNeighbour:
    def test_follows_a_drift_that_one_start_does_not(self) -> None:
        series = series_of(DRIFT)
        fresh = run(series)
        assert np.max(np.abs(centers(fresh) - DRIFT)) > 1.0  # the far members are lost from one start value
        members = run(series, start="neighbour")
        pulls = (centers(members) - DRIFT) / [m.value_unc[1] for m in members]
        assert np.max(np.abs(pulls)) < 4.0
        assert {m.verdict for m in members} <= {"ok", "check"}

    def test_a_bad_first_member_is_mended_backwards(self) -> None:
        # members far from the start value come first: only from behind are they found
        series = series_of(DRIFT[::-1])
        members = run(series, start="neighbour")
        pulls = (centers(members) - DRIFT[::-1]) / [m.value_unc[1] for m in members]
        assert np.max(np.abs(pulls)) < 4.0

    def test_in_the_order_of_a_coordinate(self) -> None:
        series = series_of([284.2, 284.0, 284.1], depth=("time", [2.0, 0.0, 1.0], {"units": "nm"}))
        fit_one = FitOne()
        run(series, fit_one, start="neighbour", along="depth")
        assert [index for index, _ in fit_one.calls] == [(1,), (2,), (0,)]
        assert fit_one.calls[0][1] is None
        assert all(warm is not None for _, warm in fit_one.calls[1:])

    def test_lines_of_a_cube_do_not_see_each_other(self) -> None:
        rows = [series_of([284.0, 284.1, 284.2], dim="x"), series_of([284.3, 284.2, 284.1], dim="x")]
        cube = xr.concat(rows, dim="y").assign_attrs(rows[0].attrs)
        fit_one = FitOne()
        members = run(cube, fit_one, start="neighbour", along="x")
        assert [index for index, _ in fit_one.calls] == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
        assert [warm is None for _, warm in fit_one.calls] == [True, False, False, True, False, False]
        assert [round(float(c), 1) for c in centers(members)] == pytest.approx(
            [284.0, 284.1, 284.2, 284.3, 284.2, 284.1], abs=0.15
        )
        with pytest.raises(InputError, match="along=None is no series dimension"):
            run(cube, start="neighbour")

    def test_equals_fresh_where_every_start_is_good(self) -> None:
        series = series_of([284.0, 284.1, 284.2])
        for one, other in zip(run(series), run(series, start="neighbour"), strict=True):
            assert np.max(np.abs(one.value - other.value) / one.value_unc) < 1e-4


class TestGlobal:
    def test_the_sum_scaled_to_one_member(self) -> None:
        series = series_of([284.0, 284.4, 284.2, 284.1])
        fit_one = FitOne()
        members = run(series, fit_one, start="global")
        total = series["intensity"].values.sum(axis=0)
        model = BoundModel(bound().model, X, np.full(X.size, 80.0))  # four backgrounds of 20
        summed = solve(model, total, statistics="poisson")
        index, warm = fit_one.calls[1]
        assert index == (0,)
        assert warm == pytest.approx(summed.values[1], abs=1e-6)
        assert members[0].start[0] == pytest.approx(summed.values[0] / 4, rel=1e-6)  # the area, of one member
        for one, other in zip(run(series), members, strict=True):
            assert np.max(np.abs(one.value - other.value) / one.value_unc) < 1e-4

    def test_the_order_of_members_does_not_matter(self) -> None:
        series = series_of([284.0, 284.4, 284.2])
        forwards = run(series, start="global")
        backwards = run(series.isel(time=slice(None, None, -1)), start="global")
        for a, b in zip(forwards, backwards[::-1], strict=True):
            assert np.max(np.abs(a.value - b.value) / a.value_unc) < 1e-6

    def test_given_uncertainties(self) -> None:
        series = series_of([284.0, 284.2])
        sigma = np.sqrt(np.maximum(series["intensity"], 1.0)).assign_attrs(series["intensity"].attrs)
        given = series.assign(intensity_unc=sigma).assign_attrs(statistics="given")
        members = run(given, start="global")
        for one, other in zip(run(given), members, strict=True):
            assert np.max(np.abs(one.value - other.value) / one.value_unc) < 1e-4

    def test_members_that_are_no_numbers_do_not_enter(self) -> None:
        series = series_of([284.0, 284.2, 284.1])
        series["intensity"][1, 5] = np.nan
        members = run(series, start="global")
        assert [m.verdict == "failed" for m in members] == [False, True, False]
        with pytest.raises(InputError, match="no member has finite intensities"):
            run(series.where(False).assign_attrs(series.attrs), start="global")


class TestInterrupt:
    @pytest.mark.parametrize("start", ["fresh", "neighbour", "global"])
    def test_what_is_done_is_returned(self, start: str) -> None:
        def stop(done: int, total: int) -> None:
            if done == 2:
                raise KeyboardInterrupt

        series = series_of([284.0, 284.1, 284.2, 284.3])
        members = run(series, start=start, progress=stop)
        assert [m.reasons == (INTERRUPTED,) for m in members] == [False, False, True, True]
        assert [m.verdict for m in members[2:]] == ["failed", "failed"]
        reference = run(series, start=start)
        assert all(np.array_equal(a.value, b.value) for a, b in zip(members[:2], reference, strict=False))

    def test_through_the_fit_of_a_technique(self) -> None:
        energy = np.arange(176.0, 192.0, 0.2)
        y = 500 + 900 * np.exp(-(((energy - 182.4) / 0.8) ** 2)) + 600 * np.exp(-(((energy - 184.81) / 0.8) ** 2))
        series = ss.stack([ss.spectrum(energy, np.round(y * n), technique="XPS") for n in (1, 2, 3)], dim="spot")

        def stop(done: int, total: int) -> None:
            raise KeyboardInterrupt

        result = ss.xps.fit(series, "Zr 3d", progress=stop)
        assert result["reasons"].values.tolist()[1:] == [INTERRUPTED, INTERRUPTED]
        assert np.isfinite(result["area"].values[0]).all()
        assert result["verdict"].values.tolist()[1:] == ["failed", "failed"]
        ss.check(result, "fit")

    def test_before_the_first_member_is_done(self) -> None:
        def fit_one(x: Array, y: Array, sigma: Array | None, index: tuple[int, ...]) -> MemberFit:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run(series_of([284.0, 285.0]), fit_one)


class TestBlocks:
    """Batched fits: work that only writes down which member it was given."""

    @staticmethod
    def work(rows: Array) -> Members:
        blank = empty_member(X.size, 1, PARAMETERS, ())
        return Members.of([
            replace(blank, value=np.full(3, float(row)), model=np.full(X.size, 1.0 + row), verdict="ok") for row in rows
        ])  # fmt: skip

    def run(self, count: int, block: int, **options: object) -> Members:
        work = options.pop("work", self.work)
        return in_blocks(count, block, work, points=X.size, components=1, parameters=PARAMETERS, **options)  # type: ignore[arg-type]

    @pytest.mark.parametrize("block", [1, 3, 10, 64])
    def test_every_member_once_and_in_order(self, block: int) -> None:
        said: list[tuple[int, int]] = []
        members = self.run(10, block, progress=lambda *numbers: said.append(numbers))
        assert members.value[:, 0].tolist() == list(range(10))
        assert [m.model[-1] for m in members] == [1.0 + i for i in range(10)]
        assert set(members.verdict.tolist()) == {"ok"}
        assert [done for done, _ in said] == [min(i + block, 10) for i in range(0, 10, block)]
        assert {total for _, total in said} == {10}

    @pytest.mark.parametrize("when", ["in the work", "in the progress"])
    def test_what_is_done_is_returned(self, when: str) -> None:
        def work(rows: Array) -> Members:
            if when == "in the work" and rows[0] == 6:
                raise KeyboardInterrupt
            return self.work(rows)

        def stop(done: int, total: int) -> None:
            if when == "in the progress" and done == 6:
                raise KeyboardInterrupt

        members = self.run(10, 3, work=work, progress=stop)
        assert [m.verdict for m in members] == ["ok"] * 6 + ["failed"] * 4
        assert [m.reasons for m in members] == [()] * 6 + [(INTERRUPTED,)] * 4
        alone = empty_member(X.size, 1, PARAMETERS, (INTERRUPTED,))
        for name in (field.name for field in fields(MemberFit)):
            np.testing.assert_array_equal(getattr(members[6], name), getattr(alone, name))
            np.testing.assert_array_equal(getattr(members[5], name), getattr(self.work(np.array([5]))[0], name))

    def test_an_interrupt_while_a_block_is_written(self, monkeypatch: pytest.MonkeyPatch) -> None:
        whole = Members.put

        def torn(self: Members, rows: Array, part: Members) -> Members:
            if rows[0] == 3 and part.verdict[0] == "ok":
                self.value[rows[0]] = part.value[0]
                raise KeyboardInterrupt
            return whole(self, rows, part)

        monkeypatch.setattr(Members, "put", torn)
        members = self.run(7, 3)
        assert members.value[:3, 0].tolist() == [0.0, 1.0, 2.0]
        assert np.isnan(members.value[3:]).all()
        assert members.reasons[3:] == ((INTERRUPTED,),) * 4

    def test_before_the_first_block_is_done(self) -> None:
        def work(rows: Array) -> Members:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            self.run(4, 2, work=work)

    def test_a_list_will_do_and_a_wrong_number_will_not(self) -> None:
        members = self.run(5, 2, work=lambda rows: list(self.work(rows)))
        assert members.value[:, 0].tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]
        with pytest.raises(InputError, match="the work on 2 members returned 1"):
            self.run(5, 2, work=lambda rows: self.work(rows[:1]))
        with pytest.raises(InputError, match="blocks of 0 members"):
            self.run(5, 0)


class TestProgressBar:
    def test_a_terminal_line_is_rewritten(self) -> None:
        class Terminal(io.StringIO):
            def isatty(self) -> bool:
                return True

        out = Terminal()
        bar = ProgressBar("fitting", stream=out, width=10)
        for done in range(1, 5):
            bar(done, 4)
        text = out.getvalue()
        assert text.count("\n") == 1
        assert text.endswith("\n")
        assert text.startswith("\r[")
        assert "[##########] fitting 4 of 4 (100 %)" in text

    def test_a_file_gets_a_line_for_every_tenth(self) -> None:
        out = io.StringIO()
        bar = ProgressBar(stream=out)
        for done in range(1, 1001):
            bar(done, 1000)
        lines = out.getvalue().splitlines()
        assert 10 <= len(lines) <= 11
        assert lines[-1] == "fitting 1000 of 1000 (100 %)"

    def test_it_says_how_long_it_takes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        clock = iter([0.0, 10.0, 20.0, 7220.0])
        monkeypatch.setattr("surfspec.fitting.progress.time.monotonic", lambda: next(clock))
        out = io.StringIO()
        bar = ProgressBar(stream=out)
        bar(0, 100)
        bar(50, 100)
        bar(60, 100)
        bar(61, 62)
        lines = out.getvalue().splitlines()
        assert lines[1].endswith(", 10 s left")
        assert lines[2].endswith(", 13 s left")
        assert lines[3].endswith(", 1 min 58 s left")

    def test_it_serves_a_series(self, capsys: pytest.CaptureFixture[str]) -> None:
        run(series_of([284.0, 284.1]), progress=ProgressBar("spectra"))
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.splitlines()[-1] == "spectra 2 of 2 (100 %)"
