"""Fits in chunks: the same numbers whatever the chunks and the scheduler, nothing lost, nothing done twice."""

from __future__ import annotations

import functools
import importlib.util
import os
import re
import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import surfspec as ss
from surfspec.errors import InputError, MissingDependencyError, SchemaError
from surfspec.fitting.scale import fit_in_chunks
from surfspec.fitting.scale.identity import describe
from surfspec.fitting.series import INTERRUPTED

HAS_PARALLEL = all(importlib.util.find_spec(name) for name in ("dask", "distributed", "zarr"))
parallel = pytest.mark.skipif(not HAS_PARALLEL, reason="needs the extra 'parallel'")

FIT = functools.partial(ss.xps.fit, recipe="Zr 3d", shift_search=0.0)
ENERGY = np.arange(176.0, 192.0, 0.2)


def doublet(area: float = 900.0, center: float = 182.4) -> np.ndarray:
    first = np.exp(-(((ENERGY - center) / 0.8) ** 2))
    return 500.0 + area * (first + 2 / 3 * np.exp(-(((ENERGY - center - 2.41) / 0.8) ** 2)))


def make_cube(shape: tuple[int, int] = (3, 4)) -> xr.Dataset:
    """Return a small image of a Zr 3d doublet (simulated), with positions and names of the rows."""
    rng = np.random.default_rng(7)
    areas = 400.0 + 200.0 * np.arange(np.prod(shape)).reshape(shape)
    counts = rng.poisson(np.stack([[doublet(a) for a in row] for row in areas])).astype(float)
    one = ss.spectrum(ENERGY, counts[0, 0], technique="XPS", region="Zr 3d")
    cube = one.drop_vars("intensity").assign(intensity=(("y", "x", "binding_energy"), counts, one["intensity"].attrs))
    names = np.array([f"row {'i' * (i + 1)}" for i in range(shape[0])])
    return cube.assign_coords(
        x=("x", 0.5 * np.arange(shape[1]), {"units": "mm"}),
        row=("y", names),
        number=(("y", "x"), np.arange(12).reshape(shape)),
    )


@pytest.fixture(scope="module")
def cube() -> xr.Dataset:
    return make_cube()


@pytest.fixture(scope="module")
def whole(cube: xr.Dataset) -> xr.Dataset:
    return FIT(cube)


class TestTheSameNumbers:
    @pytest.mark.parametrize("chunk", [None, 1, 3, 5, 8, 1000, {"y": 2, "x": 3}, {"x": 2}])
    def test_whatever_the_chunks(self, cube: xr.Dataset, whole: xr.Dataset, chunk: object) -> None:
        xr.testing.assert_identical(fit_in_chunks(cube, FIT, chunk=chunk), whole)  # type: ignore[arg-type]

    def test_on_threads(self, cube: xr.Dataset, whole: xr.Dataset) -> None:
        xr.testing.assert_identical(fit_in_chunks(cube, FIT, chunk=2, scheduler="threads", workers=2), whole)

    @pytest.mark.slow
    def test_on_two_processes(self, cube: xr.Dataset, whole: xr.Dataset) -> None:
        xr.testing.assert_identical(fit_in_chunks(cube, FIT, chunk=2, scheduler="processes", workers=2), whole)

    def test_many_at_once_in_chunks_of_any_size(self, cube: xr.Dataset) -> None:
        """The batched kernel: no member knows with whom it was fitted, to the last bit."""
        fit = functools.partial(FIT, engine="numpy")
        many = xr.concat([cube] * 6, dim="z")
        at_once = fit(many)
        for options in ({"chunk": 5}, {"chunk": 7, "scheduler": "threads", "workers": 2}):
            xr.testing.assert_identical(fit_in_chunks(many, fit, **options), at_once)

    @parallel
    @pytest.mark.slow
    @pytest.mark.filterwarnings("ignore:Creating scratch directories:UserWarning")
    def test_on_a_cluster_of_two_workers(self, cube: xr.Dataset, whole: xr.Dataset, tmp_path: Path) -> None:
        distributed = importlib.import_module("distributed")
        lazy = cube.chunk(y=1, x=2)
        try:
            started = distributed.LocalCluster(
                n_workers=2, threads_per_worker=1, dashboard_address=None, local_directory=str(tmp_path)
            )
        except (OSError, TimeoutError) as error:
            pytest.skip(f"no cluster can be started on this machine: {error}")
        with started as cluster, distributed.Client(cluster) as client:
            result = fit_in_chunks(lazy, FIT, scheduler=client, store=tmp_path / "fit.zarr")
            xr.testing.assert_identical(result.compute(), whole)
            assert client.status == "running"  # a client that was passed in stays open

    @parallel
    def test_from_a_lazy_series_into_a_store(self, cube: xr.Dataset, whole: xr.Dataset, tmp_path: Path) -> None:
        stored = cube.drop_encoding()
        stored.to_zarr(tmp_path / "data.zarr", zarr_format=2)
        for number, chunks in enumerate((None, {})):
            with xr.open_zarr(tmp_path / "data.zarr", chunks=chunks) as lazy:
                given = lazy.assign_coords(row=lazy["row"].astype(object))
                result = fit_in_chunks(given, FIT, chunk=4, store=tmp_path / f"fit{number}.zarr")
            assert result["model"].chunks is not None  # nothing but text is in memory
            xr.testing.assert_identical(result.compute(), whole)
            ss.check(result, "fit")

    @parallel
    def test_a_store_is_an_ordinary_zarr_group(self, cube: xr.Dataset, whole: xr.Dataset, tmp_path: Path) -> None:
        fit_in_chunks(cube, FIT, chunk=5, store=tmp_path / "fit.zarr")
        with xr.open_zarr(tmp_path / "fit.zarr") as plain:
            np.testing.assert_array_equal(plain["area"].values, whole["area"].values)
            assert plain.attrs == whole.attrs
            assert plain["row"].values.tolist() == whole["row"].values.tolist()


