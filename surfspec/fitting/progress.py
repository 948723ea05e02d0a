"""A progress bar of plain text for terminals; a few plain lines where the output is a file."""

from __future__ import annotations

import sys
import time
from typing import TextIO

#: Seconds between two updates of a terminal.
INTERVAL = 0.1
#: Share of the work between two lines in a file.
STEP = 0.1


class ProgressBar:
    """Show how many members of a series are done; pass it as ``progress=``.

    Parameters
    ----------
    label
        What is being done.
    stream
        Where to write; standard error by default. On a terminal one line is rewritten, elsewhere a line is
        added for every tenth of the work.
    width
        Characters of the bar.

    Examples
    --------
    >>> import io
    >>> out = io.StringIO()
    >>> show = ProgressBar("fitting", stream=out)
    >>> for done in (1, 2):
    ...     show(done, 2)
    >>> [line.split(",")[0] for line in out.getvalue().splitlines()]
    ['fitting 1 of 2 (50 %)', 'fitting 2 of 2 (100 %)']
    """

    def __init__(self, label: str = "fitting", *, stream: TextIO | None = None, width: int = 30) -> None:
        self.label = label
        self.width = width
        self._stream = stream
        self._begin: tuple[float, int] | None = None
        self._last_time = -INTERVAL
        self._last_share = -1.0

    def __call__(self, done: int, total: int) -> None:
        """Show that `done` of `total` members are done."""
        stream = sys.stderr if self._stream is None else self._stream
        now = time.monotonic()
        if self._begin is None:
            self._begin = (now, done)
        share = done / total if total else 1.0
        text = f"{self.label} {done} of {total} ({share:.0%})".replace("%", " %") + self._left(now, done, total)
        if stream.isatty():
            if now - self._last_time < INTERVAL and done < total:
                return
            filled = round(self.width * share)
            stream.write(f"\r[{'#' * filled}{'.' * (self.width - filled)}] {text}\033[K" + "\n" * (done >= total))
        else:
            if share - self._last_share < STEP - 1e-12 and done < total:
                return
            stream.write(text + "\n")
        stream.flush()
        self._last_time, self._last_share = now, share

    def _left(self, now: float, done: int, total: int) -> str:
        """Return the time that is left, judged from that spent since the first call."""
        begun, first = self._begin or (now, done)
        if done <= first or done >= total:
            return ""
        seconds = (now - begun) / (done - first) * (total - done)
        return f", {_clock(seconds)} left"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
