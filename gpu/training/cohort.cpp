#include "gpu/training/cohort.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <deque>
#include <optional>
#include <stdexcept>
#include <utility>

#include "gpu/aggregation/fixed_point.hpp"
#include "gpu/aggregation/not_finite.hpp"
#include "gpu/block.hpp"
#include "gpu/copy.hpp"
#include "gpu/operators/descent.hpp"
#include "gpu/operators/loss.hpp"
#include "gpu/recording.hpp"
#include "gpu/training/deliveries.hpp"
#include "gpu/training/fitness.hpp"
#include "gpu/training/passage.hpp"
#include "gpu/training/schedule.hpp"

namespace troupe::training {
namespace {

/// Of workspace for the samples that a lane takes at a time, and for those of
/// an evaluation: they decide how a large batch is cut, so they are fixed.
constexpr std::size_t lane_bytes = std::size_t{16} << 20;
constexpr std::size_t score_bytes = std::size_t{64} << 20;
/// Floats: every lane begins at a multiple, where 16-byte accesses can.
constexpr std::size_t alignment = 64;

/// What a lane works through, once it is on the device.
struct resident_schedule {
  std::shared_ptr<resident_set> data; // null: no samples
  gpu::block<std::uint32_t> order;
  gpu::block<gpu::lane_step> steps;

  gpu::lane_work work() const {
    auto result = data ? data->work() : gpu::lane_work{};
    result.order = order.data();
    result.steps = steps.data();
    result.end = std::uint32_t(steps.size());
    return result;
  }
};

} // namespace

class cohort::state {
public:
  state(models::model what, gpu::device where, std::size_t lanes, recipe how,
      gpu::precision products);

  void check(const assignment& work) const;
  void enter(std::size_t lane, const gpu::shared_buffer& given,
      const assignment& work);
  void cut(std::size_t lane);
  void leave(std::size_t lane);
  std::vector<std::size_t> advance(std::size_t steps);
  result take(std::size_t lane);
  void score(const gpu::shared_buffer& parameters, const view& data);
  evaluation take_score();

  gpu::device_stream on;

private:
  friend class cohort;

  /// A lane as the host sees it.
  struct seat {
    bool busy = false;
    bool through = false; ///< all its steps are queued, and what follows
    std::size_t left = 0; ///< steps not queued yet
    std::vector<gpu::lane_step> steps;
    std::uint64_t version = 0;
    outcome sums;
    gpu::shared_buffer given;
    gpu::shared_buffer correction;
    resident_schedule todo;
    std::shared_ptr<gpu::buffer> delta;
  };
  struct scoring {
    gpu::shared_buffer parameters;
    resident_schedule todo;
    gpu::block<gpu::lane_score> sums;
    gpu::page_locked<gpu::lane_score> answer;
    std::uint64_t samples = 0;
  };

  gpu::lanes all(gpu::buffer& of);
  std::size_t stretch(std::size_t most) const;
  void step();
  void finish(std::size_t lane);
  gpu::page_locked<gpu::lane_score> spare_answer();
  const gpu::shared_buffer& none();
  gpu::shared_buffer bring(const gpu::shared_buffer& parameters);
  resident_schedule bring(const view& data, const schedule& todo);

