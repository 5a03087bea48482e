"""The data term, and total variation."""

import pytest
import torch

from napari_dip.engine.losses import squared_error, total_variation


def test_squared_error_is_a_mean_over_pixels_and_channels():
    y = torch.zeros(1, 2, 2, 2)
    x = y.clone()
    x[0, 0, 0, 0] = 4.0
    assert squared_error(x, y).item() == 2.0


@pytest.mark.parametrize("space", [(6, 8), (4, 6, 8)])
def test_a_flat_image_has_no_total_variation(space):
    assert total_variation(torch.full((1, 2, *space), 0.7)).item() < 1e-3


def test_total_variation_of_an_edge_is_its_height_times_its_length():
    x = torch.zeros(1, 1, 10, 10)
    x[..., 5:] = 0.5
    # 10 of 100 pixels have a gradient of 0.5.
    assert total_variation(x).item() == pytest.approx(0.05, abs=1e-3)
    assert total_variation(x.transpose(2, 3)).item() == pytest.approx(0.05, abs=1e-3)


def test_total_variation_is_isotropic():
    """A slope counts by its length, not by the sum of its parts."""
    y, x = torch.meshgrid(torch.arange(50.0), torch.arange(50.0), indexing="ij")
    assert total_variation((3 * x + 4 * y)[None, None]).item() == pytest.approx(5, rel=0.05)


def test_the_gradient_of_total_variation_is_finite_where_the_image_is_flat():
    x = torch.zeros(1, 1, 5, 5, requires_grad=True)
    total_variation(x).backward()
    assert x.grad.isfinite().all()
