#!/usr/bin/env python3
"""What gpu_round_bench measures, by PyTorch on the same GPU: rounds of FedAvg
a second with the paper's CNN, 100 clients of 600 samples, batches of 10.

    eager   one client after the other, as a usual training loop has it
    vmap    all clients at once: torch.func's vmap of grad over their stacked
            parameters, in one call a step
    vmap_compiled   the same through torch.compile, with --compile

In fp32 without TF32, cuDNN choosing its fastest kernels; pictures are floats on
the GPU before the clock starts, and nothing waits for the GPU within a round.
Skips where PyTorch or a GPU is missing.
"""

import argparse
import sys
import time
from types import SimpleNamespace

LR = 0.01


def skip(why):
    print(f"gpu_torch_peer.py: skipped: {why}")
    sys.exit(0)


try:
    import torch
    from torch import nn
    from torch.nn import functional as F
except ImportError as error:
    skip(f"no PyTorch ({error})")


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 5, padding=2)
        self.conv2 = nn.Conv2d(32, 64, 5, padding=2)
        self.fc1 = nn.Linear(3136, 512)
        self.fc2 = nn.Linear(512, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.relu(self.fc1(x.flatten(1)))
        return self.fc2(x)


def orders(data):
    """A new order of every client's samples: [clients, samples]."""
    random = torch.rand(data.clients, data.samples, device=data.device)
    return random.argsort(dim=1)


def of_clients(values, chosen):
    """values[client][chosen[client]] for every client."""
    clients = torch.arange(len(chosen), device=chosen.device)[:, None]
    return values[clients, chosen]


class Eager:
    def __init__(self, data):
        self.data = data
        self.net = Net().to(data.device)
        self.optimiser = torch.optim.SGD(self.net.parameters(), lr=LR)
        self.given = [p.detach().clone() for p in self.net.parameters()]

    def round(self):
        data = self.data
        sums = [torch.zeros_like(p) for p in self.given]
        order = orders(data)
        for client in range(data.clients):
            with torch.no_grad():
                for p, start in zip(self.net.parameters(), self.given):
                    p.copy_(start)
            for first in range(0, data.samples, data.batch):
                chosen = order[client, first:first + data.batch]
                self.optimiser.zero_grad(set_to_none=True)
                logits = self.net(data.images[client][chosen])
                loss = F.cross_entropy(logits, data.labels[client][chosen])
                loss.backward()
                self.optimiser.step()
            with torch.no_grad():
                for total, p, start in zip(
                        sums, self.net.parameters(), self.given):
                    total.add_(p - start, alpha=1.0 / data.clients)
        for start, total in zip(self.given, sums):
            start.add_(total)
        return loss


class Vmap:
    def __init__(self, data, compiled=False):
        call, grad_and_value, vmap = functional()
        self.data = data
        net = Net().to(data.device)
        self.given = {k: p.detach().clone() for k, p in net.named_parameters()}

        def loss_of(parameters, x, y):
            return F.cross_entropy(call(net, parameters, (x,)), y)

        self.step = vmap(grad_and_value(loss_of))
        if compiled:
            self.step = torch.compile(self.step)

    def round(self):
        data = self.data
        models = {
            k: p.expand(data.clients, *p.shape).clone()
            for k, p in self.given.items()
        }
        order = orders(data)
        for first in range(0, data.samples, data.batch):
            chosen = order[:, first:first + data.batch]
            gradients, losses = self.step(
                models, of_clients(data.images, chosen),
                of_clients(data.labels, chosen))
            for k, p in models.items():
                p.add_(gradients[k], alpha=-LR)
        for k, start in self.given.items():
            start.copy_(models[k].mean(0))
        return losses[-1]


def functional():
    try:
        from torch.func import functional_call, grad_and_value, vmap
    except ImportError:  # before 2.0
        from functorch import grad_and_value, vmap
        from torch.nn.utils.stateless import functional_call
    return functional_call, grad_and_value, vmap


def wait(device):
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def measure(name, make, data, rounds):
    try:
        peer = make()
        last = peer.round()  # compiles, chooses kernels, takes memory
        times = []
        for _ in range(rounds):
            wait(data.device)
            start = time.perf_counter()
            last = peer.round()
            wait(data.device)
            times.append(time.perf_counter() - start)
    except Exception as error:  # one peer that fails is no reason to lose others
        reason = str(error).splitlines() or [type(error).__name__]
        print(f"gpu_torch_peer.py: {name} failed: {reason[0]}", file=sys.stderr)
        return False
    took = sorted(times)[len(times) // 2]
    print(f"torch {name} rounds_per_s={1.0 / took:.4g} loss={float(last):.4f} "
          f"version={torch.__version__}", flush=True)
    return True


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--compile", action="store_true",
                        help="also vmap through torch.compile")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tiny", action="store_true",
                        help="3 clients of 4 samples, on whatever there is")
    return parser.parse_args()


def main():
    options = arguments()
    if not torch.cuda.is_available() and not options.tiny:
        skip("PyTorch sees no GPU")
    where = "cuda:0" if torch.cuda.is_available() else "cpu"
    device = torch.device(where)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = True
    torch.manual_seed(1)
    clients, samples, batch = (3, 4, 2) if options.tiny else (100, 600, 10)
    data = SimpleNamespace(
        device=device, clients=clients, samples=samples, batch=batch,
        images=torch.rand(clients, samples, 1, 28, 28, device=device),
        labels=torch.randint(0, 10, (clients, samples), device=device))
    peers = [("eager", lambda: Eager(data)), ("vmap", lambda: Vmap(data))]
    if options.compile:
        peers.append(("vmap_compiled", lambda: Vmap(data, compiled=True)))
    return 0 if all([measure(*p, data, options.rounds) for p in peers]) else 1


if __name__ == "__main__":
    sys.exit(main())
