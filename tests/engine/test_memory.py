"""Estimates of a fit's memory, and the error when there is too little."""

import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from napari_dip.engine.architectures import build_network
from napari_dip.engine.inputs import InputSpec
from napari_dip.engine.memory import (
    OutOfMemory,
    check_memory,
    estimate_memory,
    memory_errors,
    memory_needed,
    peak_memory,
    total_memory,
)
from napari_dip.engine.networks import NetworkSpec
from napari_dip.engine.operators import Downsample
from napari_dip.engine.problem import Problem

CPU = torch.device("cpu")
SMALL = NetworkSpec("skip", (16, 16), (2, 2), (3, 3), (3, 3))


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
    kept = kept_for_backward(build_network(spec, 8, 3, space), torch.rand(1, 8, *space))
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


def test_other_errors_are_not_replaced():
    with pytest.raises(RuntimeError, match="shape mismatch") as caught, memory_errors(1):
        raise RuntimeError("shape mismatch")
    assert not isinstance(caught.value, OutOfMemory)


def test_the_estimate_depends_on_input_and_image_shape(problem, settings):
    needed = memory_needed(problem, settings, CPU)
    larger = Problem(problem.y, Downsample(4, 4))
    assert memory_needed(larger, settings, CPU) > 10 * needed
    guided = replace(problem, guide=torch.rand(1, 64, 16, 20))
    wide = replace(settings, input=InputSpec("image"))
    assert memory_needed(guided, wide, CPU) > needed
    assert memory_needed(problem, replace(settings, input=InputSpec("meshgrid")), CPU) < needed


def test_the_estimate_imports_no_sympy_for_it_takes_a_second():
    code = (
        "import sys\n"
        "from napari_dip.engine.memory import estimate_memory\n"
        "from napari_dip.engine.networks import NetworkSpec\n"
        "estimate_memory(NetworkSpec('resnet', (4,)), 1, 1, (64, 64))\n"
        "sys.exit('sympy' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("space", [(64, 64), (128, 96), (16, 32, 32)])
def test_the_estimate_grows_with_the_image(space):
    network = NetworkSpec("resnet", (4,))
    twice = (2 * space[0], *space[1:])
    once, doubled = (estimate_memory(network, 1, 1, sides) for sides in (space, twice))
    assert 1.5 < doubled / once <= 2.1
