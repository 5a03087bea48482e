"""Choice of the device and of the number format."""

import pytest
import torch

from napari_dip.engine.device import resolve_device, resolve_precision
from napari_dip.errors import UserError

CPU = torch.device("cpu")


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.mark.usefixtures("no_gpu")
def test_the_cpu_is_always_there():
    assert resolve_device() == resolve_device("auto") == resolve_device("cpu") == CPU


def test_auto_prefers_cuda_and_then_mps(monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert resolve_device().type == "mps"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert resolve_device().type == "cuda"


@pytest.mark.usefixtures("no_gpu")
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("cuda", "device: cuda asked for, but torch sees 0 GPUs; use auto or cpu"),
        ("cuda:3", "device: cuda:3 asked for, but torch sees 0 GPUs; use auto or cpu"),
        ("mps", "device: mps asked for, but this torch has none; use auto or cpu"),
        ("gpu", "device: 'gpu' is none of auto, cpu, cuda, mps"),
        ("meta", "device: 'meta' is none of auto, cpu, cuda, mps"),
        ("", "device: '' is none of auto, cpu, cuda, mps"),
        (None, "device: None is none of auto, cpu, cuda, mps"),
    ],
)
def test_missing_devices_are_refused(name, said):
    with pytest.raises(UserError) as caught:
        resolve_device(name)
    assert str(caught.value) == said


def test_the_number_of_the_gpu_counts(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert resolve_device("cuda:1") == torch.device("cuda:1")
    with pytest.raises(UserError, match="torch sees 2 GPUs"):
        resolve_device("cuda:2")


def test_the_precision_is_chosen_by_name():
    assert resolve_precision("float32", CPU) is torch.float32
    assert resolve_precision("bfloat16", CPU) is torch.bfloat16


@pytest.mark.parametrize(
    ("features", "expected"),
    [
        ({"avx2": True}, torch.float32),
        ({"avx512_bf16": True}, torch.bfloat16),
        ({"amx_bf16": True}, torch.bfloat16),
    ],
)
def test_auto_precision_is_bfloat16_if_the_cpu_has_it(monkeypatch, features, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: features, raising=False)
    assert resolve_precision("auto", CPU) is expected


def test_auto_precision_of_an_older_torch_is_float32(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert resolve_precision("auto", CPU) is torch.float32
