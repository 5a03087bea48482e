"""Flash / no-flash: the input of its network."""

from napari_dip.tasks.flash import FlashNoFlash


def test_the_flash_image_is_the_input(measured):
    measurement = measured()
    for preset in ("fast", "paper"):
        task = FlashNoFlash(preset=preset).resolve(measurement)
        assert task.problem(measurement).guide is measurement.guide
