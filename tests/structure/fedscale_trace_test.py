#!/usr/bin/env python3
"""Shows that scripts/fedscale-trace writes what `troupe simulate` reads."""

import os
import pickle
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
SCRIPT = SOURCE / "scripts" / "fedscale-trace"
TOOL = sys.argv.pop(1) if len(sys.argv) > 1 and os.path.exists(sys.argv[1]) else None

STAYS = {
    1: {"duration": 100, "active": [0, 60], "inactive": [30, 90],
        "finish_time": 100, "model": "a"},
    2: {"active": [40], "inactive": [100], "finish_time": 100},
    5: {"active": [], "inactive": [], "finish_time": 100},
}
SPEEDS = {
    1: {"computation": 100.0, "communication": 8000.0},
    2: {"computation": 20, "communication": 800},
    5: {"computation": 50, "communication": 80},
}


class Harmful:
    def __reduce__(self):
        return (os.system, ("false",))


class FedScaleTraceTest(unittest.TestCase):
    def setUp(self):
        self.place = tempfile.TemporaryDirectory()

    def tearDown(self):
        self.place.cleanup()

    def file(self, name, what):
        path = Path(self.place.name, name)
        path.write_bytes(what if isinstance(what, bytes) else pickle.dumps(what))
        return str(path)

    def converted(self, *options):
        return subprocess.run([SCRIPT, *options], capture_output=True, text=True)

    def lines(self, *options):
        done = self.converted(*options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [line for line in done.stdout.splitlines()
                if line and not line.startswith("#")]

    def refused(self, *options):
        done = self.converted(*options)
        self.assertNotEqual(done.returncode, 0)
        self.assertNotIn("Traceback", done.stderr)
        return done.stderr

    def test_stays_come_again_after_their_period(self):
        self.assertEqual(
            self.lines("--stays", self.file("s", STAYS), "--until", "250"),
            ["client,start,end", "0,0,30", "0,60,90", "0,100,130", "0,160,190",
             "0,200,230", "1,40,100", "1,140,200", "1,240,250", "2,250,251"])

    def test_a_stay_goes_on_over_the_end_of_a_period(self):
        whole = {7: {"active": [0, 90], "inactive": [10, 100], "finish_time": 100}}
        self.assertEqual(
            self.lines("--stays", self.file("s", whole), "--until", "200"),
            ["client,start,end", "0,0,10", "0,90,110", "0,190,200"])

    def test_speeds_are_of_training_and_in_bytes(self):
        self.assertEqual(
            self.lines("--speeds", self.file("s", SPEEDS), "--clients", "2"),
            ["client,samples_per_second,down,up", "0,3.33333333,1000000,1000000",
             "1,16.6666667,100000,100000"])

    def test_it_names_what_is_no_trace(self):
        bad = STAYS | {1: dict(STAYS[1], inactive=[30])}
        self.assertIn("client 0 comes 2 times and goes 1 times",
                      self.refused("--stays", self.file("s", bad)))
        bad[1] = dict(STAYS[1], active=[0, 20])
        self.assertIn("out of order", self.refused("--stays", self.file("s", bad)))
        self.assertIn("finish_time = 0", self.refused(
            "--stays", self.file("s", {1: dict(STAYS[1], finish_time=0)})))
        self.assertIn("no table of clients",
                      self.refused("--stays", self.file("s", [1, 2])))
        self.assertIn("no pickled trace",
                      self.refused("--speeds", self.file("s", b"\x80\x04torn")))
        self.assertIn("more than 100000 times", self.refused(
            "--stays", self.file("s", {1: {"active": [0], "inactive": [1],
                                           "finish_time": 0.1}})))
        self.assertIn("something else than numbers", self.refused(
            "--speeds", self.file("s", {1: SPEEDS[1], "b": SPEEDS[2]})))
        for speed in 10 ** 400, 1e-320:
            self.assertIn("which is no number from", self.refused(
                "--speeds", self.file("s", {1: SPEEDS[1] | {"communication": speed}})))
        self.assertEqual("", self.converted("--speeds", self.file("s", bad)).stdout)
        self.assertIn("computation = 'fast'", self.refused(
            "--speeds", self.file("s", {1: {"computation": "fast"}})))
        self.assertIn("No such file", self.refused("--stays", "/nowhere"))
        self.assertIn("names a trace", self.refused())

    def test_it_calls_no_function_that_a_file_names(self):
        self.assertIn("no plain value",
                      self.refused("--stays", self.file("s", {1: Harmful()})))

    @unittest.skipUnless(TOOL, "needs the tool")
    def test_a_simulation_takes_it(self):
        trace = Path(self.place.name, "trace.csv")
        trace.write_text(self.converted(
            "--stays", self.file("s", STAYS), "--until", "5000",
            "--speeds", self.file("f", SPEEDS)).stdout)
        config = Path(self.place.name, "study.toml")
        config.write_text(f"""
[run]
rounds = 5
order = "virtual"
[data]
set = "synthetic"
[model]
kind = "softmax"
[federation]
clients = 3
fraction = 1.0
[simulation]
trace = "{trace}"
""")
        done = subprocess.run(
            [TOOL, "simulate", config, "--out", Path(self.place.name, "out")],
            capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
