"""The page on the fitting engine runs, block by block, and says what the text around the blocks says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "fitting.md"
CELL = re.compile(r"^```\{code-cell\} ipython3\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def test_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("emcee")
    monkeypatch.chdir(tmp_path)
    blocks = CELL.findall(PAGE.read_text(encoding="utf-8"))
    assert len(blocks) > 10
    page: dict[str, object] = {"__name__": "__page__"}
    for number, block in enumerate(blocks, start=1):
        exec(compile(block, f"fitting.md[{number}]", "exec"), page)  # noqa: S102
    printed = capsys.readouterr().out
    assert "('ok', ())" in printed
    assert "1.2 eV: B is" in printed
    assert re.search(r"1\.2 eV: .* both are needed", printed)
    assert re.search(r"0\.8 eV: B is 11 error bars above zero;.* without B the deviance rises by 17 only", printed)
    assert "the area of 1 of 2 members rests on a failed fit (spot=bare: no peak detected" in printed
    assert abs(page["pulls"].std() - 1) < 0.15
    result, solution = page["result"], page["solution"]
    free = [0, 1, 3]
    assert abs(result.uncertainties[free] / solution.uncertainties[free] - 1).max() < 0.2
    spread = page["chain"].covariance.diagonal() ** 0.5
    assert abs(page["together"].values - [182.4, 1.2]).max() < 4 * page["together"].uncertainties.max()
    assert spread.shape == (3,)
