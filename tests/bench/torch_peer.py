#!/usr/bin/python3
"""What training_bench measures, by PyTorch on one thread: SGD steps a second,
shuffling, gathering of byte images and the loss included.

    torch_peer.py [--model mlp|cnn|lenet5] [--batch N] [--seconds S]

Prints the best layout's figure in training_bench's format; without a model,
for the models and batches that training_bench has then."""

import argparse
import os
import time

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # Debian's PyTorch does not set it
import torch
from torch import nn


def model_of(name):
    if name == "mlp":
        return nn.Sequential(
            nn.Flatten(),
            nn.Linear(784, 200), nn.ReLU(),
            nn.Linear(200, 200), nn.ReLU(),
            nn.Linear(200, 10))
    if name == "cnn":
        return nn.Sequential(
            nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(3136, 512), nn.ReLU(),
            nn.Linear(512, 10))
    return nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(256, 120), nn.ReLU(),
        nn.Linear(120, 84), nn.ReLU(),
        nn.Linear(84, 10))


def steps_per_second(name, batch, seconds, memory_format):
    torch.manual_seed(1)
    model = model_of(name).to(memory_format=memory_format)
    images = torch.randint(0, 256, (60000, 1, 28, 28), dtype=torch.uint8)
    labels = torch.randint(0, 10, (60000,))
    optimiser = torch.optim.SGD(model.parameters(), lr=0.01)
    loss_of = nn.CrossEntropyLoss()
    total = 0.0

    def batches():
        while True:
            order = torch.randperm(len(images))
            for first in range(0, len(images), batch):
                yield order[first:first + batch]

    source = batches()

    def step():
        nonlocal total
        chosen = next(source)
        x = images[chosen].float().div_(255)
        x = x.contiguous(memory_format=memory_format)
        optimiser.zero_grad(set_to_none=True)
        loss = loss_of(model(x), labels[chosen])
        loss.backward()
        optimiser.step()
        total += loss.item() * len(chosen)

    start = time.perf_counter()
    while time.perf_counter() - start < 0.3:
        step()
    steps = 0
    start = time.perf_counter()
    start_cpu = time.process_time()
    while time.perf_counter() - start < seconds:
        step()
        steps += 1
    return (steps / (time.perf_counter() - start),
            steps / (time.process_time() - start_cpu))


def measure(name, batch, seconds, verbose):
    best = 0.0, 0.0
    layouts = [torch.contiguous_format]
    if name != "mlp":
        layouts.append(torch.channels_last)
    for mkldnn in (True, False):
        for layout in layouts:
            with torch.backends.mkldnn.flags(enabled=mkldnn):
                figure = steps_per_second(name, batch, seconds, layout)
            if verbose:
                print(f"mkldnn={mkldnn} {layout}: {figure[0]:.1f} "
                      f"({figure[1]:.1f} by CPU time)")
            best = max(best, figure)
    print(f"training {name} batch={batch} steps_per_s={best[0]:.1f} "
          f"steps_per_cpu_s={best[1]:.1f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=("mlp", "cnn", "lenet5"))
    parser.add_argument("--batch", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--verbose", action="store_true",
                        help="a line for every layout tried")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    chosen = [("mlp", 10), ("cnn", 10), ("lenet5", 64)]
    if options.model:
        chosen = [(options.model, options.batch)]
    for name, batch in chosen:
        measure(name, batch, options.seconds, options.verbose)


if __name__ == "__main__":
    main()
