"""Phase identification on measured patterns of known content: ``python -m benchmarks.xrd_truth FOLDER``.

FOLDER holds the measured patterns (``cpd_qarr/``, ``dara_precursor/``, ...), which are not part of this repository.
Each pattern is identified with its elements given and, with ``--blind``, with every card as a candidate.
``--leave-one-out`` takes each true phase out of the candidates in turn; ``--csv FILE`` keeps the rows.

Weighed and certified compositions: Madsen et al. (2001) J. Appl. Cryst. 34, 409 and Scarlett et al. (2002) J. Appl.
Cryst. 35, 383 (CPD samples), the precursor masses in the names of the files of the Dara set (Fei et al.). A formula
that stands for several polymorphs where the source names none lists them all.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

import surfspec as ss

TITANIA = ("anatase", "rutile", "brookite")
#: Weighed or certified phases in wt%; a tuple of ids is one phase whose polymorph the source does not name.
Truth = Mapping[tuple[str, ...], float]


def _phases(**weights: float) -> Truth:
    return {(TITANIA if name == "TiO2" else (name,)): weight for name, weight in weights.items()}


_DARA = {
    "In2O3_0p3022-La(OH)3_0p5014-TiO2_0p2004": _phases(In2O3=30.1, LaO3H3=49.9, TiO2=20.0),
    "Li2CO3_0p9001-ZrO2_0p1000": _phases(Li2CO3=90.0, ZrO2_m=10.0),
    "NiO_0p2030-Li2CO3_0p2999-TiO2_0p5025": _phases(NiO=20.2, Li2CO3=29.8, TiO2=50.0),
    "NiO_0p6007-Bi2O3_0p4008": _phases(NiO=60.0, Bi2O3_alpha=40.0),
    "TiO2_0p4009-ZnO_0p6010": _phases(TiO2=40.0, ZnO=60.0),
    "V2O5_0p2012-La(OH)3_0p5004-MnCO3_0p3013": _phases(V2O5=20.1, LaO3H3=49.9, rhodochrosite=30.0),
    "V2O5_0p3005-NiO_0p4020-TiO2_0p3020": _phases(V2O5=29.9, NiO=40.0, TiO2=30.1),
    "V2O5_0p4005-NiO_0p6016": _phases(V2O5=40.0, NiO=60.0),
    "V2O5_0p6008-ZnO_0p4010": _phases(V2O5=60.0, ZnO=40.0),
    "V2O5_0p8011-ZrO2_0p2012": _phases(V2O5=79.9, ZrO2_m=20.1),
}
#: Weighed and certified mixtures.
MIXTURES: dict[str, Truth] = {
    "cpd_qarr/cpd-1a.xy": _phases(corundum=1.15, ZnO=4.04, CaF2=94.81),
    "cpd_qarr/cpd-1c.xy": _phases(corundum=5.04, ZnO=93.59, CaF2=1.36),
    "cpd_qarr/cpd-1e.xy": _phases(corundum=55.12, ZnO=15.25, CaF2=29.62),
    "cpd_qarr/cpd-1g.xy": _phases(corundum=31.37, ZnO=34.21, CaF2=34.42),
    "cpd_qarr/cpd-2.xy": _phases(corundum=21.27, ZnO=19.94, CaF2=22.53, brucite=36.26),
    "cpd_qarr/cpd-4.xy": _phases(corundum=50.46, magnetite=19.64, ZrSiO4=29.90),
    **{f"dara_precursor/{name}--{minutes}min.xrdml": truth for name, truth in _DARA.items() for minutes in (2, 8)},
    "mixtures/XRD_2024_04_05_50-50.dat": _phases(hematite=50.6, magnetite=49.4),
    "mixtures/XRD_2021_06_07_MexicanMagnetite.dat": _phases(hematite=73.0, magnetite=27.0),
}
#: Patterns of one phase.
SINGLE: dict[str, Truth] = {
    "cpd_qarr/magnetit.prn": _phases(magnetite=100),
    "rruff/Corundum_R040096-1_Powder_RRUFF.txt": _phases(corundum=100),
    "rruff/Quartz_R040031-1_Powder_RRUFF.txt": _phases(quartz=100),
    "rockjock/rockjock_CORUNDUM.xy": _phases(corundum=100),
    "rockjock/rockjock_HALITE.xy": _phases(halite=100),
    "rockjock/rockjock_RUTILE.xy": _phases(rutile=100),
    "rockjock/rockjock_ZIRCON.xy": _phases(ZrSiO4=100),
    "rockjock/rockjock_NATRITE.xy": _phases(Na2CO3_gamma=100),
    "li_mn_ti_o_f/MnO.xy": _phases(MnO=100),
    "li_mn_ti_o_f/MnO2.xy": _phases(MnO2=100),
    "formats/LaB6_Jan2018.raw": _phases(LaB6=100),
}
#: Patterns of two Li-Mn-Ti-O-F phases, amounts not stated.
UNWEIGHED: dict[str, Truth] = {"li_mn_ti_o_f/TiO2+MnO.xy": _phases(TiO2=np.nan, MnO=np.nan)}
#: Files whose third column, without a name, is not used.
THREE_COLUMNS = ("li_mn_ti_o_f/MnO2.xy",)
#: Radiation of files whose label is wrong: the lines of this one (28.13, 38.68, 41.41 deg) are hematite 012, 104 and
#: magnetite 311 for Co K-alpha; for the Cu K-alpha of its label no iron oxide has lines there.
RADIATION = {"mixtures/XRD_2021_06_07_MexicanMagnetite.dat": "CoKa"}
#: Minerals as found in nature: impurities whose lines the pattern shows, looked up by hand, not counted as wrong.
#: Quartz 101 at 26.65 and 100 at 20.86 deg, hematite 104 at 33.15 deg (rutile); corundum worn off the grinding elements
#: of a McCrone mill: 012 and 116 (zircon), 012, 104, 110, 113 and 116 at 25.64, 35.16, 37.79, 43.40 and 57.53 deg, each
#: found by the peak search alone at 8 to 14 sigma (rutile).
IMPURITIES: dict[str, tuple[str, ...]] = {
    "rockjock/rockjock_RUTILE.xy": ("quartz", "hematite", "corundum"),
    "rockjock/rockjock_ZIRCON.xy": ("quartz", "corundum"),
    "rockjock/rockjock_NATRITE.xy": ("quartz",),
}
#: Graphite monochromator of the Philips PW3020 of the CPD samples: 2 theta of (002) for Cu Ka.
MONOCHROMATOR = {"cpd_qarr": 26.6}


@dataclass(frozen=True)
class Row:
    """What became of one pattern."""

    file: str
    group: str
    mode: str
    removed: str
    found: str
    missed: str
    wrong: str
    wrong_probability: float
    least_true_probability: float
    weight_error: float
    unexplained: int
    verdict: str
    seconds: float

    @property
    def exact(self) -> bool:
        """Whether the set of phases is that of the truth."""
        return not self.missed and not self.wrong


def read(folder: Path, name: str) -> xr.Dataset:
    """Read a pattern; the radiation is Cu K-alpha but for the files of `RADIATION`."""
    options: dict[str, Any] = {"column": 2} if name in THREE_COLUMNS else {}
    return ss.read(folder / name, wavelength=RADIATION.get(name, "CuKa"), technique="XRD", **options)


def elements_of(truth: Truth) -> set[str]:
    """Elements of the true phases."""
    names = [name for names in truth for name in names]
    return {symbol for phase in ss.xrd.phases(names) for symbol in phase.elements}


def candidates(truth: Truth, *, blind: bool, removed: tuple[str, ...] = ()) -> tuple[ss.xrd.Phase, ...]:
    """Cards that are tried: all or those of the elements, without the removed ones."""
    cards = ss.xrd.phases(elements=None if blind else elements_of(truth))
    return tuple(card for card in cards if card.id not in removed)


def judge(
    folder: Path, name: str, group: str, truth: Truth, *, blind: bool = False, removed: tuple[str, ...] = ()
) -> Row:
    """Identify one pattern and hold the answer against the truth."""
    spectrum = read(folder, name)
    cards = candidates(truth, blind=blind, removed=removed)
    recipe = ss.xrd.Recipe(monochromator=MONOCHROMATOR.get(name.split("/", maxsplit=1)[0], 0.0))
    start = time.process_time()
    found = ss.xrd.match(spectrum, recipe, phases=cards, wavelength=RADIATION.get(name, "CuKa"))
    seconds = time.process_time() - start
    left = {names: weight for names, weight in truth.items() if not set(names) & set(removed)}
    probability = dict(zip(found.phase.values.tolist(), found.probability.values.tolist(), strict=True))
    share = dict(zip(found.phase.values.tolist(), found.weight_fraction.values.tolist(), strict=True))
    right = [one for one in probability if any(one in names for names in left)]
    missed = ["|".join(names) for names in left if not set(names) & set(right)]
    wrong = [one for one in probability if one not in right and one not in IMPURITIES.get(name, ())]
    errors = [100.0 * sum(share.get(one, 0.0) for one in names) - weight for names, weight in left.items()]
    return Row(
        name, group, "blind" if blind else "elements", " ".join(removed),
        " ".join(f"{one}:{value:.2f}" for one, value in probability.items()), " ".join(missed), " ".join(wrong),
        max((probability[one] for one in wrong), default=0.0), min((probability[one] for one in right), default=0.0),
        float(np.mean(np.abs(errors))) if errors and not removed else np.nan, found.sizes["peak"],
        str(found.verdict.values), seconds,
    )  # fmt: skip


def cases(folder: Path) -> Iterator[tuple[str, str, Truth]]:
    """All labelled patterns that lie in the folder."""
    for group, table in (("mixture", MIXTURES), ("single", SINGLE), ("unweighed", UNWEIGHED)):
        for name, truth in table.items():
            if (folder / name).is_file():
                yield name, group, truth


def run(folder: Path, *, blind: bool, leave_one_out: bool) -> list[Row]:
    """Judge every labelled pattern of the folder."""
    rows = []
    for name, group, truth in cases(folder):
        removals: Sequence[tuple[str, ...]] = [()]
        if leave_one_out:
            # without any card left there is no question
            removals = [one for one in truth if candidates(truth, blind=blind, removed=one)]
        for removed in removals:
            try:
                rows.append(judge(folder, name, group, truth, blind=blind, removed=removed))
            except ss.errors.FormatError as fault:
                print(f"         {name}: not read: {fault}", file=sys.stderr)
                continue
            one = rows[-1]
            mark = "exact" if one.exact else f"missed [{one.missed}] wrong [{one.wrong}]"
            gone = f" without {one.removed}" if one.removed else ""
            print(f"{one.seconds:6.2f} s  {name}{gone}: {one.found}  {mark}  {one.verdict}", file=sys.stderr)
    return rows


def summary(rows: Sequence[Row]) -> str:
    """Counts and medians, by group."""
    lines = []
    for group in dict.fromkeys(row.group for row in rows):
        own = [row for row in rows if row.group == group]
        exact = sum(row.exact for row in own)
        invented = sum(row.wrong_probability > 0.5 for row in own)
        silent = sum(not row.wrong and row.unexplained == 0 and bool(row.removed) for row in own)
        seconds = np.array([row.seconds for row in own])
        weights = np.array([row.weight_error for row in own])
        line = (
            f"{group}: {len(own)} trials, exact {exact}, missed {sum(bool(row.missed) for row in own)}, a wrong phase "
            f"above 0.5 in {invented}, median {np.median(seconds):.2f} s of CPU time, largest {seconds.max():.2f} s"
        )
        if np.any(np.isfinite(weights)):
            line += f", mean |weight error| {np.nanmean(weights):.2f} wt%"
        if own[0].removed:
            line += f", nothing said of the missing lines in {silent}"
        lines.append(line)
    return "\n".join(lines)


def main() -> None:
    """Run what the command line asks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--blind", action="store_true")
    parser.add_argument("--leave-one-out", action="store_true")
    parser.add_argument("--csv", type=Path)
    asked = parser.parse_args()
    rows = run(asked.folder, blind=asked.blind, leave_one_out=asked.leave_one_out)
    if asked.csv:
        with asked.csv.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(asdict(rows[0])))
            writer.writeheader()
            writer.writerows(asdict(row) for row in rows)
    print(summary(rows))


if __name__ == "__main__":
    main()
