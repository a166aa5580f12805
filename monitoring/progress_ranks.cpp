#include "monitoring/progress_line.hpp"

#include <utility>

#include <fmt/format.h>

#include "monitoring/wording.hpp"

// What is said of a mesh: its ranks and their steps.

namespace troupe::monitoring {

// The first composition is what the run began with, and needs no word where all
// of it is in this process.
void progress_line::on(const facts::mesh_formed& f, remarks& out) {
  ranks_ = f.ranks;
  version_ = rounds_done_ = f.step;
  round_began_ = now_;
  const auto where = nodes_ ? fmt::format(" ({})", one_line(f.nodes)) : "";
  if (f.why.empty()) {
    if (nodes_)
      out.push_back({counted(f.ranks, "rank") + where});
    return;
  }
  const auto known = std::exchange(lost_for_, {}) == f.why;
  out.push_back(
      {fmt::format("going on with {}{} from step {}, after {:.2f} s{}",
          counted(f.ranks, "rank"), where, grouped(f.step), f.seconds,
          known ? "" : ": " + one_line(f.why))});
}

void progress_line::on(const facts::rank_lost& f, remarks& out) {
  lost_for_ = f.why;
  out.push_back({fmt::format("rank {}{} is lost behind step {}: {}", f.rank,
                     f.node.empty() ? "" : " of node " + one_line(f.node),
                     grouped(f.step), one_line(f.why)),
      true});
}

void progress_line::on(const facts::stepped& f, remarks&) {
  version_ = rounds_done_ = f.last;
  if (f.ranks == 0)
    return;
  const auto steps = f.last - f.first;
  pace_.add(steps, f.seconds);
  wall_pace_.add(steps, seconds(now_ - std::exchange(round_began_, now_)));
  ranks_ = f.ranks;
  training_loss_ = f.loss;
}

} // namespace troupe::monitoring
