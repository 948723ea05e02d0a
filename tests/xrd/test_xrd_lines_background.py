"""Background, shifts and assignment; oracle: patterns of known background, shifts and phases."""

from __future__ import annotations

import numpy as np
import pytest

import surfspec as ss
from surfspec import errors, schema, xrd
from surfspec.xrd.patterns.profile import Caglioti

SHARP = Caglioti(0.006, -0.004, 0.012, 0.5)
BACKGROUNDS = {
    "flat": lambda x: 1.0 + 0.0 * x,
    "air scatter and glass": lambda x: 0.5 + 15.0 / x + 1.2 * np.exp(-0.5 * ((x - 22.0) / 5.0) ** 2),
    "steep": lambda x: 0.6 + 8.0 * np.exp(-(x - 10.0) / 4.0),
    "fluorescence": lambda x: 3.0 - 0.01 * x + 0.4 * np.sin(x / 9.0),
}


def lines_of(x, names, *, zero=0.0, displacement=0.0, wavelength="CuKa"):
    """Lines of phases with whole Lorentzian tails, drawn by the formula of the pseudo-Voigt."""
    y = np.zeros_like(x)
    light = xrd.radiation(wavelength)
    for name in names:
        made = xrd.pattern(xrd.phases([name])[0], wavelength=wavelength, two_theta=(5.0, 140.0))
        for at, area in zip(made.reflection_two_theta.values, made.relative_intensity.values, strict=True):
            if not x[0] < at < x[-1]:
                continue
            for wave, weight in zip(light.wavelengths, light.weights, strict=True):
                angle = 2 * np.degrees(np.arcsin(np.sin(np.radians(at / 2)) * wave / light.wavelengths[0]))
                width = float(SHARP.fwhm(np.array(angle)))
                angle += zero + displacement * np.cos(np.radians(at / 2))
                y += area * weight * profile((x - angle) / width, 0.5) / width
    return y


def profile(u, eta):
    lorentz = 2.0 / np.pi / (1.0 + 4.0 * u**2)
    return eta * lorentz + (1.0 - eta) * 2.0 * np.sqrt(np.log(2.0) / np.pi) * np.exp(-4.0 * np.log(2.0) * u**2)


def simulated(x, level, shape, names, top, rng, **shifts):
    y = lines_of(x, names, **shifts)
    truth = level * shape(x)
    return ss.spectrum(x, rng.poisson(truth + top * y / y.max()), technique="XRD", simulated="true"), truth


@pytest.mark.parametrize("name", BACKGROUNDS)
def test_background_within_its_uncertainty(name):
    """Pulls over the pattern and over count levels."""
    x = np.arange(10.0, 80.0, 0.03)
    pulls = []
    for seed, level in enumerate((20.0, 500.0, 20000.0)):
        ds, truth = simulated(x, level, BACKGROUNDS[name], ["corundum", "Pb_fcc"], 20 * level,
                              np.random.default_rng(seed))  # fmt: skip
        found = xrd.background(ds, wavelength="CuKa")
        assert schema.check(found, "table") is found
        assert found.attrs["simulated"] == "true"
        pulls.append(((found.background.values - truth) / found.background_unc.values)[::40])
        assert np.max(abs(found.background.values / truth - 1.0)) < 0.35
    pulls = np.concatenate(pulls)
    assert abs(pulls.mean()) < 0.8
    assert np.sqrt(np.mean(pulls**2)) < 1.7


def test_net_is_what_lies_above():
    x = np.arange(20.0, 50.0, 0.02)
    ds, _ = simulated(x, 100.0, BACKGROUNDS["flat"], ["Si"], 1000.0, np.random.default_rng(0))
    found = xrd.background(ds, wavelength="CuKa")
    assert np.allclose(found.net + found.background, ds.intensity)


