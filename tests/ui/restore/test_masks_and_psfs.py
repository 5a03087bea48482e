"""Masks and PSFs as people have them, as layers."""

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels

from napari_dip.errors import UserError
from napari_dip.tasks.deblur import Deblur
from napari_dip.tasks.inpaint import Inpaint
from napari_dip.ui.restore.model import RestoreModel
from napari_dip.ui.restore.request import request_of

MARKED = np.zeros((40, 48), bool)
MARKED[10:14, 5:40] = MARKED[20:35, 20:24] = True


def soft():
    from scipy.ndimage import gaussian_filter

    return np.rint(255 * gaussian_filter(MARKED.astype(float), 0.8)).astype(np.uint8)


@pytest.fixture
def viewer():
    return ViewerModel()


def model_of(viewer, task, image=None, **layers):
    values = np.random.default_rng(0).random(MARKED.shape) if image is None else image
    return RestoreModel(image=viewer.add_image(values, name="cells"), name=task.name, **layers)


def job_of(viewer, task, image=None, **layers):
    model = model_of(viewer, task, image, **layers)
    model.task = task
    return request_of(model, viewer.dims).prepare()


TASK = Inpaint(iterations=1, filters=(4,))
RGB = np.repeat(soft()[..., None], 3, axis=-1)

MASKS = {
    "labels": Labels(MARKED * 7),
    "many labels that touch": Labels(MARKED * (1 + np.arange(48) // 2 + np.arange(40)[:, None])),
    "a binary image": Image(MARKED.astype(np.uint8) * 255),
    "a soft image": Image(soft()),
    "black saved as 1": Image(np.where(MARKED, 255, 1).astype(np.uint8)),
    "colours": Image(RGB, rgb=True),
}


@pytest.mark.parametrize("layer", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize("is_colour", [False, True])
def test_a_layer_marks_the_same_pixels(viewer, layer, is_colour):
    image = np.random.default_rng(0).random((*MARKED.shape, 3)) if is_colour else None
    job = job_of(viewer, TASK, image, mask=layer)
    missing = ~job.measurement.observed[0].numpy()
    assert (missing != MARKED).mean() < 0.05
    is_plain = isinstance(layer, Labels) or set(np.unique(layer.data)) == {0, 255}
    assert len(job.notes) == (0 if is_plain else 1)


def test_the_image_itself_is_no_mask(viewer):
    model = model_of(viewer, TASK)
    model.task, model.mask = TASK, model.image
    with pytest.raises(UserError, match=r"mask: 'cells' is the image to restore; choose another"):
        request_of(model, viewer.dims)


@pytest.mark.parametrize("name", ["labels", "a soft image", "colours"])
def test_a_tiled_run_marks_the_same_pixels(viewer, name, tmp_path):
    model = model_of(viewer, TASK, mask=MASKS[name])
    model.task, model.tile_size = TASK, 32
    mosaic = request_of(model, viewer.dims).mosaic(tmp_path, lambda: False)
    assert mosaic.plan.filled == pytest.approx(MARKED.mean(), rel=0.2)
    for tile, _ in zip(mosaic.grid.tiles(), range(2), strict=False):
        marked = mosaic.plan.source.mask(tile)
        assert (marked != MARKED[tile.slices]).mean() < 0.06


def spot(n=21, off=0):
    y, x = np.mgrid[:n, :n] - n // 2
    return np.exp(-(y**2 + (x - off) ** 2) / 4.5)


@pytest.mark.parametrize(
    ("psf", "said"),
    [
        (spot() + 0.1, "a background of 0.1"),
        (spot(off=4), "moved to the middle, by 4 pixels along X"),
        (np.fft.ifftshift(spot()), "as for an FFT"),
        (spot()[None], ""),
        (spot() > 0.5, "true and false"),
    ],
)
def test_a_measured_psf_is_mended_in_the_dock_too(viewer, psf, said):
    job = job_of(
        viewer,
        Deblur(iterations=1, filters=(4,)),
        psf=Image(psf.astype(np.float32 if psf.dtype != bool else bool)),
    )
    kernel = job.measurement.psf.numpy()
    rows, columns = np.indices(kernel.shape)
    centre = [(kernel * at).sum() / kernel.sum() for at in (rows, columns)]
    assert centre == pytest.approx([n // 2 for n in kernel.shape], abs=0.01)
    assert said in "; ".join(map(str, job.notes))


def test_a_psf_in_colour(viewer):
    psf = Image(np.repeat((255 * spot(11))[..., None], 3, axis=-1).astype(np.uint8), rgb=True)
    job = job_of(viewer, Deblur(iterations=1, filters=(4,)), psf=psf)
    assert job.measurement.psf.ndim == 2