class TestProgressAndOrder:
    @pytest.mark.parametrize("scheduler", ["sync", "threads"])
    def test_progress_counts_members(self, cube: xr.Dataset, scheduler: str) -> None:
        seen: list[tuple[int, int]] = []
        fit_in_chunks(cube, FIT, chunk=3, scheduler=scheduler, progress=lambda *now: seen.append(now))
        assert seen[-1] == (12, 12)
        assert [one[0] for one in seen] == sorted({one[0] for one in seen})

    def test_the_data_are_not_changed(self, cube: xr.Dataset) -> None:
        before = cube.copy(deep=True)
        fit_in_chunks(cube, FIT, chunk=3)
        xr.testing.assert_identical(cube, before)


class Counting:
    """A fit that counts the spectra given to it, and stops where it is told to."""

    def __init__(self, stop_at: int | None = None, error: type[BaseException] = KeyboardInterrupt) -> None:
        self.calls = 0
        self.members = 0
        self.stop_at = stop_at
        self.error = error

    def __call__(self, chunk: xr.Dataset) -> xr.Dataset:
        self.calls += 1
        if self.calls == self.stop_at:
            raise self.error("stopped")
        self.members += chunk["intensity"].size // ENERGY.size
        return FIT(chunk)


class TestInterrupt:
    @pytest.mark.parametrize("scheduler", ["sync", "threads"])
    def test_what_is_done_is_returned(self, cube: xr.Dataset, whole: xr.Dataset, scheduler: str) -> None:
        def stop(done: int, total: int) -> None:
            if done >= 6:
                raise KeyboardInterrupt

        result = fit_in_chunks(cube, FIT, chunk=3, scheduler=scheduler, workers=1, progress=stop)
        done = (result["reasons"] != INTERRUPTED).values
        assert 6 <= done.sum() < 12
        np.testing.assert_array_equal(result["area"].values[done], whole["area"].values[done])
        assert (result["verdict"].values[~done] == "failed").all()
        assert np.isnan(result["value"].values[~done]).all()
        np.testing.assert_array_equal(result["intensity"].values, whole["intensity"].values)
        ss.check(result, "fit")

    def test_within_a_chunk(self, cube: xr.Dataset, whole: xr.Dataset) -> None:
        seen = []

        def stop(done: int, total: int) -> None:
            seen.append(done)
            if len(seen) == 7:
                raise KeyboardInterrupt

        fit = functools.partial(FIT, progress=stop)
        result = fit_in_chunks(cube, fit, chunk=6)  # chunks of four members
        done = (result["reasons"] != INTERRUPTED).values
        assert done.sum() == 7
        np.testing.assert_array_equal(result["area"].values[done], whole["area"].values[done])

    def test_before_anything_is_done(self, cube: xr.Dataset) -> None:
        with pytest.raises(KeyboardInterrupt):
            fit_in_chunks(cube, Counting(stop_at=1), chunk=3)

    @parallel
    def test_a_store_goes_on(self, cube: xr.Dataset, whole: xr.Dataset, tmp_path: Path) -> None:
        store = tmp_path / "fit.zarr"
        first = Counting(stop_at=3)
        partial = fit_in_chunks(cube, first, chunk=3, store=store)
        assert (partial["reasons"] == INTERRUPTED).sum() == 12 - first.members
        left = (partial["reasons"] == INTERRUPTED).values
        assert (partial["verdict"].values[left] == "failed").all()
        assert (partial["verdict"].values[~left] == whole["verdict"].values[~left]).all()
        second = Counting()
        result = fit_in_chunks(cube, second, chunk=3, store=store)
        assert first.members + second.members == 12
        xr.testing.assert_identical(result.compute(), whole)
        third = Counting()
        fit_in_chunks(cube, third, chunk=3, store=store)
        assert third.calls == 0

    @parallel
    def test_a_fault_of_the_fit_is_raised_and_what_is_done_is_kept(self, cube: xr.Dataset, tmp_path: Path) -> None:
        store = tmp_path / "fit.zarr"
        with pytest.raises(ZeroDivisionError):
            fit_in_chunks(cube, Counting(stop_at=3, error=ZeroDivisionError), chunk={"y": 1, "x": 2}, store=store)
        second = Counting()
        fit_in_chunks(cube, second, chunk={"y": 1, "x": 2}, store=store)
        assert second.members == 12 - 4

    @parallel
    def test_a_chunk_without_its_marker_is_fitted_again(
        self, cube: xr.Dataset, whole: xr.Dataset, tmp_path: Path
    ) -> None:
        store = tmp_path / "fit.zarr"
        fit_in_chunks(cube, Counting(), chunk={"x": 2}, store=store)
        (store / ".surfspec" / "done" / "1").unlink()
        zarr = importlib.import_module("zarr")
        zarr.open_group(str(store), mode="r+")["area"][:, 2:] = -1.0  # as if it had been killed while writing
        again = Counting()
        result = fit_in_chunks(cube, again, chunk={"x": 2}, store=store)
        assert again.calls == 1
        xr.testing.assert_identical(result.compute(), whole)


