"""Ready-made image data sets, under the names of `torchvision.datasets`.

A sample is `(image, label)`. Without a transform the image is a tensor of bytes `(C, H, W)`, where torchvision has a
PIL image; after `transforms.ToTensor()` it is float32 from 0 to 1, as there. Nothing is ever downloaded: files are
looked for under `root` (or in the folder that the environment variable `BAREHAND_DATA` names), then where packages of
the operating system put them. `embedded` needs no file.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from barehand import _barehand
from barehand._barehand import Tensor, read_image
from barehand.data.dataset import Dataset
from barehand.data.transforms import source_of_images

__all__ = ["CIFAR10", "MNIST", "FashionMNIST", "ImageFolder", "embedded", "read_image"]

Transform = Callable[[Any], Any]
Path = str | os.PathLike[str]


class _Images(Dataset[tuple[Any, Any]]):
    """Labelled images in memory, as bytes."""

    def __init__(
        self,
        images: Tensor,
        targets: Tensor,
        classes: list[str],
        transform: Transform | None,
        target_transform: Transform | None,
    ) -> None:
        self.images = images
        """`(N, C, H, W)`, uint8."""
        self.targets = targets
        """`(N)`, int64: places in `classes`."""
        self.classes = classes
        self.class_to_idx = {name: label for label, name in enumerate(classes)}
        self.transform = transform
        self.target_transform = target_transform
        self._rows = _barehand._Source.of_tensors([images, targets])

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        index = int(index)
        n = len(self)
        if not -n <= index < n:
            raise IndexError(f"index {index} is out of range for {n} images")
        image, label = self._rows.sample(index % n, 0)
        target: Any = label.item()
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return image, target

    def _source(self) -> Any | None:
        if self.target_transform is not None:
            return None
        return source_of_images(self.images, self.targets, self.transform)

    def __repr__(self) -> str:
        shape = tuple(self.images.shape[1:])
        return f"{type(self).__name__}({len(self)} images {shape}, {len(self.classes)} classes)"


class _Known(_Images):
    def __init__(
        self,
        root: Path | None = None,
        train: bool = True,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
        download: bool = False,
    ) -> None:
        name = type(self).__name__
        try:
            found = _barehand._known_images(name, root, train)
        except OSError as error:
            if not download:
                raise
            # What a download would leave is what packages of the system already left.
            try:
                found = _barehand._known_images(name, None, train)
            except OSError:
                raise OSError(f"barehand downloads nothing, and has no {name} here: {error}") from error
        images, targets, classes = found
        super().__init__(images, targets, classes, transform, target_transform)
        self.root = root
        self.train = train


class MNIST(_Known):
    """Handwritten digits: 60,000 and 10,000 images `(1, 28, 28)` of 10 classes, from IDX or CSV files, gzipped or not.

    Args:
        root: the folder with the files, or above `MNIST/raw`; by default `BAREHAND_DATA` and the system's data sets.
        train: the 60,000 to learn from, or the 10,000 to be judged by.
        transform: what becomes of an image.
        target_transform: what becomes of a label.
        download: PyTorch's; nothing is downloaded, but what is not in `root` may come from the system's data sets.
    """

    @property
    def data(self) -> Tensor:
        """`(N, 28, 28)`, uint8."""
        return self.images.squeeze(1)


class FashionMNIST(MNIST):
    """Clothes: 60,000 and 10,000 images `(1, 28, 28)` of 10 classes, in the files of MNIST.

    On Debian and Ubuntu the package `dataset-fashion-mnist` has them. The arguments are those of `MNIST`.
    """


class CIFAR10(_Known):
    """Photographs: 50,000 and 10,000 images `(3, 32, 32)` of 10 classes, from the "binary version" of the files.

    The arguments are those of `MNIST`.
    """


class _Embedded(_Images):
    pass


def embedded(
    train: bool = True, transform: Transform | None = None, target_transform: Transform | None = None
) -> Dataset[tuple[Any, Any]]:
    """5,000 and 1,000 real images of Fashion-MNIST that come with the library: no file, no download."""
    images, targets, classes = _barehand._known_images("embedded", None, train)
    return _Embedded(images, targets, classes, transform, target_transform)


class ImageFolder(Dataset[tuple[Any, Any]]):
    """Pictures in one subfolder for each class: `root/CLASS/PICTURE.png` (or `.jpg`, `.jpeg`), read when asked for.

    Classes and pictures are in the order of their names. Reading lets other threads run: give the loader `num_workers`.

    Args:
        root: the folder of the classes' folders.
        transform: what becomes of an image, a tensor of bytes `(C, H, W)`.
        target_transform: what becomes of a label.
        loader: reads a path instead of `read_image`.
        mode: "rgb" or "gray".
        size: (height, width) to resize every picture to; by default they stay as they are.
    """

    extensions = (".png", ".jpg", ".jpeg")

    def __init__(
        self,
        root: Path,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
        loader: Callable[[str], Any] | None = None,
        *,
        mode: str = "rgb",
        size: tuple[int, int] | None = None,
    ) -> None:
        self.root = os.fspath(root)
        self.transform = transform
        self.target_transform = target_transform
        self.loader = loader or (lambda path: read_image(path, mode, size))
        if mode not in ("rgb", "gray"):
            raise ValueError(f"ImageFolder: mode is 'rgb' or 'gray', not {mode!r}")
        with os.scandir(self.root) as entries:
            self.classes = sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith("."))
        if not self.classes:
            raise FileNotFoundError(f"{self.root}: no subfolders, expected one for each class")
        self.class_to_idx = {name: label for label, name in enumerate(self.classes)}
        self.samples: list[tuple[str, int]] = []
        for name, label in self.class_to_idx.items():
            folder = os.path.join(self.root, name)
            pictures = sorted(file for file in os.listdir(folder) if self._is_picture(file))
            if not pictures:
                raise FileNotFoundError(f"{folder}: no file ending in {', '.join(self.extensions)} in this class")
            self.samples += [(os.path.join(folder, file), label) for file in pictures]
        self.imgs = self.samples
        self.targets = [label for _, label in self.samples]

    def _is_picture(self, file: str) -> bool:
        return file.lower().endswith(self.extensions) and not file.startswith(".")

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        path, target = self.samples[index]
        image = self.loader(path)
        if self.transform is not None:
            image = self.transform(image)
        return image, target if self.target_transform is None else self.target_transform(target)
