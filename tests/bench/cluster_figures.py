#!/usr/bin/env python3
"""Measures how soon a cluster notices and goes on, each figure against its limit.

usage: cluster_figures.py [--troupe PATH] [--samples N]

A coordinator and its nodes are processes of this machine. Detection: from
SIGKILL of a node to the coordinator's word that it is lost. Next lease: from
that fact to the next lease, by the journal. Restart: from the start of a killed
coordinator with --resume to its first new version. Round: the wall time of one
round of a model of 1 KB with ten clients, all trained at nodes.
"""

import argparse
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CONFIG = """
[run]
name = "figures"
rounds = {rounds}
evaluate_every = 0
checkpoint_every = {every}
[data]
set = "synthetic"
[model]
kind = "softmax"
[federation]
clients = {clients}
fraction = {fraction}
[client]
epochs = {epochs}
[compute]
device = "cpu"
slots = 1
"""


class Said:
    """A process and what it has said, in a file."""

    def __init__(self, words, log):
        self.log = Path(log)
        self.process = subprocess.Popen(
            [str(w) for w in words], stdout=self.log.open("w"), stderr=subprocess.STDOUT)

    def wait_for(self, pattern, most=60.0):
        end = time.monotonic() + most
        while time.monotonic() < end:
            found = re.search(pattern, self.log.read_text())
            if found:
                return found
            if self.process.poll() is not None and not re.search(pattern, self.log.read_text()):
                sys.exit(f"{self.process.args[:3]} ended: {self.log.read_text()[-400:]}")
            time.sleep(0.0005)
        sys.exit(f"{self.log}: no '{pattern}' within {most} s")

    def kill(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()


class Cluster:
    def __init__(self, tool, place, **keys):
        self.tool, self.place = tool, Path(place)
        self.config = self.place / "figures.toml"
        self.config.write_text(CONFIG.format(**keys))
        self.nodes = 0

    def coordinate(self, *options):
        said = Said([self.tool, "run", self.config, "--out", self.place / "run",
                     "--listen", getattr(self, "at", "127.0.0.1:0"), *options],
                    self.place / f"coordinator-{time.monotonic_ns()}.log")
        self.at = said.wait_for(r"nodes join at (\S+)").group(1)
        return said

    def join(self, slots=1):
        self.nodes += 1
        return Said([self.tool, "join", self.at, "--slots", slots, "--name", f"n{self.nodes}"],
                    self.place / f"n{self.nodes}.log")

    def facts(self):
        for line in (self.place / "run/facts.jsonl").read_text().splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                return


def detection(tool, samples):
    noticed, leased = [], []
    with tempfile.TemporaryDirectory() as place:
        cluster = Cluster(tool, place, rounds=10**6, every=10**6, clients=20, fraction=0.5,
                          epochs=200)
        coordinator = cluster.coordinate("--min-nodes", "1")
        try:
            for _ in range(samples):
                node = cluster.join()
                name = f"n{cluster.nodes}"
                coordinator.wait_for(rf"node {name} has joined")
                time.sleep(0.3)
                begun = time.monotonic()
                node.kill()
                coordinator.wait_for(rf"node {name} is lost")
                noticed.append(time.monotonic() - begun)
            time.sleep(0.5)
            lost = None
            for fact in cluster.facts():
                at = fact["at"]
                if fact["fact"] == "node_left":
                    lost = at
                elif fact["fact"] == "leased" and lost is not None:
                    leased.append((at[0] if isinstance(at, list) else at) - lost)
                    lost = None
        finally:
            coordinator.kill()
    return noticed, leased


def restart(tool, samples):
    result = []
    for _ in range(samples):
        with tempfile.TemporaryDirectory() as place:
            cluster = Cluster(tool, place, rounds=10**6, every=1, clients=20, fraction=0.5,
                              epochs=5)
            first = cluster.coordinate("--min-nodes", "1")
            node = cluster.join()
            first.wait_for(r"has joined")
            time.sleep(0.5)
            first.kill()
            before = sum(f["fact"] == "published" for f in cluster.facts())
            begun = time.monotonic()
            again = cluster.coordinate("--resume")
            while sum(f["fact"] == "published" for f in cluster.facts()) <= before:
                time.sleep(0.002)
            result.append(time.monotonic() - begun)
            again.kill()
            node.kill()
    return result


def rounds(tool, count):
    """Of ten clients, by a node with ten slots; the coordinator's own is slow to take any."""
    with tempfile.TemporaryDirectory() as place:
        cluster = Cluster(tool, place, rounds=count, every=count, clients=10, fraction=1.0,
                          epochs=1)
        coordinator = cluster.coordinate("--min-nodes", "1")
        node = cluster.join(slots=10)
        coordinator.process.wait()
        node.process.wait()
        return [f["seconds"] for f in cluster.facts() if f["fact"] == "published"][10:]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--troupe", default="build/release/troupe")
    parser.add_argument("--samples", type=int, default=20)
    given = parser.parse_args()
    if not os.access(given.troupe, os.X_OK):
        sys.exit(f"cluster_figures: there is no {given.troupe}")
    noticed, leased = detection(given.troupe, given.samples)
    rows = [("a node's SIGKILL to the word that it is lost", noticed, 1.0),
            ("from there to the next lease", leased, 1.0),
            ("a coordinator's restart to its first new version",
             restart(given.troupe, max(3, given.samples // 4)), 5.0),
            ("a round of a 1 KB model, ten remote clients", rounds(given.troupe, 300), 0.005)]
    print(f"{'':52} {'median':>10} {'worst':>10} {'limit':>9} {'ratio':>7}")
    for name, values, limit in rows:
        median = statistics.median(values)
        print(f"{name:52} {1e3 * median:7.2f} ms {1e3 * max(values):7.2f} ms "
              f"{1e3 * limit:6.0f} ms {median / limit:7.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