SCRIPT = """
import functools, sys, time
import numpy as np, xarray as xr, surfspec as ss
from surfspec.fitting.scale import fit_in_chunks

def fit(chunk):
    with open("log.txt", "a") as log:
        log.write(" ".join(str(n) for n in chunk["number"].values.ravel()) + "\\n")
    time.sleep(0.05)
    return ss.xps.fit(chunk, "Zr 3d", shift_search=0.0)

if __name__ == "__main__":
    cube = xr.open_dataset("cube.nc").load()
    fit_in_chunks(cube, fit, chunk=1, store="fit.zarr", scheduler=sys.argv[1], workers=2)
"""


@parallel
@pytest.mark.slow
def test_killed_half_way_and_resumed(cube: xr.Dataset, whole: xr.Dataset, tmp_path: Path) -> None:
    ss.save(cube, tmp_path / "cube.nc")
    (tmp_path / "work.py").write_text(SCRIPT, encoding="utf-8")
    command = [sys.executable, "work.py", "threads"]
    log, markers = tmp_path / "log.txt", tmp_path / "fit.zarr" / ".surfspec" / "done"
    with subprocess.Popen(command, cwd=tmp_path) as process:
        limit = time.monotonic() + 60
        while not (markers.is_dir() and len(list(markers.iterdir())) >= 5):
            assert process.poll() is None, "the script ended before it was killed"
            assert time.monotonic() < limit
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
    done = {int(one.name) for one in markers.iterdir() if one.name.isdigit()}
    assert 5 <= len(done) < 12
    before = log.read_text().split()
    with xr.open_zarr(tmp_path / "fit.zarr") as half:  # readable and honest as it was left
        missing = [n for n in range(12) if n not in done]
        assert set(np.ravel(half["verdict"].values)[missing]) <= {"failed", "ok"}
        assert np.isfinite(half["area"].values.reshape(12, -1)[sorted(done)]).all()
    subprocess.run(command, cwd=tmp_path, check=True, timeout=120)
    second = [int(n) for n in log.read_text().split()[len(before) :]]
    assert sorted(second) == missing  # what was done is not done again, and nothing is left out
    result = fit_in_chunks_result(tmp_path / "fit.zarr")
    for name in ("area", "area_unc", "value", "covariance", "model", "contribution", "dof", "chi2"):
        np.testing.assert_array_equal(result[name].values, whole[name].values)
    assert result["verdict"].values.tolist() == whole["verdict"].values.tolist()


