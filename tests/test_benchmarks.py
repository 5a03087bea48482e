"""The benchmark for a machine with a GPU runs without one, and with few packages."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"

ABSENT = (
    "click dask distributed imagecodecs magicgui matplotlib napari npe2 pyqtgraph qtpy tqdm zarr"
)
"""What the benchmark has to do without: a None in `sys.modules` can't be imported."""

RUN = f"""
import runpy, sys
sys.modules.update(dict.fromkeys("{ABSENT}".split()))
sys.argv[0] = sys.argv[1]
sys.path.insert(0, {str(BENCHMARKS)!r})
del sys.argv[1]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture
def gpu(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("gpu")


def test_runs_without_a_gpu_and_with_few_packages(tmp_path):
    file = tmp_path / "gpu.json"
    options = ["--device", "cpu", "--tiny", "--save", str(file)]
    questions = ["iterations", "restorations", "recovery"]  # .ci/run asks them all
    only = [word for name in questions for word in ("--only", name)]
    command = [sys.executable, "-c", RUN, str(BENCHMARKS / "gpu.py"), *options, *only]
    done = subprocess.run(command, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(file.read_text())
    assert found["device"] == "cpu"
    assert found["machine"]
    assert [name for name in found if name in questions] == questions
    assert {row["preset"] for row in found["iterations"]["rows"]} == {"fast", "best", "paper"}
    assert all(row["milliseconds"] > 0 for row in found["iterations"]["rows"])
    assert "out of memory" in found["recovery"]["message"]


def test_wrong_answer_is_kept_and_fails(gpu, tmp_path, monkeypatch, capsys):
    def broken(plan):
        raise RuntimeError("no kernel image is available")

    questions = {
        "waits": broken,
        "recovery": lambda plan: {"ok": False},
        "tables": lambda plan: {"rows": []},
    }
    monkeypatch.setattr(gpu, "QUESTIONS", questions)
    file = tmp_path / "gpu.json"
    monkeypatch.setattr(sys, "argv", ["gpu.py", "--device", "cpu", "--save", str(file)])

    assert gpu.main() == 1
    assert "not as it should be: waits, recovery" in capsys.readouterr().out
    found = json.loads(file.read_text())
    assert "no kernel image" in found["waits"]["error"]
    assert found["tables"]["rows"] == []


def test_what_time_does_not_reach_is_left_out(gpu, tmp_path, monkeypatch):
    file = tmp_path / "gpu.json"
    options = ["--device", "cpu", "--tiny", "--minutes", "0", "--save", str(file)]
    monkeypatch.setattr(sys, "argv", ["gpu.py", *options])

    assert gpu.main() == 0
    found = json.loads(file.read_text())
    assert {found[name]["left_out"] for name in gpu.QUESTIONS} == {"no time"}


def test_results_that_differ_from_the_cpus_do_not_agree(gpu, monkeypatch):
    real = gpu._restored
    calls = []

    def restored(case, device):
        calls.append(device)
        image = real(case, device)
        return image if len(calls) % 2 else image // 2

    one = next(gpu._to_compare(gpu.Plan(gpu.torch.device("cpu"), 0, **gpu.TINY), "instant"))
    monkeypatch.setattr(gpu, "_to_compare", lambda plan, preset: [one])
    monkeypatch.setattr(gpu, "_restored", restored)

    assert not gpu.agreement(gpu.Plan(gpu.torch.device("cpu"), 0, **gpu.TINY))["ok"]
