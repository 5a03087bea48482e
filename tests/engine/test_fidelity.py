import torch

from napari_dip.engine.losses import squared_error


def test_squared_error_is_a_mean_over_pixels_and_channels():
    y = torch.zeros(1, 2, 2, 2)
    x = y.clone()
    x[0, 0, 0, 0] = 4.0
    assert squared_error(x, y).item() == 2.0
