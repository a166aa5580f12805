"""Accepted updates a second over two processes, where training costs nothing."""

import re
import subprocess

from cluster_stage import Row

AT_LEAST = 60_000  # a second


def seconds_each(program, values, rounds):
    done = subprocess.run([program, str(values), str(rounds)],
                          stdout=subprocess.PIPE, text=True, check=True)
    return 1.0 / float(re.search(r"updates_per_s=(\S+)", done.stdout).group(1))


def rows(program, samples):
    if not program:
        return [Row("an accepted update over two processes",
                    note="skipped: cluster_updates_bench is not built")]
    result = []
    for values, size in ((1, "4 B"), (1000, "4 KB")):
        times = [seconds_each(program, values, 60) for _ in range(samples)]
        rate = 1.0 / sorted(times)[len(times) // 2]
        result.append(Row(f"an idle update of {size} over two processes",
                          times, 1.0 / AT_LEAST, "us", f"{rate:,.0f}/s"))
    return result
