"""Pictures too large to be fitted at once, or with frames to be fitted one by one.

`cutting` divides an array into blocks, `blending` joins what became of them, `store` is the
OME-Zarr that they go to. `plan` is what all blocks share, which `survey` decides; `item` is one of
them as a batch does it, and `mosaic` keeps the whole together.
"""
