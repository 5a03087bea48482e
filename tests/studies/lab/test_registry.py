"""A study from outside the package: one class and `register`."""

from dataclasses import dataclass

import numpy as np
import pytest
from click.testing import CliRunner

from napari_dip import registry, run_study
from napari_dip.cli.main import main
from napari_dip.errors import UserError
from napari_dip.studies.lab.base import Study
from napari_dip.studies.lab.registry import STUDIES
from napari_dip.studies.study import computed_part
from napari_dip.tasks.settings import setting


@dataclass(frozen=True, kw_only=True)
class Flips(Study):
    """Flip an image along each of its axes.

    Examples
    --------
    >>> Flips()
    """

    name = "flips"
    title = "Flips"
    axis = "flipped axis"

    times: int = setting(1, "How many times each axis is flipped", least=1, most=9)

    def parts(self, study_inputs):
        image = study_inputs.image

        def flip(axis):
            return image if self.times % 2 == 0 else np.flip(image, axis)

        return tuple(
            computed_part(f"axis {axis}", lambda axis=axis: flip(axis))
            for axis in range(image.ndim)
        )


@pytest.fixture
def flips():
    yield STUDIES.register(Flips)
    STUDIES.unregister("flips")


def test_a_registered_study_runs(flips, picture):
    result = run_study(flips(), picture)
    assert result.names == ("axis 0", "axis 1")
    assert (result["axis 1"].image == picture[:, ::-1]).all()
    assert result.is_complete
    assert result.report()["settings"]["times"] == 1


def test_a_registered_study_has_its_command(flips, tmp_path, monkeypatch):
    from napari_dip.files.image_file import read_image, write_image

    monkeypatch.chdir(tmp_path)
    image = np.arange(30, dtype=np.uint8).reshape(5, 6)
    write_image(tmp_path / "in.tif", image)
    text = CliRunner().invoke(main, ["flips", "--help"]).stdout
    assert "--times" in text
    assert "Flips()" not in text
    assert "Flip an image along each of its axes." in CliRunner().invoke(main, ["--help"]).stdout
    done = CliRunner().invoke(main, ["flips", "in.tif", "-o", "out.tif", "--times", "3"])
    assert done.exit_code == 0, done.output
    assert (read_image(tmp_path / "out.tif").data[0] == image[::-1]).all()


def test_studies_of_other_packages_are_found_by_their_entry_points(monkeypatch):
    class Point:
        load = staticmethod(lambda: Flips)

    asked = []
    monkeypatch.setattr(registry, "entry_points", lambda group: asked.append(group) or [Point])
    monkeypatch.delitem(STUDIES.__dict__, "_entries", raising=False)
    try:
        assert STUDIES["flips"] is Flips
        assert asked == ["napari_dip.studies"]
    finally:
        STUDIES.__dict__.pop("_entries", None)


def test_the_error_names_what_a_study_lacks():
    class Nameless(Study):
        title = "Nameless"

    with pytest.raises(
        UserError, match=r"^study: Nameless has no name and no axis and no parts and no docstring"
    ):
        STUDIES.register(Nameless)
    with pytest.raises(UserError, match=r"^study: expected a subclass of Study, got 5"):
        STUDIES.register(5)
