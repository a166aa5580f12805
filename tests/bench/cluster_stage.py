"""Runs of many processes of this machine, for figures, and rows of a table."""

import json
import os
import re
import signal
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Row:
    """What was measured, at most `limit`; or why it was not."""

    name: str
    values: list = field(default_factory=list)
    limit: float = 1.0
    unit: str = "ms"
    note: str = ""

    SCALES = {"us": 1e6, "ms": 1e3, "s": 1.0, "MB": 1e-6, "": 1.0}

    @property
    def median(self):
        return statistics.median(self.values)

    @property
    def good(self):
        return not self.values or self.median <= self.limit

    def text(self):
        if not self.values:
            return f"{self.name:58} {self.note}"
        scale = self.SCALES[self.unit]

        def shown(value):
            return f"{scale * value:9.2f} {self.unit:2}"

        ratio = self.median / self.limit if self.limit else self.median
        return (f"{self.name:58} {shown(self.median)} {shown(max(self.values))}"
                f" {shown(self.limit)} {ratio:7.3f}  "
                f"{'ok' if self.good else 'short'}"
                f"{'; ' + self.note if self.note else ''}")


HEAD = f"{'':58} {'median':>12} {'worst':>12} {'limit':>12} {'ratio':>7}"


class Said:
    """A process and what it has said, in a file."""

    def __init__(self, words, log):
        self.log = Path(log)
        self.process = subprocess.Popen(
            [str(w) for w in words], stdout=self.log.open("w"),
            stderr=subprocess.STDOUT)

    def wait_for(self, pattern, most=60.0):
        end = time.monotonic() + most
        while time.monotonic() < end:
            found = re.search(pattern, self.log.read_text())
            if found:
                return found
            if self.process.poll() is not None and not re.search(
                    pattern, self.log.read_text()):
                sys.exit(f"{self.process.args[:3]} ended: "
                         f"{self.log.read_text()[-400:]}")
            time.sleep(0.0005)
        sys.exit(f"{self.log}: no '{pattern}' within {most} s")

    def figures(self):
        """Peak of its memory and what it shares with others now, in bytes."""
        try:
            text = Path(f"/proc/{self.process.pid}/status").read_text()
        except OSError:
            return {}
        return {name: 1024 * int(size) for name, size in
                re.findall(r"(VmHWM|RssShmem):\s+(\d+) kB", text)}

    def kill(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()


class Stage:
    """A coordinator and its nodes in one directory. `program` are the words
    that a run begins with, `joins` those of a node."""

    def __init__(self, place, program, joins, inside=None):
        self.place = Path(place)
        self.program, self.joins = program, joins
        self.inside = inside or (lambda node, words: words)
        self.at = "127.0.0.1:0"
        self.nodes = []

    def coordinate(self, *options):
        said = Said(self.inside("coordinator", [
            *self.program, "--out", self.place / "run", "--listen", self.at,
            *options]), self.place / f"coordinator-{time.monotonic_ns()}.log")
        self.at = said.wait_for(r"nodes join at (\S+)").group(1)
        return said

    def join(self, name=None, slots=1):
        name = name or f"n{len(self.nodes) + 1}"
        node = Said(self.inside(name, [
            *self.joins, self.at, "--slots", slots, "--name", name]),
            self.place / f"{name}.log")
        self.nodes.append(node)
        return node

    def kill_nodes(self):
        for node in self.nodes:
            node.kill()

    def facts(self, which=None):
        for line in (self.place / "run/facts.jsonl").read_text().splitlines():
            try:
                fact = json.loads(line)
            except ValueError:
                return
            if which is None or fact["fact"] == which:
                yield fact


def program_beside(troupe, name):
    """A benchmark of the same build; none where it was not made."""
    path = Path(troupe).parent / "tests/bench" / name
    return path if os.access(path, os.X_OK) else None
