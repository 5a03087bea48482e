import pytest
import torch

from napari_dip.tasks.enhance import EnhanceDetail


@pytest.mark.parametrize("gain", [0.0, 1.0, 2.5])
def test_image_and_parts_add_up(gain, measured):
    measurement = measured(channels=2)
    x = torch.rand(2, 32, 40)
    parts = EnhanceDetail(gain=gain).postprocess(x, measurement)
    assert list(parts) == ["image", "coarse", "detail"]
    assert torch.equal(parts["coarse"], x)
    torch.testing.assert_close(parts["coarse"] + parts["detail"], measurement.y[0])
    torch.testing.assert_close(parts["image"], measurement.y[0] + gain * parts["detail"])


def test_missing_pixels_have_no_detail(measured):
    observed = torch.ones(1, 1, 32, 40, dtype=torch.bool)
    observed[..., 5:9] = False
    x = torch.rand(1, 32, 40)
    parts = EnhanceDetail().postprocess(x, measured(observed=observed))
    assert not parts["detail"][..., 5:9].any()
    assert torch.equal(parts["image"][..., 5:9], x[..., 5:9])
