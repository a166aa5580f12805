#!/usr/bin/env python3
"""Measures a cluster, each figure against its limit.

usage: cluster_figures.py [--troupe PATH] [--samples N] [--only TEXT]

A coordinator and its nodes are processes of this machine. Detection: from
SIGKILL of a node to the coordinator's word that it is lost. Next lease: from
that fact to the next lease, by the journal. Restart: from the start of a killed
coordinator with --resume to its first new version. Round: the wall time of one
round of a model of 1 KB with ten clients, all trained at nodes. Memory: the
peak of a coordinator that leaves training to nodes, whose clients only move a
model of 256 MB. Slow: the time from version to version (FedBuff, ten updates)
of two nodes, beside a third one behind 1 Mbit/s; in network namespaces, as root.
Crowd: a thousand sessions of a process that simulates nodes. Updates: the time
that each accepted update of learners takes that do not train, from one node. The
last four take what a build with TROUPE_BENCHMARKS has beside the tool.
"""

import argparse
import os
import sys
import tempfile
import time

import cluster_crowd
import cluster_memory
import cluster_slow_node
import cluster_updates
from cluster_stage import HEAD, Row, Stage, program_beside

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


def configured(tool, place, **keys):
    config = f"{place}/figures.toml"
    with open(config, "w") as text:
        text.write(CONFIG.format(**keys))
    return Stage(place, [tool, "run", config], [tool, "join"])


def detection(tool, samples):
    noticed, leased = [], []
    with tempfile.TemporaryDirectory() as place:
        cluster = configured(tool, place, rounds=10**6, every=10**6, clients=20,
                             fraction=0.5, epochs=200)
        coordinator = cluster.coordinate("--min-nodes", "1")
        try:
            for _ in range(samples):
                node = cluster.join()
                name = f"n{len(cluster.nodes)}"
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
    return [Row("a node's SIGKILL to the word that it is lost", noticed, 1.0),
            Row("from there to the next lease", leased, 1.0)]


def restart(tool, samples):
    result = []
    for _ in range(samples):
        with tempfile.TemporaryDirectory() as place:
            cluster = configured(tool, place, rounds=10**6, every=1, clients=20,
                                 fraction=0.5, epochs=5)
            first = cluster.coordinate("--min-nodes", "1")
            node = cluster.join()
            first.wait_for(r"has joined")
            time.sleep(0.5)
            first.kill()
            before = len(list(cluster.facts("published")))
            begun = time.monotonic()
            again = cluster.coordinate("--resume")
            while len(list(cluster.facts("published"))) <= before:
                time.sleep(0.002)
            result.append(time.monotonic() - begun)
            again.kill()
            node.kill()
    return [Row("a coordinator's restart to its first new version", result, 5.0)]


def rounds(tool, count):
    """Of ten clients, by a node with ten slots; the coordinator's own is slow to
    take any."""
    with tempfile.TemporaryDirectory() as place:
        cluster = configured(tool, place, rounds=count, every=count, clients=10,
                             fraction=1.0, epochs=1)
        coordinator = cluster.coordinate("--min-nodes", "1")
        node = cluster.join(slots=10)
        coordinator.process.wait()
        node.process.wait()
        return [Row("a round of a 1 KB model, ten remote clients",
                    [x["seconds"] for x in cluster.facts("published")][10:],
                    0.005)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--troupe", default="build/release/troupe")
    parser.add_argument("--samples", type=int, default=20)
    parser.add_argument("--only", default="", metavar="TEXT",
                        help="detection, restart, round, memory, slow, crowd or "
                             "updates")
    given = parser.parse_args()
    tool = given.troupe
    if not os.access(tool, os.X_OK):
        sys.exit(f"cluster_figures: there is no {tool}")
    idle = program_beside(tool, "idle_run")
    simulated = program_beside(tool, "simulated_nodes")
    updates = program_beside(tool, "cluster_updates_bench")
    figures = {
        "detection": lambda: detection(tool, given.samples),
        "restart": lambda: restart(tool, max(3, given.samples // 4)),
        "round": lambda: rounds(tool, 300),
        "memory": lambda: cluster_memory.rows(idle, 64_000_000, 3),
        "slow": lambda: cluster_slow_node.rows(idle, 60, 3),
        "crowd": lambda: cluster_crowd.rows(tool, idle, simulated, 1000, 30),
        "updates": lambda: cluster_updates.rows(updates, 3),
    }
    if given.only and given.only not in figures:
        sys.exit(f"--only {given.only} is none of {', '.join(figures)}")
    all_rows = []
    for name, measure in figures.items():
        if given.only in ("", name):
            print(f"cluster_figures: {name}", file=sys.stderr, flush=True)
            all_rows += measure()
    print(HEAD)
    for row in all_rows:
        print(row.text())
    return 0 if all(row.good for row in all_rows) else 1


if __name__ == "__main__":
    sys.exit(main())
