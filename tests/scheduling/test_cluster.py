"""Workers of this machine, and messages of clusters that can't be reached."""

import sys

import dask.system
import pytest
import torch

from napari_dip import UserError
from napari_dip.scheduling import cluster
from napari_dip.scheduling.cluster import connect, worker_environments


@pytest.fixture
def cores(monkeypatch):
    monkeypatch.setattr(dask.system, "CPU_COUNT", 8)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


@pytest.mark.usefixtures("cores")
def test_a_worker_for_each_two_cores_with_threads_to_match():
    assert [e["OMP_NUM_THREADS"] for e in worker_environments(None, "cpu")] == ["2"] * 4
    assert [e["OMP_NUM_THREADS"] for e in worker_environments(8, "cpu")] == ["1"] * 8
    assert [e["OMP_NUM_THREADS"] for e in worker_environments(None, "cpu", most=2)] == ["4"] * 2
    assert len(worker_environments(16, "cpu")) == 16
    assert "CUDA_VISIBLE_DEVICES" not in worker_environments(1, "cpu")[0]


@pytest.mark.usefixtures("cores")
def test_a_number_of_threads_that_was_set_is_kept(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert [e["OMP_NUM_THREADS"] for e in worker_environments(2, "cpu")] == ["3"] * 2


@pytest.mark.usefixtures("cores")
def test_a_worker_for_each_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert [e["CUDA_VISIBLE_DEVICES"] for e in worker_environments(None, "auto")] == ["0", "1"]
    assert len(worker_environments(None, "cuda:1")) == 1
    assert len(worker_environments(None, "cpu")) == 4
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,7")
    gpus = [e["CUDA_VISIBLE_DEVICES"] for e in worker_environments(4, "auto")]
    assert gpus == ["5", "7", "5", "7"]


def test_messages_of_clusters_that_can_not_be_used(monkeypatch):
    monkeypatch.setattr(cluster, "SECONDS_TO_CONNECT", 0.3)
    with (
        pytest.raises(UserError, match=r"scheduler: 127\.0\.0\.1:9 does not answer"),
        connect("127.0.0.1:9"),
    ):
        pass
    with pytest.raises(UserError, match="workers: expected 1 or more, got 0"), connect(workers=0):
        pass
    with pytest.raises(UserError, match="workers: a running"), connect("127.0.0.1:9", workers=2):
        pass


def test_a_missing_dask_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UserError, match=r"pip install 'napari-dip\[cluster\]'"), connect():
        pass
