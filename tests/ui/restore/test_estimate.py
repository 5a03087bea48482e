"""What is found out beside the window."""

from functools import cache

from napari_dip.tasks.denoise import Denoise
from napari_dip.ui.restore import estimate as module
from napari_dip.ui.restore.estimate import Question, estimate


def test_the_first_estimate_fits_something_tiny_so_that_run_finds_all_imported(monkeypatch):
    fits = []

    def prepare(image, task, device):
        fits.append((image.shape, task.iterations, device))
        return module_prepare(image, task, device=device)

    module_prepare = module.prepare
    monkeypatch.setattr(module, "prepare", prepare)
    # An estimate that an earlier test asked for may still fill the other cache.
    monkeypatch.setattr(module, "warm_up", cache(module.warm_up.__wrapped__))
    for sides in ((64, 64), (32, 48)):
        assert estimate(Question(Denoise(), 1, sides, "cpu")).needed > 10**5
    assert fits == [((16, 16), 1, "cpu")]  # once, and no GPU's memory is taken for it
