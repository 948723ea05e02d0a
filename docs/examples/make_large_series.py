"""Make a large SIMULATED series of Zr 3d spectra: an imaging cube of 256 x 256 pixels, or a depth profile of 10,000.

    python make_large_series.py cube cube.zarr
    python make_large_series.py profile profile.nc --members 500

Nothing in these files was measured. Each spectrum is Poisson noise on a spin-orbit doublet (Voigt lines, areas 3:2,
2.41 eV apart) over a constant and a step proportional to the line area below it. The truth goes into a second file,
``cube.truth.nc``. A ``.zarr`` store is written block by block, so that its size is not limited by memory (it
needs ``pip install 'surfspec[parallel]'``); a ``.nc`` file is made in memory.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import xarray as xr
from scipy.special import erfc, voigt_profile

import surfspec as ss

ENERGY = np.round(np.arange(176.0, 192.0 + 0.05, 0.1), 3)  # eV
SPLITTING, RATIO = 2.41, 2.0 / 3.0  # eV; (2j+1) of 3d3/2 to 3d5/2
GAUSS, LORENTZ = 1.1, 0.25  # full widths at half maximum, eV
LEVEL = 150.0  # counts below the lines
STEP = 0.04  # rise of the background per area of the lines, 1/eV
BLOCK = 256  # spectra that are simulated at once

FWHM_PER_SIGMA = 2.0 * np.sqrt(2.0 * np.log(2.0))


def expected_counts(area: np.ndarray, center: np.ndarray) -> np.ndarray:
    """Return the expected counts, shape (members, points), of doublets with the area and centre of their 3d5/2 line."""
    step = ENERGY[1] - ENERGY[0]
    lines = np.zeros((area.size, ENERGY.size))
    for shift, share in ((0.0, 1.0), (SPLITTING, RATIO)):
        at = ENERGY - center[:, None] - shift
        lines += share * area[:, None] * voigt_profile(at, GAUSS / FWHM_PER_SIGMA, LORENTZ / 2.0)
    return LEVEL + lines + STEP * step * np.cumsum(lines, axis=1)


def cube_truth(rows: int, columns: int) -> xr.Dataset:
    """Return area and centre over an image: grains on a support, a bare stripe, charging from left to right."""
    y, x = np.meshgrid(np.arange(rows) / rows, np.arange(columns) / columns, indexing="ij")
    grains = np.clip(np.sin(9.0 * x + 2.0 * np.sin(7.0 * y)) * np.cos(8.0 * y + np.sin(11.0 * x)), 0.0, None)
    area = np.where((x > 0.45) & (x < 0.5), 0.0, 300.0 + 1500.0 * grains)
    center = 182.4 + 0.2 * (x - 0.5)
    coords = {"y": ("y", 0.5 * np.arange(rows), {"units": "um"}), "x": ("x", 0.5 * np.arange(columns), {"units": "um"})}
    return _truth(("y", "x"), area, center, coords)


def profile_truth(members: int) -> xr.Dataset:
    """Return area and centre over depth: an oxide film of 25 nm on a metal, its interface 4 nm wide."""
    depth = np.linspace(0.0, 40.0, members)
    area = 1000.0 * erfc((depth - 25.0) / (np.sqrt(2.0) * 4.0))
    center = 182.4 + 0.1 * depth / 40.0
    return _truth(("depth",), area, center, {"depth": ("depth", depth, {"units": "nm"})})


def _truth(dims: tuple[str, ...], area: np.ndarray, center: np.ndarray, coords: dict[str, tuple]) -> xr.Dataset:
    return xr.Dataset(
        {
            "area": (dims, area, {"units": "counts eV", "long_name": "Area of Zr 3d5/2"}),
            "center": (dims, center, {"units": "eV", "long_name": "Centre of Zr 3d5/2"}),
        },
        coords,
        {"kind": "table", "simulated": "true"},
    )


def blocks(truth: xr.Dataset, seed: int) -> Iterator[xr.Dataset]:
    """Yield the series in parts along its first dimension; each part has random numbers of its own."""
    first, *rest = truth["area"].dims
    rows = max(1, BLOCK // int(np.prod([truth.sizes[d] for d in rest], dtype=int)))
    template = ss.spectrum(ENERGY, np.ones(ENERGY.size), technique="XPS", region="Zr 3d")
    for number, low in enumerate(range(0, truth.sizes[first], rows)):
        part = truth.isel({first: slice(low, low + rows)})
        counts = expected_counts(part["area"].values.ravel(), part["center"].values.ravel())
        counts = np.random.default_rng([seed, number]).poisson(counts).astype(np.float64)
        intensity = counts.reshape(*part["area"].shape, ENERGY.size)
        series = template.drop_vars("intensity").assign_coords(part.coords)
        series["intensity"] = ((*part["area"].dims, "binding_energy"), intensity, template["intensity"].attrs)
        yield series.assign_attrs(simulated="true", sample=f"simulated {len(truth['area'].dims)}-D series")


def write(truth: xr.Dataset, path: Path, seed: int) -> None:
    """Write the series, and its truth beside it."""
    first = str(truth["area"].dims[0])
    if path.exists():
        raise SystemExit(f"{path} exists already")
    if path.suffix == ".zarr":
        for number, part in enumerate(blocks(truth, seed)):
            if number == 0:
                part.to_zarr(
                    path, mode="w-", zarr_format=2, encoding={"intensity": {"chunks": part["intensity"].shape}}
                )
            else:
                part.to_zarr(path, append_dim=first, consolidated=True)
    else:
        ss.save(xr.concat(blocks(truth, seed), dim=first, data_vars="minimal", combine_attrs="override"), path)
    ss.save(truth, path.with_suffix(".truth.nc"), overwrite=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and write the files."""
    parser = argparse.ArgumentParser(description="Make a large SIMULATED series of Zr 3d spectra.")
    parser.add_argument("what", choices=("cube", "profile"))
    parser.add_argument("path", type=Path, help="a .zarr store or a .nc file")
    parser.add_argument("--shape", type=int, nargs=2, default=(256, 256), metavar=("ROWS", "COLUMNS"))
    parser.add_argument("--members", type=int, default=10_000, help="spectra of the depth profile")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args(arguments)
    truth = cube_truth(*chosen.shape) if chosen.what == "cube" else profile_truth(chosen.members)
    write(truth, chosen.path, chosen.seed)
    sys.stdout.write(f"{truth['area'].size} simulated spectra in {chosen.path}\n")


if __name__ == "__main__":
    main()
