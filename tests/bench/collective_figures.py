#!/usr/bin/env python3
"""All-reduce by ranks of this host: ours beside OpenMPI, turn by turn.

usage: collective_figures.py [TROUPE [RANKS [ROUNDS]]]

TROUPE is an optimised build's tool (build/release/runtime/troupe). OpenMPI is
compiled against here, if mpicxx and mpirun are there; without them ours stand
alone. Both write their buffers before each turn, ask for huge pages, and count
the slowest rank. Prints medians over rounds in microseconds, and the ratio.
"""

import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

SIZES = [4, 4 << 10, 64 << 10, 1 << 20, 16 << 20, 64 << 20]
PEER = r"""
#include <mpi.h>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <sys/mman.h>
#include <vector>
int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  int rank = 0, ranks = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  for (int a = 1; a < argc; ++a) {
    const std::size_t bytes = std::atoll(argv[a]), count = bytes / 4;
    const std::size_t page = 2 << 20, size = (bytes + page - 1) / page * page;
    auto* x = static_cast<float*>(std::aligned_alloc(page, size));
    madvise(x, size, MADV_HUGEPAGE);
    const int times = bytes <= 4096 ? 200 : 1;
    std::vector<double> took;
    for (int i = 0; i < 9; ++i) {
      std::fill(x, x + count, float(rank + 1));
      MPI_Barrier(MPI_COMM_WORLD);
      const double begin = MPI_Wtime();
      for (int k = 0; k < times; ++k)
        MPI_Allreduce(MPI_IN_PLACE, x, int(count), MPI_FLOAT, MPI_SUM,
            MPI_COMM_WORLD);
      double mine = (MPI_Wtime() - begin) / times, all = 0;
      MPI_Allreduce(&mine, &all, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
      if (i > 1)
        took.push_back(all);
    }
    std::sort(took.begin(), took.end());
    if (rank == 0)
      std::printf("%zu %.3f\n", bytes, took[took.size() / 2] * 1e6);
    std::free(x);
  }
  MPI_Finalize();
}
"""
BTL = {
    "memory": ["--mca", "btl", "vader,self"],
    "tcp": ["--mca", "btl", "tcp,self", "--mca", "btl_tcp_if_include", "lo"],
}


def said(words):
    return subprocess.run(
        words, check=True, capture_output=True, text=True, timeout=300).stdout


def ours(tool, ranks, wire):
    text = said([tool, "bench", "all_reduce", "--ranks", str(ranks), "--wire",
                 wire, "--turns", "7", "--size", ",".join(map(str, SIZES))])
    rows = re.findall(r"^ *\d+[KMG]? +([\d.]+) +[\d.]+ ", text, re.M)
    return [float(each) for each in rows]


def theirs(program, ranks, wire):
    more = []
    if ranks > 2:
        more = ["--oversubscribe", "--mca", "mpi_yield_when_idle", "1"]
    text = said(["mpirun", "--allow-run-as-root", "-n", str(ranks), *more,
                 "--mca", "pml", "ob1", *BTL[wire], program,
                 *map(str, SIZES)])
    return [float(line.split()[1]) for line in text.splitlines() if line]


def peer(folder):
    if not (shutil.which("mpicxx") and shutil.which("mpirun")):
        return None
    source = Path(folder) / "peer.cpp"
    source.write_text(PEER)
    program = str(Path(folder) / "peer")
    said(["mpicxx", "-O3", str(source), "-o", program])
    return program


def main():
    tool = sys.argv[1] if len(sys.argv) > 1 else "build/release/runtime/troupe"
    ranks = int(sys.argv[2]) if len(sys.argv) > 2 else 2
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    with tempfile.TemporaryDirectory() as folder:
        program = peer(folder)
        for wire in ("memory", "tcp"):
            mine, other = [], []
            for _ in range(rounds):
                mine.append(ours(tool, ranks, wire))
                if program:
                    other.append(theirs(program, ranks, wire))
            print(f"{ranks} ranks, {wire}: bytes, ours us, OpenMPI us, ratio")
            for i, size in enumerate(SIZES):
                us = statistics.median(row[i] for row in mine)
                line = f"{size:>10} {us:>12.2f}"
                if program:
                    them = statistics.median(row[i] for row in other)
                    line += f" {them:>12.2f} {them / us:>6.2f} x"
                print(line)


if __name__ == "__main__":
    main()
