"""Items on real workers: lost workers and schedulers, stopping, resuming."""

import os
import signal
from concurrent.futures import CancelledError
from pathlib import Path
from types import SimpleNamespace

import pytest
from distributed import Client
from scheduled import Deadly, Faulty, Waiting, wait_for

from napari_dip.scheduling.cluster import connect
from napari_dip.scheduling.item import Status
from napari_dip.scheduling.runner import SchedulerLost, _outcome, run_items


def began(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("pid *"))


def test_a_killed_workers_item_goes_to_another(make_cluster, tmp_path):
    cluster = make_cluster(2)
    items = [Waiting(tmp_path, number) for number in range(4)]
    with Client(cluster.address, set_as_default=False) as client:
        first = None

        def kill_one() -> bool:
            nonlocal first
            if first is None and len(began(tmp_path)) >= 2:
                first = cluster.workers[0]
                first.send_signal(signal.SIGKILL)
                (tmp_path / "go").touch()
            return False

        outcomes = list(run_items(client, items, should_stop=kill_one))
    assert {o.status for o in outcomes} == {Status.DONE}
    assert {o.name for o in outcomes} == {item.name for item in items}
    pids = [name.split()[2] for name in began(tmp_path)]
    assert str(first.pid) in pids  # it had begun one, which was done again
    assert len(pids) == 5
    assert {o.report["source"] for o in outcomes} == {str(cluster.workers[1].pid)}


def test_an_item_that_kills_its_workers_fails_and_the_others_go_on(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    (tmp_path / "go").touch()
    items = [Deadly(), Faulty(1), Waiting(tmp_path, 1)]
    with connect(workers=2, device="cpu") as client:
        assert list(client.run(os.environ.get, "OMP_NUM_THREADS").values()) == ["3", "3"]
        assert client.dashboard_link.endswith("/status")
        outcomes = {o.name: o for o in run_items(client, items)}
    assert outcomes["deadly"].status is Status.FAILED
    assert "its workers died" in outcomes["deadly"].error
    assert outcomes["faulty 1"].error == "ZeroDivisionError: by zero"
    assert outcomes["item 1"].status is Status.DONE


def test_a_lost_scheduler_raises_and_finished_items_are_kept_on_resume(make_cluster, tmp_path):
    items = [Waiting(tmp_path, number) for number in range(3)]
    cluster = make_cluster(1)
    (tmp_path / "go").touch()
    with Client(cluster.address, set_as_default=False) as client:
        outcomes = run_items(client, items)
        done = next(outcomes).name
        (tmp_path / "go").unlink()
        cluster.scheduler.kill()
        with pytest.raises(SchedulerLost, match=r"tcp://.* is gone.*--resume"):
            list(outcomes)
    (tmp_path / "go").touch()
    kept = {path.name for path in tmp_path.glob("done *")}
    assert kept
    with Client(make_cluster(1).address, set_as_default=False) as client:
        again = {o.name: o.status for o in run_items(client, items, resume=True)}
    assert again[done] is Status.KEPT
    assert sum(status is Status.KEPT for status in again.values()) >= len(kept)
    assert set(again.values()) <= {Status.KEPT, Status.DONE}


def test_a_run_that_is_ended_stops_its_workers(make_cluster, tmp_path):
    cluster = make_cluster(1)
    items = [Waiting(tmp_path, number) for number in range(3)]
    with Client(cluster.address, set_as_default=False) as client:
        stop = lambda: bool(began(tmp_path))  # noqa: E731
        outcomes = list(run_items(client, items, should_stop=stop))
        assert [o.status for o in outcomes] == [Status.UNFINISHED] * 3
        wait_for(lambda: not any(client.processing().values()), "an idle worker")
    assert len(began(tmp_path)) == 1
    assert cluster.workers[0].poll() is None


@pytest.mark.parametrize("status", ["finished", "error"])
def test_a_scheduler_that_is_lost_while_an_outcome_is_asked_for(status):
    def cancelled():
        raise CancelledError

    future = SimpleNamespace(status=status, result=cancelled, exception=cancelled)
    client = SimpleNamespace(status="running", scheduler=SimpleNamespace(address="tcp://gone"))
    with pytest.raises(SchedulerLost, match="tcp://gone is gone"):
        _outcome("item 1", future, client)
