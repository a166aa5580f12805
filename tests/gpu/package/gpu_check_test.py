#!/usr/bin/env python3
"""Runs gpu-check over stand-ins for its programs: what it says and answers when
all is well, when something fails, and when there is no GPU."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
SHARED = ("table.awk", "rows.txt", "fashion.toml", "fashion_cnn.toml",
          "synthetic.toml")

TOOL = """#!/bin/sh
case $1 in
  version) echo "troupe 1" ;;
  devices) echo '[{"device": "cpu"}, GPUS]' ;;
  run)
    out=$4 hash=abc accuracy=0.80 kind=cuda
    case $* in
      *device=cpu*) accuracy=CPU_ACCURACY kind=cpu ;;
      *slots=3*) hash=SLOTS_HASH ;;
      *device=auto*) hash=ALL_HASH ;;
    esac
    mkdir -p "$out"
    printf '{\\n  "accuracy": %s,\\n  "fingerprint": "%s",\\n' \
      $accuracy $kind >"$out/summary.json"
    printf '  "model_sha256": "%s"\\n}\\n' $hash >>"$out/summary.json" ;;
esac
"""
NO_GPU = """#!/bin/sh
[ "$1" = devices ] && echo "[]" && echo "no GPU: no CUDA device" >&2
exit 0
"""
TEST = """#!/bin/sh
echo "[  PASSED  ] 3 tests."
"""
BROKEN_TEST = """#!/bin/sh
echo "[ RUN      ] one.thing"
echo "some.cpp:3: it is wrong"
echo "[  FAILED  ] one.thing (1 ms)"
echo "[  PASSED  ] 2 tests."
echo "[  FAILED  ] 1 test, listed below:"
exit 1
"""
SKIPPED_TEST = """#!/bin/sh
echo "one.cpp:5: Skipped"
echo "no NCCL"
echo "[  PASSED  ] 0 tests."
echo "[  SKIPPED ] 2 tests, listed below:"
"""


def figures():
    """A line for every figure that the table wants, with ratios of 1."""
    lines = {}
    for row in (PACKAGE / "rows.txt").read_text().splitlines():
        if row.startswith("#"):
            continue
        _, name, key, peer, peer_key, _ = row.split("|")
        lines.setdefault(name, {})[key] = 2
        if not peer.startswith("torch"):
            lines.setdefault(peer, {})[peer_key] = 2
    return lines


def bench(lines):
    printed = "\n".join(
        " ".join([name] + [f"{k}={v}" for k, v in pairs.items()])
        for name, pairs in lines.items())
    return f"#!/bin/sh\ncat <<'TXT'\n{printed}\nTXT\n"


def tool(cpu_accuracy="0.805", slots_hash="abc", all_hash="abc", gpus=1):
    return (TOOL.replace("CPU_ACCURACY", cpu_accuracy)
            .replace("SLOTS_HASH", slots_hash).replace("ALL_HASH", all_hash)
            .replace("GPUS", ", ".join(
                '{"device": "cuda:%d"}' % i for i in range(gpus))))


class GpuCheck(unittest.TestCase):
    def setUp(self):
        self.root = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)
        for folder in ("bin", "share", "tmp"):
            (self.root / folder).mkdir()
        shutil.copy(PACKAGE / "gpu-check", self.root)
        for name in SHARED:
            shutil.copy(PACKAGE / name, self.root / "share")
        self.tool()
        self.program("cuda_test", TEST)
        self.program("gpu_all_bench", bench(figures()))

    def program(self, name, text):
        path = self.root / "bin" / name
        path.write_text(text)
        path.chmod(0o755)

    def tool(self, **given):
        self.program("troupe", tool(**given))

    def check(self, *options):
        done = subprocess.run(
            [self.root / "gpu-check", "--quick", *options], cwd="/",
            env={**os.environ, "TMPDIR": str(self.root / "tmp")},
            capture_output=True, text=True)
        self.said = done.stdout + done.stderr
        return done.returncode

    def says(self, *parts):
        for part in parts:
            self.assertIn(part, self.said)

    def test_all_is_well(self):
        out = self.root / "found.json"

        self.assertEqual(self.check("--json", str(out)), 0, self.said)

        self.says("3 passed, 0 failed, 0 skipped", "all is well",
                  "repeats its bits", "no peer", "ok")
        found = json.loads(out.read_text())
        self.assertFalse(found["failed"])
        self.assertEqual(found["devices"][1]["device"], "cuda:0")
        self.assertEqual(found["figures"][0]["ratio"], 1)
        self.assertEqual(found["checks"][0]["verdict"], "passed")
        self.assertEqual(list((self.root / "tmp").iterdir()), [])

    def test_no_gpu_is_a_reason_to_skip(self):
        self.program("troupe", NO_GPU)

        self.assertEqual(self.check(), 77)

        self.says("skipped: no GPU: no CUDA device")

    def test_a_failing_test_is_shown(self):
        self.program("cuda_test", BROKEN_TEST)

        self.assertEqual(self.check(), 1)

        self.says("2 passed, 1 failed", "it is wrong", "not all is well")

    def test_a_test_that_crashes_fails(self):
        self.program("cuda_test", "#!/bin/sh\necho last words\nkill -9 $$\n")

        self.assertEqual(self.check("--no-bench"), 1)

        self.says("last words", "exit code 137")

    def test_a_skipped_program_says_why(self):
        self.program("nccl_test", SKIPPED_TEST)

        self.assertEqual(self.check(), 0, self.said)

        self.says("skipped nccl_test", "no NCCL")

    def test_other_bits_fail(self):
        self.tool(slots_hash="def")

        self.assertEqual(self.check("--no-bench"), 1)

        self.says("sha256 abc and def")

    def test_one_gpu_is_not_several(self):
        self.assertEqual(self.check("--no-bench"), 0, self.said)

        self.says("skipped on several GPUs", "there is one")

    def test_several_gpus_make_one_model(self):
        self.tool(gpus=2)
        self.assertEqual(self.check("--no-bench"), 0, self.said)
        self.says("passed  on several GPUs")

        self.tool(gpus=2, all_hash="def")
        self.assertEqual(self.check("--no-bench"), 1)
        self.says("failed  on several GPUs", "sha256 abc and def")

    def test_another_accuracy_fails(self):
        self.tool(cpu_accuracy="0.815")

        self.assertEqual(self.check("--no-bench"), 1)

        self.says("accuracy 0.80 and 0.815")

    def test_a_figure_that_falls_short_fails(self):
        lines = figures()
        lines["products bf16"]["tflop_per_s"] = 1.89
        self.program("gpu_all_bench", bench(lines))

        self.assertEqual(self.check(), 1)

        self.says("0.945", "short")

    def test_a_missing_figure_fails(self):
        self.program("gpu_all_bench", "#!/bin/sh\nexit 3\n")

        self.assertEqual(self.check(), 1)

        row = next(x for x in self.said.splitlines() if x.startswith("8192^3"))
        self.assertTrue(row.endswith("failed"), row)

    def test_a_part_is_run_alone(self):
        self.program("gpu_all_bench", "#!/bin/sh\nexit 3\n")

        self.assertEqual(self.check("--only", "tests"), 0, self.said)
        self.assertNotIn("repeats its bits", self.said)
        self.assertEqual(self.check("--only", "figures"), 1)
        self.assertEqual(self.check("--only", "everything"), 2)

    def test_another_runtime_is_tried(self):
        only = "#!/bin/sh\n[ -n \"$LD_PRELOAD\" ] || exit 127\n"
        self.program("troupe", tool().replace("#!/bin/sh\n", only))

        self.assertEqual(self.check("--no-bench"), 0, self.said)

        self.says("C++ runtime: this machine's")

    def test_a_tool_that_never_starts_fails(self):
        self.program("troupe", "#!/bin/sh\necho no such glibc >&2\nexit 127\n")

        self.assertEqual(self.check(), 1)

        self.says("no such glibc")

    def test_an_unknown_option_is_refused(self):
        self.assertEqual(self.check("--quack"), 2)


if __name__ == "__main__":
    sys.exit(unittest.main())
