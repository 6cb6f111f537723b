"""Where tasks run: a Dask scheduler by address, a local cluster, or this very process, all behind one `Pool`."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import functools
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, ThreadPoolExecutor, wait
from concurrent.futures import TimeoutError as TooLate
from pathlib import Path
from typing import Any

from pipeline import aside
from pipeline.errors import ConfigError, ResourceError
from pipeline.threads import allowed

ANSWER_SECONDS = 10.0  # within which a scheduler answers at the start
RETURN_SECONDS = 60.0  # within which one that was cut off comes back
MAPPED_BYTES, TRIMMED_BYTES = 16 * 2**20, 64 * 2**20  # blocks from here on come from the system; so much is kept when it is free
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of malloc.h
TURN_SECONDS = 0.0005  # after which a thread gives the interpreter to another that asks
REMEMBERED = 10  # messages of a connection, steps of a worker: Dask keeps them for who looks for a fault in Dask
LOOK_AROUND = "500 ms"  # how often Dask sees whether its loops are held up: its own fifty times a second are for who looks for a fault in Dask
COUNT_SECONDS = 2.0  # between two counts of the workers: those that come are given tiles, those that go are not waited for


class CutError(Exception):
    """The connection to the scheduler was lost, and with it what was asked for."""


class Pool:
    """`submit` starts a task on one of the `lanes`; `link` is the dashboard's address, if there is one."""

    link = ""
    _aside: aside.Aside | None = None

    def __init__(self, executor: Executor, at_once: int = 1) -> None:
        self._executor, self._at_once = executor, at_once

    def take_aside(self) -> bool:
        """Take the process that was begun beside this one, if one was, for what `submit_aside` is given; whether there is one."""
        self._aside = self._aside or aside.taken()
        return self._aside is not None

    def submit_aside(self, function: Callable[..., Any], *args: Any, lane: str = "") -> Future[Any]:
        """Start one task in the process beside this one, where there is one; else as `submit`."""
        return self._aside.submit(function, *args) if self._aside else self.submit(function, *args, lane=lane)

    def end_aside(self) -> None:
        """End the process beside this one, if there is one."""
        if self._aside:
            self._aside.close()

    @property
    def lanes(self) -> Mapping[str, int]:
        """Each worker, by its name, and how many tasks may be on their way to it at once."""
        return {"": self._at_once}

    @property
    def at_once(self) -> int:
        """How many tasks are worked at at once."""
        return self._at_once

    def submit(self, function: Callable[..., Any], *args: Any, lane: str = "") -> Future[Any]:
        """Start one task, on the worker of that name, or on another if that one goes while others stay, or has too much to do. Of a worker that goes when
        there is no other, tasks wait for ever: they have to be asked for again."""
        del lane  # this process is all there is
        return self._executor.submit(function, *args)

    @staticmethod
    def first(futures: set[Future[Any]]) -> set[Future[Any]]:
        """The futures that have ended, waiting until one has; none after some seconds, so that workers are counted in the meantime."""
        return wait(futures, timeout=COUNT_SECONDS, return_when=FIRST_COMPLETED).done

    def mend(self) -> None:
        """After tasks were lost with the connection: wait until there is one again; ResourceError when there is none."""

    def everywhere(self, function: Callable[..., Any], *args: Any) -> None:
        """Run a function in every worker that is there, and wait for all; ResourceError when one does not answer."""


