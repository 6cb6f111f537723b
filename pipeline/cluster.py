"""Where tasks run: a Dask scheduler by address, a local cluster, or this very process, all behind one `Pool`."""

from __future__ import annotations

import contextlib
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

from pipeline.errors import ResourceError


@dataclass(frozen=True)
class Pool:
    """`submit` starts a task, `slots` says how many at once; `link` is the dashboard's address, if there is one."""

    executor: Executor
    slots: int
    link: str = ""

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        """Start one task."""
        return self.executor.submit(function, *args)

    @staticmethod
    def first(futures: set[Future[Any]]) -> set[Future[Any]]:
        """The futures that have ended, waiting until one has."""
        return wait(futures, return_when=FIRST_COMPLETED).done


@contextlib.contextmanager
def pool(*, workers: int, in_flight: int, scheduler: str | None) -> Iterator[Pool]:
    """`workers` processes on this machine (0: this process), or those of a scheduler; closed, with all they started, at the end."""
    if scheduler is None and workers == 0:
        with ThreadPoolExecutor(1) as executor:
            yield Pool(executor, 1)
        return
    import dask
    from distributed import Client, LocalCluster

    quiet = {
        "distributed.scheduler.worker-saturation": 1.0,
        "distributed.worker.daemon": True,
        "distributed.comm.timeouts.connect": "10s",
        "distributed.admin.log-format": "%(name)s - %(levelname)s - %(message)s",
    }
    with contextlib.ExitStack() as stack, dask.config.set(quiet), warnings.catch_warnings():
        # what the tiles gave to a fit travels with its task; its size is bounded and stated by the plan
        warnings.filterwarnings("ignore", message="Sending large graph", category=UserWarning)
        if scheduler is None:
            # one thread each: the numerics release the GIL only in part, and one-threaded BLAS gives one answer
            with _deaf_to_interrupts():
                address: Any = stack.enter_context(
                    LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, memory_limit=0, dashboard_address="127.0.0.1:0", silence_logs=50)
                )
        else:
            address = scheduler
        try:
            client = stack.enter_context(Client(address, timeout="10s", set_as_default=False))
        except (OSError, ValueError) as error:  # ValueError: an address of no kind Dask knows
            raise ResourceError(f"no Dask scheduler answers at {scheduler}; check the address or leave out --scheduler") from error
        count = max(1, len(client.scheduler_info(n_workers=-1)["workers"]))
        yield Pool(client.get_executor(pure=False, retries=0), count * in_flight, client.dashboard_link or "")


def is_lost_worker(error: BaseException) -> bool:
    """Whether the error says that a worker died under a task again and again."""
    return type(error).__name__ in ("KilledWorker", "CancelledError", "CommClosedError")


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
