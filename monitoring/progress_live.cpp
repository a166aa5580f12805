#include "monitoring/progress_line.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "monitoring/live_pieces.hpp"
#include "monitoring/wording.hpp"

// The line that moves.

namespace troupe::monitoring {

std::string progress_line::who_works() const {
  return run_.of_mesh() ? counted(ranks_, "rank") : clients();
}

std::string progress_line::rate_of_work(double a_second) const {
  return fmt::format(
      "{} {}/s", rate(a_second), run_.of_mesh() ? "steps" : "updates");
}

std::string progress_line::clients() const {
  if (cohort_ == 0)
    return fmt::format("training {}", ledger_.outstanding());
  const auto of_all = fmt::to_string(cohort_);
  return fmt::format("clients {:>{}}/{}", std::min(cohort_done_, cohort_),
      of_all.size(), of_all);
}

std::string progress_line::losses() const {
  if (last_)
    return "loss " + figure(last_->loss);
  return "training loss " + figure(training_loss_);
}

std::optional<double> progress_line::seconds_left() const {
  if (run_.of_mesh())
    return seconds_of_steps_left();
  const auto round = pace_.seconds_a_round();
  if (!round || rounds_done_ >= run_.rounds)
    return std::nullopt;
  const auto rounds = static_cast<double>(run_.rounds - rounds_done_);
  return std::max(0.0, rounds * *round - seconds(now_ - round_began_));
}

// Evaluations and what is lost with a rank take their time, too.
std::optional<double> progress_line::seconds_of_steps_left() const {
  const auto speed = wall_pace_.updates_a_second();
  if (!speed || rounds_done_ >= run_.rounds)
    return std::nullopt;
  const auto steps = static_cast<double>(run_.rounds - rounds_done_);
  return std::max(0.0, steps / *speed - seconds(now_ - round_began_));
}

double progress_line::part_done() const {
  if (run_.rounds == 0)
    return 0.0;
  auto done = static_cast<double>(rounds_done_);
  if (cohort_ > 0)
    done += static_cast<double>(std::min(cohort_done_, cohort_)) /
            static_cast<double>(cohort_);
  return std::min(1.0, done / static_cast<double>(run_.rounds));
}

std::string progress_line::live(std::size_t width) const {
  // With its name and bar nobody takes it for the evaluation, maybe of an older
  // version, that is written over it: a rate goes before them.
  std::vector<live_piece> pieces{
      {one_line(run_.name), 3}, {version_of_all(version_), 7}};
  if (last_)
    pieces.push_back({"accuracy " + figure(last_->accuracy), 6});
  if (pace_.known() || last_)
    pieces.push_back({losses(), 1});
  pieces.push_back({who_works(), 4});
  if (nodes_)
    pieces.push_back({counted(*nodes_, "node"), 1});
  if (auto s = speed())
    pieces.push_back({rate_of_work(*s), 2});
  if (auto left = seconds_left())
    pieces.push_back({fmt::format("eta {}", clock(*left)), 5});
  return laid_out(std::move(pieces), part_done(), width);
}

} // namespace troupe::monitoring
