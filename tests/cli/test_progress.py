"""Watching a restoration: the bar, Ctrl-C, and how it is summed up."""

import signal

import numpy as np
import pytest

from napari_dip import Denoise, prepare
from napari_dip.cli.progress import interruptible, run_job, summary

TINY = Denoise(iterations=6, filters=(4,))


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 255, (16, 16), dtype=np.uint8)


def test_the_first_ctrl_c_is_noted_and_the_second_interrupts():
    before = signal.getsignal(signal.SIGINT)
    with interruptible() as interrupted:
        assert not interrupted()
        signal.raise_signal(signal.SIGINT)
        assert interrupted()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_the_bar_shows_iterations_loss_and_psnr(image, capsys):
    job = prepare(image, TINY, reference=image, device="cpu")
    run_job(job)
    bar = capsys.readouterr().err.split("\r")[-1]
    assert "denoise" in bar
    assert "6/6" in bar
    assert "loss=" in bar
    assert "dB" in bar


def test_the_bar_counts_over_all_runs(image, capsys):
    run_job(prepare(image, TINY.replace(runs=2), device="cpu"))
    assert "12/12" in capsys.readouterr().err


def test_summary_compares_with_the_reference_where_there_is_one(image):
    alone = run_job(prepare(image, TINY, device="cpu"))
    assert summary(alone).startswith("6 iterations in ")
    assert "estimated PSNR" in summary(alone)
    compared = run_job(prepare(image, TINY, reference=image // 2, device="cpu"))
    assert f"PSNR {compared.input_psnr:.2f} -> {compared.psnr:.2f} dB" in summary(compared)


def test_the_summary_of_an_instant_estimate_counts_no_iterations(image):
    instant = run_job(prepare(image, TINY.replace(preset="instant"), device="cpu"))
    assert summary(instant).startswith("instant estimate in ")
