"""Make the pictures of the documentation: each task on its sample, as `napari-dip demo` shows it.

    python docs/scripts/pictures.py [TASK ...]

The scores in their titles are measured as the script runs. Without tasks it makes all of them and
the overview; given tasks it remakes theirs.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image

from napari_dip.files.figures import side_by_side
from napari_dip.samples.demo import FIGURE_NAME, run_demo
from napari_dip.samples.pictures import SAMPLES

IMAGES = Path(__file__).parents[1] / "images"

OVERVIEW = {"denoise": "Noise", "inpaint": "Text", "upscale": "Low resolution"}


def main(tasks: list[str]) -> None:
    """Run the demo of each task and keep its figure."""
    IMAGES.mkdir(exist_ok=True)
    panels = {}
    with tempfile.TemporaryDirectory() as temporary:
        for task in tasks or SAMPLES:
            demo = run_demo(task, Path(temporary) / task)
            shutil.copy(demo.folder / FIGURE_NAME, IMAGES / f"{task}.png")
            if task in OVERVIEW:
                shown = demo.sample.image
                if shown.shape != demo.result.image.shape:
                    size = demo.result.image.shape[1::-1]
                    shown = Image.fromarray(shown).resize(size, Image.Resampling.NEAREST)
                panels[OVERVIEW[task]] = shown
                panels[f"{OVERVIEW[task]}: restored"] = demo.result.image
    if len(panels) == 2 * len(OVERVIEW):
        side_by_side(panels, IMAGES / "overview.png")


if __name__ == "__main__":
    main(sys.argv[1:])
