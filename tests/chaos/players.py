"""Processes that a test starts, and ends by their ids whatever happens."""

import ctypes
import os
import signal
import subprocess
import time

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1
_STARTED = []


def _die_with_parent():
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Player:
    """One process; all that it says goes to the file `log`."""

    def __init__(self, name, command, log):
        self.name = name
        self.log = log
        self.asked = set()  # signals, and what else makes it end
        self.frozen = False
        with open(log, "ab") as out:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=True, preexec_fn=_die_with_parent)
        self.pid = self.process.pid
        self.began = time.monotonic()
        _STARTED.append(self)

    @property
    def code(self):
        """None while it lives; minus a signal's number."""
        return self.process.poll()

    def send(self, number):
        if self.code is None:
            self.asked.add(number)
            self.process.send_signal(number)

    def freeze(self):
        self.frozen = True
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.frozen = False
        self.process.send_signal(signal.SIGCONT)

    def ends_within(self, seconds):
        try:
            self.process.wait(seconds)
            return True
        except subprocess.TimeoutExpired:
            return False

    def end(self):
        if self.code is None:
            self.process.kill()
            self.process.wait()

    def said(self):
        with open(self.log, "rb") as text:
            return text.read().decode(errors="replace")

    def last_line(self):
        return (self.said().strip().splitlines() or [""])[-1]

    def threads(self):
        """Where each of its threads is, for those who wonder why it hangs."""
        lines = []
        for task in sorted(os.listdir(f"/proc/{self.pid}/task"), key=int):
            at = f"/proc/{self.pid}/task/{task}/"
            values = []
            for what in ("comm", "wchan", "stat"):
                try:
                    with open(at + what) as text:
                        values.append(text.read().strip())
                except OSError:
                    values.append("?")
            state = values[2].rpartition(")")[2].split()[:1]
            lines.append(f"{task} {values[0]} {state} {values[1]}")
        return "\n".join(lines)


def end_all():
    """Ends whoever was started and still lives."""
    for each in _STARTED:
        each.end()
    _STARTED.clear()


def forget_ended():
    _STARTED[:] = [x for x in _STARTED if x.code is None]


def ask(command, seconds):
    """Exit code and words of a command; code None: it did not end in time."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=seconds, check=False,
            start_new_session=True, preexec_fn=_die_with_parent)
        return done.returncode, done.stdout.decode(errors="replace")
    except subprocess.TimeoutExpired as late:
        return None, (late.stdout or b"").decode(errors="replace")
