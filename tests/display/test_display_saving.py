"""Files of figures: the same bytes each time, and nothing left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure

from surfspec.display import plot, save_figure
from surfspec.errors import InputError

FORMATS = ("svg", "pdf", "png")


def test_two_processes_write_the_same_bytes(tmp_path: Path, made: ModuleType) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import samples_display as made\n"
        "from surfspec.display import plot, save_figure\n"
        "save_figure(plot(made.zirconium_3d()), sys.argv[2] + '/fit')\n"
        "save_figure(plot(made.xrd_match()), sys.argv[2] + '/match', ['svg', 'pdf'])\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    folder = Path(str(made.__file__)).parent
    checkout = folder.parent.parent
    for seed in ("1", "2"):
        out = tmp_path / seed
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(checkout), "MPLBACKEND": "agg"}
        subprocess.run([sys.executable, "-c", code, str(folder), str(out)], check=True, env=environment)
    names = sorted(path.name for path in (tmp_path / "1").iterdir())
    assert names == ["fit.pdf", "fit.png", "fit.svg", "match.pdf", "match.svg"]
    for name in names:
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes(), name


def test_the_style_of_the_user_does_not_matter(tmp_path: Path, made: ModuleType) -> None:
    fit = made.zirconium_3d()
    save_figure(plot(fit), tmp_path / "plain", ["svg"])
    with mpl.rc_context({"font.size": 20, "axes.facecolor": "black", "lines.linewidth": 5, "xtick.direction": "out",
                         "axes.grid": True, "text.color": "red", "axes.labelcolor": "red"}):  # fmt: skip
        save_figure(plot(fit), tmp_path / "styled", ["svg"])
    assert (tmp_path / "plain.svg").read_bytes() == (tmp_path / "styled.svg").read_bytes()


def test_settings_are_left_as_they_were(tmp_path: Path, made: ModuleType) -> None:
    before = dict(mpl.rcParams)
    save_figure(plot(made.fraction_table()), tmp_path / "a")
    with pytest.raises(InputError):
        save_figure(plot(made.fraction_table()), tmp_path / "a", ["gif"])
    assert dict(mpl.rcParams) == before


def test_threads_do_not_disturb_each_other(tmp_path: Path, made: ModuleType) -> None:
    fits = [made.zirconium_3d(seed=k) for k in range(4)]

    def work(job: tuple[int, str]) -> bytes:
        index, name = job
        return save_figure(plot(fits[index]), tmp_path / f"{name}{index}", ["svg"])[0].read_bytes()

    alone = [work((k, "alone")) for k in range(4)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(work, [(k, "together") for k in range(4)]))
    assert together == alone


def test_files_are_named_and_sized(tmp_path: Path, made: ModuleType) -> None:
    figure = plot(made.fraction_table())
    paths = save_figure(figure, tmp_path / "new" / "Zr_3d.v1", FORMATS)
    assert [path.name for path in paths] == ["Zr_3d.v1.svg", "Zr_3d.v1.pdf", "Zr_3d.v1.png"]
    assert paths[2].read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert paths[1].read_bytes()[:5] == b"%PDF-"
    assert b"CreationDate" not in paths[1].read_bytes()
    svg = paths[0].read_text(encoding="utf-8")
    assert "<dc:date>" not in svg
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(path.name for path in paths)
    assert figure.get_figwidth() == pytest.approx(8.6 / 2.54)


def test_what_cannot_be_written_says_so(tmp_path: Path, made: ModuleType) -> None:
    figure = plot(made.fraction_table())
    with pytest.raises(InputError, match="unknown format 'gif'"):
        save_figure(figure, tmp_path / "a", ["svg", "gif"])
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InputError, match="expected a matplotlib Figure"):
        save_figure(figure.axes[0], tmp_path / "a")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write the figure"):
        save_figure(figure, tmp_path / "file" / "a")


def test_a_notebook_can_show_the_figure(made: ModuleType) -> None:
    figure = plot(made.fraction_table())
    assert isinstance(figure, Figure)
    assert figure._repr_png_()[:4] == b"\x89PNG"  # type: ignore[attr-defined]
