#include "runtime/data/cut.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

namespace troupe::data {

void check_division(
    const training::view& samples, std::size_t clients, std::size_t each) {
  auto most = samples.size() / each;
  if (clients == 0)
    throw std::invalid_argument("cannot divide samples among no clients");
  if (clients > most)
    throw std::invalid_argument(
        fmt::format("cannot divide {} samples among {} clients with at least "
                    "{} each: that is enough for {} clients",
            samples.size(), clients, each, most));
}

void check_alpha(double alpha) {
  if (!(alpha > 0.0) || !std::isfinite(alpha))
    throw std::invalid_argument(
        fmt::format("alpha = {} is not a finite number above 0", alpha));
}

gpu::random_stream partition_stream(std::uint64_t seed) {
  return gpu::random_stream{seed, gpu::stream::partition};
}

indices positions(const training::view& samples) {
  indices result(samples.size());
  std::iota(result.begin(), result.end(), 0u);
  return result;
}

std::vector<indices> positions_by_label(
    const training::view& samples, gpu::random_stream& random) {
  std::vector<indices> result(samples.set().classes);
  auto order = positions(samples);
  random.shuffle(order);
  for (auto position : order)
    result[samples.label(position)].push_back(position);
  return result;
}

std::size_t border(std::size_t i, std::size_t parts, std::size_t whole) {
  return i * (whole / parts) + std::min(i, whole % parts);
}

std::vector<std::size_t> equal_sizes(std::size_t parts, std::size_t whole) {
  std::vector<std::size_t> sizes(parts);
  for (std::size_t i = 0; i < parts; ++i)
    sizes[i] = border(i + 1, parts, whole) - border(i, parts, whole);
  return sizes;
}

// Cut where the cumulated shares fall, of which the last is the whole.
std::vector<std::size_t> sizes_in_proportion(
    std::vector<double> shares, std::size_t whole) {
  std::partial_sum(shares.begin(), shares.end(), shares.begin());
  std::vector<std::size_t> sizes(shares.size());
  std::size_t first = 0;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    auto last = static_cast<std::size_t>(
        std::floor(shares[i] / shares.back() * static_cast<double>(whole)));
    sizes[i] = last - first;
    first = last;
  }
  return sizes;
}

partition cut(const training::view& samples, indices order,
    const std::vector<std::size_t>& sizes) {
  for (auto& position : order)
    position = samples.index(position);
  auto all = training::view{samples.shared_set(), std::move(order)};
  partition result;
  result.reserve(sizes.size());
  std::size_t first = 0;
  for (auto size : sizes) {
    result.push_back(all.slice(first, size));
    first += size;
  }
  return result;
}

} // namespace troupe::data