  models::model what_;
  recipe how_;
  deliveries deliveries_;
  std::size_t size_; ///< parameters
  std::size_t stride_;
  std::size_t most_; ///< rows a lane
  passage training_;
  std::optional<passage> scoring_; ///< made by the first evaluation
  std::size_t score_rows_;
  gpu::buffer parameters_;
  gpu::buffer gradient_;    ///< where steps do not fold
  gpu::buffer velocity_;    ///< with momentum
  gpu::buffer starts_;      ///< of the clients, with a pull to them
  gpu::buffer corrections_; ///< where clients keep variates
  gpu::shared_buffer none_; ///< zeros, on the host
  gpu::block<std::uint32_t> largest_;
  gpu::page_locked<gpu::lane_tally> tallies_;
  gpu::page_locked<std::uint32_t> magnitudes_;
  std::vector<seat> seats_;
  std::deque<scoring> scores_;
  std::vector<gpu::page_locked<gpu::lane_score>> answers_; ///< spare ones
  gpu::recording recording_;
};

// on, then deliveries_: members in the order in which they depend on each
// other.
cohort::state::state(models::model what, gpu::device where, std::size_t lanes,
    recipe how, gpu::precision products)
    : on(where, products),
      what_(std::move(what)),
      how_(how),
      deliveries_(where),
      size_(gpu::size(models::layout(what_))),
      stride_((size_ + alignment - 1) / alignment * alignment),
      most_(rows_within(lane_bytes, models::network{what_, where})),
      training_(what_, on, lanes, share(how_, most_)),
      score_rows_(rows_within(score_bytes, training_.network)),
      parameters_(lanes * stride_, on),
      gradient_(folds(how_, most_) ? 0 : lanes * stride_, on),
      velocity_(how_.momentum > 0.0f ? lanes * stride_ : 0, on),
      starts_(how_.pull() > 0.0f ? lanes * stride_ : 0, on),
      corrections_(how_.keeps_variates() ? lanes * stride_ : 0, on),
      largest_(lanes, on),
      tallies_(lanes, on),
      magnitudes_(lanes, on),
      seats_(lanes) {
  if (lanes == 0)
    throw std::invalid_argument("a cohort needs a lane");
  try {
    step(); // all lanes rest: takes the memory that the recording may not
    recording_ = gpu::recording{on, [this] { step(); }};
  } catch (...) {
    on.synchronise(); // the step still reads what is about to go
    throw;
  }
}

gpu::lanes cohort::state::all(gpu::buffer& of) {
  if (of.size() == 0)
    return {};
  gpu::lanes result;
  result.data = of.span().data();
  result.size = size_;
  result.count = seats_.size();
  result.stride = stride_;
  result.steps = training_.steps.data();
  return result;
}

/// One step of all lanes.
void cohort::state::step() {
  const auto parameters = all(parameters_);
  const auto folded = gradient_.size() == 0;
  auto& t = training_;
  const auto logits = t.forward(on, parameters);
  gpu::softmax_cross_entropy(on, logits, t.labels.span(), t.losses.span(),
      t.steps.span(), t.trace.out_gradient());
  gpu::tally(on, t.steps.span(), t.losses.span(), t.tallies.span());
  t.network.backward(
      on, parameters, t.trace, {folded ? parameters : all(gradient_)});
  if (!folded)
    gpu::descend(on,
        {0.0f, how_.momentum, how_.weight_decay, how_.clip, how_.pull()},
        all(gradient_), false, all(velocity_), parameters,
        {all(starts_), all(corrections_)});
}

void cohort::state::check(const assignment& work) const {
  auto shared = how_;
  shared.epochs = work.how.epochs;
  shared.steps = work.how.steps;
  if (work.how != shared)
    throw std::invalid_argument(
        "the lanes of a cohort share one recipe, but for epochs and steps");
  check_method(work.how);
  check_fit(what_, work.data);
}

/// A correction of a client that has none.
const gpu::shared_buffer& cohort::state::none() {
  if (!none_) {
    auto zeros = std::make_shared<gpu::buffer>(size_);
    std::ranges::fill(zeros->span(), 0.0f);
    none_ = std::move(zeros);
  }
  return none_;
}

gpu::shared_buffer cohort::state::bring(const gpu::shared_buffer& parameters) {
  if (parameters->size() != size_)
    throw std::invalid_argument(
        "model " + what_.name + " has " + std::to_string(size_) +
        " parameters and was given " + std::to_string(parameters->size()));
  return deliveries_.bring(parameters);
}

resident_schedule cohort::state::bring(const view& data, const schedule& todo) {
  resident_schedule result;
  if (!data.empty())
    result.data = deliveries_.bring(data);
  result.order = deliveries_.bring(todo.order);
  result.steps = deliveries_.bring(todo.steps);
  return result;
}

void cohort::state::enter(
    std::size_t lane, const gpu::shared_buffer& given, const assignment& work) {
  assert(!seats_[lane].busy && "a lane takes one client at a time");
  check(work);
  const auto todo = plan(work, most_);
  seat next;
  next.given = bring(given);
  next.todo = bring(work.data, todo);
  next.busy = true;
  next.left = todo.steps.size();
  next.steps = todo.steps;
  next.version = work.version;
  next.sums.samples = todo.samples;
  next.sums.partial = todo.partial;
  gpu::copy<float>(on, next.given->span(), all(parameters_)[lane]);
  if (starts_.size() > 0)
    gpu::copy<float>(on, next.given->span(), all(starts_)[lane]);
  if (corrections_.size() > 0) {
    next.correction = bring(work.correction ? work.correction : none());
    gpu::copy<float>(on, next.correction->span(), all(corrections_)[lane]);
  }
  training_.assign(on, lane, next.todo.work());
  seats_[lane] = std::move(next);
}

void cohort::state::cut(std::size_t lane) {
  auto& one = seats_[lane];
  const auto queued = one.steps.size() - one.left;
  if (one.left == 0 || queued == 0 || one.steps[queued - 1].completes == 0)
    return;
  one.left = 0; // what the device does of it behind that, nobody takes
  one.steps.resize(queued);
  one.sums.partial = true;
  one.sums.samples = 0;
  for (const auto& step : one.steps)
    one.sums.samples += step.rows;
}

// Steps that are queued may still read what the lane was given.
void cohort::state::leave(std::size_t lane) {
  training_.assign(on, lane, {});
  on.synchronise();
  seats_[lane] = {};
}

// Memory is taken before anything is queued: without it, nothing has happened.
std::vector<std::size_t> cohort::state::advance(std::size_t steps) {
  const auto queued = stretch(std::max<std::size_t>(steps, 1));
  std::vector<std::size_t> through;
  for (std::size_t lane = 0; lane < seats_.size(); ++lane) {
    auto& one = seats_[lane];
    if (!one.busy || one.through || one.left > queued)
      continue;
    if (!one.delta)
      one.delta = std::make_shared<gpu::buffer>(size_, on);
    through.push_back(lane);
  }
  for (std::size_t i = 0; i < queued; ++i)
    recording_.play(on);
  for (auto& one : seats_)
    one.left -= std::min(one.left, queued);
  for (auto lane : through)
    finish(lane);
  return through;
}

/// Steps until the first lane is through, at most `most`.
std::size_t cohort::state::stretch(std::size_t most) const {
  bool any = false;
  for (const auto& one : seats_)
    if (one.busy && !one.through) {
      most = std::min(most, one.left);
      any = true;
    }
  return any ? most : 0;
}

/// Queues what `take` will read.
void cohort::state::finish(std::size_t lane) {
  auto& done = seats_[lane];
  done.through = true;
  gpu::difference(on, all(parameters_)[lane], done.given->span(),
      done.delta->span(), largest_.span().subspan(lane, 1));
  gpu::copy<gpu::lane_tally>(on, training_.tallies.span().subspan(lane, 1),
      tallies_.span().subspan(lane, 1));
  gpu::copy<std::uint32_t>(on, largest_.span().subspan(lane, 1),
      magnitudes_.span().subspan(lane, 1));
}

cohort::result cohort::state::take(std::size_t lane) {
  assert(seats_[lane].through && "the lane is not through");
  auto done = std::exchange(seats_[lane], {});
  const auto& tally = tallies_[lane];
  if (tally.bad > 0)
    fail_step(done.version, tally.bad, tally.bad_loss);
  if (magnitudes_[lane] >= gpu::fixed_point::infinity_bits)
    throw gpu::not_finite("the trained parameters are not finite");
  done.sums.steps = tally.steps;
  if (done.sums.samples > 0) {
    done.sums.loss = tally.loss / double(done.sums.samples);
    done.sums.square_loss = tally.square_loss / double(done.sums.samples);
  }
  return {done.sums, std::move(done.delta),
      std::bit_cast<float>(magnitudes_[lane])};
}

void cohort::state::score(
    const gpu::shared_buffer& parameters, const view& data) {
  check_fit(what_, data);
  if (!scoring_)
    scoring_.emplace(what_, on, 1, score_rows_);
  schedule todo;
  for (std::size_t first = 0; first < data.size(); first += score_rows_) {
    auto& step = todo.steps.emplace_back();
    step.first = std::uint32_t(first);
    step.rows = std::uint32_t(std::min(score_rows_, data.size() - first));
  }
  for (std::size_t i = 0; i < data.size(); ++i)
    todo.order.push_back(data.index(i));
  scoring next;
  next.parameters = bring(parameters);
  next.samples = data.size();
  next.sums = deliveries_.bring(std::vector<gpu::lane_score>(1));
  next.answer = spare_answer();
  next.todo = bring(data, todo);
  auto& p = *scoring_;
  try {
    p.assign(on, 0, next.todo.work());
    gpu::const_lanes model{next.parameters->span()};
    model.steps = p.steps.data();
    for (std::size_t i = 0; i < todo.steps.size(); ++i) {
      const auto logits = p.forward(on, model);
      gpu::score(on, p.steps.span(), logits, p.labels.span(), next.sums.span());
    }
    gpu::copy<gpu::lane_score>(on, next.sums.span(), next.answer.span());
    scores_.push_back(std::move(next));
  } catch (...) {
    on.synchronise(); // what is queued still reads what is about to go
    throw;
  }
}

evaluation cohort::state::take_score() {
  assert(!scores_.empty() && "nothing was to be scored");
  auto done = std::move(scores_.front());
  scores_.pop_front();
  evaluation result;
  result.samples = done.samples;
  result.correct = done.answer[0].correct;
  result.loss_sum = done.answer[0].loss;
  answers_.push_back(std::move(done.answer));
  return result;
}

// Page-locked memory comes and goes with the whole device at rest.
gpu::page_locked<gpu::lane_score> cohort::state::spare_answer() {
  if (answers_.empty())
    return {1, on};
  auto result = std::move(answers_.back());
  answers_.pop_back();
  return result;
}

cohort::cohort(models::model what, gpu::device where, std::size_t lanes,
    recipe how, gpu::precision products)
    : state_(std::make_unique<state>(
          std::move(what), where, lanes, how, products)) {}

// What is queued reads memory that is about to go.
cohort::~cohort() {
  try {
    state_->on.synchronise();
  } catch (const std::exception&) {
    // a broken device has told those who waited for it
  }
}

gpu::device_stream& cohort::stream() noexcept {
  return state_->on;
}

std::size_t cohort::lanes() const noexcept {
  return state_->seats_.size();
}

void cohort::enter(
    std::size_t lane, const gpu::shared_buffer& given, const assignment& work) {
  state_->enter(lane, given, work);
}

void cohort::cut(std::size_t lane) {
  state_->cut(lane);
}

void cohort::leave(std::size_t lane) {
  state_->leave(lane);
}

bool cohort::busy(std::size_t lane) const {
  return state_->seats_[lane].busy;
}

std::vector<std::size_t> cohort::advance(std::size_t steps) {
  return state_->advance(steps);
}

cohort::result cohort::take(std::size_t lane) {
  return state_->take(lane);
}

void cohort::score(const gpu::shared_buffer& parameters, const view& data) {
  state_->score(parameters, data);
}

evaluation cohort::take_score() {
  return state_->take_score();
}

} // namespace troupe::training
