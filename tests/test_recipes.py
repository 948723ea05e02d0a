"""Recipes: strict YAML and Python mappings into frozen dataclasses, every fault at its place."""

from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pytest
import yaml

from surfspec.errors import FormatError, InputError, RecipeError
from surfspec.recipes import from_mapping, load_file, load_yaml, to_mapping, to_yaml
from surfspec.recipes.yaml_nodes import resolve


@dataclass(frozen=True)
class Peak:
    name: str
    center: tuple[float, float] | None = field(default=None, metadata={"low": 0, "high": 1500, "unit": "eV"})
    fwhm: float = field(default=1.2, metadata={"above": 0, "high": 5, "unit": "eV", "doc": "full width"})
    scans: int = field(default=1, metadata={"low": 1})

    def __post_init__(self) -> None:
        if self.center is not None and self.center[0] >= self.center[1]:
            raise InputError(f"center range {self.center} is empty", where="center", remedy="Give low, then high")


@dataclass(frozen=True)
class Shirley:
    kind: Literal["shirley"] = "shirley"
    average: int = 1


@dataclass(frozen=True)
class Tougaard:
    kind: Literal["tougaard"]
    b: float = 2866.0


@dataclass(frozen=True)
class Recipe:
    region: str
    peaks: tuple[Peak, ...] = ()
    background: Shirley | Tougaard | str = "linear"
    shape: Literal["voigt", "gl_sum"] = "voigt"
    mix: float | str = "auto"
    charge: bool = False
    dose: Mapping[float | int, float] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    window: tuple[float, float] | None = field(default=None, metadata={"key": "range"})


@dataclass(frozen=True)
class Files:
    files: str
    labels: Mapping[str, Mapping[str, float]] = field(default_factory=dict, metadata={"rest": True})


@dataclass(frozen=True)
class Study:
    xrd: str | Files | Mapping[str, str]


def problems(text: str, cls: type = Recipe) -> tuple[str, ...]:
    with pytest.raises(RecipeError) as caught:
        load_yaml(text, cls, source="zr3d.yaml")
    return caught.value.problems


class TestReading:
    def test_full_recipe(self) -> None:
        text = """
region: Zr 3d     # a comment
peaks:
  - {name: Zr 3d5/2, center: [181, 184], fwhm: 1.3}
  - name: 'No'
background: {kind: tougaard, b: 1e3}
mix: 0.3
charge: true
dose: {1: 1.6e15, 2: 3.2e15}
labels: {a: 010, b: no, c: 1.50}
range: [178, 190]
"""
        recipe = load_yaml(text, Recipe)
        assert recipe.peaks[0] == Peak("Zr 3d5/2", (181.0, 184.0), 1.3)
        assert recipe.peaks[1].name == "No"
        assert recipe.background == Tougaard("tougaard", 1000.0)
        assert recipe.mix == 0.3
        assert recipe.charge is True
        assert recipe.dose == {1: 1.6e15, 2: 3.2e15}
        assert recipe.labels == {"a": "010", "b": "no", "c": "1.50"}  # text stays as it is spelt
        assert recipe.window == (178.0, 190.0)
        assert type(recipe.peaks[0].center[0]) is float  # type: ignore[index]

    def test_yaml_and_python_are_two_spellings(self) -> None:
        data = {"region": "C 1s", "peaks": [{"name": "C-C", "center": (284, 286)}], "mix": "auto"}
        text = "region: C 1s\npeaks: [{name: C-C, center: [284, 286]}]\nmix: auto\n"
        assert from_mapping(data, Recipe) == load_yaml(text, Recipe)
        assert from_mapping({"region": "C 1s", "peaks": [Peak("C-C", (284.0, 286.0))]}, Recipe).peaks[0].fwhm == 1.2

    def test_numpy_numbers_are_numbers(self) -> None:
        peak = from_mapping({"name": "a", "fwhm": np.float32(1.5), "scans": np.int64(3)}, Peak)
        assert (peak.fwhm, peak.scans) == (1.5, 3)
        assert (type(peak.fwhm), type(peak.scans)) == (float, int)

    @pytest.mark.parametrize(
        ("text", "expected"),
        [("x.xy", "x.xy"), ("{files: a}", Files("a")), ("{before: a, after: b}", {"before": "a", "after": "b"}),
         ("{files: 'a{dose}', dose: {1: 1e15}}", Files("a{dose}", {"dose": {"1": 1e15}}))],
    )  # fmt: skip
    def test_union_is_told_apart_by_what_stands_there(self, text: str, expected: Any) -> None:
        assert load_yaml(f"xrd: {text}", Study) == Study(expected)

    @pytest.mark.parametrize(
        ("word", "value"),
        [("1e16", 1e16), ("1E+2", 100.0), (".5", 0.5), ("-3.", -3.0), ("010", 10), ("+7", 7), ("0x1F", "0x1F"),
         ("1_000", "1_000"), ("1:30", "1:30"), ("no", "no"), ("On", "On"), ("nan", "nan"), (".inf", ".inf"),
         ("true", True), ("FALSE", False), ("~", None), ("", None), ("2001-01-01", "2001-01-01"), ("٣", "٣")],
    )  # fmt: skip
    def test_scalars_are_those_of_yaml_1_2(self, word: str, value: Any) -> None:
        assert resolve(word) == value
        assert type(resolve(word)) is type(value)

    def test_byte_order_mark_is_skipped(self) -> None:
        assert load_yaml("\ufeffname: a", Peak).name == "a"


