"""Trains a classifier with PyTorch (`pip install torch`): python examples/train.py data_64.h5."""

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader

import synrender


def prepare(sample: dict) -> tuple[torch.Tensor, int]:
    """A function of the module, so that it also reaches workers that are spawned."""
    return torch.from_numpy(sample["image"]).float(), sample["class"]


def main(path: str, num_epochs: int = 5) -> float:
    """Returns the share of validation samples that are classified rightly."""
    fields = ("image", "class")
    train = synrender.open_dataset(path, "train", prepare, fields)
    validation = synrender.open_dataset(path, "validation", prepare, fields)
    model = nn.Sequential(
        nn.Conv2d(3, 32, 5, stride=2), nn.ReLU(), nn.Conv2d(32, 64, 5, stride=2), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, max(train.class_names) + 1),
    )  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters())
    for _ in range(num_epochs):
        for images, classes in DataLoader(train, batch_size=64, shuffle=True, num_workers=2):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images), classes).backward()
            optimizer.step()
    with torch.no_grad():
        found = [(model(i).argmax(1) == c) for i, c in DataLoader(validation, batch_size=64)]
    accuracy = torch.cat(found).float().mean().item()
    print(f"{accuracy:.1%} of {len(validation)} validation samples")
    return accuracy


if __name__ == "__main__":
    main(sys.argv[1])
