"""Datasets like those that fits and matches return, made by hand from closed formulas."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

AXIS_NAMES = {"binding_energy": "Binding energy", "kinetic_energy": "Kinetic energy", "two_theta": "2θ"}
AXIS_UNITS = {"binding_energy": "eV", "kinetic_energy": "eV", "two_theta": "deg"}


def pseudo_voigt(x: np.ndarray, area: float, center: float, fwhm: float, mixing: float) -> np.ndarray:
    t = 2 * (x - center) / fwhm
    gauss = np.exp(-np.log(2) * t**2) * 2 / fwhm * np.sqrt(np.log(2) / np.pi)
    lorentz = 2 / (np.pi * fwhm) / (1 + t**2)
    return area * (mixing * lorentz + (1 - mixing) * gauss)


def make_fit(
    axis: str,
    x: np.ndarray,
    background: np.ndarray,
    contribution: np.ndarray,
    names: list[str],
    *,
    technique: str,
    seed: int = 0,
    verdict: str = "ok",
    reasons: str = "",
    labels: dict[str, list[str]] | None = None,
    **attrs: Any,
) -> xr.Dataset:
    rng = np.random.default_rng(seed)
    model = background + contribution.sum(axis=0)
    counts = rng.poisson(model).astype(float)
    n = len(names)
    step = np.gradient(x)
    area = (contribution * step).sum(axis=1)
    area_unc = np.sqrt(area) * 2
    center = x[np.argmax(contribution, axis=1)]
    parameters = [f"{name}.center" for name in names]
    counted = {"units": "counts"}
    variables: dict[str, Any] = {
        "intensity": (axis, counts, counted),
        "model": (axis, model, counted),
        "background": (axis, background, counted),
        "contribution": (("component", axis), contribution, counted),
        "area": ("component", area, {"units": "counts eV"}),
        "area_unc": ("component", area_unc, {"units": "counts eV"}),
        "center": ("component", center, {"units": "eV"}),
        "center_unc": ("component", np.full(n, 0.02), {"units": "eV"}),
        "fwhm": ("component", np.full(n, 1.31), {"units": "eV"}),
        "fwhm_unc": ("component", np.full(n, 0.03), {"units": "eV"}),
        "height": ("component", contribution.max(axis=1), counted),
        "height_unc": ("component", np.sqrt(contribution.max(axis=1)), counted),
        "flag": ("component", np.array([""] * n)),
        "area_covariance": (("component", "component_b"), np.diag(area_unc**2), {"units": "1"}),
        "value": ("parameter", center, {"units": "1"}),
        "value_unc": ("parameter", np.full(n, 0.02), {"units": "1"}),
        "start": ("parameter", center, {"units": "1"}),
        "low": ("parameter", center - 1, {"units": "1"}),
        "high": ("parameter", center + 1, {"units": "1"}),
        "covariance": (("parameter", "parameter_b"), np.eye(n) * 4e-4, {"units": "1"}),
        "chi2": ((), 101.0, {"units": "1"}),
        "reduced_chi2": ((), 1.04, {"units": "1"}),
        "dof": ((), 97),
        "verdict": ((), verdict),
        "reasons": ((), reasons),
    }
    coords: dict[str, Any] = {
        axis: (axis, x, {"units": AXIS_UNITS[axis], "long_name": AXIS_NAMES[axis]}),
        "component": names,
        "component_b": names,
        "parameter": parameters,
        "parameter_b": parameters,
        **{key: ("component", words) for key, words in (labels or {}).items()},
    }
    basic = {
        "kind": "fit",
        "technique": technique,
        "recipe": f"name: {attrs.get('region', 'test')}\n",
        "statistics": "poisson",
    }
    return xr.Dataset(variables, coords=coords, attrs={**basic, **attrs})


def zirconium_3d(scale: float = 1.0, *, seed: int = 0, **kwargs: Any) -> xr.Dataset:
    """Zr 3d of NaSICON and of ZrO2, each a doublet 2.40 eV wide, on a Shirley-like background."""
    x = np.round(np.arange(178.0, 191.001, 0.1), 3)
    lines = [(9000.0, 182.60, 1.25), (6000.0, 185.00, 1.30), (1900.0, 181.70, 1.15), (1270.0, 184.10, 1.20)]
    parts = np.array([pseudo_voigt(x, scale * area, center, fwhm, 0.2) for area, center, fwhm in lines])
    background = 400 + 900 * scale * np.cumsum(parts.sum(axis=0)) / parts.sum()
    labels = {
        "species": ["NaSICON", "NaSICON", "ZrO2", "ZrO2"],
        "element": ["Zr"] * 4,
        "line": ["Zr 3d5/2", "Zr 3d3/2", "Zr 3d5/2", "Zr 3d3/2"],
    }
    attrs = {"sample": "as_sintered", "region": "Zr 3d", **kwargs}
    return make_fit("binding_energy", x, background, parts, ["n52", "n32", "z52", "z32"], technique="XPS", seed=seed,
                    labels=labels, **attrs)  # fmt: skip


def helium_leis(factor: float = 1.0, *, seed: int = 3, **kwargs: Any) -> xr.Dataset:
    """Five elements under 3 keV He at 145 degrees: peaks with a tail, and a shoulder below each edge."""
    x = np.arange(900.0, 2700.0, 5.0)
    elements = ["O", "Na", "Si", "P", "Zr"]
    centers = [1240.0, 1620.0, 1795.0, 1880.0, 2545.0]
    heights = [900.0, 1400.0 * factor, 160.0, 700.0, 420.0]
    parts, background = [], 60 + 0 * x
    for center, height in zip(centers, heights, strict=True):
        parts.append(
            height * np.exp(-0.5 * ((x - center) / 22) ** 2) + 0.25 * height * np.exp((x - center) / 60) * (x < center)
        )
        background = background + 0.25 * height / (1 + np.exp((x - center + 30) / 18)) * np.exp(-300 / np.sqrt(x)) * 600
    attrs = {"ion": "4He", "ion_energy": 3000.0, "scattering_angle": 145.0, "simulated": "true", **kwargs}
    return make_fit("kinetic_energy", x, background, np.array(parts), elements, technique="LEIS", seed=seed,
                    labels={"element": elements}, **attrs)  # fmt: skip


def stacked(fits: list[xr.Dataset], dim: str, values: Any, units: str = "") -> xr.Dataset:
    whole = xr.concat(
        fits, xr.DataArray(np.asarray(values), dims=dim, name=dim, attrs={"units": units} if units else {})
    )
    return whole.transpose(dim, ...)


def xrd_match(
    *, verdict: str = "check", reasons: str = "unknown phase likely: 1 line unexplained", **attrs: Any
) -> xr.Dataset:
    """Three phases on an amorphous hump, with one line that none of them has and one that is missing."""
    x = np.round(np.arange(10.0, 80.0, 0.02), 4)
    lines = {
        "nasicon": [(13.9, 20), (19.1, 70), (19.9, 60), (27.5, 45), (30.4, 80), (30.8, 100), (34.0, 65), (52.9, 20)],
        "zro2": [(24.05, 12), (24.44, 10), (28.17, 90), (31.46, 65), (34.16, 20), (50.1, 18), (54.1, 9)],
        "pb": [(31.27, 100), (36.26, 45), (52.23, 30), (62.12, 30), (65.24, 8), (77.0, 9)],
    }  # fmt: skip
    scale = {"nasicon": 60.0, "zro2": 9.0, "pb": 22.0}
    parts = np.array(
        [sum(scale[key] * h * np.exp(-0.5 * ((x - c) / 0.07) ** 2) for c, h in rows) for key, rows in lines.items()]
    )
    background = 300 + 500 * np.exp(-0.5 * ((x - 25) / 12) ** 2)
    model = background + parts.sum(axis=0)
    extra = 900 * np.exp(-0.5 * ((x - 18.83) / 0.07) ** 2)
    counts = np.random.default_rng(5).poisson(model + extra).astype(float)
    place = np.array([c for rows in lines.values() for c, _ in rows])
    owner = np.array([key for key, rows in lines.items() for _ in rows])
    height = np.array([h for rows in lines.values() for _, h in rows], dtype=float)
    status = np.where(height < 12, "weak", "confirmed").astype("<U10")
    status[-3] = "missing"
    one = {"units": "1"}
    counted = {"units": "counts"}
    return xr.Dataset(
        {
            "intensity": ("two_theta", counts, counted),
            "model": ("two_theta", model, counted),
            "background": ("two_theta", background, counted),
            "contribution": (("phase", "two_theta"), parts, counted),
            "score": ("phase", [0.93, 0.71, 0.88], one),
            "probability": ("phase", [0.999, 0.83, 0.97], one),
            "scale": ("phase", [60.0, 9.0, 22.0], one),
            "scale_unc": ("phase", [1.0, 0.4, 0.5], one),
            "weight_fraction": ("phase", [0.713, 0.085, 0.202], one),
            "weight_fraction_unc": ("phase", [0.021, 0.011, np.nan], one),
            "lines_confirmed": ("phase", [8, 5, 4]),
            "lines_missing": ("phase", [0, 0, 1]),
            "reflection_two_theta": ("reflection", place, {"units": "deg"}),
            "status": ("reflection", status),
            "peak_two_theta": ("peak", [18.83], {"units": "deg"}),
            "peak_d": ("peak", [4.709], {"units": "angstrom"}),
            "relative_intensity": ("peak", [0.15], one),
            "detection_limit": ("candidate", [0.01, 0.02, 0.004, 0.013], one),
            "candidate_probability": ("candidate", [0.999, 0.83, 0.97, 0.02], one),
            "verdict": ((), verdict),
            "reasons": ((), reasons),
        },
        coords={
            "two_theta": ("two_theta", x, {"units": "deg", "long_name": "2θ"}),
            "phase": list(lines),
            "name": ("phase", ["NaSICON", "baddeleyite", "lead"]),
            "formula": ("phase", ["Na3Zr2Si2PO12", "ZrO2", "Pb"]),
            "space_group": ("phase", ["C 2/c", "P 21/c", "F m -3 m"]),
            "reflection_phase": ("reflection", owner),
            "candidate": ["nasicon", "zro2", "pb", "na15pb4"],
        },
        attrs={
            "kind": "match",
            "technique": "XRD",
            "wavelength": 1.540598,
            "wavelength_name": "CuKa1",
            "sample": "NZSP+Pb_mix",
            **attrs,
        },
    )


def dose_table() -> xr.Dataset:
    """Normalised areas of five elements for three samples and four doses, Si not detected at first."""
    dose = np.array([1.6e15, 3.2e15, 4.8e15, 6.4e15])
    elements, samples = ["O", "Na", "Si", "P", "Zr"], ["as_sintered", "polished", "annealed"]
    film = np.array([0.55, 1.9, 0.0, 0.45, 0.0])
    base = np.array([0.40, 0.6, 0.22, 0.05, 0.33])
    cover = np.array([0.96, 0.05, 0.98])[:, None, None] * np.exp(-0.5 * dose / 6.4e15)[None, :, None]
    value = cover * film + (1 - cover) * base
    unc = 0.02 + 0.03 * value
    unc[1, 2, 1] = np.nan
    detected = (value > 0.045).astype("int8")
    return xr.Dataset(
        {
            "normalised_area": (("sample", "dose", "element"), value, {"units": "1", "long_name": "normalised area"}),
            "normalised_area_unc": (("sample", "dose", "element"), unc, {"units": "1"}),
            "normalised_area_sd": (("sample", "dose", "element"), 1.7 * unc, {"units": "1"}),
            "detected": (("sample", "dose", "element"), detected),
            "upper_limit": (("sample", "dose", "element"), np.where(detected == 0, 0.06, np.nan), {"units": "1"}),
            "coverage": (("sample", "dose"), cover[..., 0], {"units": "1"}),
            "coverage_unc": (("sample", "dose"), 0.03 + 0 * cover[..., 0], {"units": "1"}),
            "removal_cross_section": ("sample", [2.55e-16, 2.1e-16, np.nan], {"units": "cm2"}),
            "removal_cross_section_unc": ("sample", [0.07e-16, np.nan, np.nan], {"units": "cm2"}),
        },
        coords={"dose": ("dose", dose, {"units": "ions/cm2"}), "element": elements, "sample": samples},
        attrs={"kind": "table", "technique": "LEIS", "exclude": "Na", "simulated": "true"},
    )


def fraction_table() -> xr.Dataset:
    """Atomic percentages of two samples."""
    value = np.array([[14.2, 11.1, 9.4, 4.2, 61.1], [21.0, 8.0, 7.1, 6.9, 57.0]])
    return xr.Dataset(
        {
            "atomic_percent": (("sample", "element"), value, {"units": "%", "long_name": "atomic percentage"}),
            "atomic_percent_unc": (("sample", "element"), 0.05 * value, {"units": "%"}),
        },
        coords={"sample": ["as_sintered", "polished"], "element": ["Na", "Zr", "Si", "P", "O"]},
        attrs={"kind": "table", "technique": "XPS"},
    )
