"""The device of a fit, the number format of convolutions, and the memory layout."""

from __future__ import annotations

from typing import Literal, TypeAlias

import torch

from napari_dip.errors import UserError

Precision: TypeAlias = Literal["auto", "float32", "bfloat16"]
Layout: TypeAlias = Literal["contiguous", "channels-last"]


def resolve_device(name: str = "auto") -> torch.device:
    """The torch device that a name stands for.

    Parameters
    ----------
    name
        "auto" (CUDA if there is one, else Apple's MPS, else the CPU), "cpu", "cuda", "cuda:1",
        "mps".

    Raises
    ------
    UserError
        When this machine has no such device.

    Examples
    --------
    >>> resolve_device("cpu")
    device(type='cpu')
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except (RuntimeError, TypeError):
        raise UserError(f"device: {name!r} is none of auto, cpu, cuda, mps") from None
    if device.type == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (device.index or 0) >= count:
            raise UserError(
                f"device: {name} asked for, but torch sees {count} GPUs; use auto or cpu"
            )
    elif device.type == "mps" and not torch.backends.mps.is_available():
        raise UserError("device: mps asked for, but this torch has none; use auto or cpu")
    elif device.type not in ("cpu", "mps"):
        raise UserError(f"device: {name!r} is none of auto, cpu, cuda, mps")
    return device


def device_of_estimates(device: torch.device) -> torch.device:
    """The device on which the estimates beside a fit on `device` are computed.

    They solve many small systems of equations. Apple's MPS has them only in newer versions of
    torch, so that the CPU does it there.

    Examples
    --------
    >>> device_of_estimates(torch.device("mps"))
    device(type='cpu')
    """
    return device if device.type == "cuda" else torch.device("cpu")


def resolve_precision(precision: Precision, device: torch.device) -> torch.dtype:
    """The number format of convolutions; weights, statistics and the loss are float32 always."""
    if precision != "auto":
        return getattr(torch, precision)  # type: ignore[no-any-return]
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    return torch.bfloat16 if device.type == "cpu" and has_fast_bfloat16() else torch.float32


def memory_format(layout: Layout, ndim: int) -> torch.memory_format:
    """The memory layout of images with `ndim` axes of space."""
    if layout == "contiguous":
        return torch.contiguous_format
    return torch.channels_last if ndim == 2 else torch.channels_last_3d


def has_fast_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 in hardware; without, it is slower than float32."""
    # Older versions of torch don't tell; float32 is safe then.
    features: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(features.get("avx512_bf16") or features.get("amx_bf16"))
