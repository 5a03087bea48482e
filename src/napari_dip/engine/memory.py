"""The memory of a fit: an estimate, a check against the device, and the error."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import torch
from torch import Tensor

from napari_dip.engine.architectures import build_network
from napari_dip.engine.device import resolve_precision
from napari_dip.engine.networks import NetworkSpec
from napari_dip.engine.problem import FitSettings, Problem
from napari_dip.errors import UserError

_SAMPLE_SIDES = {2: 64, 3: 32}
"""Longest side, in pixels, of the image that a network's memory is measured with, by dimensions."""


class OutOfMemory(UserError):
    """A fit needs more memory than there is; the message says how to make it smaller.

    Examples
    --------
    >>> from napari_dip import OutOfMemory, UserError
    >>> issubclass(OutOfMemory, UserError)
    True
    """


@cache  # a form, the check and the fit ask for the same estimate
def estimate_memory(
    network: NetworkSpec,
    in_channels: int,
    out_channels: int,
    space: tuple[int, ...],
    dtype: torch.dtype = torch.float32,
) -> int:
    """Estimate the bytes of one fit at its peak, to about a third.

    The network runs once on a small image, and the tensors that autograd keeps for the backward
    pass are added up; they grow with the image. (Torch's "meta" device would compute nothing, but
    takes a second and a half to import.)

    Parameters
    ----------
    network
        Description of the network.
    in_channels, out_channels
        Channels of z and of the image.
    space
        Sides of the image in pixels.
    dtype
        Number format of convolutions.

    Examples
    --------
    >>> estimate_memory(NetworkSpec(), 32, 3, (512, 512)) / 1e9 > 1
    True
    """
    kept: list[Tensor] = []

    def keep(tensor: Tensor) -> Tensor:
        kept.append(tensor)
        return tensor

    small = tuple(min(side, _SAMPLE_SIDES[len(space)]) for side in space)
    growth = math.prod(space) / math.prod(small)
    with torch.random.fork_rng(devices=[]):
        model = build_network(network, in_channels, out_channels, small)
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda t: t):
            model(torch.zeros(1, in_channels, *small))
    parameters = {p.untyped_storage()._cdata for p in model.parameters()}
    storages = (t.untyped_storage() for t in kept)
    seen = {s._cdata: s.nbytes() * growth for s in storages if s._cdata not in parameters}
    activations = sum(seen.values()) * (dtype.itemsize / 4)
    weights = sum(p.numel() for p in model.parameters()) * 4
    largest = max(seen.values(), default=0)
    # Weights, gradients and Adam's two moments, with a saved copy of weights and moments; the
    # backward pass holds gradients of the largest activation in addition to it.
    return int(activations + 2 * largest + 8 * weights + 3 * in_channels * math.prod(space) * 4)


def total_memory(device: torch.device) -> int | None:
    """Bytes of memory that a device has, or None if that is not known."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return None


def check_memory(needed: int, device: torch.device) -> None:
    """Refuse a fit that is too large; some systems would kill the process instead.

    Raises
    ------
    OutOfMemory
        When more is needed than the device has at all.
    """
    total = total_memory(device)
    if total is not None and needed > total:
        raise _out_of_memory(needed, f" and {device} has {total / 1e9:.1f} GB")


def peak_memory(device: torch.device) -> float:
    """The largest amount of memory in MB (1e6 bytes) that this process has held so far."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e6
    try:
        import resource
    except ImportError:  # Windows
        return float("nan")
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


@contextmanager
def memory_errors(needed: int) -> Iterator[None]:
    """Replace a device's out-of-memory error by an OutOfMemory that names the remedy."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        text = str(error)
        is_memory = isinstance(error, (torch.OutOfMemoryError, MemoryError)) or any(
            words in text
            for words in ("can't allocate memory", "not enough memory", "out of memory")  # MPS
        )
        if not is_memory:
            raise
        raise _out_of_memory(needed) from error


def _out_of_memory(needed: int, available: str = "") -> OutOfMemory:
    return OutOfMemory(
        f"out of memory: this fit needs about {needed / 1e9:.1f} GB{available}; "
        "restore a crop, use preset=fast, fewer filters (filters=32,32,32,32) or device=cpu"
    )


def memory_needed(problem: Problem, settings: FitSettings, device: torch.device) -> int:
    """Estimate the bytes of a fit at its peak."""
    guide = problem.guide
    ndim = len(problem.image_shape)
    channels = {
        "noise": settings.input.channels,
        "meshgrid": ndim,
        "image": 0 if guide is None else guide.shape[1],
    }[settings.input.kind]
    dtype = resolve_precision(settings.precision, device)
    return estimate_memory(
        settings.network, channels, problem.y.shape[1], problem.image_shape, dtype
    )
