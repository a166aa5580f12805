"""What happens to a run, by seed."""

import random
from dataclasses import dataclass, field

from intruders import ALL as INTRUDERS
from settings import Setting

NAMES = ["alpha", "beta", "gamma", "delta"]
CALM = 0.3  # of the time, at the end: whoever was lost comes back


@dataclass
class Step:
    at: float  # seconds
    verb: str
    who: str = ""
    length: float = 0.0
    what: str = ""

    def __str__(self):
        words = [self.verb, self.what, self.who]
        if self.length:
            words.append(f"{self.length:.1f} s")
        return " ".join(x for x in words if x)


@dataclass
class Plan:
    seed: int
    setting: Setting
    nodes: list
    slots: dict
    silence: float
    least: int  # nodes that the run waits for
    steps: list = field(default_factory=list)


def _node_step(dice, verb, plan, troubles):
    who = dice.choice(plan.nodes)
    s = plan.silence
    length = {
        "kill": lambda: dice.uniform(0, 3),
        "freeze": lambda: dice.choice([dice.uniform(0.1, s),
                                       dice.uniform(s, 3 * s)]),
        "interrupt": lambda: dice.uniform(0, 3),
        "drain": lambda: dice.uniform(0, 3),
        "twin": lambda: 0.0,
        "flap": lambda: dice.uniform(0.05, 0.5),
        "hurry": lambda: dice.uniform(0, 3),
        "trouble": lambda: dice.choice([dice.uniform(0.1, s),
                                        dice.uniform(s, 3 * s)]),
    }[verb]()
    if verb != "trouble":
        return Step(0, verb, who, length)
    choices = [(x, y) for x in plan.nodes for y in troubles(x)]
    if not choices:
        return None
    who, what = dice.choice(choices)
    return Step(0, verb, who, length, what)


def _other_step(dice, verb, plan):
    s = plan.silence
    if verb == "kill all":
        return Step(0, verb, length=dice.uniform(0, 2))
    if verb == "stranger":
        return Step(0, verb, what=dice.choice(list(INTRUDERS)))
    if verb == "freeze coordinator":
        return Step(0, verb, length=dice.choice([s / 2, 2 * s]))
    if verb == "kill coordinator twice":
        return Step(0, verb, length=dice.uniform(0, 1.5))
    if verb in ("kill coordinator", "interrupt coordinator"):
        return Step(0, verb, length=dice.uniform(0, 3))
    return Step(0, verb)


WEIGHTS = {"kill": 4, "freeze": 3, "interrupt": 2, "drain": 2, "twin": 2,
           "flap": 1, "hurry": 1, "trouble": 6, "stranger": 3, "kill all": 1,
           "kill coordinator": 2, "kill coordinator twice": 1,
           "interrupt coordinator": 1, "freeze coordinator": 1}
OF_NODES = ("kill", "freeze", "interrupt", "drain", "twin", "flap", "hurry",
            "trouble")


def drawn(seed, seconds, network, counts):
    """Adds its nodes to the network, and says what is to happen to them."""
    dice = random.Random(f"chaos {seed}")
    names = NAMES[:dice.randint(2, 4)]
    plan = Plan(seed, Setting.drawn(dice, counts), names,
                {x: dice.choice([1, 1, 2]) for x in names},
                dice.choice([1.0, 2.0, 3.0]), dice.randint(0, 2))
    for each in names:
        network.add(each)
    late = names[2:] if dice.random() < 0.7 else []
    end = (1 - CALM) * seconds
    steps = [Step(0, "join", x) for x in late]
    for verb in dice.choices(list(WEIGHTS), WEIGHTS.values(),
                             k=max(2, round(seconds / 1.5))):
        if verb in OF_NODES:
            steps.append(_node_step(dice, verb, plan, network.troubles))
        else:
            steps.append(_other_step(dice, verb, plan))
    plan.steps = [x for x in steps if x]
    for each in plan.steps:
        each.at = dice.uniform(0.02 * seconds, end)
    plan.steps.sort(key=lambda x: x.at)
    return plan
