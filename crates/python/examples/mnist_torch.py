"""The program of `mnist.py` on PyTorch, to compare the two.

PyTorch alone has no images, so they are read from their IDX files here.

    python mnist_torch.py --data fashion-mnist --data-dir FOLDER --epochs 3
"""

import argparse
import gzip
import os
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, TensorDataset

MEAN_STD = {"mnist": (0.1307, 0.3081), "fashion-mnist": (0.2860, 0.3530)}


def images(args, train):
    def idx(kind, header):
        path = os.path.join(args.data_dir or ".", f"{'train' if train else 't10k'}-{kind}-ubyte.gz")
        with gzip.open(path) as file:
            return torch.from_numpy(np.frombuffer(bytearray(file.read()), np.uint8, offset=header))

    mean, std = MEAN_STD[args.data]
    pixels = idx("images-idx3", 16).reshape(-1, 1, 28, 28).float() / 255
    return TensorDataset((pixels - mean) / std, idx("labels-idx1", 8).long())


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3)
        self.conv2 = nn.Conv2d(32, 64, 3)
        self.dropout1 = nn.Dropout(0.25)
        self.dropout2 = nn.Dropout(0.5)
        self.fc1 = nn.Linear(64 * 12 * 12, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x))
        x = self.dropout1(F.max_pool2d(x, 2))
        x = F.relu(self.fc1(x.flatten(1)))
        return F.log_softmax(self.fc2(self.dropout2(x)), dim=1)


def train(args, model, train_loader, optimizer, epoch):
    model.train()
    for batch, (data, target) in enumerate(train_loader):
        optimizer.zero_grad()
        loss = F.nll_loss(model(data), target)
        loss.backward()
        optimizer.step()
        if batch % args.log_interval == 0:
            seen, share = batch * len(data), batch / len(train_loader)
            print(f"epoch {epoch}  {seen:6}/{len(train_loader.dataset)} ({share:4.0%})  loss {loss.item():.6f}")
            if args.dry_run:
                break


def test(model, test_loader):
    model.eval()
    loss, right = 0.0, 0
    with torch.no_grad():
        for data, target in test_loader:
            output = model(data)
            loss += F.nll_loss(output, target, reduction="sum").item()
            right += (output.argmax(dim=1) == target).sum().item()
    count = len(test_loader.dataset)
    print(f"test: mean loss {loss / count:.4f}, accuracy {right}/{count} ({right / count:.2%})")


def main():
    parser = argparse.ArgumentParser(description="A small convolutional network learns digits or clothes.")
    parser.add_argument("--data", choices=list(MEAN_STD), default="mnist", help="what to learn (default: mnist)")
    parser.add_argument("--data-dir", help="the folder with the IDX files (default: this one)")
    parser.add_argument("--batch-size", type=int, default=64, help="training samples in a batch (default: 64)")
    parser.add_argument("--test-batch-size", type=int, default=1000, help="test samples in a batch (default: 1000)")
    parser.add_argument("--epochs", type=int, default=14, help="passes over the training data (default: 14)")
    parser.add_argument("--lr", type=float, default=1.0, help="learning rate (default: 1.0)")
    parser.add_argument("--gamma", type=float, default=0.7, help="its factor after each epoch (default: 0.7)")
    parser.add_argument("--dry-run", action="store_true", help="learn from one batch only")
    parser.add_argument("--seed", type=int, default=1, help="random seed (default: 1)")
    parser.add_argument("--log-interval", type=int, default=10, help="batches between two lines (default: 10)")
    parser.add_argument("--save-model", action="store_true", help="write the weights to mnist_cnn.pt")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    train_loader = DataLoader(images(args, train=True), batch_size=args.batch_size, shuffle=True)
    test_loader = DataLoader(images(args, train=False), batch_size=args.test_batch_size)
    model = Net()
    optimizer = optim.Adadelta(model.parameters(), lr=args.lr)
    scheduler = StepLR(optimizer, step_size=1, gamma=args.gamma)
    for epoch in range(1, args.epochs + 1):
        start = time.perf_counter()
        train(args, model, train_loader, optimizer, epoch)
        print(f"epoch {epoch} took {time.perf_counter() - start:.1f} s")
        test(model, test_loader)
        scheduler.step()
        if args.dry_run:
            break
    if args.save_model:
        torch.save(model.state_dict(), "mnist_cnn.pt")


if __name__ == "__main__":
    main()
