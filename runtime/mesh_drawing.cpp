#include "runtime/mesh_drawing.hpp"

#include "runtime/configuration/mesh_choice.hpp"
#include "runtime/configuration/rule_choice.hpp"

#include <fmt/format.h>

#include <iterator>
#include <string>
#include <utility>
#include <vector>

namespace troupe {

namespace {

enum role : std::size_t { conductor, rank, executor, among, scribe };

/// Where tensors meet: who stands there, what it is given, and what comes back.
struct meeting {
  drawing::actor who;
  std::vector<std::string> given;
  std::string back;
};

std::string adds(const configuration& what) {
  return what.parallel.bits == "canonical"
             ? "adds micro-batches' gradients along one tree"
             : "adds ranks' gradients as they come";
}

meeting of_gradients(const configuration& what) {
  switch (what.parallel.zero) {
  case 0:
    return {{"group", 1, adds(what)}, {"gradient"}, "sum"};
  case 3:
    return {{"group", 1, adds(what) + ", a part to each"},
        {"gradient", "layers' own part"}, "own part of the sum, layers"};
  default:
    return {{"group", 1, adds(what) + ", a part to each"},
        {"gradient", "own part of the parameters"},
        "own part of the sum, parameters"};
  }
}

meeting of_parameters(const configuration& what) {
  const auto how = what.parallel.sync == "diloco"
                       ? "steps by the mean way of replicas, every {} steps"
                       : "averages replicas every {} steps";
  return {{"group", 1, fmt::format(fmt::runtime(how), what.parallel.every)},
      {"parameters"}, "mean"};
}

meeting in_pairs(const configuration& what) {
  return {{"group", 1,
              what.parallel.pairs == "ring"
                  ? "averages neighbours, left and right in turn"
                  : "averages pairs, drawn for every step"},
      {"parameters"}, "mean of two"};
}

meeting at_shards(const configuration& what) {
  const auto& bound = what.parallel.staleness;
  return {{"shard", what.parallel.shards,
              fmt::format("steps a range of the parameters, {}",
                  bound == "0"     ? "once all are in"
                  : bound == "any" ? "as they come"
                                   : "nobody over " + bound + " ahead")},
      {"push", "pull"}, "parameters"};
}

meeting meeting_of(const configuration& what) {
  const auto& how = what.parallel.sync;
  if (how == "parameter_server")
    return at_shards(what);
  if (how == "gossip")
    return in_pairs(what);
  return how == "all_reduce" ? of_gradients(what) : of_parameters(what);
}

} // namespace

drawing draw_mesh(const configuration& what, const device_choice& on) {
  auto there = meeting_of(what);
  const auto ranks = what.parallel.workers;
  drawing result{
      fmt::format("{}: {}; {}, {} a step; {}", what.run.name, agreement(what),
          who_trains(what), step_size(what), descent(what)),
      {
          {"conductor", 1, "says who takes part and how far they go"},
          {"rank", ranks, "one a replica, hears and never computes"},
          {"executor", ranks,
              on.on_gpu() ? "its arithmetic, a thread of its own and a GPU"
                          : "its arithmetic, on a thread of its own"},
          std::move(there.who),
          {"scribe", 1, "writes journal and checkpoints"},
          {"monitor", 1, "counts for Prometheus"},
          {"progress", 1, "shows the run to people"},
      },
      {
          {scribe, conductor, "stored", true},
          {scribe, conductor, "storage_failed", true},
      },
  };
  auto& said = result.messages;
  for (auto name : {"convene", "muster", "advance", "assess", "hand_over"})
    said.push_back({conductor, rank, name});
  for (auto name : {"start_over", "muster", "advance", "assess", "hand_over"})
    said.push_back({rank, executor, name});
  for (auto name :
      {"convened", "mustered", "advanced", "assessed", "handed", "broken"})
    said.push_back({executor, conductor, name, true});
  for (auto& name : there.given)
    said.push_back({executor, among, std::move(name)});
  said.push_back({among, executor, std::move(there.back), true});
  for (auto name : {"facts", "store"})
    said.push_back({conductor, scribe, name});
  for (auto observer : {scribe + 1, scribe + 2})
    said.push_back({conductor, static_cast<std::size_t>(observer), "facts"});
  return result;
}

} // namespace troupe
