"""What all tasks share: their common settings, and how settings and a measurement become a fit."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from napari_dip.data.axes import Axes
from napari_dip.errors import UserError
from napari_dip.tasks.measurement import Measurement, fill_missing
from napari_dip.tasks.settings import Settings, setting

if TYPE_CHECKING:
    from torch import Tensor

    from napari_dip.engine.operators import Operator
    from napari_dip.engine.problem import FitSettings, Problem
    from napari_dip.engine.stopping import Stopping


Preset = Literal["fast", "best", "paper"]


Stop = Literal["auto", "budget", "sigma", "variance", "settled"]


@dataclass(frozen=True, kw_only=True)
class SharedSettings(Settings):
    """How a fit goes and with what network. What is None is decided by the preset."""

    preset: Preset = setting(
        "fast",
        "fast: the paper's quality in a fraction of its time; best: several seeds, better still; "
        "paper: its settings",
    )
    iterations: int | None = setting(None, "Iteration budget of each run", least=1, most=10**6)
    runs: int | None = setting(
        None, "Fits with different seeds whose images are averaged", least=1, most=100
    )
    uncertainty: bool = setting(
        False,
        "Also give the standard deviation of each pixel over the runs (4 of them if runs is not "
        "given)",
    )
    stop: Stop = setting(
        "auto",
        "When to stop before the budget: auto (the preset's rule), budget (never), sigma (the "
        "residual reaches the noise level), variance (the outputs' variance passes its minimum), "
        "settled (the image no longer changes)",
    )
    sigma: float | None = setting(
        None,
        "Noise's standard deviation as a fraction of the data range, such as 25/255; "
        "estimated if not given",
        least=0,
        most=1,
    )
    learning_rate: float | None = setting(
        None, "Adam's learning rate, or its peak", least=1e-6, most=1, advanced=True
    )
    schedule: Literal["constant", "one-cycle"] | None = setting(
        None, "How the learning rate goes over the iterations", advanced=True
    )
    input: Literal["noise", "meshgrid", "image"] | None = setting(
        None, "The network's input: noise, coordinates, or a picture", advanced=True
    )
    input_channels: int | None = setting(
        None, "Channels of a noise input", least=1, most=512, advanced=True
    )
    input_noise: float | None = setting(
        None,
        "Standard deviation of the input's perturbation at each iteration (the paper's sigma_p)",
        least=0,
        most=10,
        advanced=True,
    )
    fresh_noise: bool | None = setting(
        None, "Draw the perturbation anew each time instead of from a pool", advanced=True
    )
    recorrupt: bool | None = setting(
        None,
        "Take the perturbation's share of noise off the target, so that no noise is learned; "
        "for an input of the noisy image with known or estimated sigma",
        advanced=True,
    )
    average: float | None = setting(
        None,
        "Weight of the exponential average of outputs, 0 for none",
        least=0,
        most=0.9999,
        advanced=True,
    )
    total_variation: float = setting(
        0.0, "Weight of a total variation prior beside the network", least=0, advanced=True
    )
    network: Literal["skip", "unet", "resnet", "pixels"] | None = setting(
        None, "The network; pixels: none, the image itself is optimised", advanced=True
    )
    filters: tuple[int, ...] | None = setting(
        None, "Filters of each level, finest first", least=1, most=4096, advanced=True
    )
    skips: tuple[int, ...] | None = setting(
        None, "Filters of each level's skip connection, 0 for none", least=0, advanced=True
    )
    kernels_down: tuple[int, ...] | None = setting(
        None, "Kernel sizes of the encoder, odd", least=1, most=31, advanced=True
    )
    kernels_up: tuple[int, ...] | None = setting(
        None, "Kernel sizes of the decoder, odd", least=1, most=31, advanced=True
    )
    kernel_skip: int | None = setting(
        None, "Kernel size of the skips, odd", least=1, most=31, advanced=True
    )
    downsampling: Literal["stride", "average", "max"] | None = setting(
        None, "How a level shrinks the image", advanced=True
    )
    upsampling: tuple[Literal["bilinear", "nearest"], ...] | None = setting(
        None, "How a level grows it back", advanced=True
    )
    padding: Literal["reflect", "zero"] | None = setting(
        None, "What convolutions see beyond the border", advanced=True
    )
    pointwise: bool | None = setting(
        None, "A 1x1 convolution after each of the decoder's convolutions", advanced=True
    )
    shuffle: int | None = setting(
        None, "Work at 1/shuffle of the resolution", least=1, most=8, advanced=True
    )
    anisotropy: float | None = setting(
        None,
        "In a volume, how many times as far apart as a slice's pixels the slices are; "
        "the file's scale if not given, else 1",
        least=0.01,
        most=100,
        advanced=True,
    )
    precision: Literal["auto", "float32", "bfloat16"] | None = setting(
        None, "Number format of convolutions", advanced=True
    )
    layout: Literal["contiguous", "channels-last"] | None = setting(
        None, "How images lie in memory; channels-last is the faster one", advanced=True
    )


InputName = Literal["mask", "guide", "psf"]
"""An image that a task is given beside the one to restore."""

INPUT_HELP: dict[InputName, str] = {
    "mask": "Image of the same size that is not zero where pixels are missing.",
    "guide": "The flash image, of the same size.",
    "psf": "Image of the point spread function, in the image's pixels.",
}
"""What each input is, for options and forms."""


LOOKS = 40
"""At the image over a fit's budget, to see whether it has settled."""


