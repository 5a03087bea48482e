"""Pictures too large to be fitted at once, or with frames to be fitted one by one.

`cutting` divides an array into blocks, `blending` joins what became of them, `store` is the
OME-Zarr that they go to, `plan` what all blocks share, `item` one of them as a batch does it, and
`mosaic` keeps the whole together.
"""
