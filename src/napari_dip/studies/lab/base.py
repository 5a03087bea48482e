"""The base of the lab's studies: their settings, their inputs, and parts made of restorations."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

from napari_dip.data.axes import CHANNELS
from napari_dip.data.metrics import psnr, ssim
from napari_dip.errors import UserError
from napari_dip.restoration.job import Job
from napari_dip.restoration.restore import prepare
from napari_dip.studies.study import Array, PartUpdate, ShouldStop, StudyPart, computed_part
from napari_dip.tasks.base import Preset, Task
from napari_dip.tasks.denoise import Denoise
from napari_dip.tasks.inpaint import Inpaint
from napari_dip.tasks.settings import Settings, setting
from napari_dip.tasks.upscale import Upscale

if TYPE_CHECKING:
    from torch import Tensor


StudyInputName: TypeAlias = Literal["image", "mask", "reference"]

NetworkPreset = Literal["fast", "paper"]
"""The presets of a study in which they differ in the network alone."""

STUDIED_TASKS = {task.name: task for task in (Upscale, Denoise, Inpaint)}
"""The tasks of a `StudyOfTask` by name."""


@dataclass(frozen=True)
class StudyInputs:
    """The inputs of a study; each is as in `restore`."""

    image: Array | None = field(default=None, repr=False)
    axes: str | None = None
    mask: Array | None = field(default=None, repr=False)
    reference: Array | None = field(default=None, repr=False)
    data_range: float | None = None
    device: str = "auto"
    seed: int = 0

    def job(self, task: Task) -> Job:
        """A restoration of the image by a task."""
        if self.image is None:
            raise UserError("image: expected an image, got none; give one")
        return prepare(
            self.image,
            task,
            axes=self.axes,
            mask=self.mask,
            reference=self.reference,
            data_range=self.data_range,
            device=self.device,
            seed=self.seed,
        )


@dataclass(frozen=True, kw_only=True)
class Study(Settings):
    """Settings of one study: what is compared, and how.

    A study is a frozen dataclass that derives from this class, sets `name`, `title` and `axis`, and
    implements `parts`. `STUDIES.register` adds it to the command line and to the Prior lab dock.
    The docstring's first line is the command's short help, all of it the long one.
    """

    name: ClassVar[str]
    """The name on the command line and in JSON."""
    title: ClassVar[str]
    """The name in forms."""
    axis: ClassVar[str]
    """What the pictures differ in."""
    accepts: ClassVar[tuple[StudyInputName, ...]] = ("image",)
    """The inputs that the study takes."""
    side_by_side: ClassVar[bool] = False
    """Whether a dock first shows the pictures beside each other, not as a stack."""
    interleaved: ClassVar[bool] = False
    """Whether the parts advance by turns."""

    @abstractmethod
    def parts(self, study_inputs: StudyInputs) -> tuple[StudyPart, ...]:
        """The pictures to be made. Everything that can be checked is checked here, before a fit."""

    def growth(self) -> int:
        """How many times finer the pictures are than the image."""
        return 1


@dataclass(frozen=True, kw_only=True)
class StudyOfTask(Study):
    """A study that makes one restoration in several ways."""

    accepts = ("image", "mask", "reference")

    task: Literal["upscale", "denoise", "inpaint"] = setting(
        "upscale", "The task that restores the image"
    )
    factor: int = setting(
        4, "For upscale: how many times larger the result is on each axis", least=2, most=32
    )
    sigma: float | None = setting(
        None,
        "For denoise: standard deviation of the noise as a fraction of the data range, such as "
        "25/255; estimated if not given",
        least=0,
        most=1,
    )
    preset: Preset = setting("fast", "The deep prior's settings, as in the task's own command")
    iterations: int | None = setting(
        None,
        "Iteration budget of each deep prior; the preset's if not given",
        least=1,
        most=10**6,
    )

    def growth(self) -> int:
        return self.factor if self.task == Upscale.name else 1

    def restoration(self, **settings: Any) -> Task:
        """The task with the study's settings, and with further ones."""
        chosen: dict[str, Any] = {"preset": self.preset, "iterations": self.iterations}
        if self.task == Upscale.name:
            chosen["factor"] = self.factor
        elif self.task == Denoise.name:
            chosen["sigma"] = self.sigma
        task = STUDIED_TASKS[self.task]
        return task(**{**chosen, **task.fit_alone, **settings})


def restoration_part(name: str, job: Job) -> StudyPart:
    """A part of a study that is a restoration."""

    def run(should_stop: ShouldStop) -> Generator[PartUpdate]:
        for update in job.run(should_stop):
            scores = {} if update.psnr is None else {"psnr": update.psnr}
            result = update.result
            if result is not None and result.ssim is not None:
                scores["ssim"] = result.ssim
            yield PartUpdate(update.iteration, update.image, update.loss, scores)

    return StudyPart(name, (job.task.runs or 1) * (job.task.iterations or 1), run)


def classical_part(name: str, job: Job, method: Callable[[Job], Tensor]) -> StudyPart:
    """A part of a study that a classical method computes; it returns (channels, *space) like y."""
    return computed_part(
        name, lambda: decode_image(job, method(job)), lambda image: reference_scores(job, image)
    )


def decode_image(job: Job, x: Tensor) -> Array:
    """An image (channels, *space) in the axes and values in which the job returns images."""
    import numpy as np

    image = job.encoding.decode(x)
    if job.task.keeps_known:
        known = job.encoding.decode_mask(job.measurement.observed[0])
        image = np.where(known, job.image, image)
    return image


def reference_scores(job: Job, image: Array) -> dict[str, float]:
    """PSNR and SSIM against the job's reference; empty without one."""
    if job.reference is None:
        return {}
    channel = next((i for i, a in enumerate(job.encoding.axes) if a in CHANNELS), None)
    return {
        "psnr": psnr(image, job.reference, job.data_range),
        "ssim": ssim(image, job.reference, job.data_range, channel),
    }
