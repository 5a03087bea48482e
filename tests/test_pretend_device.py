"""The pretended device refuses what a real one refuses, and counts what makes the CPU wait."""

import pytest
import torch
from pretend_device import PretendDevice, has_kernel


@pytest.fixture(params=["cuda", "mps"])
def device(request):
    with PretendDevice(request.param) as device:
        yield device


def test_values_are_real_and_come_back_to_the_cpu(device):
    x = torch.arange(6.0).to(device.place)

    back = (2 * x).sum(0, keepdim=True).cpu()

    assert x.device == device.place
    assert back.device.type == "cpu"
    assert back.tolist() == [30.0]


def test_gradients_are_the_cpus(device):
    here = torch.linspace(-1, 1, 8).requires_grad_()
    there = here.detach().to(device.place).requires_grad_()
    for x in (here, there):
        torch.fft.irfft(torch.fft.rfft(x) * 2j, n=8)[:5].square().sum().backward()

    assert torch.equal(there.grad.cpu(), here.grad)


def test_module_is_moved_with_its_buffers(device):
    norm = torch.nn.BatchNorm2d(3).to(device.place)

    assert {value.device for value in norm.state_dict().values()} == {device.place}
    assert norm(torch.ones(1, 3, 4, 4, device=device.place)).device == device.place


@pytest.mark.parametrize(
    "mix",
    [
        lambda x, y: x + y,
        lambda x, y: y @ x,
        lambda x, y: torch.stack([x, y]),
        lambda x, y: x.index_add_(0, torch.arange(4), x),
        lambda x, y: torch.where(y > 0, x, 0.0),
        lambda x, y: x[torch.tensor([0, 1])],
    ],
)
def test_tensors_of_two_devices_do_not_mix(device, mix):
    x, y = torch.ones(4, device=device.place), torch.ones(4)

    with pytest.raises(RuntimeError, match="expected all tensors to be on the same device"):
        mix(x, y)


def test_numbers_mix(device):
    assert (torch.ones(4, device=device.place) * torch.tensor(2.0)).device == device.place


def test_no_array_of_a_tensor_on_the_device(device):
    with pytest.raises(TypeError, match="use cpu"):
        torch.ones(4, device=device.place).numpy()


def test_no_generator_of_the_cpu(device):
    x = torch.empty(4, device=device.place)
    x.normal_(generator=torch.Generator(device.place))

    with pytest.raises(RuntimeError, match="generator"):
        x.normal_(generator=torch.Generator())


def test_mps_has_no_float64():
    with PretendDevice("mps") as device:
        x = torch.ones(4, device=device.place)
        for make in (x.double, lambda: torch.ones(4, dtype=torch.float64).to(device.place)):
            with pytest.raises(TypeError, match=r"mps has no torch\.float64"):
                make()


def test_operations_that_mps_lacks():
    x = torch.eye(3)
    with PretendDevice("mps") as device:
        there = x.to(device.place)
        with pytest.raises(NotImplementedError, match="linalg_eig"):
            torch.linalg.eig(there)


def test_list_of_kernels():
    assert has_kernel("aten::add.Tensor", "MPS")
    assert not has_kernel("aten::linalg_eig", "MPS")
    assert has_kernel("aten::linalg_eig", "CUDA")


@pytest.mark.parametrize(
    "wait",
    [
        lambda x: x.sum().item(),
        lambda x: float(x[0]),
        lambda x: bool((x > 0).all()),
        lambda x: x.tolist(),
        lambda x: x.cpu(),
        lambda x: x[x > 0],
        lambda x: x.nonzero(),
        lambda x: x.add_(torch.ones(4).to(x.device)),
        lambda x: x.copy_(torch.ones(4)),
        lambda x: x + torch.tensor([1.0], device=x.device),
    ],
)
def test_waits_are_counted(device, wait):
    x = torch.ones(4, device=device.place)
    assert (2 * x + 1).sum().device == device.place
    assert not device.waits

    wait(x)

    assert len(device.waits) == 1


def test_nothing_is_left_behind():
    made = torch.Generator
    with PretendDevice("cuda"):
        assert torch.Generator is not made

    assert torch.Generator is made
    assert not torch.__future__.get_overwrite_module_params_on_conversion()
