"""A small classifier of scikit-learn's bundled digits, trained in seconds.

    napari-dip layers --model digits_classifier:digits_classifier
    napari-dip maximize -o eights.png --model digits_classifier:digits_classifier --unit 3,8

Run this in the folder of this file: `module:function` is imported from there too.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from napari_dip import Classifier, Preprocessing

SIDE = 24
"""Side of the images in pixels. The digits themselves have 8 and are enlarged."""

EPOCHS = 6

BATCH = 64
"""Images for each step of the training."""


class Net(nn.Module):
    """Three convolutions and two linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 12, 5, padding=2)
        self.conv2 = nn.Conv2d(12, 24, 3, stride=2, padding=1)
        self.conv3 = nn.Conv2d(24, 32, 3, stride=2, padding=1)
        self.relu = nn.ReLU(inplace=True)
        self.fc1 = nn.Linear(32 * 3 * 3, 32)
        self.fc2 = nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        for conv in (self.conv1, self.conv2, self.conv3):
            x = self.relu(conv(x))
        x = F.max_pool2d(x, 2).flatten(1)
        out: Tensor = self.fc2(self.relu(self.fc1(x)))
        return out


@cache
def digits() -> tuple[np.ndarray, np.ndarray]:
    """All digits as images (n, SIDE, SIDE) in [0, 1], and their labels."""
    from sklearn.datasets import load_digits

    found = load_digits()
    x = torch.from_numpy(found.images / 16).float()[:, None]
    x = F.interpolate(x, size=(SIDE, SIDE), mode="bilinear")
    return x[:, 0].clamp(0, 1).numpy(), found.target


@cache
def digits_classifier() -> Classifier:
    """Train the classifier. It recognises about 98 % of the digits.

    The learning rate falls to 0 and the labels are smoothed, so that every training, also one that
    rounds differently on another processor, ends in a classifier that is sure of each class.
    """
    images, labels = digits()
    x, y = torch.from_numpy(images)[:, None], torch.from_numpy(labels)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = Net()
        optimizer = torch.optim.Adam(net.parameters(), 5e-3)
        steps = EPOCHS * math.ceil(len(x) / BATCH)
        schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, steps)
        for _ in range(EPOCHS):
            for batch in torch.randperm(len(x)).split(BATCH):
                # With noise: the classifier then relies less on patterns of single pixels.
                given = (x[batch] - 0.5) / 0.5
                logits = net(given + 0.5 * torch.randn_like(given))
                loss = F.cross_entropy(logits, y[batch], label_smoothing=0.1)
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                schedule.step()
    return Classifier(net, Preprocessing(SIDE, (0.5,), (0.5,)), "digits")
