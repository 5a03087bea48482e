import pytest
import torch

from napari_dip.engine.device import resolve_device, resolve_precision
from napari_dip.engine.memory import (
    OutOfMemory,
    check_memory,
    estimate_memory,
    memory_errors,
    peak_memory,
    total_memory,
)
from napari_dip.engine.networks import NetworkSpec
from napari_dip.errors import UserError

CPU = torch.device("cpu")
SMALL = NetworkSpec("skip", (16, 16), (2, 2), (3, 3), (3, 3))


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
def test_devices_that_are_not_there(name, said):
    with pytest.raises(UserError) as caught:
        resolve_device(name)
    assert str(caught.value) == said


def test_the_number_of_the_gpu_counts(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert resolve_device("cuda:1") == torch.device("cuda:1")
    with pytest.raises(UserError, match="torch sees 2 GPUs"):
        resolve_device("cuda:2")


def test_precision_by_name():
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
def test_half_precision_where_the_cpu_has_it(monkeypatch, features, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: features, raising=False)
    assert resolve_precision("auto", CPU) is expected


def test_an_older_torch_cannot_say(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert resolve_precision("auto", CPU) is torch.float32


def kept_for_backward(network: torch.nn.Module, z: torch.Tensor) -> int:
    """Bytes that autograd really keeps."""
    kept = {}

    def keep(tensor):
        kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda t: t):
        x = network(z)
    x.sum().backward()
    return sum(t.untyped_storage().nbytes() for t in kept.values())


@pytest.mark.parametrize("space", [(64, 64), (48, 80), (8, 24, 24)])
@pytest.mark.parametrize(
    "spec", [SMALL, NetworkSpec("unet", (8, 16)), NetworkSpec("resnet", (8,) * 3)]
)
def test_the_estimate_is_what_autograd_keeps_and_a_little_more(spec, space):
    kept = kept_for_backward(spec.build(8, 3, space), torch.rand(1, 8, *space))
    estimate = estimate_memory(spec, 8, 3, space)
    assert kept < estimate < 2 * kept


def test_the_estimate_grows_with_all_that_makes_a_fit_larger():
    base = estimate_memory(SMALL, 8, 3, (64, 64))
    assert estimate_memory(SMALL, 8, 3, (128, 128)) == pytest.approx(4 * base, rel=0.2)
    assert estimate_memory(SMALL, 32, 3, (64, 64)) > base
    assert estimate_memory(SMALL, 8, 3, (64, 64), torch.bfloat16) < base
    assert estimate_memory(NetworkSpec(), 8, 3, (64, 64)) > base


def test_a_volume_of_any_size_is_estimated_without_making_it():
    assert estimate_memory(NetworkSpec(), 32, 1, (1024, 1024, 1024)) > 1e12


def test_a_fit_larger_than_the_machine_is_refused():
    check_memory(1, CPU)
    total = total_memory(CPU)
    assert total is None or total > 1e8
    with pytest.raises(OutOfMemory, match=r"needs about .* GB .*restore a crop"):
        check_memory(10**18, CPU)


def test_peak_memory_is_in_megabytes():
    pytest.importorskip("resource", reason="Windows does not tell")
    assert 50 < peak_memory(CPU) < 1e6


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried 4 TB"),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 4 TB"),
        RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"),
    ],
    ids=["python", "cuda", "linux", "windows", "mps"],
)
def test_out_of_memory_names_the_remedy(error):
    with pytest.raises(OutOfMemory) as caught, memory_errors(int(3.5e9)):
        raise error
    said = str(caught.value)
    assert "needs about 3.5 GB" in said
    for remedy in ("crop", "preset=fast", "filters=", "device=cpu"):
        assert remedy in said
    assert "\n" not in said
    assert caught.value.__cause__ is error


def test_other_errors_stay_what_they_are():
    with pytest.raises(RuntimeError, match="shape mismatch") as caught, memory_errors(1):
        raise RuntimeError("shape mismatch")
    assert not isinstance(caught.value, OutOfMemory)