def fit_in_chunks_result(store: Path) -> xr.Dataset:
    with xr.open_zarr(store) as opened:
        return opened.compute()


def total_counts(chunk: xr.Dataset) -> xr.Dataset:
    """Return the counts of each spectrum: a cheap fit for tests of memory."""
    total = chunk["intensity"].sum("binding_energy")
    return xr.Dataset({"total": (total.dims, total.values, {"units": "counts"})}, attrs={"kind": "table"})


@parallel
@pytest.mark.parametrize("scheduler", ["sync", "threads"])
def test_memory_is_bounded_by_the_chunk(tmp_path: Path, scheduler: str) -> None:
    array = importlib.import_module("dask.array")
    members, points, parts = 500, 400, 60  # 1.6 MB a chunk, 96 MB in all
    numbers = array.map_blocks(
        lambda block_info: np.full((members, points), float(block_info[None]["chunk-location"][0])),
        chunks=((members,) * parts, (points,)),
        dtype=np.float64,
    )
    one = ss.spectrum(np.arange(float(points)), np.zeros(points), technique="XPS")
    series = one.drop_vars("intensity").assign(intensity=(("depth", "binding_energy"), numbers, one["intensity"].attrs))
    fit_in_chunks(series.isel(depth=slice(0, 1000)), total_counts, store=tmp_path / "warm.zarr")  # imports
    tracemalloc.start()
    result = fit_in_chunks(series, total_counts, scheduler=scheduler, workers=2, store=tmp_path / "fit.zarr")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    chunk = members * points * 8
    # under way at a time: one chunk with the plain loop, three with two workers; each with copies while it is summed,
    # and what dask and zarr need themselves. The data are 60 chunks.
    assert peak < {"sync": 5, "threads": 10}[scheduler] * chunk
    np.testing.assert_array_equal(result["total"].values, np.repeat(np.arange(parts), members) * float(points))


class TestRefusals:
    def test_a_chunk_of_blank_members_is_data(self, cube: xr.Dataset, whole: xr.Dataset) -> None:
        blank = cube.copy(deep=True)
        blank["intensity"][0] = 0.0  # the first chunk, before it is known what a result looks like
        result = fit_in_chunks(blank, FIT, chunk=4)
        assert (result["verdict"].values[0] == "failed").all()
        assert all("every intensity is zero" in text for text in result["reasons"].values[0])
        assert (result["intensity"].values[0] == 0.0).all()
        np.testing.assert_array_equal(result["area"].values[1:], whole["area"].values[1:])
        ss.check(result, "fit")

    def test_nothing_but_blank_members(self, cube: xr.Dataset) -> None:
        blank = cube.copy(deep=True)
        blank["intensity"][:] = 0.0
        with pytest.raises(InputError, match="every intensity is zero"):
            fit_in_chunks(blank, FIT, chunk=4)

    def test_a_fit_that_draws_on_the_whole_chunk(self, cube: xr.Dataset) -> None:
        shifted = cube.copy(deep=True)
        shifted["intensity"][1:] = np.round(doublet(5000.0, center=183.4))
        fit = functools.partial(ss.xps.fit, recipe="Zr 3d", shift_search=2.0)
        with pytest.raises(InputError, match="chunks of the series give results that differ"):
            fit_in_chunks(shifted, fit, chunk=4)

    def test_what_is_wrong_with_every_chunk_is_raised_at_once(self, cube: xr.Dataset) -> None:
        with pytest.raises(SchemaError, match="spectrum"):
            fit_in_chunks(cube.assign_attrs(kind="table"), FIT, chunk=1)

    def test_a_fit_that_loses_members(self, cube: xr.Dataset) -> None:
        with pytest.raises(InputError, match="'y' returned none"):
            fit_in_chunks(cube, lambda chunk: FIT(chunk.sum("y", keep_attrs=True)), chunk=4)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"chunk": 0}, "chunk of 0"),
            ({"chunk": True}, "chunk of True"),
            ({"chunk": 2.5}, "chunk of 2.5"),
            ({"chunk": {"z": 2}}, "names 'z'"),
            ({"chunk": {"y": -1}}, "chunk of -1"),
            ({"scheduler": "slurm"}, "'slurm' is not known"),
            ({"scheduler": "threads", "workers": 0}, "0 workers"),
            ({"scheduler": "threads", "workers": "a"}, "'a' workers"),
        ],
    )
    def test_options(self, cube: xr.Dataset, options: dict[str, object], message: str) -> None:
        with pytest.raises(InputError, match=message):
            fit_in_chunks(cube, FIT, **options)  # type: ignore[arg-type]

    def test_a_fit_that_cannot_be_sent(self, cube: xr.Dataset) -> None:
        with pytest.raises(InputError, match="cannot be sent"):
            fit_in_chunks(cube, lambda chunk: FIT(chunk).copy(), scheduler="processes")

    def test_a_worker_that_dies(self, cube: xr.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "dying_fit.py").write_text("import os\ndef fit(chunk):\n    os._exit(3)\n", encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)
        fit = importlib.import_module("dying_fit").fit
        with pytest.raises(InputError, match="worker process died"):
            fit_in_chunks(cube, fit, chunk=4, scheduler="processes", workers=1)

    def test_a_single_spectrum_and_an_empty_series(self, cube: xr.Dataset) -> None:
        with pytest.raises(InputError, match="nothing to cut"):
            fit_in_chunks(cube.isel(x=0, y=0), FIT)
        with pytest.raises(InputError, match="no members"):
            fit_in_chunks(cube.isel(x=slice(0, 0)), FIT)


