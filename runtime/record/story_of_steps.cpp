#include "runtime/record/story.hpp"

#include <cmath>
#include <variant>

namespace troupe {
namespace {

// Of a sum that is taken in another order.
constexpr double rounding = 1e-9;

// Where the ranks are, fact by fact.
class march {
public:
  explicit march(story& of) : of_(of) {}

  void take(const facts::run_started& x) {
    of_.steps = 0;
    of_.ended.reset();
    at_ = began_ = x->version;
    batch_ = x->batch;
    together_ = false;
    forget_samples();
  }

  void take(const facts::rank_lost&) { ++of_.mesh.lost; }

  // Where nobody has what was made last, they go back to a version.
  void take(const facts::mesh_formed& x) {
    expect(!together_ || x.epoch > epoch_, "epoch {} comes behind epoch {}",
        x.epoch, epoch_);
    expect(x.step == at_ || (together_ && x.step < at_),
        "the ranks begin at step {}, and the last one was {}", x.step, at_);
    if (x.step < at_)
      go_back(x.step);
    at_ = x.step;
    epoch_ = x.epoch;
    of_.mesh.ranks = x.ranks;
    of_.mesh.processes += !together_;
    ++of_.mesh.compositions;
    together_ = true;
  }

  void take(const facts::stepped& x) {
    const auto told = x.ranks > 0;
    expect(together_ &&
               (!told || (x.epoch == epoch_ && x.ranks == of_.mesh.ranks)),
        "{} of epoch {} made the steps behind {}, and there are {} of epoch {}",
        counted(x.ranks, "rank"), x.epoch, x.first, of_.mesh.ranks, epoch_);
    expect(x.first == at_ && x.last > x.first,
        "the steps from {} to {} follow step {}", x.first, x.last, at_);
    expect(batch_ == 0 || x.samples == batch_ * (x.last - x.first),
        "the steps from {} to {} are of {}, and a batch of {}", x.first, x.last,
        counted(x.samples, "sample"), batch_);
    at_ = x.last;
    of_.worked = of_.steps += x.last - x.first;
    ++of_.mesh.stretches;
    if (!told)
      return; // of their loss
    samples_ += x.samples;
    loss_ += x.loss * static_cast<double>(x.samples);
  }

  void take(const facts::published& x, std::uint64_t number) {
    const auto before = of_.published.empty() ? 0 : of_.version();
    expect(x.version == at_ && x.version > before,
        "version {} comes behind version {}, at step {}", x.version, before,
        at_);
    of_.updates += x.updates;
    const auto fits =
        batch_ == 0 || (x.updates == batch_ * (x.version - before) &&
                           of_.updates == batch_ * x.version);
    expect(fits && x.total_updates == of_.updates,
        "version {} counts {} and {} in all, and {} steps of {} come to {}",
        x.version, counted(x.updates, "sample"), x.total_updates, x.version,
        batch_, batch_ * x.version);
    expect(samples_ == 0 || is_mean(x.loss),
        "version {} has the mean training loss {}, but its steps have {}",
        x.version, x.loss, loss_ / static_cast<double>(samples_));
    of_.published[x.version] = number;
    of_.totals[x.version] = x.total_updates;
    forget_samples();
  }

  void take(const facts::run_ended& x) { of_.ended = x; }

private:
  void go_back(version_id step) {
    expect(step == 0 || step == began_ || of_.published.contains(step),
        "the ranks go back to step {}, which was no version", step);
    of_.mesh.again += at_ - step;
    of_.published.erase(of_.published.upper_bound(step), of_.published.end());
    of_.totals.erase(of_.totals.upper_bound(step), of_.totals.end());
    of_.updates = of_.totals.empty() ? 0 : of_.totals.rbegin()->second;
    forget_samples();
  }

  bool is_mean(double loss) const {
    const auto mean = loss_ / static_cast<double>(samples_);
    return !std::isfinite(mean) ||
           std::abs(mean - loss) <= rounding * std::abs(mean);
  }

  void forget_samples() {
    samples_ = 0;
    loss_ = 0.0;
  }

  story& of_;
  version_id at_ = 0;
  version_id began_ = 0; ///< the process did
  std::uint64_t batch_ = 0;
  std::uint64_t epoch_ = 0;
  bool together_ = false;     ///< there has been a composition
  std::uint64_t samples_ = 0; ///< since the last version
  double loss_ = 0.0;         ///< summed over these
};

} // namespace

void follow_steps(story& of) {
  march steps{of};
  for (const auto& f : of.standing)
    std::visit(
        [&](const auto& x) {
          if constexpr (requires { steps.take(x); })
            steps.take(x);
          else if constexpr (requires { steps.take(x, f.number); })
            steps.take(x, f.number);
        },
        f.what);
}

} // namespace troupe
