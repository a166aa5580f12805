"""One run under one plan."""

import heapq
import itertools
import shutil
import signal
import time

from acts import Acts, Fault
from players import Player, ask

NOT_BY_ITS_NAME = "has come back by another connection"
SENT_HOME = ("the run was interrupted", "came when the run had closed")


class Performance(Acts):
    def __init__(self, tools, plan, network, place, rounds, slack, certs=None):
        self.tools = tools
        self.troupe = tools.troupe
        self.plan = plan
        self.network = network
        self.place = place
        self.rounds = rounds
        self.slack = slack
        self.certs = certs
        self.out = place / "run"
        self.coordinator = None
        self.nodes = {}  # by name: who plays it now
        self.all = []
        self.touched = {}  # by name: when it was last disturbed
        self.done = []
        self._counts = itertools.count()
        self._queue = []
        self._journal = (0, time.monotonic())
        self._strangers = []
        self._diary = open(place / "chaos.log", "a")
        self._began = time.monotonic()
        self._stops = False  # nothing new is done
        self._out_of_order = False  # the coordinator is down, by us

    def perform(self, bound):
        """Until the coordinator is done. Raises `Fault`."""
        self._raise_curtain()
        first = time.monotonic()
        for each in self.plan.steps:
            self._later(each.at, lambda x=each: self._do(x))
        while self._step():
            if time.monotonic() - first > bound:
                self._blame(self.coordinator,
                            f"the run did not end within {bound:g} s")
        self._write("the coordinator has ended")
        self._let_nodes_end()
        self._diary.close()

    def settle(self):
        """Whatever happened: nothing of it goes on."""
        self._stops = True
        for each in self.all:
            each.end()
        for each in self._strangers:
            each.join(10)

    # Beginning

    def _raise_curtain(self):
        self._start_coordinator(resumes=False)
        late = {x.who for x in self.plan.steps if x.verb == "join"}
        for name in self.plan.nodes:
            if name not in late:
                self._start_node(name)
        self._wait(self._has_published, 60, self.coordinator,
                   "no version was made")

    def _has_published(self):
        journal = self.out / "facts.jsonl"
        return journal.exists() and '"published"' in journal.read_text()

    def _tls(self, who):
        return ["--tls", self.certs] if self.certs else []

    def _start_coordinator(self, resumes):
        listen = f"{self.network.host}:{self.network.port}"
        self.coordinator = self._start("coordinator", [
            *self.plan.setting.run(
                self.tools, self.place, self.rounds, resumes),
            "--listen", listen, "--min-nodes", str(self.plan.least),
            "--silence", str(self.plan.silence), *self._tls("coordinator"),
            *self.network.listen_options])
        self._out_of_order = False

    def _start_node(self, name):
        self.nodes[name] = self._start(name, [
            *self.plan.setting.join(self.tools, self.network.dials(name)),
            "--name", name, "--slots", str(self.plan.slots[name]), "--silence",
            str(self.plan.silence), *self._tls(name)])
        self._touch(name)

    def _start(self, name, command):
        number = sum(x.name == name for x in self.all)
        made = Player(name, self.network.inside(name, command),
                      self.place / f"{name}.{number}.log")
        self.all.append(made)
        self._write(f"started {name}.{number}, process {made.pid}")
        return made

    # Time

    def _later(self, seconds, what):
        heapq.heappush(self._queue, (time.monotonic() + seconds,
                                     next(self._counts), what))

    def _step(self):
        """False: the coordinator is done."""
        now = time.monotonic()
        while self._queue and self._queue[0][0] <= now:
            heapq.heappop(self._queue)[2]()
        if not self._out_of_order:
            code = self.coordinator.code
            if code == 0:
                return False
            if code is not None:
                raise Fault(f"the coordinator ended with {code}: "
                            f"{self.coordinator.last_line()}")
            self._expect_progress()
        for name, node in self.nodes.items():
            if node.code is not None and not node.asked:
                self._node_ended(name, node)
        time.sleep(0.03)
        return True

    def _expect_progress(self):
        try:
            size = (self.out / "facts.jsonl").stat().st_size
        except OSError:
            size = 0
        now = time.monotonic()
        if size != self._journal[0] or self.coordinator.frozen:
            self._journal = (size, now)
        elif now - self._journal[1] > 40 * self.slack:
            self._blame(self.coordinator, "the run stands still: no new fact "
                        f"for {now - self._journal[1]:.0f} s")

    def _node_ended(self, name, node):
        """Nobody has asked it to."""
        said = node.said()
        others = [x for x in self.all
                  if x is not node and x.name == name and x.code is None]
        if node.code == 1 and NOT_BY_ITS_NAME in said and others:
            node.asked.add("thrown out")
            self.nodes[name] = others[-1]
        elif any(x in said for x in SENT_HOME) and node.code in (1, 130):
            node.asked.add("sent home")
            self._come_back(name, 0.5)
        elif node.code != 0 or "is through: the run is done" not in said:
            raise Fault(
                f"node {name} ended with {node.code}: {node.last_line()}")

    def _wait(self, until, seconds, who, otherwise):
        end = time.monotonic() + seconds * self.slack
        while not until():
            if who.code is not None and not until():
                raise Fault(f"{otherwise}: {who.name} ended with {who.code}: "
                            f"{who.last_line()}")
            if time.monotonic() > end:
                self._blame(who, f"{otherwise} within "
                            f"{seconds * self.slack:g} s")
            time.sleep(0.03)

    # End

    def _let_nodes_end(self):
        """Whoever was there ends by itself; those who were not, and dial on,
        when they are asked to."""
        self._stops = True
        ended = time.monotonic()
        for name in self.nodes:
            self.network.heal(name)
        for each in self.all:
            if each.frozen:
                each.thaw()
        calm = 2 * self.plan.silence + 12 * self.slack
        for each in self.all:
            if each.code is None and not each.ends_within(8 * self.slack):
                at_peace = (self.nodes.get(each.name) is each and
                            not each.asked and
                            ended - self.touched[each.name] > calm)
                if at_peace and "takes part" in each.last_line():
                    self._blame(each, f"{each.name} did not end with the run")
                each.send(signal.SIGINT)
                if not each.ends_within(15 * self.slack):
                    self._blame(each, f"{each.name} did not end when it was "
                                "interrupted")

    def _blame(self, who, why):
        """With what may tell more about it."""
        evidence = f"{why}\n{who.name}, process {who.pid}\n"
        if who.code is None:
            evidence += who.threads() + "\n"
            trace = ""
            if shutil.which("gdb"):
                _, trace = ask(["gdb", "-p", str(who.pid), "-batch", "-ex",
                                "thread apply all bt 12"], 120)
            evidence += trace
        if self.coordinator.code is None and not self.coordinator.frozen:
            evidence += "\n".join(map(str, self._ask("status")))
        (self.place / "evidence.log").write_text(evidence)
        raise Fault(why)

    def _write(self, what):
        if not self._diary.closed:
            self._diary.write(f"{time.monotonic() - self._began:8.3f} {what}\n")
            self._diary.flush()

