"""Denoising: a fit to the noisy image that ends before the noise is learned."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

from napari_dip.errors import UserError
from napari_dip.tasks.base import Task
from napari_dip.tasks.measurement import Measurement, fill_missing
from napari_dip.tasks.presets import FAST, FROM_IMAGE, PAPER, is_volume, volume_changes
from napari_dip.tasks.settings import setting

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from napari_dip.engine.problem import FitSettings, Problem
    from napari_dip.noise.camera import CameraNoise
    from napari_dip.tasks.expected_error import ExpectedError

_LEAST_WHERE_FILLED = 0.15
"""Least perturbation if pixels are missing. With less, the network ends by copying its input, which
is only a guess there."""

_STRONG_NOISE = 40 / 255
"""Noise level from which the paper perturbs the input more (it does at 50/255, not at 25/255)."""

_LOW_SNR = 0.6
"""Signal-to-noise ratio (of standard deviations) below which the fit is shortened, because R2R
starts to fit noise."""

_PERTURBATION, _LOW_SNR_PERTURBATION = 0.7, 1.0
"""Perturbation in units of the noise level: less leaves a noisier target, more a noisier input."""

_LOW_SNR_FIT: dict[str, Any] = {"iterations": 150, "average": 0.93}

_CORRELATED_FIT: dict[str, Any] = {"iterations": 200, "average": 0.95}
"""Correlated noise looks more like detail than white noise does, and is learned sooner."""

_FAR_OFF = 1.6
"""By how many times a given noise level differs from the measured one before it is said."""

_FINE_NOISE = 1.0
"""Noise, in data values, below which rounding to whole numbers costs decibels."""

_SHARE_OF_FIT = 0.3
"""Share of the fit in its blend with the non-local estimate, which is better by itself on most
images; together they are better than either."""

_SHARE_OF_FIT_IN_VOLUMES = 0.15
"""The same in a volume, where the estimate is 0.3 to 3 dB better than the fit."""

_RIPE = 150
"""Iterations from which a fit has something to say beside the non-local estimate; one that is cut
short has a smaller share."""

_WEAK_NOISE = 0.04
"""Noise level, in units of y, below which the share of the fit falls: it loses detail that weaker
noise leaves."""

_DETAIL_WINDOW = 9
"""Side, in pixels, of the window in which the residual is compared with the noise."""

_MOST_NOISE_FOR_DETAIL = 0.03
"""Noise level, in units of y, up to which remaining detail is added back. Above it, the noise that
comes back with the detail would show, above all early in the fit."""

_CLEAR_DETAIL = 1.5
"""Least variance of a residual that has detail, in units of the noise's variance. Both are
estimates, and noise that is added back costs more than detail that is not."""


@dataclass(frozen=True, kw_only=True)
class Denoise(Task):
    """Remove noise: uniform noise, or a camera's, which grows with the light.

    `paper` is section 3.1 with section 4's settings: 1800 iterations, output average 0.99, mean of
    2 runs (the released code runs 3000 iterations). `fast` starts from the noisy image itself, at
    half the resolution, and trains on recorrupted pairs (R2R; Pang et al., CVPR 2021): the input
    is perturbed, and a share of the perturbation is subtracted from the target, so that neither
    contains the noise of the other. The perturbation is as strong at each pixel, and as correlated,
    as the noise. Impulses ("salt and pepper") are treated as missing pixels, and a pattern of
    period 2 (every second pixel, row or column is brighter) and row or column noise (each has an
    offset of its own) are subtracted. If there is little noise, detail that the fit leaves over is
    added back. The fit and a non-local estimate, which denoises similar patches together, make
    different mistakes: the result is a blend of both, which guides a last pass over the patches.
    `instant` is the non-local estimate alone.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_dip import restore
    >>> noisy = np.random.default_rng(0).normal(100, 10, (16, 16))
    >>> restore(noisy, Denoise(iterations=2, filters=(4,))).image.shape  # Denoise() in practice
    (16, 16)
    """

    name = "denoise"
    title = "Denoise"
    removes_noise = True

    fit_alone: ClassVar = {"blend_share": 1.0}

    FORMER_NAMES: ClassVar = {**Task.FORMER_NAMES, "grain": "noise_correlation"}

    gain: float | None = setting(
        None,
        "Camera: data values per photon (electron); estimated if neither gain nor sigma is given",
        least=1e-9,
        of_image=True,
    )
    offset: float | None = setting(
        None, "Camera: data value without light", advanced=True, of_image=True
    )
    read_noise: float | None = setting(
        None,
        "Camera: standard deviation of the noise without light, in data values",
        least=0,
        advanced=True,
        of_image=True,
    )

    noise_correlation: float | None = setting(
        None,
        "Correlation of the noise of neighbouring pixels: standard deviation of its blur in "
        "pixels, 0 for white noise; estimated if not given",
        least=0,
        most=5,
        advanced=True,
        of_image=True,
    )
    impulses: bool | None = setting(
        None,
        "Find impulses (salt and pepper, dead or saturated pixels) and treat them as missing; fast "
        "and best do",
        advanced=True,
    )

    blend_share: float | None = setting(
        None,
        "Share of the fit in its blend with a non-local estimate: 1 for the fit alone",
        least=0,
        most=1,
        advanced=True,
    )
    last_pass: bool | None = setting(
        None, "Let the blend guide a last pass over similar patches", advanced=True
    )

    def prepare_measurement(self, measurement: Measurement) -> Measurement:
        from napari_dip.noise.camera import estimate_sparse_counts
        from napari_dip.noise.impulse import find_impulses

        if self.preset != "paper":
            measurement = without_pattern(measurement)
        if self.impulses is None:
            # Single photons on a dark ground look like impulses.
            is_wanted = self.preset != "paper" and not estimate_sparse_counts(measurement.values())
        else:
            is_wanted = self.impulses
        if not is_wanted:
            return measurement
        hit = find_impulses(measurement.y, measurement.observed)
        return replace(measurement, observed=measurement.observed & ~hit)

    def preset_values(self, measurement: Measurement) -> dict[str, Any]:
        if self.preset == "paper":
            strong = self.sigma is not None and self.sigma > _STRONG_NOISE
            return {
                **PAPER,
                "noise_correlation": 0.0,
                "impulses": False,
                "blend_share": 1.0,
                "last_pass": False,
                "iterations": 1800,
                "runs": 2,
                "input_noise": 1 / 20 if strong else 1 / 30,
            }
        sigma = self._level(measurement)
        low_snr = has_low_snr(measurement, sigma)
        least = 1e-3 if bool(measurement.observed.all()) else _LEAST_WHERE_FILLED
        relative = _LOW_SNR_PERTURBATION if low_snr else _PERTURBATION
        return {
            **FAST,
            "iterations": 300,
            "average": 0.965,
            **FROM_IMAGE,
            "input_noise": min(max(relative * sigma, least), 1.0),
            "r2r": True,
            "noise_correlation": 0.0,
            "impulses": True,
            "blend_share": self._preset_share(measurement),
            # Without structure to go by, a pass over patches brings noise back.
            "last_pass": not low_snr,
            "shuffle": 2,
            **volume_changes(measurement.space),
            **(_CORRELATED_FIT if self.noise_correlation else {}),
            **(_LOW_SNR_FIT if low_snr else {}),
        }

    def best_values(self, measurement: Measurement) -> dict[str, Any]:
        wide = {"filters": (64 if is_volume(measurement.space) else 128,) * 4}
        is_short = self.noise_correlation or has_low_snr(measurement, self._level(measurement))
        more = {} if is_short else {"iterations": 400, "average": 0.98}
        return {**super().best_values(measurement), **more, **wide}

    def warnings(
        self, given: Self, measurement: Measurement, dtype: np.dtype[Any]
    ) -> tuple[str, ...]:
        found = []
        measured = measurement.estimated_sigma * measurement.data_range_per_unit
        if given.sigma and measured and not 1 / _FAR_OFF < given.sigma / measured < _FAR_OFF:
            found.append(
                f"sigma: {given.sigma:.3g} is given, and the image's noise is about "
                f"{measured:.3g}; leave sigma out to have it measured"
            )
        deviation = self._level(measurement) * min(measurement.spans)
        if dtype.kind in "iu" and 0 < deviation < _FINE_NOISE:
            found.append(
                "image: the result is rounded to whole numbers, and its noise is less than one; "
                "give floats to keep fractions"
            )
        return tuple(found)

    def resolve(self, measurement: Measurement) -> Self:
        from napari_dip.noise.camera import estimate_camera_noise, estimate_sparse_counts

        task = self
        if self.gain is None:
            for name in ("offset", "read_noise"):
                if getattr(self, name) is not None:
                    raise UserError(f"{name}: it belongs to a camera; give its gain too")
            task = self._with_noise_correlation(measurement)
            if task.sigma is None and self.preset != "paper":
                values = measurement.values()
                camera = estimate_sparse_counts(values) or estimate_camera_noise(values)
                if camera is not None:
                    task = task.replace(**vars(camera))
        if task.gain is not None:
            task = task.replace(offset=task.offset or 0.0, read_noise=task.read_noise or 0.0)
            if not task.sigma:  # the mean level, as a fraction of the data range
                level = rms(task._noise(measurement)) * measurement.data_range_per_unit
                task = task.replace(sigma=min(1.0, level))
        return super(Denoise, task).resolve(measurement)

    def _with_noise_correlation(self, measurement: Measurement) -> Self:
        """These settings with correlated noise, if the measurement has it and none was given."""
        from napari_dip.noise.correlated import estimate_correlated_noise

        if self.noise_correlation is not None or self.preset == "paper":
            return self
        filled = fill_missing(measurement.y, measurement.observed)[0]
        if is_volume(measurement.space):
            filled = filled[:, len(filled[0]) // 2]
        found = estimate_correlated_noise(filled.numpy())
        if found is None:
            return self
        blur, sigma = found
        known = (
            min(1.0, sigma * measurement.data_range_per_unit) if self.sigma is None else self.sigma
        )
        return self.replace(noise_correlation=blur, sigma=known)

    def problem(self, measurement: Measurement) -> Problem:
        problem = super().problem(measurement)
        if not (self.r2r and self.gain is not None):
            return problem
        # Relative to the noise level of the settings, which may be that of a whole image of which
        # this is a tile: the perturbation is the same multiple of the noise in all tiles.
        return replace(problem, noise_shape=self._noise(measurement) / self._level(measurement))

    def postprocess(self, x: Tensor, measurement: Measurement) -> dict[str, Tensor]:
        most = _MOST_NOISE_FOR_DETAIL * measurement.data_range_per_unit
        if self.r2r and (self.sigma or 0.0) <= most:
            x = with_remaining_detail(x, measurement, self._noise(measurement)[0])
        return {"image": x}

    def instant(self, measurement: Measurement) -> Tensor | None:
        if self.blend_share == 1 and not self.is_instant:
            return None
        return self._estimate(measurement)

    def share_of_fit(self, channels: int, progress: float) -> float:
        share = self.blend_share or 0.0
        if share == 1:
            return 1.0
        return share * (progress * min(1.0, (self.iterations or 1) / _RIPE)) ** 2

    def refine(self, x: Tensor, measurement: Measurement) -> Tensor:
        if self.blend_share == 1 or not self.last_pass:
            return x
        return (x + self._nonlocal(measurement, pilot=x)) / 2

    def expected_error(self, x: Tensor, measurement: Measurement) -> ExpectedError | None:
        import torch

        from napari_dip.tasks.expected_error import expected_when_denoised

        if self.preset == "paper" or is_volume(measurement.space):
            return None  # another method than the estimate's, or an estimate that takes long

        def denoise(y: Tensor) -> Tensor:
            everywhere = torch.ones_like(y, dtype=torch.bool)
            return self._nonlocal(replace(measurement, y=y[None], observed=everywhere[None]))

        filled = fill_missing(measurement.y, measurement.observed)[0]
        noise = self._noise(measurement)[0]
        return expected_when_denoised(x, filled, noise, self._estimate(measurement), denoise)

    def _preset_share(self, measurement: Measurement) -> float:
        """The share of the fit that `fast` blends with the non-local estimate."""
        if not bool(measurement.observed.all()):  # missing pixels mislead patches
            return 1.0
        share = _SHARE_OF_FIT_IN_VOLUMES if is_volume(measurement.space) else _SHARE_OF_FIT
        return share * min(1.0, self._level(measurement) / _WEAK_NOISE)

    def _estimate(self, measurement: Measurement) -> Tensor:
        """The non-local estimate, which is kept: it is needed at the beginning and at the end."""
        return measurement.once(("nonlocal", self), lambda: self._nonlocal(measurement))

    def _nonlocal(self, measurement: Measurement, pilot: Tensor | None = None) -> Tensor:
        from napari_dip.tasks.nonlocal_estimate import NoiseScale, nonlocal_estimate

        scale = NoiseScale.of(measurement, self._level(measurement), self._camera)
        return nonlocal_estimate(measurement, scale, self.noise_correlation or 0.0, pilot)

    @property
    def _camera(self) -> CameraNoise | None:
        """The camera's noise, as given or estimated; None if the noise is uniform."""
        from napari_dip.noise.camera import CameraNoise

        if self.gain is None:
            return None
        return CameraNoise(self.gain, self.offset or 0.0, self.read_noise or 0.0)

    def fit_settings(self, measurement: Measurement) -> FitSettings:
        settings = super().fit_settings(measurement)
        return replace(settings, **self._resolved("noise_correlation"))

    def _noise(self, measurement: Measurement) -> Tensor:
        """The noise's standard deviation in units of y: (1, channels, *space), or all sides 1."""
        import numpy as np
        import torch

        camera = self._camera
        if camera is None:
            return torch.full((1,) * measurement.y.ndim, self._level(measurement))
        channels = measurement.values()
        spans = measurement.spans * len(channels)
        maps = [camera.std(v) / span for v, span in zip(channels, spans, strict=False)]
        return torch.from_numpy(np.stack(maps)).float()[None]


