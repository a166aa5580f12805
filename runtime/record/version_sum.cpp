#include "runtime/record/version_sum.hpp"

#include <cmath>

#include "gpu/aggregation/fixed_point.hpp"
#include "runtime/record/story.hpp"

namespace troupe {
namespace {

using gpu::fixed_point::weight_scale;

std::int64_t on_grid(double weight) noexcept {
  return static_cast<std::int64_t>(std::nearbyint(weight * weight_scale));
}

double off_grid(std::int64_t sum) noexcept {
  return static_cast<double>(sum) / weight_scale;
}

bool same(double a, double b) noexcept {
  return a == b || (std::isnan(a) && std::isnan(b));
}

} // namespace

void version_sum::take(const facts::accepted& x) {
  expect(x.weight >= 0.0 && x.weight <= x.share && x.share < 4096.0,
      "the update of lease {} (client {}) has weight {} and share {}", x.lease,
      x.client, x.weight, x.share);
  losses_.add(x.lease, x.client, x.weight, x.loss);
  weights_ += on_grid(x.weight);
  shares_ += on_grid(x.share);
  checksum_ += x.checksum;
  has_checksums_ |= x.checksum != 0;
}

void version_sum::retract(lease_id lease) {
  losses_.retract(lease);
}

// One that had nothing to sum up says so, too.
bool version_sum::is_told_of(const facts::published& x) const noexcept {
  return has_checksums_ || x.checksum != 0 || x.share != 0.0;
}

bool version_sum::expect_in(const facts::published& x) {
  if (!is_told_of(x))
    return false;
  const auto agree = [&](const char* what, double here, double there) {
    expect(same(here, there),
        "version {} was made with {} {}, but its updates have {} together",
        x.version, what, there, here);
  };
  agree("the weight", off_grid(weights_), x.weight);
  agree("the denominator", off_grid(shares_), x.share);
  expect(checksum_ == x.checksum,
      "the sum of version {} has the checksum {:016x}, but those of its "
      "updates "
      "come to {:016x}: it is not the sum of them",
      x.version, x.checksum, checksum_);
  expect(same(losses_.loss(), x.loss),
      "version {} has the mean training loss {}, but its updates have {}",
      x.version, x.loss, losses_.loss());
  return true;
}

} // namespace troupe
