"""The `paper` preset is the paper's: the numbers here are its text's (arXiv 1711.10925)."""

import pytest

from napari_dip.engine.architectures import build_network
from napari_dip.tasks.deblur import Deblur
from napari_dip.tasks.dejpeg import DeJPEG
from napari_dip.tasks.denoise import Denoise
from napari_dip.tasks.enhance import EnhanceDetail
from napari_dip.tasks.flash import FlashNoFlash
from napari_dip.tasks.inpaint import Inpaint
from napari_dip.tasks.registry import TASKS
from napari_dip.tasks.upscale import Upscale

# Section 4, "default architecture", and the training that all tasks share.
DEFAULT = {
    "network": "skip",
    "filters": (128,) * 5,
    "kernels_down": (3,) * 5,
    "kernels_up": (3,) * 5,
    "skips": (4,) * 5,
    "kernel_skip": 1,
    "upsampling": ("bilinear",) * 5,
    "downsampling": "stride",
    "padding": "reflect",
    "pointwise": True,
    "shuffle": 1,
    "input": "noise",
    "input_channels": 32,
    "input_noise": 1 / 30,
    "fresh_noise": True,
    "r2r": False,
    "learning_rate": 0.01,
    "schedule": "constant",
    "average": 0.0,
    "runs": 1,
    "stop": "budget",
    "precision": "float32",
    "layout": "contiguous",
}

TEXT, PIXELS, REGION = ({"preset": "paper", "hole": h} for h in ("text", "pixels", "region"))
PAPER = {"preset": "paper"}

