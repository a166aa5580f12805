"""A coordinator that a thousand nodes have joined, which are simulated: the
sessions of one process, which answer each lease after a second."""

import subprocess
import tempfile
import time

from cluster_stage import Row, Said, Stage

VALUES = 256  # a model of 1 KB
ANSWERS_WITHIN = 0.1


def rows(troupe, idle, simulated, nodes, seconds):
    name = f"{nodes:,} simulated nodes"
    if not idle or not simulated:
        return [Row(name, note="skipped: simulated_nodes is not built")]
    with tempfile.TemporaryDirectory() as place:
        stage = Stage(place, [idle, VALUES, 0, nodes, "--set", "compute.slots=0", "--set",
                              "run.rounds=1000000", "--set",
                              "run.checkpoint_every=1000"], [])
        coordinator = stage.coordinate()
        crowd = Said([simulated, stage.at, nodes, seconds, 1000],
                     stage.place / "simulated.log")
        try:
            joined = crowd.wait_for(r"all have joined within (\S+) s")
            asked = ask(troupe, stage.at, crowd)
            said = crowd.wait_for(r"lost=(\d+) updates=(\d+)")
        finally:
            crowd.kill()
            coordinator.kill()
    lost, updates = map(int, said.groups())
    return [
        Row(f"sessions lost of {name} within {seconds} s", [lost], 0, "",
            f"they joined in {joined.group(1)} s and gave {updates} updates"),
        Row("`troupe status` meanwhile", asked, ANSWERS_WITHIN)]


def ask(troupe, at, crowd):
    """How long each answer took, once a second for as long as they are there."""
    result = []
    while crowd.process.poll() is None:
        begun = time.monotonic()
        subprocess.run([troupe, "status", at], check=True,
                       stdout=subprocess.DEVNULL)
        result.append(time.monotonic() - begun)
        time.sleep(1)
    return result[:-1] or result