def test_shift_of_a_standard_and_its_covariance():
    """Pulls of zero and displacement over replicates, and of their sum at 0 deg by the covariance."""
    x = np.arange(25.0, 100.0, 0.02)
    zero, displacement = 0.06, -0.11
    rows = []
    for seed in range(10):
        ds, _ = simulated(x, 100.0, BACKGROUNDS["flat"], ["Si"], 4000.0, np.random.default_rng(seed),
                          zero=zero, displacement=displacement)  # fmt: skip
        found = xrd.line_shift(xrd.find_peaks(ds, wavelength="CuKa"), xrd.phases(["Si"])[0])
        assert schema.check(found, "table") is found
        assert found.verdict.item() == "ok"
        z, d = found.zero_unc.item(), found.displacement_unc.item()
        both = np.sqrt(z**2 + d**2 + 2 * found.correlation.item() * z * d)
        off = found.zero.item() - zero, found.displacement.item() - displacement
        rows.append([off[0] / z, off[1] / d, sum(off) / both])
    rows = np.array(rows)
    assert np.all(np.sqrt(np.mean(rows**2, axis=0)) < 1.7)
    assert np.all(np.sqrt(np.mean(rows**2, axis=0)) > 0.35)


@pytest.mark.parametrize(("share", "zero"), [(0.3, 0.05), (0.1, -0.1), (0.03, 0.05), (0.0, 0.0)])
def test_shift_of_a_phase_among_the_lines_of_another(share, zero):
    """Baddeleyite in 0.3 to 0 of the strength of a NaSICON with a hundred lines: right, or not called ok."""
    x = np.arange(10.0, 80.0, 0.02)
    made = [xrd.pattern(xrd.phases([name])[0], wavelength="CuKa1", two_theta=x, zero=zero).intensity.values
            for name in ("NZSP_C2c", "ZrO2_m")]  # fmt: skip
    level = 200.0 + 20000.0 * (made[0] / made[0].max() + share * made[1] / made[1].max())
    ds = ss.spectrum(x, np.random.default_rng(0).poisson(level), technique="XRD", simulated="true")
    found = xrd.line_shift(xrd.find_peaks(ds, wavelength="CuKa1"), xrd.phases(["ZrO2_m"])[0], free=["zero"])
    if share >= 0.1:
        assert found.verdict.item() == "ok"
        assert abs(found.zero.item() - zero) < max(4.0 * found.zero_unc.item(), 0.002)
    else:
        assert found.verdict.item() != "ok"
    if share == 0.03:
        assert found.reasons.item().startswith("ambiguous")


def test_one_line_determines_no_shift():
    x = np.arange(25.0, 35.0, 0.02)
    ds, _ = simulated(x, 100.0, BACKGROUNDS["flat"], ["Si"], 4000.0, np.random.default_rng(0))
    found = xrd.line_shift(xrd.find_peaks(ds, wavelength="CuKa"), xrd.phases(["Si"])[0])
    assert found.verdict.item() == "failed"
    assert "not determined" in found.reasons.item()
    assert np.isnan(found.zero.item())


def test_standard_that_is_not_there():
    x = np.arange(25.0, 35.0, 0.02)
    ds, _ = simulated(x, 100.0, BACKGROUNDS["flat"], ["Si"], 4000.0, np.random.default_rng(0))
    peaks = xrd.find_peaks(ds, wavelength="CuKa")
    with pytest.raises(errors.InputError, match=r"no peak is within|has no line"):
        xrd.line_shift(peaks, xrd.phases(["Pb_fcc"])[0], tolerance=0.2)
    with pytest.raises(errors.InputError, match="free"):
        xrd.line_shift(peaks, xrd.phases(["Si"])[0], free=["cell"])
    with pytest.raises(errors.InputError, match="no table of peaks"):
        xrd.assign(ds, xrd.phases(["Si"]))


def test_each_peak_finds_its_phase_and_the_rest_is_left_over():
    x = np.arange(20.0, 70.0, 0.02)
    ds, _ = simulated(x, 100.0, BACKGROUNDS["flat"], ["Si", "corundum", "Pb_fcc"], 8000.0, np.random.default_rng(1))
    peaks = xrd.find_peaks(ds, wavelength="CuKa")
    every = xrd.assign(peaks, xrd.phases(["Si", "corundum", "Pb_fcc"]))
    assert schema.check(every, "table") is every
    assert every.attrs["left_over"] == 0
    assert every.sizes["missing"] == 0
    part = xrd.assign(peaks, xrd.phases(["Si", "corundum"]))
    left = part.peak_two_theta.values[part.origin.values == ""]
    assert {31.3, 36.3, 52.2, 62.1} <= set(np.round(left, 1))  # the lines of lead
    assert not np.any([name.startswith("Pb") for name in part.origin.values])