TABLE = {
    "denoise": (Denoise(**PAPER), {"iterations": 1800, "average": 0.99, "runs": 2}),
    "denoise, sigma 25": (
        Denoise(**PAPER, sigma=25 / 255),
        {"iterations": 1800, "average": 0.99, "runs": 2},
    ),
    "denoise, sigma 50": (
        Denoise(**PAPER, sigma=50 / 255),
        {"iterations": 1800, "average": 0.99, "runs": 2, "input_noise": 1 / 20},
    ),
    "JPEG": (
        DeJPEG(**PAPER),
        {
            "iterations": 2400,
            "filters": (8, 16, 32, 64, 128),
            "skips": (0, 0, 0, 4, 4),
            "input_channels": 3,
            "average": 0.99,
        },
    ),
    "super-resolution, 4x": (Upscale(**PAPER), {"iterations": 2000}),
    "super-resolution, 8x": (
        Upscale(**PAPER, factor=8),
        {"iterations": 4000, "input_noise": 1 / 20},
    ),
    "inpainting, text": (Inpaint(**TEXT), {"iterations": 6000}),
    "inpainting, 50 %": (Inpaint(**PIXELS), {"iterations": 11000, "learning_rate": 0.001}),
    "inpainting, vase": (
        Inpaint(**REGION),
        {
            "iterations": 5000,
            "input": "meshgrid",
            "skips": (0,) * 5,
            "upsampling": ("nearest",) * 5,
        },
    ),
    "inpainting, library": (
        Inpaint(
            **REGION,
            input="noise",
            input_noise=0,
            learning_rate=0.1,
            filters=(16, 32, 64, 128, 128, 128),
            kernels_up=5,
        ),
        {
            "iterations": 5000,
            "filters": (16, 32, 64, 128, 128, 128),
            "kernels_down": (3,) * 6,
            "kernels_up": (5,) * 6,
            "skips": (0,) * 6,
            "upsampling": ("nearest",) * 6,
            "input_noise": 0.0,
            "learning_rate": 0.1,
        },
    ),
    "detail": (EnhanceDetail(**PAPER), {"iterations": 2500, "input_noise": 0.0}),
    "flash": (
        FlashNoFlash(**PAPER),
        {
            "iterations": 601,
            "learning_rate": 0.1,
            "input": "image",
            "input_noise": 0.0,
            "upsampling": ("nearest", "nearest", "bilinear", "bilinear", "bilinear"),
        },
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_the_papers_numbers(name, measured):
    task, own = TABLE[name]
    resolved = task.resolve(measured()).to_dict()
    expected = {**DEFAULT, **own}
    assert {k: resolved[k] for k in expected} == expected


def test_the_papers_network(measured):
    measurement = measured(32, 32, channels=3)
    task = Denoise(preset="paper").resolve(measurement)
    network = build_network(task.fit_settings(measurement).network, 32, 3, (32, 32))
    assert sum(p.numel() for p in network.parameters()) == 2_217_831


def test_detail_stops_where_the_paper_shows_it():
    """Section 3.5 shows 250 to 7000 iterations; gain 1."""
    assert 250 <= TABLE["detail"][1]["iterations"] <= 7000
    assert EnhanceDetail().gain == 1


def test_deblur_stops_at_the_noise(measured):
    """The paper has no deblurring: its default architecture, ended by the noise level."""
    resolved = Deblur(preset="paper").resolve(measured())
    assert resolved.stop == "sigma"
    assert resolved.sigma == pytest.approx(0.05, rel=0.3)
    assert resolved.filters == DEFAULT["filters"]


@pytest.mark.parametrize("space", [(32, 40), (6, 20, 24)], ids=["2-D", "3-D"])
@pytest.mark.parametrize("preset", ["fast", "best", "paper"])
@pytest.mark.parametrize("name", TASKS)
def test_presets_leave_nothing_open(name, preset, space, measured):
    measurement = measured(*space)
    resolved = TASKS[name](preset=preset).resolve(measurement)
    left = {k for k, v in resolved.to_dict().items() if v is None}
    # A noise level is known only where it is used, a camera only where there is one.
    assert left <= {"sigma", "gain", "offset", "read_noise"}
    if resolved.stop == "sigma" or resolved.r2r:
        assert resolved.sigma is not None
    assert resolved.resolve(measurement) == resolved
    settings = resolved.fit_settings(measurement)
    assert settings.iterations == resolved.iterations
    problem = resolved.problem(measurement)
    network = build_network(
        settings.network,
        {"noise": settings.input.channels, "meshgrid": len(space), "image": 3}[settings.input.kind],
        1,
        problem.image_shape,
    )
    assert any(p.requires_grad for p in network.parameters())


@pytest.mark.parametrize("name", TASKS)
def test_fast_is_a_fraction_of_the_paper(name, measured):
    fast, paper = (TASKS[name](preset=p).resolve(measured()) for p in ("fast", "paper"))

    def work(task):
        return task.runs * task.iterations * sum(n**2 for n in task.filters) / task.shuffle**2

    assert TASKS[name]().preset == "fast"
    assert work(fast) < work(paper) / 2


@pytest.mark.parametrize("name", TASKS)
def test_best_is_more_of_fast_and_less_than_the_paper(name, measured):
    fast, best = (TASKS[name](preset=p).resolve(measured()) for p in ("fast", "best"))
    assert best.runs == 4 * fast.runs
    assert (best.input, best.r2r, best.stop) == (fast.input, fast.r2r, fast.stop)
    assert TASKS[name](preset="best", runs=2).resolve(measured()).runs == 2


@pytest.mark.parametrize("task", [Inpaint(), Upscale()])
def test_tasks_that_do_not_overfit_stop_when_they_have_converged(task, measured):
    resolved = task.resolve(measured())
    assert resolved.stop == "converged"
    rule = resolved.fit_settings(measured()).stopping
    assert rule.start_at == resolved.iterations // 2
    longer = task.replace(iterations=4 * resolved.iterations).resolve(measured())
    # A longer budget has slower changes: as many looks, not more.
    assert longer.fit_settings(measured()).stopping.interval == pytest.approx(
        4 * rule.interval, abs=4
    )


@pytest.mark.parametrize("name", TASKS)
def test_given_settings_are_kept(name, measured):
    chosen = {
        "iterations": 7,
        "runs": 3,
        "stop": "variance",
        "learning_rate": 0.003,
        "schedule": "constant",
        "input": "meshgrid",
        "input_noise": 0.01,
        "filters": (8, 12),
        "skips": (1, 2),
        "upsampling": ("nearest", "bilinear"),
        "average": 0.5,
        "shuffle": 1,
    }
    resolved = TASKS[name](**chosen).resolve(measured()).to_dict()
    assert {k: resolved[k] for k in chosen} == chosen


def test_one_entry_stands_for_all_levels_and_too_many_are_dropped(measured):
    task = Denoise(preset="paper", filters=(8, 8, 8), kernels_down=5, skips=(1, 2, 3, 4))
    resolved = task.resolve(measured())
    assert resolved.kernels_down == (5, 5, 5)
    assert resolved.skips == (1, 2, 3)
    assert resolved.upsampling == ("bilinear",) * 3
    longer = Denoise(preset="paper", filters=(8,) * 7, skips=(0, 4)).resolve(measured())
    assert longer.skips == (0, 4, 4, 4, 4, 4, 4)
