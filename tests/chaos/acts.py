"""What may be done to a run, and what each deed must come to."""

import signal
import threading
import time

import intruders
from players import ask


class Fault(Exception):
    """Troupe did not do what it promises."""


class Acts:
    """For a `Performance`, which knows who is there and keeps the time. Each
    act answers whether it was done."""

    def _do(self, step):
        if self._stops:
            return
        act = getattr(self, "_" + step.verb.replace(" ", "_"))
        done = act(step)
        self._write(f"{step}" + ("" if done else ": not now"))
        if done:
            self.done.append(str(step))

    def _touch(self, name):
        self.touched[name] = time.monotonic()

    def _there(self, name):
        """Whoever plays it, if it lives and nothing else happens to it."""
        node = self.nodes.get(name)
        if not node or node.code is not None or node.asked or node.frozen:
            return None
        return node

    def _up(self):
        return not self._out_of_order and not self.coordinator.frozen

    def _join(self, step):
        self._start_node(step.who)
        return True

    def _kill(self, step):
        node = self._there(step.who)
        if not node:
            return False
        node.send(signal.SIGKILL)
        self._come_back(step.who, step.length)
        return True

    def _kill_all(self, step):
        return sum([self._kill(type(step)(0, "kill", x, step.length))
                    for x in self.nodes]) > 0

    def _come_back(self, name, pause):
        self._touch(name)
        self._later(pause, lambda: self._start_node(name))

    def _freeze(self, step):
        node = self._there(step.who)
        if not node:
            return False
        node.freeze()
        self._later(step.length, lambda: (node.thaw(), self._touch(step.who)))
        return True

    def _interrupt(self, step):
        node = self._there(step.who)
        if not node:
            return False
        node.send(signal.SIGINT)
        self._expect_end(node, step)
        return True

    def _hurry(self, step):
        """Asked twice, it leaves at once."""
        node = self._there(step.who)
        if not node:
            return False
        node.send(signal.SIGINT)
        self._later(0.3, lambda: node.send(signal.SIGINT))
        self._expect_end(node, step)
        return True

    def _flap(self, step, times=4):
        """Comes, and is killed on its way in."""
        if self._stops or not self._there(step.who):
            return False
        self.nodes[step.who].send(signal.SIGKILL)
        self._start_node(step.who)
        if times > 0:
            self._later(step.length, lambda: self._flap(step, times - 1))
        return True

    def _drain(self, step):
        node = self._there(step.who)
        if not node or not self._up():
            return False
        code, said = self._ask("drain", step.who)
        if code == 0:
            node.asked.add("drained")
            self._expect_end(node, step)
        elif code is None or not ("there is no node" in said or
                                  self._is_busy()):
            raise Fault(f"troupe drain ended with {code}: {said.strip()}")
        return code == 0

    def _is_busy(self):
        """It need not answer: it is about to end, or a crowd is at its door."""
        return (any(x.is_alive() for x in self._strangers) or
                self.coordinator.ends_within(5 * self.slack))

    def _expect_end(self, node, step):
        """It ends by itself, soon; then it comes back."""
        end = time.monotonic() + 30 * self.slack

        def look():
            nonlocal end
            if node.code is not None:
                self._come_back(step.who, step.length)
                return
            if node.frozen or not self._up():
                end = time.monotonic() + 30 * self.slack
            if time.monotonic() > end:
                self._blame(node, f"{node.name} did not end within "
                            f"{30 * self.slack:g} s after {step}")
            self._later(0.1, look)

        look()

    def _twin(self, step):
        if not self._there(step.who):
            return False
        self._start_node(step.who)
        return True

    def _trouble(self, step):
        self.network.trouble(step.who, step.what)
        self._touch(step.who)
        self._later(step.length, lambda: (self.network.heal(step.who),
                                          self._touch(step.who)))
        return True

    def _stranger(self, step):
        seed = f"{self.plan.seed} {step.at}"
        made = threading.Thread(
            target=intruders.come, daemon=True,
            args=(step.what, (self.network.host, self.network.port), seed))
        made.start()
        self._strangers.append(made)
        return True

    def _kill_coordinator(self, step):
        return self._end_coordinator(step, signal.SIGKILL)

    def _kill_coordinator_twice(self, step):
        """Again while it resumes."""
        again = type(step)(0, "kill coordinator", length=step.length)
        self._later(0.5 + step.length, lambda: self._kill_coordinator(again))
        return self._end_coordinator(type(step)(0, "", length=0.5),
                                     signal.SIGKILL)

    def _interrupt_coordinator(self, step):
        return self._end_coordinator(step, signal.SIGINT)

    def _end_coordinator(self, step, how):
        if not self._up():
            return False
        self._out_of_order = True
        self.coordinator.send(how)
        if not self.coordinator.ends_within(30 * self.slack):
            self._blame(self.coordinator, "the coordinator did not end within "
                        f"{30 * self.slack:g} s after {how.name}")
        if self.coordinator.code == 0:  # it was quicker
            self._out_of_order = False
            return False
        for each in self.nodes:
            self._touch(each)
        self._later(step.length, lambda: self._start_coordinator(resumes=True))
        return True

    def _freeze_coordinator(self, step):
        if not self._up():
            return False
        frozen = self.coordinator
        frozen.freeze()

        def thaw():
            frozen.thaw()
            for each in self.nodes:
                self._touch(each)

        self._later(step.length, thaw)
        return True

    def _ask(self, verb, *words):
        code, said = ask(self.network.inside("coordinator", [
            self.troupe, verb, f"{self.network.host}:{self.network.port}",
            *words, *self._tls("coordinator")]), 30 * self.slack)
        self._write(f"troupe {verb} {' '.join(words)}: {code}: {said.strip()}")
        return code, said
