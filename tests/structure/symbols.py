#!/usr/bin/env python3
"""Says which symbols of the C library our libraries define.

usage: symbols.py NM LIBC ARCHIVE...

A program that links such a library gets our function where it means the C
library's. Prints one line a fault and exits 1 if there is any.
"""

import subprocess
import sys


def defined(nm, *arguments):
    """Names to the place that defines them, as `nm -A` spells it."""
    command = [nm, "-A", "-g", "--defined-only", *arguments]
    said = subprocess.run(command, check=True, capture_output=True, text=True)
    found = {}
    for line in said.stdout.splitlines():
        place, _, name = line.rpartition(" ")
        found[name.split("@")[0]] = place.rpartition(":")[0]
    return found


def main(nm, libc, *archives):
    theirs = defined(nm, "-D", libc)
    if "pthread_create" not in theirs:
        sys.exit(f"{libc} is no C library")
    faults = [
        f"{place}: {name} is the C library's"
        for archive in archives
        for name, place in defined(nm, archive).items()
        if name in theirs
    ]
    print("\n".join(faults))
    sys.exit(1 if faults else 0)


main(*sys.argv[1:])
