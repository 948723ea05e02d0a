"""Core-level fits against simulated truth: ``python -m benchmarks.xps_calibration [--quick] [a|b|c ...]``.

Poisson counts are drawn from Voigt profiles of scipy over a background made here, with nothing of surfspec in them, and
go through the public functions. Same seeds, same tables. All data are simulated.

(a) Zr 3d doublets (182.40 and 184.83 eV) of three areas on 2,000 counts whose level rises by 0.03/eV of the peaks
    (Shirley): the area by the smart background alone, and by the whole of `xps.fit` (the splitting free, without a
    prior). "Bias" is the mean; "less noise" the mean after regression on what is known to be noise alone (the scores of
    the true parameters and the end levels, whose expectation is zero), which has a smaller uncertainty.
(b) C 1s pairs after the factorial design of the NIST standard test data (separation, relative intensity, noise; Conny,
    Powell and Currie, Surf. Interface Anal. 26 (1998) 939). The levels of the factors are ours: the published ones were
    not at hand, and their lines are splines through polymer spectra where these are Voigt profiles. Beside them one
    peak fitted by two.
(c) The ratio P 2p to Zr 3d5/2 with error bars from replicates: how many of the 68 % intervals hold the truth.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from scipy.special import voigt_profile

import surfspec as ss
from surfspec.fitting import background
from surfspec.xps import Background, Peak, Range, Recipe

Array = np.ndarray
SIGMA = 2 * np.sqrt(2 * np.log(2))


@dataclass(frozen=True)
class Line:
    """One Voigt profile: area in counts eV, place, Gauss and Lorentz FWHM in eV."""

    area: float
    center: float
    gauss: float = 1.2
    lorentz: float = 0.3

    def on(self, x: Array) -> Array:
        """Return it on an axis."""
        return self.area * voigt_profile(x - self.center, self.gauss / SIGMA, self.lorentz / 2)


def expected(x: Array, lines: list[Line], level: float, k: float) -> Array:
    """Return peaks over the Shirley background that they have: the level and `k` times their integral up to each E."""
    fine = np.linspace(x[0] - 20.0, x[-1], 20 * (x.size + 200))
    peaks = sum(line.on(fine) for line in lines)
    integral = np.concatenate([[0.0], np.cumsum((peaks[1:] + peaks[:-1]) / 2 * np.diff(fine))])
    return level + sum(line.on(x) for line in lines) + k * np.interp(x, fine, integral)


def series(x: Array, mean: Array, count: int, seed: int, region: str) -> xr.Dataset:
    """Return `count` Poisson spectra as one series."""
    counts = np.random.default_rng(seed).poisson(mean, (count, x.size)).astype(float)
    one = ss.spectrum(x, counts[0], technique="XPS", region=region)
    out = one.drop_vars("intensity")
    out["intensity"] = (("replicate", "binding_energy"), counts, one.intensity.attrs)
    return out.assign_attrs(simulated="true")


def width(pulls: Array) -> str:
    """Return width and mean of pulls with the standard uncertainty of the width."""
    n = np.count_nonzero(np.isfinite(pulls))
    if n < 10:
        return f"too few ({n})"
    return f"{np.nanstd(pulls, ddof=1):.2f}({100 / np.sqrt(2 * n):.0f}) {np.nanmean(pulls):+.2f}"


# (a) ------------------------------------------------------------------------------------------------------------------

ZR_X = np.round(np.arange(174.0, 192.0001, 0.1), 4)
ZR_WINDOW = (175.6, 191.6)


def doublet(area: float, gauss: float, lorentz: float) -> list[Line]:
    """Return a Zr 3d doublet whose lines have this area together."""
    return [Line(0.6 * area, 182.40, gauss, lorentz), Line(0.4 * area, 184.83, gauss, lorentz)]


def less_noise(
    errors: Array, counts: Array, x: Array, area: float, gauss: float, lorentz: float
) -> tuple[float, float]:
    """Return the mean of relative errors and its uncertainty after regression on functions of the noise alone."""
    mean = expected(x, doublet(area, gauss, lorentz), 2000.0, 0.03)
    inside = (x >= ZR_WINDOW[0] - 1e-9) & (x <= ZR_WINDOW[1] + 1e-9)
    noise = counts - mean

    def moved(what: str) -> Array:
        step = {"area": (1.01, gauss, lorentz, 0.0), "gauss": (1.0, gauss + 0.01, lorentz, 0.0)}
        step |= {"lorentz": (1.0, gauss, lorentz + 0.01, 0.0), "center": (1.0, gauss, lorentz, 0.01)}
        factor, g, w, shift = step[what]
        return expected(x - shift, doublet(area * factor, g, w), 2000.0, 0.03) - mean

    rows = [noise[:, inside] @ (moved(w) / mean)[inside] for w in ("area", "gauss", "lorentz", "center")]
    rows += [noise[:, inside].sum(axis=1), noise[:, inside] @ (x[inside] - x[inside].mean())]
    rows += [noise[:, i - 5 : i + 6].sum(axis=1) for i in np.flatnonzero(inside)[[0, -1]]]
    design = np.column_stack([np.ones(len(errors)), *(row / row.std() for row in rows)])
    good = np.isfinite(errors)
    found = np.linalg.lstsq(design[good], errors[good], rcond=None)[0]
    left = errors[good] - design[good] @ found
    spread = np.sum(left**2) / (good.sum() - design.shape[1])
    return float(found[0]), float(np.sqrt(spread * np.linalg.inv(design[good].T @ design[good])[0, 0]))


def background_alone(area: float, count: int) -> tuple[Array, Array, Array]:
    """Return areas above the background, their uncertainties, and the counts; Gauss lines (none of them beyond)."""
    x, step = ZR_X, 0.1
    mean = expected(x, doublet(area, 1.3, 1e-9), 2000.0, 0.03)
    inside = (x >= ZR_WINDOW[0] - 1e-9) & (x <= ZR_WINDOW[1] + 1e-9)
    areas, unc = [], []
    counts = np.random.default_rng(int(area)).poisson(mean, (count, x.size)).astype(float)
    for y in counts:
        found = background(x, y, kind="smart", preset="noise_aware", window=ZR_WINDOW)
        weights = np.full(np.count_nonzero(inside), step)
        weights[[0, -1]] /= 2
        areas.append(float(np.sum(weights * (y[inside] - found.values))))
        levels = found.sensitivity @ weights * np.asarray(found.anchor_unc)
        unc.append(float(np.sqrt(np.sum(weights**2 * y[inside]) + np.sum(levels**2))))
    return np.array(areas), np.array(unc), counts


def part_a(count: int) -> Iterator[str]:
    """Yield the table of (a)."""
    yield f"(a) Zr 3d on 2,000 counts, k = 0.03/eV, 0.1 eV, {count} Poisson spectra each; smart, noise_aware"
    yield (
        f"{'area':>8} {'way':<24} {'ok %':>6} {'bias %':>15} {'less noise %':>15} {'sd %':>6}   pulls of area"
        "      pulls of centre"
    )
    recipe = ss.xps.load_recipe("Zr 3d")
    free = replace(recipe, doublets=(replace(recipe.doublets[0], splitting=Range(2.41, 2.2, 2.6)),))
    for area in (20000.0, 2000.0, 400.0):
        areas, unc, counts = background_alone(area, count)
        known = less_noise(areas / area - 1, counts, ZR_X, area, 1.3, 1e-9)
        yield _row_a(area, "background alone, Gauss", np.full(count, True), areas, unc, area, known)
        data = series(ZR_X, expected(ZR_X, doublet(area, 1.2, 0.3), 2000.0, 0.03), count, int(area) + 1, "Zr 3d")
        fit = ss.xps.fit(data, free, energy_shift=0.0)
        strong = fit.sel(component="Zr4+ 3d5/2")
        known = less_noise(strong.area.values / (0.6 * area) - 1, data.intensity.values, ZR_X, area, 1.2, 0.3)
        pulls = (strong.center.values - 182.40) / strong.center_unc.values
        ok = fit.verdict.values == "ok"
        for way, rows in (("xps.fit, all", np.full(count, True)), ("xps.fit, ok", ok)):
            if rows.sum() > 9:
                told = known if rows.all() else (np.nan, np.nan)
                yield _row_a(area, way, rows, strong.area.values, strong.area_unc.values, 0.6 * area, told, pulls)
        yield from _reasons(fit)


def _row_a(
    area: float, way: str, rows: Array, got: Array, unc: Array, truth: float, known: tuple[float, float],
    centre: Array | None = None,
) -> str:  # fmt: skip
    ratio, n = got[rows] / truth - 1, np.count_nonzero(rows)
    bias = f"{100 * np.nanmean(ratio):+.2f} +- {100 * np.nanstd(ratio) / np.sqrt(n):.2f}"
    less = f"{100 * known[0]:+.2f} +- {100 * known[1]:.2f}" if np.isfinite(known[0]) else ""
    text = f"{area:8.0f} {way:<24} {100 * n / rows.size:6.1f} {bias:>15} {less:>15} {100 * np.nanstd(ratio):6.2f}   "
    text += f"{width(((got - truth) / unc)[rows]):<18}"
    return text if centre is None else f"{text} {width(centre[rows])}"


def _reasons(fit: xr.Dataset, most: int = 4) -> Iterator[str]:
    """Yield how often each reason was given."""
    found: dict[str, int] = {}
    for text in fit.reasons.values.ravel().tolist():
        for key in {part.split(":")[0].strip() for part in str(text).split(";")} - {""}:
            found[key] = found.get(key, 0) + 1
    top = sorted(found.items(), key=lambda item: -item[1])[:most]
    if top:
        yield f"{'':9}  reasons: " + ", ".join(f"{key} {count}" for key, count in top)


# (b) ------------------------------------------------------------------------------------------------------------------

C_X = np.round(np.arange(279.0, 292.0001, 0.1), 4)
PLACE, GAUSS, LORENTZ = 285.0, 1.0, 0.15
SEPARATIONS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.2, 1.6)
RATIOS = (1.0, 0.5, 0.25)
HEIGHTS = (300.0, 10000.0)


def c1s_recipe(lorentz: float | Range) -> Recipe:
    """Two C 1s peaks of one width; the Lorentz width known (as a core-level library has it) or free.

    The ranges of the centres do not let the two change places: the same answer with the names exchanged would be called
    start dependent.
    """
    widths = {"fwhm_gauss": Range(1.1, 0.5, 2.0), "fwhm_lorentz": lorentz}
    same = {role: Range(follows="low") for role in widths}
    return Recipe(
        "C 1s pair",
        "C 1s",
        (280.5, 290.5),
        peaks=(
            Peak("low", "C 1s", Range(284.8, 283.5, 286.2), widths=widths),
            Peak("high", "C 1s", Range(286.0, 285.1, 288.0), widths=same),
        ),
        background=Background(kind="smart", options={"preset": "noise_aware"}),
    )


def pair(apart: float, ratio: float, height: float) -> list[Line]:
    """Return two lines; `height` is that of the larger one in counts."""
    area = height / voigt_profile(0.0, GAUSS / SIGMA, LORENTZ / 2)
    lines = [Line(area, PLACE, GAUSS, LORENTZ)]
    return lines + ([Line(ratio * area, PLACE + apart, GAUSS, LORENTZ)] if ratio else [])


@dataclass(frozen=True)
class Cell:
    """What became of one cell of the design: shares of all fits, and the numbers of those that are ok."""

    ok: float
    unresolved: float
    wrong: float
    wrong_flagged: float
    bias: tuple[float, float]
    widths: tuple[str, str]


def cell(apart: float, ratio: float, height: float, count: int, lorentz: float | Range) -> Cell:
    """Fit the replicates of one cell."""
    lines = pair(apart, ratio, height)
    mean = expected(C_X, lines, 0.1 * height, 0.02)
    data = series(C_X, mean, count, int(1000 * apart + 10 * ratio + height), "C 1s")
    fit = ss.xps.fit(data, c1s_recipe(lorentz), energy_shift=0.0)
    ok = fit.verdict.values == "ok"
    words = ("not resolved", "below detection", "not determined", "correlated", "no peak detected")
    said = np.array([any(word in str(text) for word in words) for text in fit.reasons.values.tolist()])
    if not ratio:
        return Cell(ok.mean(), said.mean(), np.nan, np.nan, (np.nan, np.nan), ("", ""))
    centers = np.sort(fit.center.values, axis=1)
    order = np.argsort(fit.center.values, axis=1)
    unc = np.take_along_axis(fit.center_unc.values, order, axis=1)
    off = centers - np.array([PLACE, PLACE + apart])
    with np.errstate(invalid="ignore"):
        wrong = (np.abs(off) > 3 * unc).any(axis=1) | (np.abs(off) > apart / 2).any(axis=1)
    pulls = off / unc
    flagged = float(np.mean(~ok[wrong])) if wrong.any() else np.nan
    bias = tuple(float(np.mean(off[ok, j])) if ok.sum() > 9 else np.nan for j in (0, 1))
    return Cell(ok.mean(), said.mean(), (ok & wrong).mean(), flagged, bias, (width(pulls[ok, 0]), width(pulls[ok, 1])))  # type: ignore[arg-type]


def part_b(count: int, quick: bool) -> Iterator[str]:
    """Yield the table of (b)."""
    yield f"(b) C 1s pairs, FWHM {GAUSS:g} (Gauss) and {LORENTZ:g} eV (Lorentz, known), common free width; {count} each"
    yield "'unresolved': not resolved, below detection, not determined or correlated; bias and pulls of the ok fits"
    yield (
        f"{'height':>7} {'ratio':>6} {'apart':>6} {'ok %':>6} {'unres. %':>8} {'ok+wrong %':>10}"
        f" {'wrong, flagged %':>16} {'bias low, high (meV)':>22}   pulls low         pulls high"
    )
    for height in HEIGHTS:
        one = cell(0.0, 0.0, height, count, LORENTZ)
        yield f"{height:7.0f} {'one peak':>13} {100 * one.ok:6.1f} {100 * one.unresolved:8.1f}"
        for ratio in RATIOS[:1] if quick else RATIOS:
            for apart in SEPARATIONS[1::2] if quick else SEPARATIONS:
                c = cell(apart, ratio, height, count, LORENTZ)
                bias = f"{1000 * c.bias[0]:+.1f}, {1000 * c.bias[1]:+.1f}"
                yield (
                    f"{height:7.0f} {ratio:6g} {apart:6g} {100 * c.ok:6.1f} {100 * c.unresolved:8.1f}"
                    f" {100 * c.wrong:10.1f} {100 * c.wrong_flagged:16.1f} {bias:>22}   {c.widths[0]:<17} {c.widths[1]}"
                )


# (c) ------------------------------------------------------------------------------------------------------------------

P_X = np.round(np.arange(125.0, 143.0001, 0.1), 4)
#: Replicates of the bootstrap; their standard deviation is known to 1/sqrt(2 n).
INNER = 200


def with_lorentz(name: str, lorentz: float | None) -> Recipe:
    """Return a shipped recipe, its Lorentz width fixed where one is given."""
    recipe = ss.xps.load_recipe(name)
    if lorentz is None:
        return recipe
    one = recipe.doublets[0]
    return replace(recipe, doublets=(replace(one, widths={**one.widths, "fwhm_lorentz": lorentz}),))


def ratio_case(
    zr: float, p: float, level: float, outer: int, inner: int, *, known: bool, seed: int = 0
) -> dict[str, float]:
    """Return the coverage of 68 % intervals of the ratio P 2p / Zr 3d5/2, by replicates and by the covariance."""
    chosen = {
        "Zr 3d": with_lorentz("Zr 3d", 0.3 if known else None),
        "P 2p": with_lorentz("P 2p", 0.2 if known else None),
    }
    zr_lines = [Line(zr, 182.40), Line(2 / 3 * zr, 184.81)]
    p_lines = [Line(p, 133.0, 1.3, 0.2), Line(p / 2, 133.86, 1.3, 0.2)]
    sets = {
        "Zr 3d": series(ZR_X, expected(ZR_X, zr_lines, level, 0.03), outer, seed, "Zr 3d"),
        "P 2p": series(P_X, expected(P_X, p_lines, level, 0.03), outer, seed + 1, "P 2p"),
    }
    fits = {name: ss.xps.fit(data, chosen[name], energy_shift=0.0) for name, data in sets.items()}
    drawn = {name: ss.xps.bootstrap(sets[name], fit, replicates=inner, seed=seed) for name, fit in fits.items()}
    truth = 1.5 * p / zr
    hits: dict[str, list[bool]] = {"bootstrap": [], "covariance": []}
    pulls: dict[str, list[float]] = {"bootstrap": [], "covariance": []}
    for i in range(outer):
        for name, some in (("bootstrap", drawn), ("covariance", fits)):
            pair_ = {key: fit.isel(replicate=i) for key, fit in some.items()}
            try:
                row = ss.xps.normalise(pair_).sel(region="P 2p")
            except ss.SurfspecError:
                continue
            pull = (float(row.normalised_area) - truth) / float(row.normalised_area_unc)
            if np.isfinite(pull):
                hits[name].append(abs(pull) <= 1.0)
                pulls[name].append(pull)
    out: dict[str, float] = {}
    for name, some_hits in hits.items():
        out |= {f"{name} n": len(some_hits), f"{name} cover": float(np.mean(some_hits))}
        out |= {f"{name} width": float(np.std(pulls[name])), f"{name} mean": float(np.mean(pulls[name]))}
    return out


def part_c(outer: int, inner: int) -> Iterator[str]:
    """Yield the table of (c)."""
    yield f"(c) ratio P 2p / Zr 3d5/2, {outer} pairs of spectra, {inner} replicates each; coverage of 68 % intervals"
    yield (
        f"{'areas Zr 3d5/2, P 2p; level':<28} {'Lorentz width':<14} {'error bars':<12} {'used':>5} {'coverage %':>16}"
        "   pulls: width, mean"
    )
    for zr, p, level in ((12000.0, 2000.0, 2000.0), (3000.0, 600.0, 200.0), (600.0, 200.0, 50.0)):
        for known in (False, True):
            out = ratio_case(zr, p, level, outer, inner, known=known)
            for name in ("bootstrap", "covariance"):
                n, cover = out[f"{name} n"], out[f"{name} cover"]
                error = 100 * np.sqrt(cover * (1 - cover) / max(n, 1))
                shape = "known" if known else "free, limited"
                yield (
                    f"{f'{zr:g}, {p:g}; {level:g}':<28} {shape:<14} {name:<12} {n:5.0f}"
                    f" {100 * cover:9.1f} +- {error:3.1f}   {out[f'{name} width']:.2f}, {out[f'{name} mean']:+.2f}"
                )


def main(arguments: list[str] | None = None) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.xps_calibration", description=__doc__.split("\n")[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help="a, b, c; all by default")
    parser.add_argument("--quick", action="store_true", help="fewer spectra")
    options = parser.parse_args(arguments)
    quick = options.quick
    parts = {
        "a": lambda: part_a(100 if quick else 300),
        "b": lambda: part_b(60 if quick else 300, quick),
        "c": lambda: part_c(40 if quick else 500, 60 if quick else INNER),
    }
    for name in options.parts or parts:
        start = time.perf_counter()
        for line in parts[name]():
            print(line, flush=True)
        print(f"    {time.perf_counter() - start:.0f} s\n", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
