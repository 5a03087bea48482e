"""A dask cluster for items: workers on this machine, or a cluster that is running already."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from napari_dip.errors import UserError

if TYPE_CHECKING:
    from distributed import Client, SpecCluster


CORES_PER_WORKER = 2
"""Cores for each worker: a fit gains little from more."""

SECONDS_TO_CONNECT = 10
"""How long a scheduler may take to answer."""

_THREADS = "OMP_NUM_THREADS"
"""The environment variable from which torch takes its number of threads."""


@contextmanager
def connect(
    scheduler: str | None = None,
    *,
    workers: int | None = None,
    device: str = "auto",
    most: int | None = None,
) -> Iterator[Client]:
    """Give a client of a running cluster, or of local workers that end with it.

    Parameters
    ----------
    scheduler
        The address of a running scheduler, such as "tcp://10.0.0.1:8786"; without one, workers are
        started on this machine.
    workers
        Number of local workers; by default one for each GPU, or for each two cores.
    device
        As in `restore`.
    most
        Number of items, if it is known: more workers are not started.

    Raises
    ------
    UserError
        When dask is not installed, or there is no such scheduler.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise UserError(
            f"batch: {error.name} is not installed; pip install 'napari-dip[cluster]'"
        ) from error
    if workers is not None and workers < 1:
        raise UserError(f"workers: expected 1 or more, got {workers}")
    if scheduler is not None:
        if workers is not None:
            raise UserError("workers: a running scheduler has its own; leave it out")
        try:
            client = Client(scheduler, timeout=SECONDS_TO_CONNECT, set_as_default=False)
        except (OSError, ValueError) as error:
            raise UserError(
                f"scheduler: {scheduler} does not answer; check the address, or start one with "
                "`dask scheduler`"
            ) from error
        with _silenced("distributed.client"), client:
            yield client
        return
    with (
        _local_cluster(workers, device, most) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


@contextmanager
def _silenced(name: str) -> Iterator[None]:
    """Silence a logger: an error says in one line what it would print in many."""
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def _local_cluster(workers: int | None, device: str, most: int | None) -> SpecCluster:
    from distributed import Nanny, Scheduler, SpecCluster

    environments = worker_environments(workers, device, most)
    specification = {
        number: {
            "cls": Nanny,
            "options": {
                "nthreads": 1,
                "env": environment,
                "preload": ["napari_dip.scheduling.worker"],
                # A fit's memory is torch's, which dask does not see.
                "memory_limit": None,
                "dashboard": False,
                "silence_logs": logging.CRITICAL,
                "host": "127.0.0.1",
            },
        }
        for number, environment in enumerate(environments)
    }
    # Any free port for the dashboard, so that two runs can go on at once.
    options = {"host": "127.0.0.1", "port": 0, "dashboard_address": "127.0.0.1:0"}
    scheduler: Any = {"cls": Scheduler, "options": options}
    return SpecCluster(workers=specification, scheduler=scheduler, silence_logs=logging.CRITICAL)


def worker_environments(
    workers: int | None, device: str, most: int | None = None
) -> list[dict[str, str]]:
    """The environment variables of each worker: its GPU, and its share of the cores.

    A number of threads that the user has set is kept.
    """
    import torch
    from dask.system import CPU_COUNT

    gpus = _visible_gpus(torch.cuda.device_count()) if device in ("auto", "cuda") else []
    if gpus:
        count = workers or len(gpus)
    elif device in ("auto", "cpu") and not (device == "auto" and torch.backends.mps.is_available()):
        count = workers or max(1, CPU_COUNT // CORES_PER_WORKER)
    else:  # one GPU was named, or a Mac has one
        count = workers or 1
    count = max(1, min(count, most or count))
    threads = os.environ.get(_THREADS) or str(max(1, CPU_COUNT // count))
    return [
        {_THREADS: threads, **({"CUDA_VISIBLE_DEVICES": gpus[n % len(gpus)]} if gpus else {})}
        for n in range(count)
    ]


def _visible_gpus(count: int) -> list[str]:
    """CUDA's names of the GPUs that this process may use."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    return named.split(",")[:count] if named else [str(n) for n in range(count)]
