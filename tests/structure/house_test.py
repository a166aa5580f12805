#!/usr/bin/env python3
"""Shows that house.py finds each kind of fault, and none in a sound tree."""

import tempfile
import unittest
from pathlib import Path

import house

SOUND = {
    "gpu/buffer.hpp": "#pragma once\n#include <span>\n",
    "gpu/buffer.cpp": '#include "gpu/buffer.hpp"\n',
    "protocols/facts.hpp": '#pragma once\n#include "gpu/buffer.hpp"\n',
    "actors/worker.hpp": '#pragma once\n#include "protocols/facts.hpp"\n',
    "monitoring/metrics.hpp": '#pragma once\n#include "protocols/facts.hpp"\n',
    "runtime/launch.hpp": '#pragma once\n#include "monitoring/metrics.hpp"\n',
    "examples/hello.cpp": '#include "runtime/launch.hpp"\n',
    "actors/CMakeLists.txt": "troupe_library(actors PUBLIC troupe::gpu)\n",
}


def faults(**changes):
    """The faults of the sound tree after `changes`, keyed path -> content."""
    with tempfile.TemporaryDirectory() as root:
        for path, content in {**SOUND, **changes}.items():
            file = Path(root, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        return list(house.faults(Path(root)))


class HouseTest(unittest.TestCase):
    def finds(self, path, content, text):
        found = faults(**{path: content})
        self.assertEqual(len(found), 1, found)
        self.assertTrue(found[0].startswith(path + ":"), found)
        self.assertIn(text, found[0])

    def test_a_sound_tree_has_no_fault(self):
        self.assertEqual(faults(), [])

    def test_every_arrow_that_is_not_drawn_is_refused(self):
        headers = {
            "gpu": "gpu/buffer.hpp",
            "protocols": "protocols/facts.hpp",
            "actors": "actors/worker.hpp",
            "monitoring": "monitoring/metrics.hpp",
            "runtime": "runtime/launch.hpp",
        }
        for folder, allowed in house.ARROWS.items():
            for target in set(headers) - allowed - {folder}:
                with self.subTest(folder=folder, target=target):
                    include = f'#include "{headers[target]}"\n'
                    arrow = f"no arrow leads from {folder} to {target}"
                    self.finds(f"{folder}/x.cpp", include, arrow)

    def test_a_link_against_the_arrows_is_refused(self):
        text = "troupe_library(actors\n  PUBLIC troupe::runtime)\n"
        self.finds("actors/CMakeLists.txt", text, "links runtime")

    def test_gpu_knows_no_actor_framework(self):
        text = "#include <caf/actor.hpp>\n"
        self.finds("gpu/x.cpp", text, "<caf> never lives in gpu")

    def test_an_actor_opens_no_socket(self):
        text = "#include <sys/socket.h>\n"
        self.finds("actors/x.cpp", text, "never lives in actors")

    def test_gpu_starts_no_thread(self):
        self.finds("gpu/x.cpp", "std::jthread t;\n", "no threads of its own")

    def test_a_rule_reads_no_clock(self):
        text = "auto now = std::chrono::steady_clock::now();\n"
        self.finds("protocols/x.cpp", text, "take the time as an argument")

    def test_the_whole_of_caf_is_never_included(self):
        text = "#include <caf/all.hpp>\n"
        self.finds("actors/x.cpp", text, "include what is used")

    def test_an_include_starts_at_the_root(self):
        self.finds("gpu/x.cpp", '#include "buffer.hpp"\n', "from the root")

    def test_a_header_without_pragma_once_is_refused(self):
        self.finds("gpu/x.hpp", "int x();\n", "#pragma once")

    def test_a_source_includes_its_own_header_first(self):
        text = '#include <span>\n#include "gpu/buffer.hpp"\n'
        self.finds("gpu/buffer.cpp", text, "gpu/buffer.hpp comes first")

    def test_a_flag_for_one_machine_is_refused(self):
        text = "add_compile_options(-march=native)\n"
        self.finds("gpu/CMakeLists.txt", text, "the same bits")

    def test_a_path_of_one_machine_is_refused(self):
        self.finds("docs/x.md", "see /home/ann/data\n", "no path of one machine")


if __name__ == "__main__":
    unittest.main()
