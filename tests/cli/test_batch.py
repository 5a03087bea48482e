"""`napari-dip batch` from a terminal: killed, interrupted, resumed."""

import json
import os
import signal

import pytest
from click.testing import CliRunner
from scheduled import wait_for

from napari_dip.cli.main import main

LONG = ["--device", "cpu", "--workers", "1", "--iterations", "120", "--set", "filters=8,8"]
SHORT = ["--device", "cpu", "--iterations", "2", "--set", "filters=4"]


def finished(out):
    return {path.name.removesuffix(".json"): path for path in out.glob("*.png.json")}


def alive(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_killed_run_goes_on_where_it_was(program, pictures, tmp_path):
    out = tmp_path / "out"
    arguments = ["batch", pictures, "-o", out, *LONG]
    killed = program(*arguments)
    wait_for(lambda: len(finished(out)) >= 2, "two results")
    killed.kill()
    killed.communicate()
    # Its workers notice that nobody is there for them.
    wait_for(lambda: not alive(killed.pid), "the end of its workers")
    before = {name: path.stat().st_mtime_ns for name, path in finished(out).items()}
    assert 2 <= len(before) < 6
    resumed = program(*arguments, "--resume")
    said, _ = resumed.communicate()
    assert resumed.returncode == 0
    assert "Dashboard: http://" in said
    assert f"{6 - len(before)} done, {len(before)} kept" in said
    after = {name: path.stat().st_mtime_ns for name, path in finished(out).items()}
    assert len(after) == 6
    assert after | before == after


def test_ctrl_c_leaves_finished_items_whole(program, pictures, tmp_path):
    out = tmp_path / "out"
    process = program("batch", pictures, "-o", out, *LONG)
    wait_for(lambda: finished(out), "a result")
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of them
    said, complaint = process.communicate()
    assert process.returncode == 130
    assert "go on with --resume" in complaint
    assert "Traceback" not in complaint
    counts = json.loads((out / "summary.json").read_text())["counts"]
    assert counts in said
    assert "unfinished" in counts
    assert {path.name for path in out.iterdir()} == {
        "summary.csv",
        "summary.json",
        *finished(out),
        *(f"{name}.json" for name in finished(out)),
    }


def test_a_lost_scheduler_is_told_in_a_line(program, make_cluster, pictures, tmp_path):
    cluster = make_cluster(1)
    arguments = ["batch", pictures, "-o", tmp_path / "out", *LONG]
    arguments[arguments.index("--workers")] = "--scheduler"
    arguments[arguments.index("1")] = cluster.address
    process = program(*arguments)
    wait_for(lambda: finished(tmp_path / "out"), "a result")
    cluster.scheduler.kill()
    _, complaint = process.communicate()
    assert process.returncode == 2, complaint
    (line,) = complaint.splitlines()
    assert f"--scheduler: {cluster.address} is gone" in line
    assert "done" in json.loads((tmp_path / "out" / "summary.json").read_text())["counts"]


def test_settings_of_the_task_and_failures(here, pictures, tmp_path):
    (pictures / "2.png").write_bytes(b"no picture")
    arguments = ["batch", str(pictures), "-o", str(tmp_path / "out"), "--scheduler", here, *SHORT]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1
    assert "5 done, 1 failed; see summary.csv" in result.stdout
    assert "2.png: failed: " in result.stderr
    result = CliRunner().invoke(main, [*arguments, "--factor", "2"])
    assert result.exit_code == 2
    assert "--factor: Denoise has no such setting" in result.stderr
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith("napari-dip: --output: ")


@pytest.mark.parametrize("option", ["--task", "--sigma", "--factor", "--resume", "--scheduler"])
def test_options(option):
    assert option in CliRunner().invoke(main, ["batch", "--help"]).stdout
