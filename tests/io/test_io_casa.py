"""The lines in which CasaXPS keeps an analysis: measured files, dialects, damage, and the way back."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import surfspec as ss
from surfspec.errors import FormatError, InputError
from surfspec.io import read_casa, write_casa
from surfspec.io.casa_lines import (
    calibration_of,
    calibration_text,
    component_of,
    component_text,
    region_of,
    region_text,
)
from surfspec.io.casa_types import CasaBlock, CasaCalibration, CasaComponent, CasaNumber, CasaRegion

FEO = "casa_fit_FeO/FeO_analyzed.vms"


def spectrum(**attrs: float | str) -> xr.Dataset:
    x = np.arange(280.0, 292.0, 0.25)
    return ss.spectrum(x, np.arange(x.size) + 5, technique="XPS", region="C 1s", photon_energy=1486.6, **attrs)


@pytest.mark.data
def test_feo(data_dir: Path) -> None:
    casa = read_casa(data_dir / "xps" / FEO, strict=True)
    assert casa.version == "2.3.25PR1.0"
    (block,) = casa.fitted
    assert block.photon_energy == 1486.61
    (region,) = block.regions
    assert (region.name, region.background, region.average) == ("Fe 2p", "U 3 Tougaard", 2)
    assert region.cross_section == (335.44588, 551.0, 436.0, 3.0)
    assert (region.low, region.high, region.rsf, region.mass) == (737.52081, 786.7632, 16.42, 55.8458)
    assert [one.shape for one in block.components] == ["LF(0.54,10,80,100,6)", "SGL(30)"] * 2
    first = block.components[0]
    assert first.area == CasaNumber(63507.374, 1e-20, 6383903.5)
    assert block.binding_energy(first.position.value) == pytest.approx(709.04687)
    assert (first.index, first.tag, first.uncorrected_rsf, first.line) == (0, "Fe 2p", 16.42, 41)
    assert not block.components[2].position.linked  # an offset is stored, but it follows nothing
    assert any("annot comps" in text for _, text in block.others)


@pytest.mark.data
def test_links_and_calibrations(data_dir: Path) -> None:
    casa = read_casa(data_dir / "xps" / "cheminfo_casa" / "assigned.vms", strict=True)
    block = next(one for one in casa.fitted if one.components)
    first, second = block.components[:2]
    assert second.area.link == 0
    assert second.area.value == pytest.approx(first.area.value * second.area.amount, rel=1e-6)
    assert second.position.value == pytest.approx(first.position.value + second.position.amount)
    assert block.components[3].fwhm.link == 2
    assert block.shift == pytest.approx(3.6301, abs=1e-6)
    # MoS2 at 229.47 eV on the calibrated scale, 225.84 eV as it was measured; the photon energy is 1486.69 eV
    assert block.binding_energy(first.position.value) == pytest.approx(229.47, abs=0.001)
    assert block.binding_energy(first.position.value, calibrated=False) == pytest.approx(225.84, abs=0.001)


@pytest.mark.data
def test_every_measured_file_reads_and_its_lines_go_there_and_back(data_dir: Path) -> None:
    count = 0
    for path in sorted((data_dir / "xps").rglob("*.vms")):
        for block in read_casa(path, strict=True).blocks:
            for region in block.regions:
                assert region_of(region_text(region)) == region
            for component in block.components:
                assert component_of(component_text(component)) == component
            for calibration in block.calibrations:
                assert calibration_of(calibration_text(calibration)) == calibration
            count += len(block.regions) + len(block.components) + len(block.calibrations)
    assert count > 200


@pytest.mark.data
def test_feo_written_and_read_again(data_dir: Path, tmp_path: Path) -> None:
    source = data_dir / "xps" / FEO
    (block,) = read_casa(source).blocks
    data = ss.read(source)
    file = write_casa(data, tmp_path / "again.vms", regions=block.regions, components=block.components)
    (again,) = read_casa(file, strict=True).blocks
    assert (again.regions, again.components, again.calibrations) == (block.regions, block.components, ())
    back = ss.read(file)
    np.testing.assert_allclose(back.binding_energy.values, data.binding_energy.values, atol=1e-9)
    np.testing.assert_array_equal(back.intensity.values, data.intensity.values)
    np.testing.assert_array_equal(back.transmission.values, data.transmission.values)
    assert back.attrs["dwell_time"] == data.attrs["dwell_time"]


DIALECTS = [
    ("Calib M = 281.1700 A = 284.8 BE ADD", 3.63, ("ADD",), None),
    ("Calib M = 281.88 A = 284.8 Regions Comps BE ADD", 2.92, ("Regions", "Comps", "ADD"), None),
    ("Calib M = 455.59 A = 458.6 BE", 3.01, (), None),
    ("Calib M = 1204.72 A = 1201.8 KE ADD", 2.92, ("ADD",), None),
    ("Calib M = 280,281 A = 284.8 BE ADD", math.nan, ("ADD",), (280.0, 281.0)),
    ("Calib M=285 A=284.8 BE ADD BLOCKS", -0.2, ("ADD", "BLOCKS"), None),
]


@pytest.mark.parametrize(("text", "shift", "flags", "searched"), DIALECTS)
def test_dialects_of_calibrations(
    text: str, shift: float, flags: tuple[str, ...], searched: tuple[float, float] | None
) -> None:
    one = calibration_of(text)
    assert one.shift == pytest.approx(shift, nan_ok=True)
    assert (one.flags, one.searched) == (flags, searched)
    again = calibration_of(calibration_text(one))
    assert (again.assigned, again.flags, again.searched, again.kinetic) == (
        one.assigned, one.flags, one.searched, one.kinetic,
    )  # fmt: skip


def test_energies_that_moved_with_the_spectrum_are_measured_ones() -> None:
    plain, moved = CasaCalibration(281.0, 284.8), CasaCalibration(281.0, 284.8, flags=("Regions", "Comps", "ADD"))
    for calibration, shown, raw in ((plain, 286.6, 282.8), (moved, 290.4, 286.6)):
        block = CasaBlock(1, "C 1s", "", 1486.6, calibrations=(calibration,))
        for of in ("regions", "components"):
            assert block.binding_energy(1200.0, of=of) == pytest.approx(shown)
            assert block.binding_energy(1200.0, of=of, calibrated=False) == pytest.approx(raw)


def test_an_old_component_without_its_last_fields() -> None:
    text = "CASA comp (*AdC*) (*GL(30)*) Area 114.08312 1e-020 23910.791 -1 1 MFWHM 1.8107113 0.36 9 -1 1 Position "
    one = component_of(text + "8966.3888 8963.8533 8974.5627 -1 1 RSF 1 MASS 12.011 INDEX -1 (*C 1s*)")
    assert (one.tag, one.constraint) == ("C 1s", "")
    assert math.isnan(one.uncorrected_rsf)


def damaged(tmp_path: Path, text: str) -> Path:
    region = CasaRegion("C 1s", "Shirley", 1195.0, 1206.0)
    file = write_casa(spectrum(), tmp_path / "one.vms", regions=[region])
    content = file.read_text().replace(region_text(region), text)
    assert text in content
    file.write_text(content)
    return file


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("CASA region (*C 1s*) 1195 1206 1", "no name and background"),
        ("CASA region (*C 1s*) (*Shirley*) 1195", "1 numbers"),
        ("CASA region (*C 1s*) (*Shirley*) 1195 abc 1", "'abc' is not a number"),
        ("CASA region (*C 1s*) (*Shirley*) 1195 1206 1 1e309", "'1e309' is beyond all numbers"),
        (
            "CASA comp (*C 1s*) (*GL(30)*) Area 1e999 0 9 -1 1 MFWHM 1 0 9 -1 1 Position 1 0 9 -1 1",
            "beyond all numbers",
        ),
        ("Calib M = 1e309 A = 284.8 BE ADD", "beyond all numbers"),
        ("CASA comp (*C 1s*) (*GL(30)*) Area 3 0 9 -1 1 Position 1200 1199 1201 -1 1", "no FWHM"),
        ("CASA comp (*C 1s*) (*GL(30)*) Area 3 0 9", "no Area"),
        ("Calib M = x A = 284.8 BE ADD", "no 'M = measured"),
    ],
)
def test_damage_is_listed_or_refused_with_its_place(tmp_path: Path, text: str, what: str) -> None:
    file = damaged(tmp_path, text)
    (block,) = read_casa(file).blocks
    assert len(block.problems) == 1
    assert what in block.problems[0]
    assert any(kept == text for _, kept in block.others)
    line = file.read_text().split("\n").index(text) + 1
    with pytest.raises(FormatError, match=what) as caught:
        read_casa(file, strict=True)
    assert caught.value.where == f"one.vms:{line}"


def test_a_link_to_nowhere_is_a_problem(tmp_path: Path) -> None:
    free = CasaNumber(1.0, 0.5, 2.0)
    one = CasaComponent("a", "GL(30)", CasaNumber(2.0, link=3, amount=0.5), free, CasaNumber(1200.0, 1199.0, 1201.0))
    file = write_casa(spectrum(), tmp_path / "a.vms", components=[one])
    (problem,) = read_casa(file).blocks[0].problems
    assert "the area of 'a' follows component 3 of 1" in problem


def test_refusals(tmp_path: Path) -> None:
    region = CasaRegion("C 1s", "Shirley", 1195.0, 1206.0)
    with pytest.raises(InputError, match="ends its own field"):
        write_casa(spectrum(), tmp_path / "a.vms", regions=[CasaRegion("C*) 1s", "Shirley", 1195.0, 1206.0)])
    with pytest.raises(InputError, match="reads its own lines from VAMAS"):
        write_casa(spectrum(), tmp_path / "a.csv", regions=[region])
    bare = spectrum()
    del bare.attrs["photon_energy"]
    with pytest.raises(InputError, match="no photon energy"):
        write_casa(bare, tmp_path / "a.vms", regions=[region])
    write_casa(spectrum(), tmp_path / "a.vms", regions=[region])
    with pytest.raises(InputError, match="file exists"):
        write_casa(spectrum(), tmp_path / "a.vms", regions=[region])
    with pytest.raises(InputError, match="the path is a NoneType"):
        write_casa(spectrum(), None)  # type: ignore[arg-type]
    (tmp_path / "text.vms").write_text("not a VAMAS file\n")
    with pytest.raises(FormatError, match="no VAMAS file"):
        read_casa(tmp_path / "text.vms")
    series = ss.spectrum([1.0, 2.0, 3.0], np.ones((2, 3)), technique="XPS", dims=("cycle",), photon_energy=1486.6)
    with pytest.raises(InputError, match="series"):
        write_casa(series, tmp_path / "b.vms")


def two_samples(tmp_path: Path) -> Path:
    """Put the blocks of two files into one, as CasaXPS saves them."""
    files = []
    for place, sample in enumerate(("film A", "film B")):
        data = spectrum(sample=sample)
        data["intensity"] = data.intensity + 100 * place
        region = CasaRegion("C 1s", "Linear", 1195.0 + place, 1206.0)
        files.append(write_casa(data, tmp_path / f"{place}.vms", regions=[region]).read_text().split("\n"))
    first, second = files
    assert first[15] == "1"  # number of blocks
    end = first.index("end of experiment")
    both = [*first[:15], "2", *first[16:end], *second[16:]]
    (tmp_path / "both.vms").write_text("\n".join(both))
    return tmp_path / "both.vms"


def test_a_block_names_its_data_in_a_file_of_two_samples(tmp_path: Path) -> None:
    file = two_samples(tmp_path)
    blocks = read_casa(file, strict=True).fitted
    assert [b.label for b in blocks] == ["film A C 1s", "film B C 1s"]
    with pytest.raises(InputError, match="2 regions match"):
        ss.read(file, region=blocks[0].identifier)
    for place, block in enumerate(blocks):
        data = ss.read(file, region=block.label)
        assert data.attrs["sample"] == block.sample
        assert data.intensity.values[0] == 5 + 100 * place
        assert (block.points, block.regions[0].low) == (data.sizes["binding_energy"], 1195.0 + place)
        ends = (block.photon_energy - data.binding_energy.values[[-1, 0]]).tolist()
        assert block.kinetic == pytest.approx(ends)


def test_data_that_cannot_be_read_leave_blocks_without_label(tmp_path: Path) -> None:
    file = two_samples(tmp_path)
    file.write_text(file.read_text().replace("Binding Energy\neV", "Binding Energy\nnm"))
    blocks = read_casa(file).fitted
    assert [(b.label, b.points, len(b.regions)) for b in blocks] == [("", 0, 1), ("", 0, 1)]


@pytest.mark.data
def test_every_measured_block_names_its_data(data_dir: Path) -> None:
    path = data_dir / "xps" / "cheminfo_casa" / "assigned.vms"
    blocks = read_casa(path).blocks
    assert len({b.label for b in blocks}) == len(blocks) == 54
    for block in blocks[::6]:
        data = ss.read(path, region=block.label)
        assert (data.attrs["block"], data.attrs["sample"]) == (block.identifier, block.sample)


def test_a_comment_is_written_once(tmp_path: Path) -> None:
    region = CasaRegion("C 1s", "Shirley", 1195.0, 1206.0)
    data = spectrum(comment="Casa Info Follows\n0\n1\nannot peak 1\n\n0\n0\nAu foil\nsecond line", source="Al")
    sizes, comments = [], []
    for i in range(3):
        file = write_casa(data, tmp_path / f"{i}.vms", regions=[region])
        data = ss.read(file)
        sizes.append(file.stat().st_size)
        comments.append(file.read_text().count("Casa Info Follows"))
        assert file.read_text().count("Au foil second line") == 1
        assert "annot" not in file.read_text()
        assert data.attrs["source"] == "Al"
    assert comments == [1, 1, 1]
    assert sizes[1] == sizes[2]


numbers = st.floats(-1e7, 1e7, allow_nan=False).map(lambda v: float(f"{v:.9g}"))
words = st.text(st.characters(codec="ascii", min_codepoint=32, exclude_characters="*()"), max_size=12).map(str.strip)


@settings(max_examples=80, deadline=None)
@given(
    name=words, tag=words, constraint=words, values=st.lists(numbers, min_size=12, max_size=12), link=st.integers(-1, 9)
)
def test_any_component_goes_there_and_back(
    name: str, tag: str, constraint: str, values: list[float], link: int
) -> None:
    area, fwhm, position = (CasaNumber(*values[i : i + 3], link, values[i + 3]) for i in (0, 4, 8))
    one = CasaComponent(name, "LA(1,2,3)", area, fwhm, position, values[0], values[1], 2, tag, constraint, 0.5)
    assert component_of(component_text(one)) == one
