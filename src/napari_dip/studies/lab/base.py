"""What the lab's studies share: settings, what they are given, and parts made of restorations."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

from napari_dip.data.axes import CHANNELS
from napari_dip.data.metrics import psnr, ssim
from napari_dip.errors import UserError
from napari_dip.restoration.job import Job
from napari_dip.restoration.restore import prepare
from napari_dip.studies.study import Array, PartUpdate, ShouldStop, StudyPart, computed_part
from napari_dip.tasks.base import Preset, Task
from napari_dip.tasks.registry import TASKS
from napari_dip.tasks.settings import Settings, setting

if TYPE_CHECKING:
    from torch import Tensor


StudyInputName: TypeAlias = Literal["image", "mask", "reference"]


Network = Literal["fast", "paper"]
"""Where nothing but the network differs between the presets."""


@dataclass(frozen=True)
class StudyInputs:
    """What a study is made with; each as in `restore`."""

    image: Array | None = field(default=None, repr=False)
    axes: str | None = None
    mask: Array | None = field(default=None, repr=False)
    reference: Array | None = field(default=None, repr=False)
    data_range: float | None = None
    device: str = "auto"
    seed: int = 0

    def job(self, task: Task) -> Job:
        """A restoration of the image."""
        if self.image is None:
            raise UserError("image: it is needed")
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
    """Settings of one study: what is compared, and how."""

    name: ClassVar[str]
    """Its name on the command line and in JSON."""
    title: ClassVar[str]
    """Its name in forms."""
    axis: ClassVar[str]
    """What its pictures differ in."""
    accepts: ClassVar[tuple[StudyInputName, ...]] = ("image",)
    """What it is made with."""
    side_by_side: ClassVar[bool] = False
    """Whether a dock shows its pictures beside each other at first, not as a stack."""
    interleaved: ClassVar[bool] = False
    """Whether its parts advance by turns."""

    @abstractmethod
    def parts(self, study_inputs: StudyInputs) -> tuple[StudyPart, ...]:
        """What is made. All that can be checked is checked here, before anything is fitted."""

    def growth(self) -> int:
        """How many times finer the pictures are than the image."""
        return 1


@dataclass(frozen=True, kw_only=True)
class StudyOfTask(Study):
    """A study of one restoration, made in several ways."""

    accepts = ("image", "mask", "reference")

    task: Literal["upscale", "denoise", "inpaint"] = setting("upscale", "What is restored")
    factor: int = setting(
        4, "Of upscale: how many times larger the result is on each axis", least=2, most=32
    )
    sigma: float | None = setting(
        None,
        "Of denoise: the noise's standard deviation as a fraction of the data range, such as "
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
        return self.factor if self.task == "upscale" else 1

    def restoration(self, **settings: Any) -> Task:
        """The task, with these settings."""
        chosen: dict[str, Any] = {"preset": self.preset, "iterations": self.iterations}
        if self.task == "upscale":
            chosen["factor"] = self.factor
        elif self.task == "denoise":
            chosen["sigma"] = self.sigma
        return TASKS[self.task](**{**chosen, **settings})


def restoration_part(name: str, job: Job) -> StudyPart:
    """A restoration as a part of a study."""

    def run(should_stop: ShouldStop) -> Iterator[PartUpdate]:
        for update in job.run(should_stop):
            known = {} if update.psnr is None else {"psnr": update.psnr}
            result = update.result
            if result is not None and result.ssim is not None:
                known["ssim"] = result.ssim
            yield PartUpdate(update.iteration, update.image, update.loss, known)

    return StudyPart(name, (job.task.runs or 1) * (job.task.iterations or 1), run)


def classical_part(name: str, job: Job, method: Callable[[Job], Tensor]) -> StudyPart:
    """A classical method as a part of a study; it gives (channels, *space) in y's units."""

    def make() -> Array:
        return decode_image(job, method(job))

    return computed_part(name, make, lambda image: scores(job, image))


def decode_image(job: Job, x: Tensor) -> Array:
    """An image (channels, *space) as the job would return it."""
    import numpy as np

    image = job.encoding.decode(x)
    if job.task.keeps_known:
        known = job.encoding.decode_mask(job.measurement.observed[0])
        image = np.where(known, job.image, image)
    return image


def scores(job: Job, image: Array) -> dict[str, float]:
    """PSNR and SSIM against the job's reference, if it has one."""
    if job.reference is None:
        return {}
    channel = next((i for i, a in enumerate(job.encoding.axes) if a in CHANNELS), None)
    return {
        "psnr": psnr(image, job.reference, job.data_range),
        "ssim": ssim(image, job.reference, job.data_range, channel),
    }
