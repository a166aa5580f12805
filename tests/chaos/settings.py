"""What is trained: a few small configurations, and what each comes to when
nobody disturbs it."""

import json
import time
from dataclasses import dataclass
from pathlib import Path

from network import free_port
from players import Player, ask

RULES = {
    "fedavg": "fraction = 0.5",
    "fedbuff": "buffer = 4\nconcurrency = 8\nmax_staleness = 20",
    "fedasync": "concurrency = 6\nmax_staleness = 20",
}
# Where a client's training takes some milliseconds, and its model on the wire
# 2.4 KB, 36 KB and 660 KB.
MODELS = {
    "softmax": ('kind = "softmax"', 800),
    "small": ('kind = "mlp"\nlayers = [60, 128, 10]', 150),
    "large": ('kind = "mlp"\nlayers = [60, 512, 256, 10]', 15),
}


@dataclass(frozen=True)
class Tools:
    troupe: str
    counting: str = ""  # a program of one topology, whose clients have states


@dataclass(frozen=True)
class Setting:
    rule: str
    model: str  # or "counting": that program's
    server: str
    evaluate_every: int
    checkpoint_every: int
    order: str = "arrival"  # or "virtual"

    @staticmethod
    def drawn(dice, counts):
        """Most are synchronous or in virtual order: their bits are promised."""
        rule, order = dice.choice([
            ("fedavg", "arrival"), ("fedavg", "arrival"),
            ("fedbuff", "arrival"), ("fedasync", "arrival"),
            ("fedbuff", "virtual"), ("fedasync", "virtual")])
        model = dice.choice(list(MODELS))
        if dice.random() < 0.4 and counts:
            model = "counting"
        return Setting(rule, model, dice.choice(["average", "fedadam"]),
                       dice.choice([1, 25]), dice.choice([1, 1, 8]), order)

    @property
    def name(self):
        order = " in virtual order" if self.order == "virtual" else ""
        return (f"{self.rule} {self.model} {self.server} "
                f"score/{self.evaluate_every} store/{self.checkpoint_every}"
                f"{order}")

    @property
    def promises_bits(self):
        return self.rule == "fedavg" or self.order == "virtual"

    @property
    def is_counting(self):
        return self.model == "counting"

    def run(self, tools, place, rounds, resumes=False):
        """The command that trains it, and leaves what comes of it in `run`."""
        if self.is_counting:
            return [tools.counting, *self._settings(rounds), "--out",
                    place / "run", *(["--resume"] if resumes else [])]
        (place / "run.toml").write_text(self.text(rounds))
        return [tools.troupe, "run",
                "--resume" if resumes else place / "run.toml", "--out",
                place / "run"]

    def join(self, tools, at):
        if self.is_counting:
            return [tools.counting, "--join", at, *self._settings(1)]
        return [tools.troupe, "join", at]

    def _settings(self, rounds):
        federation = RULES[self.rule].replace(" ", "").splitlines()
        if self.server == "fedadam":
            federation.append("server_lr=0.01")
        values = [f"run.rounds={rounds}", f"run.order={self.order}",
                  f"run.evaluate_every={self.evaluate_every}",
                  f"run.checkpoint_every={self.checkpoint_every}",
                  f"federation.rule={self.rule}",
                  f"federation.server={self.server}",
                  *("federation." + x for x in federation)]
        return [x for value in values for x in ("--set", value)]

    def text(self, rounds):
        model, steps = MODELS[self.model]
        rate = ("server_lr = 0.01\n" if self.server == "fedadam" else "")
        return f"""[run]
name = "chaos"
seed = 7
rounds = {rounds}
evaluate_every = {self.evaluate_every}
checkpoint_every = {self.checkpoint_every}
order = "{self.order}"
[data]
set = "synthetic"
[model]
{model}
[federation]
rule = "{self.rule}"
clients = 12
server = "{self.server}"
{rate}{RULES[self.rule]}
[client]
steps = {steps}
lr = 0.05
[compute]
device = "cpu"
slots = 1
"""


class Archive:
    """What was found out before, in a file if there is one."""

    def __init__(self, file):
        self._file = Path(file) if file else None
        self._all = {}
        if self._file and self._file.exists():
            self._all = json.loads(self._file.read_text())

    def get(self, key):
        return self._all.get(key)

    def put(self, key, value):
        self._all[key] = value
        if self._file:
            fresh = self._file.with_suffix(".new")
            fresh.write_text(json.dumps(self._all, indent=1) + "\n")
            fresh.replace(self._file)


def versions_per_second(tools, setting, place, slack):
    """Over three nodes, in some seconds."""
    place.mkdir(parents=True)
    at = f"127.0.0.1:{free_port()}"
    first = Player("measured", [
        *setting.run(tools, place, 10_000_000), "--listen", at, "--min-nodes",
        "3"], place / "coordinator.log")
    nodes = [Player(f"n{i}", [*setting.join(tools, at), "--slots", "1"],
                    place / f"{i}.log") for i in range(3)]
    troupe = tools.troupe
    try:
        start = _version(troupe, at, 1, 60 * slack)
        began = time.monotonic()
        time.sleep(3)
        end = _version(troupe, at, start + 1, 30 * slack)
        return (end - start) / (time.monotonic() - began)
    finally:
        for each in [first, *nodes]:
            each.end()


def _version(troupe, at, least, patience):
    end = time.monotonic() + patience
    while time.monotonic() < end:
        code, said = ask([troupe, "status", at, "--json"], 20)
        if code == 0 and (found := json.loads(said)["version"]) >= least:
            return found
        time.sleep(0.1)
    raise RuntimeError(f"no version {least} within {patience:g} s at {at}")


def undisturbed(tools, setting, rounds, place, slack):
    """The digest of what one process without a cluster makes of it."""
    place.mkdir(parents=True, exist_ok=True)
    code, said = ask([*setting.run(tools, place, rounds), "--quiet"],
                     600 * slack)
    if code != 0:
        raise RuntimeError(f"the undisturbed run ended with {code}: {said}")
    return json.loads((place / "run/summary.json").read_text())["model_sha256"]