@parallel
class TestStores:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda cube: (cube + 1.0).assign_attrs(cube.attrs), "its data is"),
            (lambda cube: cube.assign_attrs(sample="another"), "its data is"),
            (lambda cube: cube.isel(x=slice(0, 2)), "holds another run"),
        ],
    )
    def test_of_other_data(
        self, cube: xr.Dataset, tmp_path: Path, change: Callable[[xr.Dataset], xr.Dataset], message: str
    ) -> None:
        fit_in_chunks(cube, FIT, chunk={"x": 2}, store=tmp_path / "fit.zarr")
        numbers = cube.drop_vars(["row", "number"])
        with pytest.raises(InputError, match=message):
            fit_in_chunks(change(numbers), FIT, chunk={"x": 2}, store=tmp_path / "fit.zarr")

    def test_of_another_fit_or_chunk(self, cube: xr.Dataset, tmp_path: Path) -> None:
        fit_in_chunks(cube, FIT, chunk=4, store=tmp_path / "fit.zarr")
        with pytest.raises(InputError, match=r"its fit is .*shift_search=0.0.*and now .*shift_search=1.0"):
            fit_in_chunks(cube, functools.partial(FIT, shift_search=1.0), chunk=4, store=tmp_path / "fit.zarr")
        with pytest.raises(InputError, match="its chunk is"):
            fit_in_chunks(cube, FIT, chunk=2, store=tmp_path / "fit.zarr")
        with pytest.raises(InputError, match="exists already"):
            fit_in_chunks(cube, FIT, chunk=4, store=tmp_path / "fit.zarr", resume=False)

    def test_that_are_none(self, cube: xr.Dataset, tmp_path: Path) -> None:
        (tmp_path / "notes").mkdir()
        (tmp_path / "notes" / "mine.txt").write_text("keep", encoding="utf-8")
        with pytest.raises(InputError, match="no store of fit_in_chunks"):
            fit_in_chunks(cube, FIT, store=tmp_path / "notes")
        with pytest.raises(InputError, match="folder does not exist"):
            fit_in_chunks(cube, FIT, store=tmp_path / "nowhere" / "fit.zarr")
        assert (tmp_path / "notes" / "mine.txt").read_text(encoding="utf-8") == "keep"
        assert [one.name for one in tmp_path.iterdir()] == ["notes"]


