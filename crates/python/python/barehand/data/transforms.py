"""What happens to an image on its way into a batch, under the names of `torchvision.transforms`.

Images are tensors `(C, H, W)`: bytes as they come, reals from 0 to 1 after `ToTensor`. Any callable is a transform. A
`Compose` of random crops (to the size of the image), random flips, `ToTensor` and `Normalize` is done by the library
for a whole batch at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from barehand import _barehand
from barehand._barehand import Tensor
from barehand.data import chance

__all__ = ["Compose", "Lambda", "Normalize", "RandomCrop", "RandomHorizontalFlip", "ToTensor"]


class Compose:
    """One transform after another."""

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        self.transforms = list(transforms)

    def __call__(self, image: Any) -> Any:
        for transform in self.transforms:
            image = transform(image)
        return image

    def __repr__(self) -> str:
        lines = "".join(f"\n    {transform}" for transform in self.transforms)
        return f"Compose({lines}\n)"


class ToTensor:
    """Bytes as float32 from 0 to 1: a tensor `(C, H, W)`, or an array or PIL image `(H, W, C)` or `(H, W)`."""

    def __call__(self, image: Any) -> Tensor:
        if not isinstance(image, Tensor):
            array = np.asarray(image)
            if array.ndim == 2:
                array = array[:, :, None]
            if array.ndim != 3:
                raise ValueError(f"ToTensor: expected an image (H, W) or (H, W, C), found shape {array.shape}")
            image = _barehand.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))
        return _barehand._scale_image(image) if image.dtype == _barehand.uint8 else image

    def __repr__(self) -> str:
        return "ToTensor()"


class Normalize:
    """`(x - mean) / std` for each channel of a float32 image."""

    def __init__(self, mean: Sequence[float] | float, std: Sequence[float] | float) -> None:
        self.mean = [float(m) for m in (mean if isinstance(mean, Sequence) else [mean])]
        self.std = [float(s) for s in (std if isinstance(std, Sequence) else [std])]
        if 0.0 in self.std:
            raise ValueError(f"Normalize: a standard deviation is 0 in {self.std}")

    def __call__(self, image: Tensor) -> Tensor:
        return _barehand._normalize_image(image, self.mean, self.std)

    def __repr__(self) -> str:
        return f"Normalize(mean={self.mean}, std={self.std})"


class RandomHorizontalFlip:
    """Mirrors an image left to right with probability `p`."""

    def __init__(self, p: float = 0.5) -> None:
        if not 0 <= p <= 1:
            raise ValueError(f"RandomHorizontalFlip: p lies in [0, 1], not {p}")
        self.p = p

    def __call__(self, image: Tensor) -> Tensor:
        return _barehand._mirror_image(image) if chance.uniform() < self.p else image

    def __repr__(self) -> str:
        return f"RandomHorizontalFlip(p={self.p})"


class RandomCrop:
    """A window of `size` (one side, or height and width) at random, of the image with `padding` zeros around it."""

    def __init__(self, size: int | Sequence[int], padding: int = 0) -> None:
        self.size = (size, size) if isinstance(size, int) else (size[0], size[1])
        if min(self.size) <= 0 or padding < 0:
            raise ValueError(f"RandomCrop: size {self.size} must be positive, padding {padding} not negative")
        self.padding = padding

    def __call__(self, image: Tensor) -> Tensor:
        height, width = image.shape[-2:]
        room = [n + 2 * self.padding - side for n, side in zip((height, width), self.size, strict=True)]
        if min(room) < 0:
            raise ValueError(
                f"RandomCrop: {self.size} is larger than an image {(height, width)} padded by {self.padding}"
            )
        corner = (chance.below(room[0] + 1), chance.below(room[1] + 1))
        return _barehand._crop_image(image, corner, self.size, self.padding)

    def __repr__(self) -> str:
        return f"RandomCrop(size={self.size}, padding={self.padding})"


class Lambda:
    """Any function."""

    def __init__(self, lambd: Callable[[Any], Any]) -> None:
        self.lambd = lambd

    def __call__(self, image: Any) -> Any:
        return self.lambd(image)

    def __repr__(self) -> str:
        return f"Lambda({self.lambd!r})"


def source_of_images(images: Tensor, labels: Tensor, transform: Any) -> Any | None:
    """Images with `transform` as a data set of the library; `None` where Python must be asked.

    The library does, in this order: crop and flip, scale to 0..1, normalise.
    """
    steps = list(_flat(transform))
    channels, height, width = images.shape[1:]
    mean, std, flip, padding = [0.0] * channels, [1.0] * channels, None, None
    scaled = normalized = False
    for step in steps:
        # Zeros around an image are black only before it is normalised.
        if normalized:
            return None
        if type(step) is RandomCrop and padding is None and step.size == (height, width):
            if step.padding >= min(height, width):
                return None
            padding = step.padding
        elif type(step) is RandomHorizontalFlip and flip is None:
            flip = step.p
        elif type(step) is ToTensor and not scaled:
            scaled = True
        elif type(step) is Normalize and scaled:
            if not {len(step.mean), len(step.std)} <= {1, channels}:
                return None
            mean = step.mean * (channels // len(step.mean))
            std = step.std * (channels // len(step.std))
            normalized = True
        else:
            return None
    if not steps:
        return _barehand._Source.of_tensors([images, labels])
    if not scaled:
        return None
    return _barehand._Source.of_images(images, labels, mean, std, flip or 0.0, padding or 0)


def _flat(transform: Any) -> list[Any]:
    if transform is None:
        return []
    if type(transform) is Compose:
        return [step for inner in transform.transforms for step in _flat(inner)]
    return [transform]
