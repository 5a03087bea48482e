"""`Measurement`: a degraded image in the form that is fitted."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from torch import Tensor

T = TypeVar("T")

_MOST_PLANES = 8
"""Planes of a volume in which the noise is measured."""


@dataclass(frozen=True)
class Measurement:
    """A degraded image in the form that is fitted, with its inputs.

    Attributes
    ----------
    y
        Values of the image, (1, channels, *space), float32, about [0, 1].
    observed
        Known pixels, (1, channels, *space), bool.
    data_range_per_unit
        Fraction of the data range that 1.0 in y stands for: a noise level of sigma (as a fraction
        of the data range) is sigma / data_range_per_unit in y.
    guide
        A second image of the scene, (1, channels, *space).
    psf
        The point spread function, (*sides).
    black, white
        The user's values that 0 and 1 in y stand for, one for each channel.
    device
        The device on which estimates are computed, the CPU if not given. The tensors above are on
        the CPU.
    """

    y: Tensor
    observed: Tensor
    data_range_per_unit: float = 1.0
    guide: Tensor | None = None
    psf: Tensor | None = None
    black: tuple[float, ...] = (0.0,)
    white: tuple[float, ...] = (1.0,)
    device: torch.device | None = None

    @property
    def space(self) -> tuple[int, ...]:
        return tuple(self.y.shape[2:])

    def values(self) -> list[NDArray[np.float64]]:
        """The channels, (*space), in the user's values, with missing pixels filled."""
        filled = fill_missing(self.y, self.observed)[0].double().numpy()
        blacks, spans = self.black * len(filled), self.spans * len(filled)
        return [black + span * y for black, span, y in zip(blacks, spans, filled, strict=False)]

    @property
    def spans(self) -> tuple[float, ...]:
        """The user's units in 1.0 of y, for each channel."""
        return tuple(white - black for black, white in zip(self.black, self.white, strict=True))

    def estimate(self, estimator: Callable[..., Tensor], *arguments: Any) -> Tensor:
        """What an estimator returns, computed on the measurement's device, on the CPU.

        Parameters
        ----------
        estimator
            A function of the arguments.
        arguments
            Tensors, operators and others that have a method `to`, which brings them to the device.

        Raises
        ------
        OutOfMemory
            When the device has too little memory.
        """
        import torch

        from napari_dip.engine.memory import OutOfMemory

        device = self.device or torch.device("cpu")
        try:
            return estimator(*(argument.to(device) for argument in arguments)).cpu()
        except torch.OutOfMemoryError as error:
            raise OutOfMemory(
                f"out of memory: {device} has no room for the estimate from similar patches; "
                "restore a crop, end other programs that use it, or use device=cpu"
            ) from error

    @cached_property
    def _kept(self) -> dict[Hashable, Any]:
        return {}

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value that `make` returns, made once and kept as long as the measurement lives."""
        if key not in self._kept:
            self._kept[key] = make()
        value: T = self._kept[key]
        return value

    @cached_property
    def estimated_sigma(self) -> float:
        """The noise's standard deviation in units of y, the mean over channels that have any.

        Of a volume, the mean over some of its planes.
        """
        from napari_dip.noise.level import estimate_noise_level

        filled = fill_missing(self.y, self.observed)[0].numpy()
        values = []
        for channel, observed in zip(filled, self.observed[0].numpy(), strict=True):
            planes, known = (v.reshape(-1, *v.shape[-2:]) for v in (channel, observed))
            for i in _spread(len(planes), _MOST_PLANES):
                values.append(estimate_noise_level(planes[i], known[i]))
        noisy = [value for value in values if value > 1e-6]
        return fmean(noisy) if noisy else 0.0


def _spread(count: int, most: int) -> list[int]:
    """At most so many whole numbers, evenly spread below count."""
    few = min(count, most)
    return [(2 * i + 1) * count // (2 * few) for i in range(few)]


def fill_missing(y: Tensor, observed: Tensor) -> Tensor:
    """Fill each missing pixel with the nearest known one of its channel.

    This quick guess is only the input of a network or an estimator, never a result.
    """
    import torch
    from scipy.ndimage import distance_transform_edt

    if bool(observed.all()):
        return y
    filled = y.clone()
    for c in range(y.shape[1]):
        known = observed[0, c].numpy()
        nearest = distance_transform_edt(~known, return_distances=False, return_indices=True)
        filled[0, c] = torch.from_numpy(y[0, c].numpy()[tuple(nearest)])
    return filled