class TestWithoutTheExtra:
    def test_a_store_says_what_to_install(
        self, cube: xr.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "zarr", None)
        with pytest.raises(MissingDependencyError, match=r"surfspec\[parallel\]"):
            fit_in_chunks(cube, FIT, store=tmp_path / "fit.zarr")

    def test_a_cluster_says_what_to_install(self, cube: xr.Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "distributed", None)
        with pytest.raises(MissingDependencyError, match=r"surfspec\[parallel\]"):
            fit_in_chunks(cube, FIT, scheduler="distributed")

    def test_the_embedded_default_needs_none_of_it(self, cube: xr.Dataset, tmp_path: Path) -> None:
        ss.save(cube, tmp_path / "cube.nc")
        code = (
            "from importlib.machinery import PathFinder\n"
            "find = PathFinder.find_spec\n"
            "def without(cls, name, *rest):\n"
            "    return None if name.split('.')[0] in ('dask', 'distributed', 'zarr') else find(name, *rest)\n"
            "PathFinder.find_spec = classmethod(without)\n"
            "import functools, surfspec as ss\n"
            "from surfspec.fitting.scale import fit_in_chunks\n"
            "cube = ss.load('cube.nc')\n"
            "fit = functools.partial(ss.xps.fit, recipe='Zr 3d', shift_search=0.0)\n"
            "for scheduler in ('sync', 'threads'):\n"
            "    assert fit_in_chunks(cube, fit, chunk=3, scheduler=scheduler).identical(fit(cube))\n"
        )
        subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=tmp_path, check=True, timeout=120)

    def test_the_import_is_light(self) -> None:
        code = "import sys, surfspec.fitting.scale\nassert not {'dask', 'distributed', 'zarr'} & set(sys.modules)\n"
        subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


#: The members of the tests below, told by a time.
def timed(cube: xr.Dataset) -> xr.Dataset:
    row = cube.isel(y=0, drop=True).drop_vars(["number", "x"]).rename(x="time")
    return row.assign_coords(time=("time", 10.0 * np.arange(4), {"units": "s"}))


class TestWhoIsWho:
    def test_members_in_another_order_are_put_back(self, cube: xr.Dataset) -> None:
        series = timed(cube)
        back = slice(None, None, -1)
        for chunk in (2, 3, 4):
            result = fit_in_chunks(series, lambda part: FIT(part).isel(time=back), chunk=chunk)
            xr.testing.assert_identical(result, FIT(series))

    def test_of_an_image(self, cube: xr.Dataset, whole: xr.Dataset) -> None:
        image = cube.drop_vars("number")  # a coordinate over both dimensions comes along
        result = fit_in_chunks(image.isel(y=[0, 1]), lambda part: FIT(part).isel(y=[1, 0], x=[2, 3, 1, 0]))
        xr.testing.assert_identical(result, whole.drop_vars("number").isel(y=[0, 1]))

    @pytest.mark.parametrize(
        "change",
        [
            lambda fit: fit.isel(time=slice(None, None, -1)).assign_coords(time=fit["time"]),
            lambda fit: fit.assign_coords(time=fit["time"].values + 1.0),
            lambda fit: fit.isel(time=slice(None, None, -1)).drop_vars("time"),
        ],
    )
    def test_members_that_cannot_be_told(self, cube: xr.Dataset, change: Callable[[xr.Dataset], xr.Dataset]) -> None:
        with pytest.raises(InputError, match="along the series than it was given"):
            fit_in_chunks(timed(cube), lambda part: change(FIT(part)), chunk=2)

    def test_shared_parameters_over_several_chunks(self, cube: xr.Dataset) -> None:
        series = timed(cube)
        fit = functools.partial(FIT, shared=["Zr4+ center"])
        with pytest.raises(InputError, match="at once"):
            fit_in_chunks(series, fit, chunk=2)
        xr.testing.assert_identical(fit_in_chunks(series, fit, chunk=4), fit(series))

    @pytest.mark.parametrize(
        ("given", "fit", "message"),
        [
            (None, FIT, "NoneType"),
            (xr.Dataset(), FIT, "without intensities"),
            (..., None, "the fit is a NoneType"),
            (..., lambda part: None, "returned nothing"),
            (..., lambda part: 3, "returned a int"),
            (..., lambda part: part, "returned spectra"),
        ],
    )
    def test_what_is_no_fit(self, cube: xr.Dataset, given: object, fit: object, message: str) -> None:
        with pytest.raises(InputError, match=message):
            fit_in_chunks(cube if given is ... else given, fit, chunk=4)  # type: ignore[arg-type]

    def test_complex_intensities(self, cube: xr.Dataset) -> None:
        with pytest.raises(InputError, match="complex"):
            fit_in_chunks(cube.assign(intensity=cube["intensity"] + 1j), FIT, chunk=4)

    def test_a_store_that_is_no_path(self, cube: xr.Dataset) -> None:
        with pytest.raises(InputError, match="3 is no path"):
            fit_in_chunks(cube, FIT, chunk=4, store=3)  # type: ignore[arg-type]


