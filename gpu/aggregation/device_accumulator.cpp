#include "gpu/aggregation/device_accumulator.hpp"

#include <algorithm>
#include <cassert>

#include "gpu/copy.hpp"
#include "gpu/cuda/aggregation/accumulate.hpp"
#include "gpu/cuda/presence.hpp"

namespace troupe::gpu {

device_accumulator::device_accumulator(
    device_stream& on, std::size_t size, std::size_t first)
    : size_(size), where_(on.where()), host_(on.on_gpu() ? 0 : size, first) {
  if (on.on_gpu()) {
    sums_ = buffer(2 * size, on);
    clear(on);
  }
}

std::uint64_t device_accumulator::contributions() const noexcept {
  return host_.contributions();
}

double device_accumulator::weight() const noexcept {
  return host_.weight();
}

double device_accumulator::share() const noexcept {
  return host_.share();
}

double device_accumulator::reach() const noexcept {
  return host_.reach();
}

std::span<std::int64_t> device_accumulator::sums() const noexcept {
  return {reinterpret_cast<std::int64_t*>(sums_.span().data()), size_};
}

std::uint64_t device_accumulator::checksum(device_stream& on) const {
  assert(on.where() == where_ && "an accumulator stays on its device");
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::checksum(on, sums(), host_.first_);
  return host_.checksum();
}

std::vector<receipt> device_accumulator::add(
    device_stream& on, std::span<const contribution> some) {
  assert(on.where() == where_ && "an accumulator stays on its device");
  std::vector<receipt> said(some.size());
  if constexpr (cuda::present)
    if (on.on_gpu()) {
      for (std::size_t first = 0; first < some.size();) {
        auto count = std::min(some.size() - first, cuda::batch_limit);
        add_batch(on, some.subspan(first, count),
            std::span{said}.subspan(first, count));
        first += count;
      }
      return said;
    }
  std::transform(some.begin(), some.end(), said.begin(), [&](const auto& each) {
    return host_.add(each.values, each.weight, each.share);
  });
  return said;
}

// All are added before any is judged: only then are their magnitudes known. A
// weight refused here would be refused in its turn too, since totals only grow.
void device_accumulator::add_batch(device_stream& on,
    std::span<const contribution> some, std::span<receipt> said) {
  if constexpr (cuda::present) {
    auto& totals = host_.totals_;
    std::vector<cuda::weighted> tried, refused;
    for (std::size_t i = 0; i < some.size(); ++i) {
      const auto& [values, weight, share] = some[i];
      said[i].said = values.size() != size_ ? admission::wrong_size
                                            : totals.weigh(weight, share);
      if (said[i] == admission::added)
        tried.push_back({values.data(), accumulator_totals::scaled(weight)});
    }
    const auto seen = cuda::accumulate(on, tried, sums(), host_.first_);
    std::size_t next = 0;
    for (std::size_t i = 0; i < some.size(); ++i) {
      if (said[i] != admission::added)
        continue;
      const auto& [values, weight, share] = some[i];
      const auto& [largest, checksum] = seen[next++];
      auto& how = said[i].said;
      how = totals.weigh(weight, share);
      if (how == admission::added)
        how = totals.admission_of(largest, weight);
      if (how == admission::added) {
        totals.count(largest, weight, share);
        said[i].checksum = checksum;
      } else {
        refused.push_back(tried[next - 1]);
      }
    }
    cuda::take_back(on, refused, sums());
    if (!refused.empty())
      on.synchronise(); // who gave them may let go of them now
  }
}

admission device_accumulator::merge(
    device_stream& on, const accumulator& other) {
  assert(on.where() == where_ && "an accumulator stays on its device");
  if constexpr (cuda::present)
    if (on.on_gpu()) {
      if (other.size() != size_ || other.first_ != host_.first_)
        return admission::wrong_size;
      auto moved = buffer(2 * size_, on); // first: it may find no room
      auto said = host_.totals_.merge(other.totals_);
      if (said != admission::added)
        return said;
      auto theirs = std::span<std::int64_t>{
          reinterpret_cast<std::int64_t*>(moved.span().data()), size_};
      copy(on, other.sums_, theirs);
      cuda::add_sums(on, theirs, sums());
      on.synchronise();
      return said;
    }
  return host_.merge(other);
}

accumulator device_accumulator::save(device_stream& on) const {
  assert(on.where() == where_ && "an accumulator stays on its device");
  if (!on.on_gpu())
    return host_;
  auto saved = accumulator(size_, host_.first_);
  saved.totals_ = totals();
  copy(on, sums(), std::span<std::int64_t>{saved.sums_});
  on.synchronise();
  return saved;
}

void device_accumulator::clear(device_stream& on) {
  assert(on.where() == where_ && "an accumulator stays on its device");
  host_.clear();
  if constexpr (cuda::present)
    if (on.on_gpu())
      cuda::clear(on, sums());
}

void device_accumulator::publish(device_stream& on, std::span<const float> base,
    double rate, std::span<float> out) const {
  assert(on.where() == where_ && "an accumulator stays on its device");
  assert(base.size() == size_ && out.size() == size_ && "sizes differ");
  assert(totals().shares > 0 && "nothing was added that could be published");
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::publish(on, sums(), totals().denominator(), base, rate, out);
  host_.publish(base, rate, out);
}

exact_mean device_accumulator::mean() const noexcept {
  assert(totals().shares > 0 && "nothing was added that has a mean");
  return {exact_sums(), totals().denominator()};
}

std::span<const std::int64_t> device_accumulator::exact_sums() const noexcept {
  if (where_.kind == device_kind::cuda)
    return sums();
  return host_.sums_;
}

void device_accumulator::average(
    device_stream& on, std::span<float> out) const {
  assert(on.where() == where_ && "an accumulator stays on its device");
  assert(out.size() == size_ && "sizes differ");
  assert(totals().shares > 0 && "nothing was added that could be averaged");
  if constexpr (cuda::present)
    if (on.on_gpu())
      return cuda::publish(on, sums(), totals().denominator(), {}, 1.0, out);
  std::fill(out.begin(), out.end(), 0.0f);
  host_.publish(out, 1.0, out);
}

} // namespace troupe::gpu