RUNS_TO_COMPARE = 4
"""With different seeds, to tell how sure a pixel is; their mean is the better image, too."""


@dataclass(frozen=True, kw_only=True)
class Task(SharedSettings):
    """Settings of one restoration. What is None is decided by the preset (`resolve`)."""

    name: ClassVar[str]
    """Its name on the command line and in JSON."""
    title: ClassVar[str]
    """Its name in forms."""
    needs: ClassVar[tuple[InputName, ...]] = ()
    """What has to be given beside the image."""
    accepts: ClassVar[tuple[InputName, ...]] = ("mask",)
    """What can be given beside the image."""
    parts: ClassVar[tuple[str, ...]] = ()
    """What `postprocess` gives beside the result."""
    fills_missing: ClassVar[bool] = False
    """Whether the task only fills missing pixels, and has nothing to do where none is missing."""

    @abstractmethod
    def preset_values(self, measurement: Measurement) -> dict[str, Any]:
        """What the preset sets for this measurement, by setting; `stop` stands for "auto".

        It tells `paper` from the others; `best` is what `best_values` makes of `fast`.
        """

    def best_values(self, measurement: Measurement) -> dict[str, Any]:
        """What `best` changes: the mean over seeds is the better image, at their number's price."""
        return {"runs": RUNS_TO_COMPARE}

    def prepare_measurement(self, measurement: Measurement) -> Measurement:
        """The measurement as this task takes it, such as without pixels that say nothing."""
        return measurement

    def operator(self, measurement: Measurement) -> Operator:
        """The forward operator, before missing pixels are masked."""
        from napari_dip.engine.operators import Identity

        return Identity()

    def factors(self, ndim: int) -> tuple[int, ...]:
        """How many times finer the result is, along each axis of space."""
        return (1,) * ndim

    def with_anisotropy(self, axes: Axes) -> Self:
        """These settings, with the spacing of slices taken from an image's axes if not given."""
        ratio = axes.anisotropy()
        if self.anisotropy is not None or ratio == 1:
            return self
        return self.replace(anisotropy=min(max(ratio, 0.01), 100.0))

    def input_image(self, measurement: Measurement, space: Sequence[int]) -> Tensor | None:
        """The picture that goes in where `input` is "image": the measurement, filled and sized."""
        from napari_dip.engine.operators import resize

        filled = fill_missing(measurement.y, measurement.observed)
        return resize(filled, space)

    def postprocess(self, x: Tensor, measurement: Measurement) -> dict[str, Tensor]:
        """The task's images, by name, from the fitted one, all (channels, *space).

        The first is the result.
        """
        return {"image": x}

    @property
    def keeps_known(self) -> bool:
        """Whether known pixels are returned as they were given, bit by bit."""
        return False

    def resolve(self, measurement: Measurement) -> Self:
        """These settings with nothing left open: what is None is filled in from the preset.

        Resolving twice changes nothing.
        """
        values = self.preset_values(measurement)
        if self.preset == "best":
            values |= self.best_values(measurement)
        if self.uncertainty:
            if self.runs == 1:
                raise UserError("runs: uncertainty compares runs; give 2 or more, or leave it out")
            values["runs"] = max(values["runs"], RUNS_TO_COMPARE)
        stop = values.pop("stop", "budget")
        values.setdefault("anisotropy", 1.0)
        filled = {k: v for k, v in values.items() if getattr(self, k) is None}
        if self.stop == "auto":
            filled["stop"] = stop
        task = self.replace(**filled)
        if task.recorrupt and not task._can_recorrupt(measurement):
            if self.recorrupt:
                raise UserError(
                    "recorrupt: it needs the noisy image itself as the network's input "
                    f"(input=image), and {self.name} with these settings has another; leave it out"
                )
            task = task.replace(recorrupt=False)
        if task.sigma is None and (task.stop == "sigma" or task.recorrupt):
            task = task.replace(
                sigma=min(1.0, measurement.estimated_sigma * measurement.data_range_per_unit)
            )
        levels = len(task.filters or ())
        return task.replace(
            **{
                name: _for_levels(getattr(task, name), levels)
                for name in ("skips", "kernels_down", "kernels_up", "upsampling")
            }
        )

    def problem(self, measurement: Measurement) -> Problem:
        """The fit's data term and input picture."""
        from napari_dip.engine.operators import Mask
        from napari_dip.engine.problem import Problem

        operator = self.operator(measurement)
        if not bool(measurement.observed.all()):
            operator = Mask(measurement.observed, operator)
        guide = None
        if self.input == "image":
            guide = self.input_image(measurement, operator.image_shape(measurement.space))
        y = measurement.y * measurement.observed
        return Problem(y, operator, guide)

    def fit_settings(self, measurement: Measurement) -> FitSettings:
        """The fit's settings, from resolved ones."""
        from napari_dip.engine.inputs import InputSpec
        from napari_dip.engine.networks import NetworkSpec
        from napari_dip.engine.problem import FitSettings

        settings = {f.name: getattr(self, f.name) for f in fields(self)}
        same = {f.name for f in fields(NetworkSpec)} & set(settings)
        depth, *_, across = self.factors(len(measurement.space))
        settings["anisotropy"] = (self.anisotropy or 1.0) * across / depth  # of what is fitted
        try:
            network = NetworkSpec(kind=settings["network"], **{n: settings[n] for n in same})
        except ValueError as error:
            raise UserError(str(error)) from None
        same = {f.name for f in fields(FitSettings)} & set(settings)
        options = {n: settings[n] for n in same - {"network", "input"}}
        if self.recorrupt and self.input_noise:
            sigma = (self.sigma or 0.0) / measurement.data_range_per_unit
            options["recorruption"] = (sigma / self.input_noise) ** 2
        spec = InputSpec(settings["input"], settings["input_channels"])
        return FitSettings(network, spec, stopping=self._stopping(measurement), **options)

    def _can_recorrupt(self, measurement: Measurement) -> bool:
        """Whether input and target are one noisy picture, to move noise between them."""
        from napari_dip.engine.operators import Identity

        is_itself = self.input == "image" and "guide" not in self.accepts
        return is_itself and isinstance(self.operator(measurement), Identity)

    def _stopping(self, measurement: Measurement) -> Stopping | None:
        from napari_dip.engine.stopping import Converged, Discrepancy, WindowedVariance

        if self.stop == "sigma":
            known = float(measurement.observed.float().mean())
            # The squared error is a mean over all pixels; only known ones can add to it.
            return Discrepancy((self.sigma or 0.0) / measurement.data_range_per_unit * known**0.5)
        if self.stop == "settled":
            iterations = self.iterations or 1
            # A longer budget changes the image more slowly; the rate has its peak before a half.
            return Converged(max(1, iterations // LOOKS), start_at=iterations // 2)
        return WindowedVariance() if self.stop == "variance" else None


def _for_levels(values: tuple[Any, ...] | None, levels: int) -> tuple[Any, ...] | None:
    """One entry for each level: the last one is repeated, what is too many is dropped."""
    if values is None:
        return None
    return (values + values[-1:] * levels)[:levels]
