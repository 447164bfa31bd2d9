"""A small convolutional network for small images."""

from __future__ import annotations

from collections.abc import Sequence

from barehand._barehand import Tensor
from barehand.nn import functional as F
from barehand.nn.container import ModuleList
from barehand.nn.convolution import Conv2d
from barehand.nn.linear import Linear
from barehand.nn.module import Module
from barehand.nn.normalization import Dropout


class CNN(Module):
    """Convolutions of 3 x 3, max-pooling by 2, and linear layers, with ReLU between them.

    Over images (N, channels, height, width), where `image` is (height, width). `convolutions` are the channels that each
    convolution puts out, `hidden` the widths of the hidden linear layers, of whose outputs `dropout` is dropped in
    training. The defaults are the network of PyTorch's MNIST example.

    >>> bh.nn.models.CNN(1, (28, 28), 10)(bh.zeros(2, 1, 28, 28)).shape
    (2, 10)
    """

    def __init__(
        self,
        channels: int,
        image: tuple[int, int],
        classes: int,
        convolutions: Sequence[int] = (32, 64),
        hidden: Sequence[int] = (128,),
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        lost = 2 * len(convolutions)
        if min(channels, classes, *convolutions, *hidden) <= 0 or min(image) < lost + 2:
            raise ValueError(
                f"{channels} channels of {tuple(image)}, convolutions to {list(convolutions)}, layers of {list(hidden)} and "
                f"{classes} classes: no number may be 0, and images must have {lost + 2} x {lost + 2} pixels at least"
            )
        outputs = [channels, *convolutions]
        self.convolutions = ModuleList([Conv2d(a, b, 3) for a, b in zip(outputs[:-1], outputs[1:], strict=True)])
        height, width = ((side - lost) // 2 for side in image)
        sizes = [outputs[-1] * height * width, *hidden, classes]
        self.layers = ModuleList([Linear(a, b) for a, b in zip(sizes[:-1], sizes[1:], strict=True)])
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        for convolution in self.convolutions:
            x = F.relu(convolution(x))
        x = F.max_pool2d(x, 2).flatten(1)
        *hidden, last = self.layers
        for layer in hidden:
            x = self.dropout(F.relu(layer(x)))
        return last(x)