class _Cluster(Pool):
    """The workers of a scheduler. A connection that is cut loses what was asked for, not what was written: the same tasks are asked for again."""

    def __init__(self, stack: contextlib.ExitStack, address: Any, *, in_flight: int, named: str | None) -> None:
        self._stack, self._address, self._in_flight, self._named = stack, address, in_flight, named
        self._counted, self._lanes, self._there = -COUNT_SECONDS, {"": in_flight}, time.monotonic()
        self._threads = 0
        try:
            self._connect(ANSWER_SECONDS)
        except (OSError, ValueError) as error:  # ValueError: an address of no kind Dask knows
            raise ResourceError(f"no Dask scheduler answers at {named}; check the address or leave out --scheduler") from error
        self.link = _link(self._client)

    def _connect(self, seconds: float) -> None:
        from distributed import Client

        self._client = self._stack.enter_context(Client(self._address, timeout=seconds, set_as_default=False))

    @property
    def lanes(self) -> Mapping[str, int]:
        """A few tasks for each worker there is now; while there is none, a few that wait for the first."""
        if self._client.status == "running":
            self._there = time.monotonic()
        elif time.monotonic() - self._there > RETURN_SECONDS:  # and nothing that was asked for has told of it
            self.mend()
        if time.monotonic() - self._counted > COUNT_SECONDS and self._client.status == "running":
            with contextlib.suppress(OSError, KeyError):
                said = self._client.scheduler_info(n_workers=-1)
                if len(said["workers"]) == said["n_workers"]:  # one that is suspended says nothing, and what is remembered names no worker: the last count holds
                    self._lanes = dict.fromkeys(sorted(said["workers"]), self._in_flight) or {"": self._in_flight}
                    self._threads = sum(worker["nthreads"] for worker in said["workers"].values())
            self._counted = time.monotonic()
        return self._lanes

    @property
    def at_once(self) -> int:
        """As `Pool.at_once`, at the last count: the threads of all workers."""
        return self._threads

    def submit(self, function: Callable[..., Any], *args: Any, lane: str = "") -> Future[Any]:
        """As `Pool.submit`. The future always ends: Dask's own executor never ends one whose answer was on its way as the connection was cut."""
        from distributed.client import ClosedClientError

        answer: Future[Any] = Future()
        where = {"workers": [lane], "allow_other_workers": True} if lane else {}
        try:
            asked = self._client.submit(function, *args, pure=False, retries=0, **where)
        except ClosedClientError as error:  # it gave up looking
            answer.set_exception(_cut(error))
            return answer
        self._client.loop.add_callback(_answered, asked, answer)
        answer.add_done_callback(functools.partial(_no_longer_asked, asked))
        return answer

    def mend(self) -> None:
        """As `Pool.mend`."""
        until = time.monotonic() + RETURN_SECONDS
        while self._client.status != "running":
            if time.monotonic() > until:
                raise ResourceError(
                    f"the Dask scheduler{f' at {self._named}' if self._named else ''} was lost and did not come back within {RETURN_SECONDS:.0f} s; "
                    "what is finished is kept: start a scheduler again, and the same command goes on from here"
                )
            if self._client.status == "closed":  # it gave up looking
                with contextlib.suppress(OSError):
                    self._connect(ANSWER_SECONDS)
            time.sleep(0.2)

    def everywhere(self, function: Callable[..., Any], *args: Any) -> None:
        """As `Pool.everywhere`."""
        asking = ThreadPoolExecutor(1)
        try:
            asking.submit(self._client.run, function, *args, on_error="ignore").result(RETURN_SECONDS)
        except (TooLate, OSError) as error:
            raise ResourceError(f"a worker of the scheduler at {self._named} does not answer; stop it, then run again") from error
        finally:
            asking.shutdown(wait=False, cancel_futures=True)

    @contextlib.contextmanager
    def profiled(self, to: Path | None) -> Iterator[None]:
        """Dask's performance report of what is done inside, one HTML file that needs no network."""
        if to is None:
            yield
            return
        from distributed import performance_report

        to.parent.mkdir(parents=True, exist_ok=True)
        with self._client.as_current(), performance_report(filename=str(to), mode="inline"):
            yield


