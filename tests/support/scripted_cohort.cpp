#include "tests/support/scripted_cohort.hpp"

#include <algorithm>
#include <optional>

namespace troupe::tests {

cohort_script& script_of_cohorts() {
  static cohort_script one;
  return one;
}

namespace {

template <class Hook, class... Args>
void call(const Hook& hook, Args&&... args) {
  if (hook)
    hook(std::forward<Args>(args)...);
}

template <class... Args>
void note(const Args&... args) {
  std::string line;
  ((line += (line.empty() ? "" : " ") + std::string{args}), ...);
  script_of_cohorts().log.push_back(line);
}

} // namespace
} // namespace troupe::tests

namespace troupe::training {

using tests::call;
using tests::note;
using tests::script_of_cohorts;

class cohort::state {
public:
  explicit state(std::size_t lanes) : seats(lanes) {}

  struct seat {
    assignment work;
    std::size_t left = 0;
    gpu::shared_buffer given;
    bool begun = false;
    bool cut = false;
  };
  gpu::device_stream on;
  std::vector<std::optional<seat>> seats;
  std::vector<std::size_t> scores;
};

cohort::cohort(
    models::model, gpu::device, std::size_t lanes, recipe, gpu::precision) {
  call(script_of_cohorts().on_make);
  state_ = std::make_unique<state>(lanes);
}

cohort::~cohort() = default;

gpu::device_stream& cohort::stream() noexcept {
  return state_->on;
}

std::size_t cohort::lanes() const noexcept {
  return state_->seats.size();
}

// A client's steps are its recipe's, and its number more.
void cohort::enter(
    std::size_t lane, const gpu::shared_buffer& given, const assignment& work) {
  call(script_of_cohorts().on_enter, work);
  note("enter", std::to_string(lane), "by", std::to_string(work.client));
  state_->seats[lane] =
      state::seat{work, work.how.steps + std::size_t(work.client), given};
}

void cohort::cut(std::size_t lane) {
  note("cut", std::to_string(lane));
  auto& one = *state_->seats[lane];
  one.cut = one.begun;
}

void cohort::leave(std::size_t lane) {
  note("leave", std::to_string(lane));
  state_->seats[lane].reset();
}

bool cohort::busy(std::size_t lane) const {
  return state_->seats[lane].has_value();
}

std::vector<std::size_t> cohort::advance(std::size_t steps) {
  std::size_t count = 0;
  for (const auto& each : state_->seats)
    if (each && each->left > 0) {
      steps = std::min(steps, each->left);
      ++count;
    }
  call(script_of_cohorts().on_advance, count);
  note("advance", std::to_string(count), "by", std::to_string(steps));
  std::vector<std::size_t> through;
  for (std::size_t i = 0; i < state_->seats.size(); ++i)
    if (auto& each = state_->seats[i]; each && each->left > 0) {
      each->left -= each->cut ? each->left : steps;
      each->begun = true;
      if (each->left == 0)
        through.push_back(i);
    }
  return through;
}

cohort::result cohort::take(std::size_t lane) {
  auto done = *std::exchange(state_->seats[lane], std::nullopt);
  call(script_of_cohorts().on_take, done.work);
  note("take", std::to_string(lane), "of", std::to_string(done.work.client));
  auto steps = done.work.how.steps + done.work.client;
  return {{steps, steps, 0.5}, done.given};
}

void cohort::score(const gpu::shared_buffer&, const view& data) {
  call(script_of_cohorts().on_score);
  note("score", std::to_string(data.size()));
  state_->scores.push_back(data.size());
}

evaluation cohort::take_score() {
  auto samples = state_->scores.front();
  state_->scores.erase(state_->scores.begin());
  return {samples, samples, 0.0};
}

} // namespace troupe::training
