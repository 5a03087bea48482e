"""Writing whole files or none."""

import pytest

from napari_dip.files.atomic import FileError, replacing


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), ValueError("odd")])
def test_a_failed_write_leaves_the_old_file(tmp_path, failure):
    path = tmp_path / "a.tif"
    path.write_text("old")
    with (
        pytest.raises(FileError, match=r"a\.tif: can't be written \((No space|odd)"),
        replacing(path) as temporary,
    ):
        temporary.write_text("half")
        raise failure
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupted_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.tif"
    with pytest.raises(KeyboardInterrupt), replacing(path) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