@contextlib.contextmanager
def pool(*, workers: int, in_flight: int, scheduler: str | None, threads: int = 1, profile: Path | None = None) -> Iterator[Pool]:
    """`workers` processes on this machine (0: this process, with so many `threads`), or those of a scheduler; closed, with all they started, at the end.

    `profile` is where Dask's performance report goes; ConfigError when no Dask is asked for.
    """
    if scheduler is None and workers == 0:
        if profile is not None:
            raise ConfigError("--profile is Dask's report: it needs --workers 1 or more, or --scheduler")
        _keep_memory()
        with allowed(threads), _short_turns(), ThreadPoolExecutor(threads) as executor:
            here = Pool(executor, threads)
            try:
                yield here
            finally:
                here.end_aside()
        return
    aside.dismiss()  # its workers learn what they need themselves
    import dask
    from distributed import LocalCluster

    quiet: dict[str, Any] = {
        "distributed.scheduler.worker-saturation": float(in_flight),  # the next task lies with its worker before the last one ends
        "distributed.worker.daemon": True,
        "distributed.nanny.pre-spawn-environ.MALLOC_MMAP_THRESHOLD_": MAPPED_BYTES,  # Dask's own setting gives every layer of a tile back to the system
        "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": TRIMMED_BYTES,
        "distributed.comm.timeouts.connect": "10s",
        "distributed.admin.log-format": "%(name)s - %(levelname)s - %(message)s",
    }
    if profile is None:  # what only a report shows: the last thousand messages, with what tiles gave to fits; what a worker does, looked at a hundred times a second
        quiet |= {
            "distributed.admin.low-level-log-length": REMEMBERED, "distributed.diagnostics.computations.max-history": 1,
            "distributed.worker.profile.enabled": False, "distributed.admin.tick.interval": LOOK_AROUND,
        }  # fmt: skip
    with contextlib.ExitStack() as stack, dask.config.set(quiet), warnings.catch_warnings():
        # what the tiles gave to a fit travels with its task; its size is bounded and stated by the plan
        warnings.filterwarnings("ignore", message="Sending large graph", category=UserWarning)
        address: Any = scheduler
        if scheduler is None:
            # one thread each: the numerics release the GIL only in part, and one-threaded BLAS gives one answer
            with _deaf_to_interrupts():
                address = LocalCluster(
                    n_workers=workers, threads_per_worker=1, processes=True, memory_limit=0, dashboard_address="127.0.0.1:0", silence_logs=50
                )
            stack.callback(_closed, address)
        made = _Cluster(stack, address, in_flight=in_flight, named=scheduler)
        with made.profiled(profile):
            yield made


def _closed(own: Any) -> None:
    """Close a cluster of this process. Where Dask is just then starting a worker again in place of one that died, it stumbles over it ("can only join a started
    process"), which is no matter and must not stand in the place of what is told of the run: workers are daemons, and end with this process at the latest."""
    with contextlib.suppress(AssertionError):
        own.close()


async def _answered(asked: Any, answer: Future[Any]) -> None:
    """Give Dask's answer to one of ours, which ends with it whatever it is: one that was taken back, or did not come through the wire, is a cut."""
    try:
        told = await asked.client.gather(asked, asynchronous=True)
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is told to who waits for the answer
        lost = asked.status != "error" and (isinstance(error, OSError | CancelledError | asyncio.CancelledError) or asked.client.status != "running")
        if answer.set_running_or_notify_cancel():
            answer.set_exception(_cut(error) if lost else error)
    else:
        if answer.set_running_or_notify_cancel():
            answer.set_result(told)


def _no_longer_asked(asked: Any, answer: Future[Any]) -> None:
    """Tell Dask of an answer that nobody waits for any more."""
    if answer.cancelled():
        with contextlib.suppress(RuntimeError):
            asked.client.loop.add_callback(asked.client.cancel, [asked], asynchronous=True)


def _cut(error: BaseException) -> CutError:
    cut = CutError(f"the connection to the Dask scheduler was lost: {type(error).__name__}: {error}")
    cut.__cause__ = error
    return cut


def is_cut(error: BaseException | None) -> bool:
    """Whether the error says that the connection to the scheduler was lost, and nothing of the task."""
    return isinstance(error, CutError)


def is_lost_worker(error: BaseException) -> bool:
    """Whether the error says that a worker died under a task again and again."""
    return type(error).__name__ == "KilledWorker"


def _link(client: Any) -> str:
    try:
        return client.dashboard_link or ""
    except KeyError:  # a scheduler without one
        return ""


def _keep_memory() -> None:
    """Let this process keep the memory of a layer of one tile for the next instead of giving it back to the system, which would clear each page anew."""
    with contextlib.suppress(OSError, AttributeError):  # another C library than glibc
        library = ctypes.CDLL(None)
        library.mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES)
        library.mallopt(M_TRIM_THRESHOLD, TRIMMED_BYTES)


@contextlib.contextmanager
def _short_turns() -> Iterator[None]:
    """Threads that come back from reading or packing wait half a millisecond for the interpreter, not five: some ten times a tile one does while another,
    that imports a library, never lets go."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(TURN_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


@contextlib.contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Processes started here do not hear Ctrl-C: a terminal sends it to all of them, and stopping them is the coordinator's to do."""
    if threading.current_thread() is not threading.main_thread():  # only there may handlers be set
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
