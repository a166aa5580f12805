"""Strangers at the coordinator's port. None of them may harm a run."""

import random
import socket
import struct
import time

PREAMBLE = b"troupe" + struct.pack(">H", 1)
PATIENCE = 3.0


def _dial(where):
    made = socket.create_connection(where, PATIENCE)
    made.settimeout(PATIENCE)
    return made


def _listen(to):
    """Until it closes, or for as long as patience lasts."""
    end = time.monotonic() + PATIENCE
    try:
        while time.monotonic() < end and to.recv(4096):
            pass
    except OSError:
        pass


def garbage(where, dice):
    with _dial(where) as at:
        at.sendall(dice.randbytes(dice.choice([1, 7, 100, 100_000])))
        _listen(at)


def browser(where, dice):
    with _dial(where) as at:
        at.sendall(b"GET / HTTP/1.1\r\nHost: troupe\r\n\r\n")
        _listen(at)


def other_version(where, dice):
    with _dial(where) as at:
        at.sendall(b"troupe" + struct.pack(">H", dice.randint(2, 65535)))
        _listen(at)


def forged_length(where, dice):
    with _dial(where) as at:
        length = dice.choice([0, 4097, 1 << 20, 0x7FFFFFFF, 0xFFFFFFFF])
        at.sendall(PREAMBLE + struct.pack("<I", length) + dice.randbytes(64))
        _listen(at)


def broken_frame(where, dice):
    with _dial(where) as at:
        frame = bytes([dice.randint(0, 20)]) + dice.randbytes(dice.randint(1, 90))
        at.sendall(PREAMBLE + struct.pack("<I", len(frame)) + frame)
        _listen(at)


def half_frame(where, dice):
    with _dial(where) as at:
        at.sendall(PREAMBLE + struct.pack("<I", 100) + dice.randbytes(30))


def silent(where, dice):
    held = [_dial(where) for _ in range(dice.randint(1, 40))]
    time.sleep(PATIENCE)
    for each in held:
        each.close()


def crowd(where, dice):
    """More than may wait to say who they are."""
    held = []
    try:
        held = [_dial(where) for _ in range(300)]
        time.sleep(0.5)
    finally:
        for each in held:
            each.close()


def drop_by_drop(where, dice):
    with _dial(where) as at:
        for each in PREAMBLE:
            at.sendall(bytes([each]))
            time.sleep(0.2)
        _listen(at)


ALL = {x.__name__: x for x in (
    garbage, browser, other_version, forged_length, broken_frame, half_frame,
    silent, crowd, drop_by_drop)}


def come(what, where, seed):
    """Whatever comes of it is the stranger's own affair."""
    try:
        ALL[what](where, random.Random(seed))
    except OSError:
        pass
