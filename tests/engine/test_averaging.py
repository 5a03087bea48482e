import pytest
import torch

from napari_dip.engine.safeguards import ExponentialAverage


def test_an_average_starts_at_the_first_image_and_follows_slowly():
    average = ExponentialAverage(0.9)
    average.update(torch.tensor([1.0]))
    assert average.copy().item() == 1.0
    average.update(torch.tensor([2.0]))
    assert average.copy().item() == pytest.approx(1.1)
    average.update(torch.tensor([2.0]))
    assert average.copy().item() == pytest.approx(1.19)


def test_weight_0_keeps_the_newest():
    average = ExponentialAverage(0)
    for value in (1.0, 5.0, 3.0):
        average.update(torch.tensor([value]))
        assert average.copy().item() == value


@pytest.mark.parametrize("weight", [0, 0.9])
def test_images_are_copied_in_and_out(weight):
    average = ExponentialAverage(weight)
    x = torch.tensor([1.0], requires_grad=True)
    average.update(x)
    with torch.no_grad():
        x += 1
    out = average.copy()
    assert out.item() == 1.0
    assert not out.requires_grad
    average.update(torch.tensor([9.0]))
    assert out.item() == 1.0


def test_half_precision_is_averaged_in_full():
    average = ExponentialAverage(0.99)
    for _ in range(3):
        average.update(torch.ones(2, dtype=torch.bfloat16))
    assert average.copy().dtype == torch.float32


def test_there_is_nothing_before_the_first_image():
    with pytest.raises(RuntimeError, match="no image"):
        ExponentialAverage(0.5).copy()
