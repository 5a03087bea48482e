"""A device that this machine lacks, for tests: it finds mistakes that only a GPU would show.

Tensors on it keep real values on the CPU and say that they are elsewhere. So a whole restoration
runs with its decisions, which torch's `FakeTensorMode` can't do, because its tensors have no values
and its modules can't be moved. As on a real device, an operation on tensors of two devices is an
error, and so is `numpy()` of a tensor that was not moved to the CPU first. On "mps", float64 and
operations that torch has not written for it are errors too. Whatever would make the CPU wait for
the device is counted.

    with PretendDevice("cuda") as device:
        x = torch.ones(3, device=device.place)
        x.sum().item()
    device.waits  # ["_local_scalar_dense"]
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_flatten, tree_map

_CPU = torch.device("cpu")

_FACTORIES = {
    torch.arange,
    torch.empty,
    torch.eye,
    torch.full,
    torch.linspace,
    torch.logspace,
    torch.ones,
    torch.rand,
    torch.randint,
    torch.randn,
    torch.tensor,
    torch.zeros,
}

_WAITING = {"_local_scalar_dense", "nonzero", "masked_select", "equal", "_unique2", "unique_dim"}
"""Operations whose values, or number of values, the CPU has to know."""

_MOVING = {"copy_", "_to_copy"}
"""Operations whose tensors may be on two devices."""

_MPS_LACKS = (torch.float64, torch.complex128)


class PretendTensor(torch.Tensor):
    """A tensor with values on the CPU that says it is on another device."""

    values: Tensor
    owner: PretendDevice

    @staticmethod
    def __new__(cls, values: Tensor, owner: PretendDevice) -> PretendTensor:
        made: PretendTensor = torch.Tensor._make_wrapper_subclass(
            cls,
            values.size(),
            strides=values.stride(),
            storage_offset=values.storage_offset(),
            dtype=values.dtype,
            device=_CPU,
        )
        made.values, made.owner = values, owner
        return made

    def __init__(self, values: Tensor, owner: PretendDevice) -> None:
        pass

    __torch_function__ = torch._C._disabled_torch_function_impl

    @property
    def device(self) -> torch.device:
        return self.owner.place

    def __deepcopy__(self, memo: Any) -> Tensor:
        return self.detach().clone()

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        return f"PretendTensor({self.values!r}, {self.owner.place})"

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        given = tree_flatten((args, kwargs))[0]
        pretended = [value for value in given if isinstance(value, PretendTensor)]
        owner = pretended[0].owner
        owner.check(func, given)
        known = {id(each.values): each for each in pretended}

        def bare(value: Any) -> Any:
            return value.values if isinstance(value, PretendTensor) else value

        def wrapped(value: Any) -> Any:
            if type(value) not in (torch.Tensor, torch.nn.Parameter):
                return value
            owner.check_type(func, value)
            if id(value) in known:
                return known[id(value)]
            # Here, below autograd, torch would overlook the mark of a conjugate view.
            return PretendTensor(value.resolve_conj().resolve_neg(), owner)

        return tree_map(wrapped, func(*tree_map(bare, args), **tree_map(bare, kwargs)))


class PretendDevice(TorchFunctionMode):
    """Pretends, while it is entered, that there is a device of a kind.

    Parameters
    ----------
    kind
        "cuda" or "mps".

    Attributes
    ----------
    place
        The device, for `to` and for factories.
    waits
        Names of what made the CPU wait for the device, in order.
    """

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.place = torch.device(kind, 0)
        self.waits: list[str] = []

    def __enter__(self) -> PretendDevice:
        self.generator, torch.Generator = torch.Generator, _generators(self.place)  # type: ignore[misc]
        # Otherwise a module keeps its tensors when it is moved, and takes over their storage.
        self.overwrites = torch.__future__.get_overwrite_module_params_on_conversion()
        torch.__future__.set_overwrite_module_params_on_conversion(True)
        super().__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        torch.__future__.set_overwrite_module_params_on_conversion(self.overwrites)
        torch.Generator = self.generator  # type: ignore[misc]

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        self._check_generator(func, args, kwargs)
        if func in (torch.Tensor.to, torch.Tensor.cpu):
            return self._moved(func, *args, **kwargs)
        if func is torch.Tensor.cuda:
            raise AssertionError("cuda(): use to(device)")
        if func in _FACTORIES and kwargs.get("device") is not None:
            return self._made(func, args, kwargs)
        if args and isinstance(args[0], PretendTensor):
            if func is torch.Tensor.numpy:
                raise TypeError(f"can't convert a tensor on {self.place} to numpy; use cpu() first")
            if func is torch.Tensor.tolist:
                self.waits.append("tolist")
                return args[0].values.tolist()
            if func is torch.Tensor.new_tensor:
                return self._wrap(func(args[0].values, *args[1:], **kwargs))
        return func(*args, **kwargs)

    def check(self, func: Any, given: list[Any]) -> None:
        """Raise an error where a real device would, and count a wait."""
        name = func.overloadpacket.__name__
        tensors = [value for value in given if isinstance(value, Tensor)]
        here = [value for value in tensors if not isinstance(value, PretendTensor)]
        if name not in _MOVING and any(value.ndim for value in here):
            raise RuntimeError(
                f"{func}: expected all tensors to be on the same device, found {self.place} and cpu"
            )
        selected = name in ("index", "index_put", "index_put_", "_index_put_impl_") and any(
            value.dtype in (torch.bool, torch.uint8) for value in tensors[1:]
        )
        if name in _WAITING or selected or (name in _MOVING and here):
            self.waits.append(name)
        if self.place.type == "mps" and not has_kernel(func.name(), "MPS"):
            raise NotImplementedError(f"{func} is not implemented for mps")

    def check_type(self, func: Any, value: Tensor) -> None:
        """Raise an error for a value of a type that the device lacks."""
        if self.place.type == "mps" and value.dtype in _MPS_LACKS:
            raise TypeError(f"{func}: mps has no {value.dtype}")

    def _check_generator(self, func: Any, args: Any, kwargs: dict[str, Any]) -> None:
        generator = kwargs.get("generator")
        if generator is None:
            return
        place = args[0].device if args and isinstance(args[0], Tensor) else kwargs.get("device")
        if getattr(generator, "place", _CPU) != torch.device(place or _CPU):
            raise RuntimeError(f"{func.__name__}: expected a generator on {place}")

    def _wrap(self, values: Tensor) -> Tensor:
        self.check_type("to", values)
        return PretendTensor(values, self)

    def _made(self, func: Callable[..., Tensor], args: Any, kwargs: dict[str, Any]) -> Tensor:
        place = torch.device(kwargs.pop("device"))
        if place != self.place:
            return func(*args, **kwargs, device=place)
        if func is torch.tensor:
            self.waits.append("tensor")
        return self._wrap(func(*args, **kwargs))

    def _moved(self, func: Any, tensor: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        kwargs.pop("non_blocking", None)
        place = _CPU if func is torch.Tensor.cpu else kwargs.pop("device", None)
        for value in args:
            if isinstance(value, (str, torch.device)):
                place = value
            elif isinstance(value, Tensor):
                place, kwargs["dtype"] = value.device, value.dtype
            elif isinstance(value, torch.dtype):
                kwargs["dtype"] = value
        place = tensor.device if place is None else torch.device(place)
        is_here = not isinstance(tensor, PretendTensor)
        if is_here and place != self.place:
            return torch.Tensor.to(tensor, place, **kwargs)
        if not is_here and place == self.place:
            return torch.Tensor.to(tensor, **kwargs)
        if place not in (_CPU, self.place):
            raise RuntimeError(f"to: there is no {place}")
        assert not (tensor.requires_grad and torch.is_grad_enabled()), "moved with a gradient"
        self.waits.append("to")
        kwargs["copy"] = True
        if is_here:
            return self._wrap(tensor.detach().to(**kwargs))
        return tensor.values.to(**kwargs)


def _generators(place: torch.device) -> type[torch.Generator]:
    """A class of generators, some of which say that they are on a device."""
    real = torch.Generator

    class Generator(real):  # type: ignore[misc, valid-type]
        def __new__(cls, device: torch.device | str = _CPU) -> Generator:
            made: Generator = super().__new__(cls, _CPU)
            made.place = torch.device(device)
            return made

        @property
        def device(self) -> torch.device:
            return self.place

    return Generator


def has_kernel(name: str, backend: str) -> bool:
    """Whether torch has an operation, such as "aten::add.Tensor", for a backend such as "MPS"."""
    keys = _kernels().get(name.removeprefix("aten::"))
    return keys is None or backend in keys or any(key.startswith("Composite") for key in keys)


@cache
def _kernels() -> dict[str, set[str]]:
    """The backends of each operation, as torch's own list of its operations has them."""
    import torchgen

    file = Path(torchgen.__file__).parent / "packaged/ATen/native/native_functions.yaml"
    found: dict[str, set[str]] = {}
    delegates: dict[str, str] = {}
    for name, text in _entries(file.read_text()):
        delegate = re.search(r"^  structured_delegate: (\S+)", text, re.M)
        if delegate:
            delegates[name] = delegate[1]
        keys = re.findall(r"^    ([A-Z][A-Za-z0-9, ]*):", text, re.M)
        # An operation without a list is composed of others.
        own = {key.strip() for line in keys for key in line.split(",")} or {"Composite"}
        found[name] = own
    for name, other in delegates.items():
        found[name] = found[other] | (found[name] - {"Composite"})
    return found


def _entries(text: str) -> Iterator[tuple[str, str]]:
    for entry in re.split(r"^- func: ", text, flags=re.M)[1:]:
        yield entry[: entry.index("(")], entry
