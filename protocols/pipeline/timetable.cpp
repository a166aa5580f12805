#include "protocols/pipeline/timetable.hpp"

#include "protocols/pipeline/stage.hpp"

#include <algorithm>
#include <map>
#include <stdexcept>
#include <utility>

namespace troupe::pipeline {
namespace {

/// All that happens at one time happens before anybody decides.
class clockwork {
public:
  clockwork(const plan& x, const costs& at) : plan_(x), costs_(at) {
    for (std::uint32_t rank = 0; rank < x.ranks; ++rank)
      stages_.emplace_back(x, rank);
    result_.ranks.resize(x.ranks);
  }

  timetable run() {
    decide();
    while (!events_.empty()) {
      now_ = events_.begin()->first;
      while (!events_.empty() && events_.begin()->first == now_) {
        const auto what = events_.begin()->second;
        events_.erase(events_.begin());
        happen(what);
      }
      decide();
    }
    if (!std::ranges::all_of(stages_, &stage::over))
      throw std::logic_error("a rank of this pipeline waits for ever");
    result_.makespan = now_;
    return std::move(result_);
  }

private:
  struct event {
    std::uint32_t rank = 0;
    std::optional<message> arrives; // else what is under way there is done
  };

  void happen(const event& what) {
    auto& at = stages_[what.rank];
    if (what.arrives) {
      at.arrive(*what.arrives);
      return;
    }
    const auto sent = at.finish(*at.running());
    count(what.rank);
    if (sent)
      events_.emplace(now_ + costs_.transfer, event{sent->rank, sent});
  }

  void decide() {
    for (auto& each : stages_)
      if (const auto what = each.next()) {
        const auto takes = cost_of(plan_, costs_, what->what);
        auto& row = result_.ranks[each.rank()];
        row.boxes.push_back({now_, now_ + takes, *what});
        row.busy += takes;
        events_.emplace(now_ + takes, event{each.rank(), {}});
        count(each.rank());
      }
  }

  void count(std::uint32_t rank) {
    const auto& of = stages_[rank];
    auto& row = result_.ranks[rank];
    std::uint64_t in_use = 0;
    for (std::uint32_t chunk = 0; chunk < plan_.chunks; ++chunk)
      in_use += of.in_use(chunk);
    row.held = std::max(row.held, of.held());
    row.kept = std::max(row.kept, of.kept());
    row.together = std::max(row.together, of.held() + of.kept());
    row.in_use = std::max(row.in_use, in_use);
  }

  plan plan_;
  costs costs_;
  ticks now_ = 0;
  std::vector<stage> stages_;
  std::multimap<ticks, event> events_; // of one time, as they were made
  timetable result_;
};

} // namespace

ticks cost_of(const plan& x, const costs& at, work::kind what) noexcept {
  switch (what) {
  case work::kind::forward:
    return at.forward;
  case work::kind::backward:
    return at.backward + (x.split() ? 0 : at.weight);
  case work::kind::weight:
    return at.weight;
  default:
    return at.update;
  }
}

double timetable::bubble() const noexcept {
  ticks idle_time = 0;
  for (const auto& each : ranks)
    idle_time += makespan - each.busy;
  const auto all = makespan * ranks.size();
  return all == 0 ? 0.0
                  : static_cast<double>(idle_time) / static_cast<double>(all);
}

timetable list_of(const plan& x, const costs& at) {
  if (const auto wrong = fault_of(x); !wrong.empty())
    throw std::invalid_argument(wrong);
  return clockwork{x, at}.run();
}

std::string to_text(const timetable& x) {
  std::string text;
  for (std::size_t rank = 0; rank < x.ranks.size(); ++rank) {
    text += "rank " + std::to_string(rank) + '\n';
    for (const auto& each : x.ranks[rank].boxes) {
      text += "  " + std::to_string(each.begin) + " to " +
              std::to_string(each.end) + ' ' + to_string(each.what.what);
      if (each.what.what == work::kind::update)
        text += " behind step " + std::to_string(each.what.of) + '\n';
      else
        text += " of " + std::to_string(each.what.of) + " at chunk " +
                std::to_string(each.what.chunk) + '\n';
    }
  }
  return text;
}

} // namespace troupe::pipeline
