"""Where the processes of a run are: on one loopback, or each in a network
namespace of its own."""

import os
import random
import shutil
import socket
import subprocess

from wire import Wire


def free_port():
    """Below those that the system gives to whoever dials: a node that dials a
    dead coordinator there might be given its port, and meet itself."""
    while True:
        port = random.randrange(12_000, 30_000)
        with socket.socket() as at:
            try:
                at.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class Loopback:
    """Every second node dials through a wire that can be broken."""

    name = "loopback"
    listen_options = []

    def __init__(self, tls=False):
        self.host = "127.0.0.1"
        self.port = free_port()
        self._tls = tls
        self._wires = {}

    def add(self, node):
        if len(self._wires) % 2 == 0:
            self._wires[node] = Wire(self.port)
        else:
            self._wires[node] = None

    def dials(self, node):
        wire = self._wires[node]
        return f"{self.host}:{wire.port if wire else self.port}"

    def inside(self, node, command):
        return command

    def troubles(self, node):
        if not self._wires[node]:
            return []
        return ["cut", "cut one", "choke", "partition", "mute", "deaf",
                "slow"] + (["flip"] if self._tls else [])

    def trouble(self, node, what):
        wire = self._wires[node]
        {"cut": wire.cut, "cut one": wire.cut_one, "choke": wire.choke,
         "flip": wire.flip,
         "partition": lambda: wire.stall("up", "down"),
         "mute": lambda: wire.stall("up"), "deaf": lambda: wire.stall("down"),
         "slow": lambda: wire.slow(0.02, 2.5e6)}[what]()

    def heal(self, node):
        if self._wires[node]:
            self._wires[node].heal()

    def close(self):
        for each in self._wires.values():
            if each:
                each.close()


def _ip(*words):
    return subprocess.run(
        ["ip", *words], check=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, start_new_session=True)


class Namespaces:
    """One bridge, and behind each of its ports one namespace. The coordinator
    is number 1, and this machine itself is 254."""

    name = "namespaces"
    port = 4242
    nobody = "02:00:00:00:00:fe"

    def __init__(self, tls=False):
        self.listen_options = [] if tls else ["--insecure"]
        self._prefix = f"tch{os.getpid() % 100_000}"
        self._net = f"10.213.{os.getpid() % 256}"
        self._bridge = self._prefix + "b"
        self._places = {}
        self._limits = []
        self.host = self._address(1)
        try:
            _ip("link", "add", self._bridge, "type", "bridge")
            _ip("addr", "add", self._address(254) + "/24", "dev", self._bridge)
            _ip("link", "set", self._bridge, "up")
            self.add("coordinator")
            self._limits = self._find_limits()
        except BaseException:
            self.close()
            raise

    @staticmethod
    def objection():
        """Why there can be none here; None: there can."""
        if os.geteuid() != 0:
            return "not root"
        if not shutil.which("ip"):
            return "there is no `ip`"
        try:
            Namespaces().close()
        except (OSError, subprocess.CalledProcessError) as why:
            said = getattr(why, "stderr", b"") or str(why).encode()
            return "they cannot be made: " + said.decode().strip()
        return None

    def lacks(self):
        if not shutil.which("tc"):
            return "there is no `tc`: no link is slow"
        if "netem" not in [x[0] for x in self._limits]:
            return "no netem: no delay and no loss"
        return None

    def add(self, node):
        number = len(self._places) + 1
        space = f"{self._prefix}n{number}"
        self._places[node] = (number, space)
        _ip("netns", "add", space)
        _ip("link", "add", space, "type", "veth", "peer", "name", "eth0",
            "netns", space)
        _ip("link", "set", space, "master", self._bridge, "up")
        for words in (("link", "set", "lo", "up"), ("link", "set", "eth0", "up"),
                      ("addr", "add", self._address(number) + "/24", "dev",
                       "eth0")):
            _ip("-n", space, *words)

    def dials(self, node):
        return f"{self.host}:{self.port}"

    def inside(self, node, command):
        """With a shared memory of its own, as on another machine."""
        return ["ip", "netns", "exec", self._places[node][1], "sh", "-c",
                'mount -t tmpfs tmpfs /dev/shm; exec "$@"', "sh", *command]

    def troubles(self, node):
        return ["partition", "mute", "deaf"] + (["slow"] if self._limits else [])

    def trouble(self, node, what):
        number, space = self._places[node]
        if what == "partition":
            _ip("link", "set", space, "down")
        elif what == "mute":  # what it says goes to nobody
            self._misdirect(space, 1)
        elif what == "deaf":
            self._misdirect(self._places["coordinator"][1], number)
        else:
            for words in self._limits:
                self._tc(space, *words)

    def heal(self, node):
        number, space = self._places[node]
        _ip("link", "set", space, "up")
        self._direct(space, 1)
        self._direct(self._places["coordinator"][1], number)
        if self._limits:
            self._tc(space, "del")

    def close(self):
        for words in [("netns", "del", x[1]) for x in self._places.values()] + [
                ("link", "del", self._bridge)]:
            try:
                _ip(*words)
            except (OSError, subprocess.CalledProcessError):
                pass
        self._places.clear()

    def _address(self, number):
        return f"{self._net}.{number}"

    def _misdirect(self, space, number):
        _ip("-n", space, "neigh", "replace", self._address(number), "lladdr",
            self.nobody, "dev", "eth0", "nud", "permanent")

    def _direct(self, space, number):
        try:
            _ip("-n", space, "neigh", "del", self._address(number), "dev",
                "eth0")
        except subprocess.CalledProcessError:
            pass  # there is none

    def _tc(self, device, *words):
        """Both ways: what goes to the node, and what it sends."""
        verb = ["del"] if words == ("del",) else ["replace"]
        rest = [] if words == ("del",) else list(words)
        done = True
        for place, at in (([], device), (["-n", device], "eth0")):
            done &= subprocess.run(
                ["tc", *place, "qdisc", *verb, "dev", at, "root", *rest],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                start_new_session=True, check=False).returncode == 0
        return done

    def _find_limits(self):
        """The best of what this machine's `tc` knows."""
        if not shutil.which("tc"):
            return []
        space = self._places["coordinator"][1]
        for words in (("netem", "delay", "20ms", "loss", "1%", "rate", "20mbit"),
                      ("tbf", "rate", "20mbit", "burst", "32kbit", "latency",
                       "400ms")):
            if self._tc(space, *words):
                self._tc(space, "del")
                return [words]
        return []
