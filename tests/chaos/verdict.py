"""What must be true of a run once all its processes have ended."""

import json
import re
import signal

from players import ask

SANITIZED = re.compile(
    r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:|"
    r"terminate called|Assertion .* failed")
REFUSALS = ("has come back by another connection",
            "came when the run had closed")


def documented(player):
    """A node's exit code is what `troupe join --help` says."""
    code, said = player.code, player.said()
    if signal.SIGKILL in player.asked and code == -signal.SIGKILL:
        return True
    if code == 0:
        return "is through: " in said
    if code == 130:
        return signal.SIGINT in player.asked or (
            "the run was interrupted" in said)
    if code == -signal.SIGINT:  # before it could hear, or when it was over
        return signal.SIGINT in player.asked and (
            not said or "is through: " in said)
    return code == 1 and any(x in said for x in REFUSALS)


def facts(run):
    with open(run / "facts.jsonl") as journal:
        for line in journal:
            yield json.loads(line)


def counts(run):
    """How often each kind of thing happened."""
    result = {}
    for each in facts(run):
        kind = each["fact"]
        result[kind] = result.get(kind, 0) + len(each.get("lease", [1])) \
            if isinstance(each.get("lease"), list) else result.get(kind, 0) + 1
        if kind == "node_left" and each.get("lost"):
            result["node_lost"] = result.get("node_lost", 0) + 1
    return result


def audit(performance, notes, retrain, patience):
    """What an audit objects to, or None. To train again may take too long."""
    said = ""
    for options in [[]] + ([["--retrain"]] if retrain else []):
        code, said = ask([performance.troupe, "audit", performance.out,
                          *options], patience)
        (performance.place / "audit.log").write_text(said)
        if code is None and options:
            notes.append(f"not trained again within {patience:g} s")
        elif code != 0:
            return f"troupe audit ended with {code}: {said.strip()[-300:]}"
    return None


def faults(performance, expected, notes, patience):
    """One line each; none: all is as it should be."""
    found = []
    run, setting = performance.out, performance.plan.setting
    for each in performance.all:
        name = each.log.name
        said = each.said()
        if match := SANITIZED.search(said):
            found.append(f"{name}: {match.group()}")
        if each.name == "coordinator":
            continue  # seen to where it ended
        if not documented(each):
            found.append(
                f"{name} ended with {each.code}: {each.last_line()}")
    if why := audit(performance, notes,
                    expected is None and not setting.is_counting, patience):
        found.append(why)
    summary = json.loads((run / "summary.json").read_text())
    if summary["outcome"] != "completed":
        found.append(f"the run's outcome is {summary['outcome']}")
    if expected and summary["model_sha256"] != expected:
        found.append(f"model_sha256 is {summary['model_sha256']}, and "
                     f"undisturbed it is {expected}")
    if failed := [x for x in facts(run) if x["fact"] == "client_failed"]:
        found.append(f"{len(failed)} clients failed, the first: {failed[0]}")
    return found
