#!/usr/bin/env python3
"""Runs published studies on Fashion-MNIST and puts both results side by side.

usage: published_results.py [--troupe PATH] [--keep DIR] [--only TEXT]
                            [--seeds N] [--minutes M]

Every run has a directory below --keep (default: published). What is finished is
not run again, what was stopped goes on: stop it at any time. --minutes begins no
run later than that. Tables are Markdown, of the runs that are finished.

niid: Li et al. 2022, "Federated Learning on Non-IID Data Silos: An Experimental
Study" (NIID-Bench), table 3: LeNet-5, ten clients, all of them each round, ten
epochs of batches of 64, lr 0.01, momentum 0.9, weight decay 1e-5, 50 rounds; the
best accuracy on the test set. FedProx by the best mu of four, as there.

slow: a tenth of the clients ten times slower, on the virtual clock: seconds to an
accuracy of 0.80, synchronous FedAvg against FedBuff, ten clients in training at
any time, the server's lr of each from one small grid, median over the seeds.
"""

import argparse
import csv
import json
import os
import signal
import statistics
import subprocess
import sys
import time

NIID = """
[run]
name = "niid"
rounds = 50
evaluate_every = 1
checkpoint_every = 5
[data]
set = "fashion-mnist"
[model]
kind = "lenet5"
[federation]
rule = "fedavg"
clients = 10
fraction = 1.0
[client]
epochs = 10
batch = 64
lr = 0.01
momentum = 0.9
weight_decay = 1e-5
"""

# Percent, and deviations where there are several seeds.
PARTITIONS = {
    "iid": (["data.partition=iid"], 1, {
        "sgd": 89.2, "scaffold": 89.3, "fedprox": 89.4, "fednova": 89.4}),
    "dirichlet 0.5": (["data.partition=label-dirichlet", "data.alpha=0.5"], 1, {
        "sgd": 88.1, "scaffold": 88.4, "fedprox": 88.2, "fednova": 88.2}),
    "three labels": (["data.partition=labels", "data.labels_per_client=3"], 2, {
        "sgd": 82.4, "scaffold": 80.3, "fedprox": 83.0, "fednova": 82.0}),
}
MUS = (0.001, 0.01, 0.1, 1)

SLOW = """
[run]
name = "slow"
rounds = 2000
evaluate_every = 1
checkpoint_every = 50
order = "virtual"
target_accuracy = 0.80
[data]
set = "fashion-mnist"
partition = "dirichlet"
alpha = 0.5
[model]
kind = "mlp"
layers = [784, 200, 200, 10]
[federation]
clients = 100
[client]
epochs = 1
batch = 10
lr = 0.05
[clock]
samples_per_second = 1000.0
spread = 0.0
jitter = 0.1
slow = 0.1
slow_by = 10.0
"""
RULES = {
    "FedAvg": ["federation.rule=fedavg", "federation.fraction=0.1"],
    "FedBuff": ["federation.rule=fedbuff", "federation.concurrency=10",
                "federation.buffer=5", "federation.max_staleness=100"],
}
SERVER_LRS = (0.5, 1.0, 1.5)


class Study:
    """Runs of the tool that outlast this program."""

    def __init__(self, tool, keep, minutes):
        self.tool, self.keep = tool, keep
        self.until = time.monotonic() + 60 * minutes if minutes else None

    def run(self, config, name, settings):
        """The run's directory, or None: it is not finished."""
        place = os.path.join(self.keep, name)
        if os.path.exists(os.path.join(place, "summary.json")):
            return place
        if self.until and time.monotonic() > self.until:
            return None
        os.makedirs(self.keep, exist_ok=True)
        if os.path.exists(os.path.join(place, "facts.jsonl")):
            command = [self.tool, "run", "--resume", "--out", place]
        else:
            file = os.path.join(self.keep, name + ".toml")
            with open(file, "w") as text:
                text.write(config)
            command = [self.tool, "run", file, "--out", place]
            for each in settings:
                command += ["--set", each]
        print(f"{name} ...", file=sys.stderr, flush=True)
        with open(os.path.join(self.keep, name + ".log"), "a") as log:
            child = subprocess.Popen(command, stdout=log, stderr=log)
            try:
                code = child.wait()
            except KeyboardInterrupt:
                child.send_signal(signal.SIGINT)
                child.wait()
                raise
        if code != 0:
            sys.exit(f"{name} ended with code {code}: see {log.name}")
        return place


def history(place):
    with open(os.path.join(place, "history.csv")) as file:
        return list(csv.DictReader(file))


def best_accuracy(place):
    return 100 * max(float(row["accuracy"]) for row in history(place))


def virtual_seconds(place, target):
    """To the first version that was seen to be that good; None: never."""
    clocks = {}
    with open(os.path.join(place, "facts.jsonl")) as journal:
        for line in journal:
            fact = json.loads(line)
            if fact["fact"] == "published":
                clocks[fact["version"]] = fact["clock"]
    for row in history(place):
        if float(row["accuracy"]) >= target:
            return clocks[int(row["version"])]
    return None


def niid(study):
    print("\n| partition | method | published | here | difference |")
    print("| --- | --- | --- | --- | --- |")
    for partition, (cut, seeds, results) in PARTITIONS.items():
        for method, published in results.items():
            mus = [f"client.mu={mu}" for mu in MUS] if method == "fedprox" else [""]
            means = []
            for mu in mus:
                found = []
                for seed in range(1, seeds + 1):
                    name = "-".join(["niid", partition, method, mu, str(seed)])
                    settings = cut + [f"client.method={method}", f"run.seed={seed}"]
                    place = study.run(NIID, name.replace(" ", "_"),
                                      settings + ([mu] if mu else []))
                    if place:
                        found.append(best_accuracy(place))
                if len(found) == seeds:
                    means.append(statistics.mean(found))
            if len(means) == len(mus):
                here = max(means)
                print(f"| {partition} | {method} | {published:.1f} | {here:.1f} | "
                      f"{here - published:+.1f} |", flush=True)


def slow(study, seeds):
    best = {}
    print("\n| rule | server lr | virtual seconds to 0.80, by seed | median |")
    print("| --- | --- | --- | --- |")
    for rule, keys in RULES.items():
        for lr in SERVER_LRS:
            times = []
            for seed in range(1, seeds + 1):
                place = study.run(SLOW, f"slow-{rule}-{lr}-{seed}", keys + [
                    f"federation.server_lr={lr}", f"run.seed={seed}"])
                if place:
                    times.append(virtual_seconds(place, 0.80) or float("inf"))
            if len(times) < seeds:
                continue
            median = statistics.median(times)
            best[rule] = min(best.get(rule, median), median)
            print(f"| {rule} | {lr} | {', '.join(f'{t:.0f}' for t in times)} | "
                  f"{median:.0f} |", flush=True)
    if len(best) == len(RULES):
        print(f"\nFedBuff is there {best['FedAvg'] / best['FedBuff']:.2f} times "
              "sooner (2.5 is asked for).")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--troupe", default="build/release/troupe", metavar="PATH")
    parser.add_argument("--keep", default="published", metavar="DIR")
    parser.add_argument("--only", choices=("niid", "slow"))
    parser.add_argument("--seeds", type=int, default=3, metavar="N",
                        help="of slow; niid has its own")
    parser.add_argument("--minutes", type=float, metavar="M")
    given = parser.parse_args()
    study = Study(os.path.abspath(given.troupe), given.keep, given.minutes)
    try:
        if given.only != "niid":
            slow(study, given.seeds)
        if given.only != "slow":
            niid(study)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
