"""Clusters of real processes on the loopback address, and one inside the test's own process."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # as the workers know it
from scheduled import wait_for  # noqa: E402


class Cluster:
    """A `dask scheduler` and `dask worker` processes."""

    def __init__(self, folder: Path, workers: int) -> None:
        self.folder = folder
        places = [str(HERE), os.environ.get("PYTHONPATH", "")]
        self.environment = {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
        self.environment["OMP_NUM_THREADS"] = "1"
        address = folder / "scheduler.json"
        self.scheduler = self._start(
            "scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(address)
        )
        wait_for(lambda: address.exists() and address.read_text(), "the scheduler")
        self.address: str = json.loads(address.read_text())["address"]
        options = ("--nthreads", "1", "--no-nanny", "--host", "127.0.0.1")
        self.workers = [
            self._start("worker", self.address, *options, "--local-directory", str(folder))
            for _ in range(workers)
        ]

    def _start(self, kind: str, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dask", kind, *arguments, "--no-dashboard"]
        with (self.folder / f"{kind}.log").open("ab") as log:
            return subprocess.Popen(
                command, env=self.environment, stdout=log, stderr=log, cwd=self.folder
            )

    def close(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()


@pytest.fixture
def make_cluster(tmp_path_factory) -> Iterator[Callable[[int], Cluster]]:
    """Start clusters that the test may break."""
    clusters: list[Cluster] = []

    def make(workers: int = 2) -> Cluster:
        clusters.append(Cluster(tmp_path_factory.mktemp("cluster"), workers))
        return clusters[-1]

    yield make
    for cluster in clusters:
        cluster.close()


@pytest.fixture
def pictures(tmp_path) -> Path:
    """A folder with six small pictures."""
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(6):
        noise = np.random.default_rng(number).integers(0, 60, (20, 24))
        ramp = np.linspace(0, 190, 24).astype(int)
        Image.fromarray((noise + ramp).astype(np.uint8)).save(folder / f"{number}.png")
    return folder


@pytest.fixture
def program(tmp_path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start `napari-dip` in a process group of its own, as a terminal does."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", "from napari_dip.cli.main import main; main()"]
        process = subprocess.Popen(
            [*command, *map(str, arguments)],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