ORPHANS = """
import sys, time
import surfspec as ss
from surfspec.fitting.scale import fit_in_chunks
import os, pathlib

def fit(chunk):
    pathlib.Path(f"worker{os.getpid()}").touch()
    time.sleep(300)

if __name__ == "__main__":
    fit_in_chunks(ss.load("cube.nc"), fit, chunk=4, scheduler="processes", workers=2)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")
def test_workers_end_with_a_killed_parent(cube: xr.Dataset, tmp_path: Path) -> None:
    def lives(number: int) -> bool:
        try:
            state = Path(f"/proc/{number}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return False
        return state != "Z"

    ss.save(cube, tmp_path / "cube.nc")
    (tmp_path / "work.py").write_text(ORPHANS, encoding="utf-8")
    with subprocess.Popen([sys.executable, "work.py"], cwd=tmp_path) as process:
        limit = time.monotonic() + 60
        while len(list(tmp_path.glob("worker*"))) < 2:
            assert process.poll() is None, "the script ended before it was killed"
            assert time.monotonic() < limit
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    workers = [int(one.name.removeprefix("worker")) for one in tmp_path.glob("worker*")]
    limit = time.monotonic() + 10
    while any(map(lives, workers)) and time.monotonic() < limit:
        time.sleep(0.05)
    left = [one for one in workers if lives(one)]
    for one in left:
        os.kill(one, signal.SIGKILL)
    assert not left


def adding(number: float) -> Callable[[xr.Dataset], xr.Dataset]:
    def fit(chunk: xr.Dataset) -> xr.Dataset:
        return total_counts(chunk) + number

    return fit


class TestWhichFit:
    def test_by_its_code(self) -> None:
        fits = [lambda d, n=1: d + n, lambda d, n=1: d - n, lambda d, n=2: d + n, lambda d, n=1: d + 3 * n]
        assert len({describe(fit) for fit in fits}) == 4
        assert describe(fits[0]) == describe(fits[0])

    def test_by_what_it_encloses(self) -> None:
        assert describe(adding(1.0)) == describe(adding(1.0))
        assert describe(adding(1.0)) != describe(adding(2.0))
        arrays = np.zeros(5000), np.zeros(5000)
        arrays[1][2500] = 1e-12
        assert describe(adding(arrays[0])) != describe(adding(arrays[1]))  # type: ignore[arg-type]
        assert describe(adding(xr.DataArray(arrays[0]))) != describe(adding(xr.DataArray(arrays[1])))  # type: ignore[arg-type]

    def test_a_function_that_calls_itself_has_an_end(self) -> None:
        def again(chunk: xr.Dataset) -> xr.Dataset:
            return again(chunk)

        assert describe(again) == describe(again)

    def test_the_same_in_another_process(self, tmp_path: Path) -> None:
        text = (
            "from surfspec.fitting.scale.identity import describe\n"
            "def f(x, k=(1, {2})): return [y for y in x if y in {'a', 'b', 'c', 'd'}]\n"
            "print(describe(f))\n"
        )
        runs = [
            subprocess.run(
                [sys.executable, "-c", text], check=True, capture_output=True, timeout=60,
                env={**os.environ, "PYTHONHASHSEED": seed},
            ).stdout
            for seed in ("1", "2")
        ]  # fmt: skip
        assert runs[0] == runs[1]

    def test_a_function_of_this_package_goes_by_its_name(self) -> None:
        assert describe(FIT).endswith("fit(recipe='Zr 3d', shift_search=0.0)")

    @parallel
    def test_a_store_of_another_function_of_that_name(self, cube: xr.Dataset, tmp_path: Path) -> None:
        store = tmp_path / "fit.zarr"
        first, second = adding(0.0), adding(1.0)
        fit_in_chunks(cube, first, chunk=4, store=store)
        fit_in_chunks(cube, adding(0.0), chunk=4, store=store)
        with pytest.raises(InputError, match="its fit is"):
            fit_in_chunks(cube, second, chunk=4, store=store)
        notes = store / ".surfspec" / "run.json"
        notes.write_text(re.sub(" code [0-9a-f]{16}", "", notes.read_text(encoding="utf-8")), encoding="utf-8")
        with pytest.raises(InputError, match="its fit is"):  # an old store, of which nobody knows
            fit_in_chunks(cube, first, chunk=4, store=store)
