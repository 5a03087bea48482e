"""Similar patches: where they lie in a plane or a volume."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from napari_dip.engine.patch_noise import Noise, crop_or_pad

_BLOCK = 8
"""Rows and columns of reference patches whose search windows are compared in one product."""


@dataclass(frozen=True)
class Search:
    """A grid of reference patches, and where patches similar to them are searched.

    Attributes
    ----------
    patch
        Side of a patch in pixels.
    group
        Number of patches in a group; the reference patch is one of them.
    step
        Distance in pixels between neighbouring reference patches.
    radius
        Largest distance in pixels, along y and x, from a reference patch to its similar patches.
    start
        Slice, row and column of the first reference patch.
    count
        Number of reference patches along z, y and x.
    depth
        Slices of a patch; 1 in planes.
    slice_step
        Distance in slices between neighbouring reference patches.
    slice_radius
        Largest distance in slices from a reference patch to its similar patches.
    """

    patch: int
    group: int
    step: int
    radius: int
    start: tuple[int, int, int]
    count: tuple[int, int, int]
    depth: int = 1
    slice_step: int = 1
    slice_radius: int = 0

    @classmethod
    def over(
        cls,
        shape: Sequence[int],
        patch: int,
        group: int,
        step: int,
        radius: int,
        depth: int = 1,
        slice_step: int = 1,
        slice_radius: int = 0,
    ) -> Search:
        """A search in all of an image of a shape (z, y, x), cut where the image is smaller."""
        places = (shape[0] - depth + 1, *(side - patch + 1 for side in shape[1:]))
        radius = min(radius, max(places[1:]) - 1)
        reaches = (slice_radius, radius, radius)
        most = math.prod(min(n, reach + 1) for n, reach in zip(places, reaches, strict=True))
        steps = (slice_step, step, step)
        z, y, x = (math.ceil(n / each) for n, each in zip(places, steps, strict=True))
        group = min(group, most)
        start = (0, 0, 0)
        return cls(patch, group, step, radius, start, (z, y, x), depth, slice_step, slice_radius)

    def tiles(
        self, shape: Sequence[int], tile: Sequence[int]
    ) -> Iterator[tuple[tuple[slice, ...], Search]]:
        """Cut a search in all of an image (z, y, x) into tiles of so many reference patches.

        Yields boxes of the image, which hold all that is searched, and the searches in them.
        """
        sides = (self.depth, self.patch, self.patch)
        steps = (self.slice_step, self.step, self.step)
        radii = (self.slice_radius, self.radius, self.radius)
        axes = tuple(zip(shape, sides, steps, radii, strict=True))
        for first in itertools.product(*map(range, (0, 0, 0), self.count, tile)):
            box, start, count = [], [], []
            for axis, (length, side, step, radius) in enumerate(axes):
                number = min(tile[axis], self.count[axis] - first[axis])
                corner = first[axis] * step
                begin = max(corner - radius, 0)
                end = min(corner + tile[axis] * step + radius, length - side + 1)
                box.append(slice(begin, end + side - 1))
                start.append(corner - begin)
                count.append(number)
            yield (
                tuple(box),
                replace(
                    self, start=(start[0], start[1], start[2]), count=(count[0], count[1], count[2])
                ),
            )


def _patches_of_slices(image: Tensor, patch: int, depth: int) -> Tensor:
    """All patches of an image, with those of each slice apart.

    Parameters
    ----------
    image
        (z, y, x); a plane is one slice.
    patch, depth
        Side of a patch in pixels, and its number of slices.

    Returns
    -------
    Tensor
        (z - depth + 1, pixels, places): pixels of a patch slice by slice and row by row, places in
        a slice row by row.
    """
    slices = F.unfold(image[:, None], patch)
    last = len(image) - depth + 1
    return torch.cat([slices[first : first + last] for first in range(depth)], 1)


def rows_of_patches(image: Tensor, search: Search) -> Tensor:
    """All patches of an image (z, y, x), row by row and slice by slice: (places, pixels)."""
    patches = _patches_of_slices(image, search.patch, search.depth)
    return patches.mT.reshape(-1, patches.shape[1])


def sum_patches(patches: Tensor, like: Tensor, search: Search) -> Tensor:
    """Sum of all patches (places, pixels), each at its place: an image (z, y, x)."""
    last = len(like) - search.depth + 1
    each = patches.view(last, -1, patches.shape[1]).mT
    total = torch.zeros_like(like)
    for first, pixels in enumerate(torch.split(each, search.patch**2, 1)):
        total[first : first + last] += F.fold(pixels, like.shape[1:], search.patch)[:, 0]
    return total


def match_patches(guide: Tensor, search: Search, noise: Noise | None) -> Tensor:
    """Find the patches that are most similar to each reference patch.

    Parameters
    ----------
    guide
        Image (channels, z, y, x) whose patches are compared, by the sum of squared differences; a
        plane is one slice.
    search
        Reference patches and the places searched.
    noise
        Noise of the guide; None if it is clean. Neighbouring patches that share correlated
        noise look more similar than they are; this is corrected.

    Returns
    -------
    Tensor
        Places of the patches, counted row by row and slice by slice: (references, group).
    """
    step, radius, side = search.step, search.radius, 2 * search.radius + 1
    rows, columns = (length - search.patch + 1 for length in guide.shape[2:])
    bands, across = (-(-n // _BLOCK) for n in search.count[1:])
    features, norms = _search_windows(guide, search, bands, across)
    shared = None
    if noise is not None and noise.correlation is not None:
        energy = 2 * len(guide) * search.depth * search.patch**2 * noise.sigma**2
        shared = energy * crop_or_pad(noise.correlation, radius).flatten()
    each = torch.arange(_BLOCK, device=guide.device)
    in_column = each + torch.arange(across, device=guide.device)[:, None] * _BLOCK
    groups = []
    for own in range(search.count[0]):
        at = search.start[0] + own * search.slice_step
        first, last = (
            max(at - search.slice_radius, 0),
            min(at + search.slice_radius + 1, len(norms)),
        )
        same = slice((at - first) * side**2, (at - first + 1) * side**2)
        for band in range(bands):
            centre = slice(radius, features.shape[4] - radius, step)
            references = features[:, at, band, :, centre, centre]
            distances = torch.cat(
                [
                    _distances(references, features[:, z, band], norms[z, band], step, radius)
                    for z in range(first, last)
                ],
                -1,
            )
            if shared is not None:
                distances[..., same] += shared
            distances[..., same.start + side**2 // 2] = -math.inf
            near = distances.topk(search.group, largest=False, sorted=False).indices
            place, near = first + near // side**2, near % side**2
            in_row = each + band * _BLOCK
            row = search.start[1] + in_row[:, None, None] * step + near // side - radius
            column = search.start[2] + in_column[:, None, :, None] * step + near % side - radius
            inside = (in_row < search.count[1])[:, None] & (in_column < search.count[2])[:, None, :]
            groups.append(((place * rows + row) * columns + column)[inside])
    return torch.cat(groups)


def reference_places(search: Search, rows: int, columns: int) -> Tensor:
    """Places of the reference patches, in the order of the groups of `match_patches`.

    Parameters
    ----------
    search
        Reference patches and the places searched.
    rows, columns
        Number of patches in a column and in a row of a slice of the image.

    Returns
    -------
    Tensor
        Places of the reference patches, counted row by row and slice by slice: (references,).
    """
    bands, across = (-(-n // _BLOCK) for n in search.count[1:])
    in_slice = torch.arange(search.count[0]).view(-1, 1, 1, 1, 1)
    in_row = torch.arange(bands * _BLOCK).view(bands, 1, _BLOCK, 1)
    in_column = torch.arange(across * _BLOCK).view(1, across, 1, _BLOCK)
    inside = (in_row < search.count[1]) & (in_column < search.count[2])
    place = search.start[0] + search.slice_step * in_slice
    row, column = (
        start + search.step * each
        for start, each in zip(search.start[1:], (in_row, in_column), strict=True)
    )
    return ((place * rows + row) * columns + column)[inside.expand(search.count[0], *inside.shape)]


def _search_windows(
    guide: Tensor, search: Search, bands: int, across: int
) -> tuple[Tensor, Tensor]:
    """The patches around each block of reference patches, and their squared norms.

    Blocks are `_BLOCK` reference patches on a side. Shapes: (features, z, bands, across, y, x) and
    (z, bands, across, y, x).
    """
    rows, columns = (side - search.patch + 1 for side in guide.shape[2:])
    centred = guide - guide.mean()
    patches = [_patches_of_slices(channel, search.patch, search.depth) for channel in centred]
    features = torch.cat(patches, 1).transpose(0, 1)
    features = features.reshape(*features.shape[:2], rows, columns)
    stride = _BLOCK * search.step
    span = stride - search.step + 2 * search.radius + 1
    borders = []
    for axis, blocks, size in ((2, across, columns), (1, bands, rows)):
        before = search.radius - search.start[axis]
        borders += [before, max((blocks - 1) * stride + span - before - size, 0)]
    norms = F.pad(features.square().sum(0), borders, value=math.inf)
    features = F.pad(features, borders)
    features = features.unfold(2, span, stride).unfold(3, span, stride)
    norms = norms.unfold(1, span, stride).unfold(2, span, stride)
    return features[:, :, :bands, :across], norms[:, :bands, :across]


def _distances(
    references: Tensor, features: Tensor, norms: Tensor, step: int, radius: int
) -> Tensor:
    """Squared distances of reference patches to the patches around them, less their own norm.

    Takes references (features, blocks, rows, columns), the patches of a slice (features, blocks, y,
    x) and their squared norms (blocks, y, x), returns (blocks, rows, columns, places).
    """
    blocks, span = norms.shape[:2]
    side = 2 * radius + 1
    distances = torch.baddbmm(
        norms.reshape(blocks, 1, -1),
        references.permute(1, 2, 3, 0).reshape(blocks, _BLOCK**2, -1),
        features.transpose(0, 1).reshape(blocks, len(features), -1),
        alpha=-2,
    )
    # The window of each reference patch is cut out of the window of its block.
    strides = (_BLOCK**2 * span**2, _BLOCK * span**2 + step * span, span**2 + step, span, 1)
    cut = distances.as_strided((blocks, _BLOCK, _BLOCK, side, side), strides)
    return cut.reshape(blocks, _BLOCK, _BLOCK, side**2)