def test_k_beta_is_named():
    x = np.arange(20.0, 60.0, 0.02)
    ds, _ = simulated(x, 100.0, BACKGROUNDS["flat"], ["Si"], 20000.0, np.random.default_rng(2))
    beta = lines_of(x, ["Si"], wavelength=1.392218)
    counts = ds.intensity.values + np.random.default_rng(3).poisson(600.0 * beta / beta.max())
    peaks = xrd.find_peaks(ss.spectrum(x, counts, technique="XRD"), wavelength="CuKa")
    origin = xrd.assign(peaks, xrd.phases(["Si"])).origin.values
    assert sum(one.startswith("K-beta of 28.4") for one in origin) == 1


@pytest.fixture(scope="module")
def silicon_peaks():
    x = np.arange(25.0, 60.0, 0.02)
    ds, _ = simulated(x, 100.0, BACKGROUNDS["flat"], ["Si"], 4000.0, np.random.default_rng(0))
    return xrd.find_peaks(ds, wavelength="CuKa")


def test_names_stand_for_phases(silicon_peaks):
    card = xrd.phases("Si")[0]
    assert xrd.assign(silicon_peaks, "Si").identical(xrd.assign(silicon_peaks, [card]))
    assert xrd.line_shift(silicon_peaks, "Silicon").identical(xrd.line_shift(silicon_peaks, card))
    only = xrd.line_shift(silicon_peaks, "Si", free="zero")
    assert only.displacement_unc.item() == 0.0 < only.zero_unc.item()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [({"phases": []}, "no phase is given"), ({"phases": ["Pb_fccc"]}, "Did you mean Pb_fcc"),
     ({"phases": None}, "phases is None"), ({"zero": np.nan}, "zero is nan"), ({"zero": 90.0}, "zero is 90"),
     ({"displacement": np.inf}, "displacement is inf"), ({"shift_unc": -0.1}, "shift_unc is -0.1"),
     ({"cell_unc": "a"}, "cell_unc is 'a'"), ({"wavelength": []}, "wavelength")],
)  # fmt: skip
def test_wrong_arguments_of_an_assignment_are_named(silicon_peaks, arguments, said):
    with pytest.raises(errors.InputError, match=said):
        xrd.assign(silicon_peaks, **({"phases": "Si"} | arguments))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [({"phase": "TiO2"}, "'TiO2' is anatase, brookite, rutile"), ({"phase": ["Si"]}, "is no phase"),
     ({"free": []}, "free is"), ({"free": 3}, "free is 3"), ({"free": [[]]}, "free is"),
     ({"tolerance": np.nan}, "tolerance is nan"), ({"tolerance": 0}, "tolerance is 0")],
)  # fmt: skip
def test_wrong_arguments_of_a_line_shift_are_named(silicon_peaks, arguments, said):
    with pytest.raises(errors.InputError, match=said):
        xrd.line_shift(silicon_peaks, **({"phase": "Si"} | arguments))


@pytest.mark.parametrize("ask", [xrd.assign, xrd.line_shift])
def test_other_tables_are_no_peaks(silicon_peaks, ask):
    for wrong, said in (
        (xrd.phase_table("Si"), "no table of peaks: it lacks peak_two_theta"),
        (silicon_peaks.drop_vars("area"), "it lacks area"),
        (silicon_peaks.assign_attrs(kind="match"), "a match names the phases of its peaks itself"),
        (silicon_peaks.isel(peak=0), "no table of peaks"),
        (None, "None is no table of peaks"),
    ):
        with pytest.raises(errors.InputError, match=said):
            ask(wrong, "Si")


@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "card", "least", "scatter"),
    [("formats/LaB6_Jan2018.raw", "LaB6", 6, 0.003),
     ("rruff/Corundum_R040096-1_Powder_RRUFF.txt", "corundum", 12, 0.008),
     ("rruff/Quartz_R040031-1_Powder_RRUFF.txt", "quartz", 10, 0.008)],
)  # fmt: skip
def test_measured_standards_lie_on_their_cells(data_dir, file, card, least, scatter):
    """Positions of a measured standard are those of the certificate-like cell but for zero and displacement."""
    peaks = xrd.find_peaks(ss.read(data_dir / "xrd" / file), wavelength="CuKa")
    found = xrd.line_shift(peaks, xrd.phases([card])[0])
    assert found.sizes["line"] >= least
    assert np.sqrt(np.mean(found.residual.values**2)) < scatter
