"""Run a task over many blocks: in this thread, on threads, on processes, or on a distributed cluster."""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.connection
import os
import pickle
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from itertools import islice
from typing import Any, Final, TypeVar

import numpy as np

from surfspec.errors import InputError
from surfspec.fitting.scale.optional import optional

Work = TypeVar("Work")
Done = TypeVar("Done")

#: Names of the schedulers; a distributed client can be passed in their place.
SCHEDULERS: Final = ("sync", "threads", "processes", "distributed")


@contextlib.contextmanager
def open_workers(scheduler: Any, count: int | None) -> Iterator[tuple[Executor | None, int]]:
    """Open the workers that a scheduler names, and close those that were opened here.

    Parameters
    ----------
    scheduler
        One of ``SCHEDULERS``, or a ``distributed.Client``, which stays open.
    count
        Number of workers; by default one for each processor.

    Yields
    ------
    executor, count
        None for the calling thread.

    Raises
    ------
    InputError
        For an unknown scheduler or a count below one.
    MissingDependencyError
        When ``distributed`` is asked for and not installed.
    """
    number = len(os.sched_getaffinity(0)) if count is None and hasattr(os, "sched_getaffinity") else count
    number = number or os.cpu_count() or 1
    if count is not None and (isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 1):
        raise InputError(f"{count!r:.40} workers", where="workers", remedy="Give a whole number from 1 up")
    if scheduler == "sync":
        yield None, 1
    elif scheduler == "threads":
        with ThreadPoolExecutor(number) as pool:
            yield pool, number
    elif scheduler == "processes":
        context = multiprocessing.get_context("spawn")  # a fork would copy locks that other threads hold
        with ProcessPoolExecutor(number, mp_context=context, initializer=_follow_the_parent) as processes:
            yield processes, number
    elif scheduler == "distributed":
        distributed = optional("distributed", "scheduler='distributed'")
        with _interrupts_held_back():
            started = distributed.LocalCluster(n_workers=number, threads_per_worker=1, dashboard_address=None)
        with (
            started as cluster,
            distributed.Client(cluster) as client,
            client.get_executor(pure=False) as pool,
        ):
            yield pool, number
    elif hasattr(scheduler, "get_executor"):
        with scheduler.get_executor(pure=False) as pool:
            yield pool, max(1, len(scheduler.ncores()))
    else:
        raise InputError(
            f"scheduler={scheduler!r} is not known",
            where="scheduler",
            remedy=f"Use {', '.join(SCHEDULERS)}, or pass a distributed.Client",
        )


def _follow_the_parent() -> None:
    """Leave interrupts to the parent process, and end when it does, even by SIGKILL."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent.sentinel,), name="parent", daemon=True).start()


def _end_after(sentinel: int) -> None:
    """Wait for the end of another process, then end this one at once: nobody is left to take its result."""
    multiprocessing.connection.wait([sentinel])
    os._exit(1)


@contextlib.contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Ignore SIGINT for a while; processes that are started meanwhile ignore it for good."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def run_over(
    work: Iterable[Work], task: Callable[[Work], Any], call: Callable[..., Done], pool: Executor | None, ahead: int
) -> Generator[tuple[Work, Done], None, None]:
    """Yield each piece of work with its result, in the order in which they end.

    No more than `ahead` pieces are under way at a time, so that neither inputs nor results pile up. After a
    KeyboardInterrupt the pieces that already run are awaited and yielded; then it is raised again.

    Parameters
    ----------
    work
        The pieces.
    task
        Makes the argument of `call` from a piece, in the calling thread.
    call
        Runs on a worker.
    pool
        None for the calling thread.
    ahead
        Pieces under way at a time.

    Raises
    ------
    InputError
        When a worker dies.
    """
    if pool is None:
        for one in work:
            yield one, call(task(one))
        return
    running: dict[Future[Done], Work] = {}
    try:
        yield from _in_pool(iter(work), task, call, pool, ahead, running)
    except KeyboardInterrupt:
        for future, one in list(running.items()):
            if not future.cancel():
                yield one, future.result()
        raise
    except BrokenExecutor as error:
        raise InputError(
            "a worker process died",
            where="scheduler",
            remedy="Use smaller chunks or fewer workers if memory ran out; in a script, call from below "
            "\"if __name__ == '__main__':\"",
        ) from error
    finally:
        for future in running:
            future.cancel()


def _in_pool(
    pieces: Iterator[Work],
    task: Callable[[Work], Any],
    call: Callable[..., Done],
    pool: Executor,
    ahead: int,
    running: dict[Future[Done], Work],
) -> Generator[tuple[Work, Done], None, None]:
    """Keep `ahead` pieces in `running` until all are done."""
    while True:
        for one in islice(pieces, ahead - len(running)):
            running[pool.submit(call, task(one))] = one
        if not running:
            return
        ended, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in ended:
            yield running.pop(future), future.result()


def check_sendable(fit: Callable[..., object]) -> None:
    """Raise where a fit cannot be sent to another process.

    Raises
    ------
    InputError
        For a lambda, a function within a function, or anything else that pickle refuses.

    Examples
    --------
    >>> check_sendable(len)
    """
    try:
        pickle.dumps(fit)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise InputError(
            f"the fit cannot be sent to another process ({error})",
            where="fit",
            remedy="Pass a function defined at the top of a module, or functools.partial of one; or use "
            "scheduler='threads'",
        ) from error
