#include "runtime/drawing.hpp"

#include "runtime/configuration/levels.hpp"
#include "runtime/configuration/rule_choice.hpp"
#include "runtime/mesh_drawing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace troupe {

namespace {

enum role : std::size_t {
  aggregator,
  worker,
  shard,
  evaluator,
  scribe,
  monitor,
  progress,
};

std::string label(const drawing::actor& who) {
  return who.count == 1 ? who.name : fmt::format("{} x{}", who.name, who.count);
}

/// The names of all messages between two that `wanted` picks.
template <class Predicate>
std::string said(
    const drawing& what, std::size_t from, std::size_t to, Predicate wanted) {
  std::string text;
  for (const auto& message : what.messages)
    if (message.from == from && message.to == to && wanted(message))
      text += (text.empty() ? "" : ", ") + message.name;
  return text;
}

/// Characters, not bytes: branches are drawn with characters of three.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(),
      [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

struct row {
  std::string branch; ///< lines and label
  std::string part;
  std::string talk;
};

bool is_answer(const drawing::message& x) {
  return x.answer;
}
bool is_told(const drawing::message& x) {
  return !x.answer;
}
bool is_any(const drawing::message&) {
  return true;
}

void grow(const drawing& what, std::size_t who, const std::string& indent,
    std::vector<row>& rows) {
  std::vector<std::size_t> children;
  for (const auto& message : what.messages)
    if (message.from == who && !message.answer &&
        std::find(children.begin(), children.end(), message.to) ==
            children.end())
      children.push_back(message.to);
  for (auto child : children) {
    auto last = child == children.back();
    auto told = said(what, who, child, is_told);
    auto answers = said(what, child, who, is_answer);
    if (answers.empty()) // a slot answers whoever its worker works for
      answers = said(what, child, aggregator, is_answer);
    rows.push_back({indent + (last ? "└─ " : "├─ ") + label(what.actors[child]),
        what.actors[child].part,
        answers.empty() ? told : told + " → " + answers});
    grow(what, child, indent + (last ? "   " : "│  "), rows);
  }
}

std::string padded(const std::string& text, std::size_t columns) {
  auto used = width(text);
  return text + std::string(columns > used ? columns - used : 0, ' ');
}

std::string escaped(const std::string& text) {
  std::string result;
  for (auto c : text) {
    if (c == '"' || c == '\\')
      result += '\\';
    result += c;
  }
  return result;
}

/// Whom workers give their tasks to, and who hears what comes of them.
struct way {
  std::size_t from = worker;
  std::size_t to = aggregator;
};

/// Adds one more actor that trains, and scores if `judged`.
void add_trainer(drawing& to, way by, drawing::actor who, bool judged) {
  auto it = to.actors.size();
  to.actors.push_back(std::move(who));
  to.messages.insert(to.messages.end(),
      {{by.from, it, "train_task"}, {it, by.to, "update", true},
          {it, by.to, "failure", true}});
  if (judged)
    to.messages.insert(
        to.messages.end(), {{evaluator, it, "evaluate_task"},
                               {it, evaluator, "evaluated_part", true}});
}

// Slots of a CPU are actors of their own; a GPU has one for all of its.
void add_trainers(drawing& to, way by, const device_choice& on) {
  std::uint64_t cards = 0;
  std::uint64_t lanes = 0;
  for (const auto& each : on.devices)
    if (each.where.kind == gpu::device_kind::cuda) {
      ++cards;
      lanes += each.slots;
    }
  if (auto slots = on.slots() - lanes; slots > 0)
    add_trainer(to, by,
        {"compute", slots,
            cards == 0 ? "one a slot, trains and scores"
                       : "one a slot, trains"},
        cards == 0);
  if (cards > 0)
    add_trainer(to, by,
        {"accelerator", cards,
            fmt::format("one a GPU, trains {} side by side", lanes / cards)},
        true);
}

// Regions stand between the root and the workers, and share the slots.
way add_regions(drawing& to, const hierarchy_levels& levels) {
  std::erase_if(to.messages, [](const auto& each) {
    return each.from == aggregator && each.to == worker;
  });
  std::size_t above = aggregator;
  std::uint64_t wide = 1;
  const auto lease = [&](std::size_t whom) {
    to.messages.insert(to.messages.end(),
        {{above, whom, "seated_offer"}, {above, whom, "revoke"},
            {whom, above, "update", true}, {whom, above, "failure", true}});
    above = whom;
  };
  for (const auto& each : levels.all) {
    to.actors.push_back({"region", wide *= each.count,
        fmt::format(
            "an aggregator and a shard, by {}", each.how.federation.rule)});
    lease(to.actors.size() - 1);
  }
  const auto bench = to.actors.size();
  to.actors.push_back({"bench", 1, "shares the slots among the regions"});
  to.messages.insert(to.messages.end(),
      {{above, worker, "seated_offer"}, {above, worker, "revoke"},
          {worker, bench, "train_task"}, {bench, above, "update", true},
          {bench, above, "failure", true}});
  const auto clerk = to.actors.size();
  to.actors.push_back({"clerk", 1, "computes what regions hand in"});
  to.messages.insert(
      to.messages.end(), {{above, clerk, "unpack"}, {above, clerk, "pack"},
                             {clerk, above, "packed", true}});
  return {bench, bench};
}

// Contributions go to the edges, and sums from there to the shards.
void add_edges(
    drawing& to, const hierarchy_levels& levels, std::uint64_t shards) {
  std::erase_if(to.messages, [](const auto& each) {
    return each.name == "add" || each.name == "added" ||
           (each.name == "discard" && each.to == shard);
  });
  std::size_t above = shard;
  std::uint64_t wide = shards;
  for (const auto& each : levels.all) {
    to.actors.push_back({"edge", wide *= each.count,
        "adds updates, hands in their sum once a version"});
    const auto it = to.actors.size() - 1;
    to.messages.insert(to.messages.end(),
        {{above, it, "hand_in"}, {it, above, "handed_in", true}});
    above = it;
  }
  to.messages.insert(to.messages.end(),
      {{aggregator, above, "add"}, {aggregator, above, "discard"},
          {above, aggregator, "added", true}});
}

} // namespace

drawing draw(const configuration& what, const device_choice& on) {
  if (what.is_mesh())
    return draw_mesh(what, on);
  const auto& federation = what.federation;
  drawing result{
      fmt::format("{}: {}, {}, {}, on {} compute slot{}", what.run.name,
          federation.rule, who_trains(what), pace(what), on.slots(),
          on.slots() == 1 ? "" : "s"),
      {
          {"aggregator", 1, "decides who trains and what counts"},
          {"worker", federation.clients, "one a client, without a thread"},
          {"shard", federation.shards, "adds updates, publishes versions"},
          {"evaluator", 1, "scores versions on the test set"},
          {"scribe", 1, "writes journal and checkpoints"},
          {"monitor", 1, "counts for Prometheus"},
          {"progress", 1, "shows the run to people"},
      },
      {
          {aggregator, worker, "seated_offer"},
          {aggregator, worker, "revoke"},
          {aggregator, shard, "add"},
          {aggregator, shard, "publish"},
          {aggregator, shard, "discard"},
          {shard, aggregator, "added", true},
          {shard, aggregator, "published", true},
          {aggregator, evaluator, "evaluate"},
          {evaluator, aggregator, "scored", true},
          {aggregator, scribe, "facts"},
          {aggregator, scribe, "store"},
          {scribe, aggregator, "stored", true},
          {scribe, aggregator, "storage_failed", true},
          {aggregator, monitor, "facts"},
          {aggregator, progress, "facts"},
      },
  };
  const auto levels = levels_of(what);
  way by;
  if (levels.leases_regions())
    by = add_regions(result, levels);
  else if (!levels.all.empty())
    add_edges(result, levels, federation.shards);
  add_trainers(result, by, on);
  return result;
}

std::string to_tree(const drawing& what) {
  std::vector<row> rows{
      {label(what.actors.front()), what.actors.front().part, {}}};
  grow(what, 0, {}, rows);
  std::size_t branches = 0;
  std::size_t parts = 0;
  for (const auto& each : rows) {
    branches = std::max(branches, width(each.branch));
    parts = std::max(parts, width(each.part));
  }
  auto text = what.title + "\n\n";
  for (const auto& each : rows) {
    auto line = padded(each.branch, branches + 2) +
                padded(each.part, parts + 2) + each.talk;
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string to_dot(const drawing& what) {
  auto text = fmt::format("digraph troupe {{\n  label=\"{}\";\n"
                          "  node [shape=box];\n",
      escaped(what.title));
  for (std::size_t i = 0; i < what.actors.size(); ++i)
    text += fmt::format("  a{} [label=\"{}\"{}];\n", i,
        escaped(label(what.actors[i])),
        what.actors[i].count > 1 ? ", peripheries=2" : "");
  for (std::size_t from = 0; from < what.actors.size(); ++from)
    for (std::size_t to = 0; to < what.actors.size(); ++to)
      if (auto names = said(what, from, to, is_any); !names.empty())
        text += fmt::format(
            "  a{} -> a{} [label=\"{}\"];\n", from, to, escaped(names));
  return text + "}\n";
}

} // namespace troupe
