"""The rounds of some nodes beside one that is behind a slow line."""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cluster_stage import Row, Stage

sys.path.append(str(Path(__file__).resolve().parent.parent / "chaos"))
from network import Namespaces  # noqa: E402

AT_MOST = 1.1
NAME = "others' rounds beside a node behind 1 Mbit/s"
VALUES = 200_000  # 0.8 MB: more than six seconds at 1 Mbit/s
SLOW = ("tbf", "rate", "1mbit", "burst", "16kbit", "latency", "400ms")


def choke(network, node):
    """Both ways: what goes to the node, and what it sends."""
    space = network._places[node][1]
    for place, device in (([], space), (["-n", space], "eth0")):
        subprocess.run(["tc", *place, "qdisc", "replace", "dev", device,
                        "root", *SLOW], check=True, capture_output=True)


def seconds_a_version(program, slow, versions):
    """A version takes ten updates of nodes that train for 20 ms."""
    network = Namespaces()
    words = [program, VALUES, 20, 60, "--set", "federation.rule=fedbuff", "--set",
             "federation.buffer=10", "--set", "federation.concurrency=20",
             "--set", f"run.rounds={versions}"]
    try:
        with tempfile.TemporaryDirectory() as place:
            stage = Stage(place, [*words, "--set", "compute.slots=0", "--insecure"],
                          [*words, "--join"], network.inside)
            stage.at = network.dials("coordinator")
            nodes = ["near", "far"] + (["slow"] if slow else [])
            coordinator = stage.coordinate("--min-nodes", len(nodes))
            try:
                for name in nodes:
                    network.add(name)
                    if name == "slow":
                        choke(network, name)
                    stage.join(name, slots=2)
                while coordinator.process.poll() is None:
                    time.sleep(0.05)
                if coordinator.process.returncode != 0:
                    raise SystemExit(coordinator.log.read_text()[-400:])
                return [x["seconds"] for x in stage.facts("published")][5:]
            finally:
                coordinator.kill()
                stage.kill_nodes()
    finally:
        network.close()


def rows(program, versions, times):
    why = "idle_run is not built" if not program else Namespaces.objection()
    if why:
        return [Row(NAME, note=f"skipped: {why}")]
    alone, beside = [], []
    for _ in range(times):  # in turn, so that a slow minute falls on both
        alone.append(statistics.median(
            seconds_a_version(program, False, versions)))
        beside.append(statistics.median(
            seconds_a_version(program, True, versions)))
    return [Row(NAME, beside, AT_MOST * statistics.median(alone), "ms",
                f"without it {1e3 * statistics.median(alone):.2f} ms")]
