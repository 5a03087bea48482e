"""The program: its help, its version, and `info`."""

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner, Result

from napari_dip.cli.main import main


def run(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    assert result.exit_code == code, result.output
    return result


@pytest.mark.parametrize(
    "command", [(), *((name,) for name in main.list_commands(click.Context(main)))]
)
def test_help_is_there(command):
    assert "Usage: " in run(*command, "--help").stdout


def test_without_arguments_help_is_shown():
    assert run().stdout == run("--help").stdout


def test_help_needs_none_of_the_heavy_libraries():
    script = "import sys; from napari_dip.cli import main\ntry: main(['denoise', '--help'])\n"
    script += "finally: print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    modules = set(done.stdout.split())
    assert "click" in modules
    assert not modules & {"torch", "numpy", "scipy", "skimage", "tifffile", "matplotlib"}


def test_info_tells_versions_and_devices():
    lines = run("info").stdout.splitlines()
    told = dict(line.split("  ", 1) for line in lines)
    assert {"napari-dip", "python", "torch", "threads", "cpu"} <= set(told)
    assert "GB" in told["cpu"]


def test_version():
    assert run("--version").stdout.startswith("napari-dip, version ")