def without_pattern(measurement: Measurement) -> Measurement:
    """A measurement of a plane without its pattern of period 2 and its row and column noise."""
    import torch

    from napari_dip.noise.lines import find_line_offsets
    from napari_dip.noise.pattern import find_pattern

    if is_volume(measurement.space):
        return measurement
    for find in (find_pattern, find_line_offsets):
        found = find(fill_missing(measurement.y, measurement.observed)[0].numpy())
        if found is not None:
            measurement = replace(measurement, y=measurement.y - torch.from_numpy(found).float())
    return measurement


def has_low_snr(measurement: Measurement, sigma: float) -> bool:
    """Whether the signal, by its variance without the noise's, is much weaker than the noise."""
    y, observed = measurement.y, measurement.observed
    left = float(y[observed].var(correction=0)) - sigma**2
    return left < (_LOW_SNR * sigma) ** 2


def rms(x: Tensor) -> float:
    """Root of the mean square."""
    return math.sqrt(float(x.square().mean()))


def with_remaining_detail(x: Tensor, measurement: Measurement, noise: Tensor) -> Tensor:
    """Add the residual of the fit back where it is more than noise (a local Wiener filter).

    A residual with the noise's variance is noise; the part above that of a clearly larger one is
    detail that the network has not learned yet.

    Parameters
    ----------
    x
        The fitted image, (channels, *space).
    measurement
        The measurement that was fitted.
    noise
        The noise's standard deviation, (1 or channels, 1 or *space).
    """
    import torch
    from scipy.ndimage import uniform_filter

    residual = ((measurement.y - x) * measurement.observed)[0]
    energy = residual.square().mean(dim=0).numpy()
    local = torch.from_numpy(uniform_filter(energy, _DETAIL_WINDOW, mode="mirror"))
    expected = noise.square().mean(dim=0)
    share = torch.where(local > _CLEAR_DETAIL * expected, 1 - expected / local.clamp(min=1e-12), 0)
    return x + share * residual