class TestProblems:
    def test_all_at_once_each_at_its_place(self) -> None:
        text = """region: Zr 3d
shapes: voigt
peaks:
  - {name: Zr 3d5/2, center: [184, 181]}
  - {name: Zr 3d3/2, scans: 3, fwmh: 1.3}
  - {fwhm: 7.5}
charge: yes
"""
        assert problems(text) == (
            "zr3d.yaml:2:1: unknown key 'shapes'. Did you mean 'shape'?",
            "zr3d.yaml:4:30: peaks[0].center: center range (184.0, 181.0) is empty. Give low, then high",
            "zr3d.yaml:5:32: peaks[1]: unknown key 'fwmh'. Did you mean 'fwhm'?",
            "zr3d.yaml:6:12: peaks[2].fwhm: 7.5 eV is above the limit of 5 eV. Choose a value above 0 and up to 5 eV",
            "zr3d.yaml:6:5: peaks[2]: key 'name' is missing. Add it",
            "zr3d.yaml:7:9: charge: expected true or false, got 'yes'. Write true or false",
        )

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("fwhm: 1,3", "expected a number in eV, got '1,3'. Write a decimal point: 1.3"),
            ("fwhm: 1.3 eV", "expected a number in eV, got '1.3 eV'. Write the number alone; it is in eV"),
            ("fwhm: '1.3'", "Write the number without quotes"),
            ("fwhm: .nan", "Give a finite number in eV or remove the key"),
            ("scans: 1" + "0" * 400, "expected a whole number, got 1"),
            ("fwhm: 1e999", "1e999 is no finite number. Give a finite number"),
            ("fwhm:", "expected a number in eV, but nothing stands here"),
            ("fwhm: [1]", "expected a number in eV, got a list of 1. Write a number"),
            ("fwhm: true", "expected a number in eV, got true"),
            ("fwhm: 0", "0 eV is not above 0 eV. Choose a value above 0 and up to 5 eV"),
            ("scans: 0", "0 is below the limit of 1. Choose a value from 1"),
            ("scans: 2.5", "expected a whole number, got 2.5. Write a whole number"),
            ("center: [1, 2, 3]", "3 values where 2 are needed. Give [a number, a number]"),
            ("center: [1, 1600]", "center[1]: 1600 eV is above the limit of 1500 eV"),
            ("center: 5", "expected [a number, a number] in eV, got 5"),
        ],
    )
    def test_values(self, text: str, expected: str) -> None:
        (problem,) = problems(f"name: a\n{text}", Peak)
        assert expected in problem
        assert problem.startswith("zr3d.yaml:2:")

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("shape: voight", "unknown value 'voight'. Did you mean 'voigt'?"),
            ("shape: lorentz", "unknown value 'lorentz'. Use one of voigt, gl_sum"),
            ("region: true", "expected text, got true. Put it in quotes"),
            ("background: {kind: tougaard, c: 1}", "background: unknown key 'c'. Use one of kind, b"),
            ("background: [1]", "expected keys and values (kind, average) or keys and values (kind, b) or text"),
            ("dose: {a: 1}", "dose.a: expected a number or a whole number, got 'a'"),
            ("dose: {1: 2, 1.0: 3}", "duplicate key '1.0'"),
            ("peaks: [1]", "peaks[0]: expected keys and values (name, center, fwhm, scans), got 1"),
            ("peaks: {name: a}", "expected a list, each keys and values"),
        ],
    )
    def test_structures(self, text: str, expected: str) -> None:
        head = "" if text.startswith("region") else "region: a\n"
        assert any(expected in problem for problem in problems(head + text)), problems(head + text)

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("a: &x 1\nb: *x", ("zr3d.yaml:1:4: anchor '&x'", "zr3d.yaml:2:4: alias '*x'")),
            ("region: !!python/object/apply:os.system [ls]", ("zr3d.yaml:1:9: tag 'tag:yaml.org,2002:python",)),
            ("region: ! a", ("zr3d.yaml:1:9: tag '!'",)),
            ("<<: {region: a}", ("zr3d.yaml:1:1: merge key '<<'",)),
            ("region: a\nregion: b", ("zr3d.yaml:2:1: duplicate key 'region', first at zr3d.yaml:1:1",)),
            ("region: a\n'region': b", ("zr3d.yaml:2:1: duplicate key",)),
            ("region: a\n---\nregion: b", ("zr3d.yaml:2:1: a second document",)),
            ("%YAML 1.1\n---\nregion: a", ("YAML directives",)),
            ("region: a\n\tshape: voigt", ("Indent with spaces, not with tabs",)),
            ("region: a: b", ("zr3d.yaml:1:10: not valid YAML",)),
            ("peaks: [", ("not valid YAML",)),
            ("region: a\nshape: \x07", ("zr3d.yaml:2:8: a control character",)),
            ("? {a: 1}\n: 2", ("a key is not a single word",)),
            ("", ("zr3d.yaml: it is empty",)),
            ("# only a comment", ("zr3d.yaml: it is empty",)),
            ("- 1", ("expected keys and values (region, peaks",)),
            ('region: "\\UFFFFFFFF"', ("not valid YAML",)),
        ],
    )
    def test_yaml_that_is_refused(self, text: str, expected: tuple[str, ...]) -> None:
        found = problems(text)
        for part in expected:
            assert any(part in problem for problem in found), found

    @pytest.mark.parametrize(
        "text",
        [
            "[" * 100_000,
            "{a: " * 5_000,
            "- " * 50_000,
            "region: [" + "a," * 30_000 + "]",
            "region: " + "9" * 900_000 + "x",
            "region: " + "x" * 1_100_000,
            "a: &a [x,x,x,x]\nb: &b [*a,*a,*a,*a]\nc: [*b,*b,*b,*b]",
        ],
    )
    def test_bombs_are_refused(self, text: str) -> None:
        if text.endswith("9x"):  # merely long, and refused for nothing else than being no such element
            assert load_yaml(text, Recipe).region.endswith("9x")
        else:
            assert len(problems(text)) >= 1

    def test_python_values_no_recipe_can_hold(self) -> None:
        loop: dict[str, Any] = {"name": "a"}
        loop["self"] = loop
        for data in (loop, {"name": object()}, {("a", 1): 2}, {"name": "a", "fwhm": float("nan")}, {"name": b"x"}, 5):
            with pytest.raises(RecipeError, match="<python>"):
                from_mapping(data, Peak)  # type: ignore[arg-type]

    def test_number_is_no_text_in_python(self) -> None:
        with pytest.raises(RecipeError, match="expected text, got 5"):
            from_mapping({"name": 5}, Peak)

    def test_range_error_names_value_limit_and_unit(self) -> None:
        with pytest.raises(RecipeError, match=r"fwhm: -2 eV is not above 0 eV"):
            from_mapping({"name": "a", "fwhm": -2}, Peak)

    def test_value_error_of_a_recipe_is_collected(self) -> None:
        @dataclass(frozen=True)
        class Odd:
            n: int

            def __post_init__(self) -> None:
                if self.n % 2 == 0:
                    raise ValueError(f"{self.n} is even")

        assert from_mapping({"n": 3}, Odd).n == 3
        with pytest.raises(RecipeError, match="2 is even"):
            from_mapping({"n": 2}, Odd)


