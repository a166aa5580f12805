"""The peak of a coordinator's memory, against the size of its model."""

import tempfile
import time

from cluster_stage import Row, Stage

TIMES = 5.0  # accumulator 2, version 1, the next one 1, transfers 1
WITHIN = 1.05


def peak(program, values, nodes, rounds):
    """And what of it is shared with nodes of this machine."""
    with tempfile.TemporaryDirectory() as place:
        words = [program, values, 0, 12, "--set", f"run.rounds={rounds}",
                 "--set", "run.checkpoint_every=1000"]
        stage = Stage(place, [*words, "--set", "compute.slots=0"], [*words, "--join"])
        coordinator = stage.coordinate("--min-nodes", nodes)
        try:
            for _ in range(nodes):
                stage.join()
            most = {}
            while coordinator.process.poll() is None:
                for name, size in coordinator.figures().items():
                    most[name] = max(size, most.get(name, 0))
                time.sleep(0.02)
            if coordinator.process.returncode != 0:
                raise SystemExit(coordinator.log.read_text()[-400:])
            return most["VmHWM"], most["RssShmem"]
        finally:
            coordinator.kill()
            stage.kill_nodes()


def rows(program, values, rounds):
    if not program:
        return [Row("a coordinator's peak memory",
                    note="skipped: idle_run is not built")]
    model = 4 * values
    few, shared_few = peak(program, values, 2, rounds)
    many, shared_many = peak(program, values, 6, rounds)
    mb = model / 1e6
    return [
        Row(f"a coordinator's peak, model of {mb:.0f} MB, 2 nodes",
            [few - shared_few], TIMES * model, "MB",
            f"beside {shared_few / 1e6:.1f} MB shared with nodes"),
        Row("the same with 6 nodes", [many - shared_many], TIMES * model, "MB",
            f"beside {shared_many / 1e6:.1f} MB shared with nodes"),
        Row("6 nodes against 2", [(many - shared_many) / (few - shared_few)],
            WITHIN, "")]
