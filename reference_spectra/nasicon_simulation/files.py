"""Text files of the study; every one says that it is simulated."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nasicon_simulation import xrd

LABEL = "SIMULATED DATA, not a measurement"

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


def write(path: Path, text: str) -> None:
    """Write a text file with Unix line ends on every system."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode("utf-8"))


def header(entries: dict[str, str]) -> str:
    """Return comment lines `# key: value` under the label."""
    rows = [f"# {LABEL}", *(f"# {key}: {value}" for key, value in entries.items()), "# simulated: true"]
    return "\n".join(rows) + "\n"


def csv(path: Path, entries: dict[str, str], axis: Floats, counts: Counts, digits: int) -> None:
    """Write axis and counts separated by a comma."""
    rows = (f"{x:.{digits}f},{n}" for x, n in zip(axis, counts, strict=True))
    write(path, header(entries) + "\n".join(rows) + "\n")


def xy(path: Path, entries: dict[str, str], counts: Counts, *, comma: bool = False, sigma: bool = False) -> None:
    """Write a powder pattern in columns, if wished with decimal commas or a column of standard uncertainties."""
    rows = []
    for x, n in zip(xrd.AXIS, counts, strict=True):
        row = f"{x:.3f}\t{n}" + (f"\t{np.sqrt(max(int(n), 1)):.3f}" if sigma else "")
        rows.append(row.replace(".", ",") if comma else row)
    write(path, header(entries) + "\n".join(rows) + "\n")


def xrdml(path: Path, sample: str, counts: Counts) -> None:
    """Write a powder pattern in the XML format of PANalytical, version 1.5, with what the format needs and no more."""
    values = " ".join(str(int(n)) for n in counts)
    write(
        path,
        f"""<?xml version="1.0" encoding="UTF-8"?>
<xrdMeasurements xmlns="http://www.xrdml.com/XRDMeasurement/1.5" status="Completed">
  <comment>
    <entry>{LABEL}</entry>
  </comment>
  <sample type="To be analyzed">
    <id>{sample}</id>
    <name>{sample} (SIMULATED)</name>
  </sample>
  <xrdMeasurement measurementType="Scan" status="Completed" sampleMode="Reflection">
    <comment>
      <entry>{LABEL}</entry>
    </comment>
    <usedWavelength intended="K-Alpha 1">
      <kAlpha1 unit="Angstrom">{xrd.WAVELENGTH:.6f}</kAlpha1>
      <kAlpha2 unit="Angstrom">1.5444260</kAlpha2>
      <kBeta unit="Angstrom">1.3922500</kBeta>
      <ratioKAlpha2KAlpha1>0.0000</ratioKAlpha2KAlpha1>
    </usedWavelength>
    <incidentBeamPath>
      <xRayTube id="simulated" name="simulated Cu tube">
        <anodeMaterial>Cu</anodeMaterial>
      </xRayTube>
    </incidentBeamPath>
    <scan appendNumber="0" mode="Continuous" scanAxis="Gonio" status="Completed">
      <dataPoints>
        <positions axis="2Theta" unit="deg">
          <startPosition>{xrd.AXIS[0]:.4f}</startPosition>
          <endPosition>{xrd.AXIS[-1]:.4f}</endPosition>
        </positions>
        <positions axis="Omega" unit="deg">
          <startPosition>{0.5 * xrd.AXIS[0]:.4f}</startPosition>
          <endPosition>{0.5 * xrd.AXIS[-1]:.4f}</endPosition>
        </positions>
        <commonCountingTime unit="seconds">3.000</commonCountingTime>
        <intensities unit="counts">{values}</intensities>
      </dataPoints>
    </scan>
  </xrdMeasurement>
</xrdMeasurements>
""",
    )