class TestFiles:
    def test_place_is_the_path(self, tmp_path: Any) -> None:
        file = tmp_path / "p.yaml"
        file.write_text("name: a\nfwmh: 1\n", encoding="utf-8")
        with pytest.raises(RecipeError, match=r"p\.yaml:2:1: unknown key"):
            load_file(file, Peak)
        file.write_text("name: ä\n", encoding="utf-8")
        assert load_file(str(file), Peak).name == "ä"

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"", "empty"),
            (b"  \n", "empty"),
            (b"\xff\xfe", "not UTF-8"),
            (b"a" * 1_000_001, "bytes"),
            (None, "no such"),
        ],
    )
    def test_files_that_are_no_recipes(self, tmp_path: Any, content: bytes | None, message: str) -> None:
        file = tmp_path / "p.yaml"
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(FormatError, match=message):
            load_file(file, Peak)
        with pytest.raises(FormatError, match="not a file"):
            load_file(tmp_path, Peak)


class TestWriting:
    RECIPE = Recipe(
        "Zr 3d", (Peak("1e3", (181.0, 184.0), 1.3), Peak("null")), Tougaard("tougaard"), mix="0.3", charge=True,
        dose={1: 1.6e15, 2.5: 1e-7}, labels={"true": "~", "<<": "a\nb", "ü": " x ", "1": "=1"},
    )  # fmt: skip

    def test_round_trip(self) -> None:
        text = to_yaml(self.RECIPE)
        assert load_yaml(text, Recipe) == self.RECIPE
        assert to_yaml(load_yaml(text, Recipe)) == text
        assert load_yaml(to_yaml(self.RECIPE, defaults=False), Recipe) == self.RECIPE
        assert from_mapping(to_mapping(self.RECIPE), Recipe) == self.RECIPE

    def test_defaults_are_written_unless_unwanted_and_none_never(self) -> None:
        assert to_mapping(Peak("a")) == {"name": "a", "fwhm": 1.2, "scans": 1}
        assert to_mapping(Peak("a"), defaults=False) == {"name": "a"}

    def test_none_that_is_no_default_is_written(self) -> None:
        @dataclass(frozen=True)
        class Window:
            width: float | None = 2.0

        assert to_yaml(Window(None)) == "width: null\n"
        assert load_yaml("width: null", Window) == Window(None)

    def test_rest_keys_are_written_beside_the_others(self) -> None:
        value = Files("a{dose}", {"dose": {"1": 2.0}})
        assert to_mapping(value) == {"files": "a{dose}", "dose": {"1": 2.0}}
        assert load_yaml(to_yaml(value), Files) == value

    def test_nothing_is_shared_with_the_input(self) -> None:
        data = to_mapping(self.RECIPE)
        data["labels"]["true"] = "changed"
        assert self.RECIPE.labels["true"] == "~"

    @pytest.mark.parametrize("value", [5, {"a": 1}, Peak, Shirley(average=object()), Peak("a", fwhm=np.inf)])  # type: ignore[arg-type]
    def test_what_is_no_recipe(self, value: Any) -> None:
        with pytest.raises(InputError):
            to_yaml(value)

    def test_other_yaml_readers_agree(self) -> None:
        plain = dataclasses.replace(self.RECIPE, dose={1: 1.5}, labels={"a": "b"})
        assert yaml.safe_load(to_yaml(plain))["peaks"][0]["center"] == [181.0, 184.0]

    def test_errors_survive_pickling(self) -> None:
        with pytest.raises(RecipeError) as caught:
            load_yaml("a: 1", Peak)
        again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301  our own error, as between processes
        assert again.problems == caught.value.problems
        assert str(again) == str(caught.value)
