#include "runtime/data/partition.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "gpu/random.hpp"

namespace troupe::data {

namespace {

using gpu::random_stream;
using training::view;
using indices = std::vector<std::uint32_t>;

void check(const view& samples, std::size_t clients, std::size_t each = 1) {
  auto most = samples.size() / each;
  if (clients == 0)
    throw std::invalid_argument("cannot divide samples among no clients");
  if (clients > most)
    throw std::invalid_argument(
        fmt::format("cannot divide {} samples among {} clients with at least "
                    "{} each: that is enough for {} clients",
            samples.size(), clients, each, most));
}

void check(double alpha) {
  if (!(alpha > 0.0) || !std::isfinite(alpha))
    throw std::invalid_argument(
        fmt::format("alpha = {} is not a finite number above 0", alpha));
}

random_stream stream_of(std::uint64_t seed) {
  return random_stream{seed, gpu::stream::partition};
}

indices positions(const view& samples) {
  indices result(samples.size());
  std::iota(result.begin(), result.end(), 0u);
  return result;
}

// Border `i` of `parts` parts of `whole`, as equal as can be.
std::size_t border(std::size_t i, std::size_t parts, std::size_t whole) {
  return i * (whole / parts) + std::min(i, whole % parts);
}

// Cuts positions in `samples` into consecutive parts of the given sizes.
partition cut(
    const view& samples, indices order, const std::vector<std::size_t>& sizes) {
  for (auto& position : order)
    position = samples.index(position);
  auto all = view{samples.shared_set(), std::move(order)};
  partition result;
  result.reserve(sizes.size());
  std::size_t first = 0;
  for (auto size : sizes) {
    result.push_back(all.slice(first, size));
    first += size;
  }
  return result;
}

std::vector<std::size_t> equal_sizes(std::size_t parts, std::size_t whole) {
  std::vector<std::size_t> sizes(parts);
  for (std::size_t i = 0; i < parts; ++i)
    sizes[i] = border(i + 1, parts, whole) - border(i, parts, whole);
  return sizes;
}

// Draws labels in the proportions of a mixture, as long as there are any.
class label_pool {
public:
  label_pool(const view& samples, random_stream& random)
      : random_(random),
        left_(samples.size()),
        waiting_(samples.set().classes) {
    auto order = positions(samples);
    random_.shuffle(order);
    for (auto position : order)
      waiting_[samples.label(position)].push_back(position);
  }

  void draw_mixture(double alpha) {
    mixture_.resize(waiting_.size());
    for (auto& share : mixture_)
      share = random_.gamma(alpha);
    weigh();
  }

  std::uint32_t take() {
    if (!(total_ > 0.0))
      mix_what_is_left();
    auto label = choose();
    auto position = waiting_[label].back();
    waiting_[label].pop_back();
    --left_;
    if (waiting_[label].empty())
      weigh();
    return position;
  }

private:
  void weigh() {
    for (std::size_t label = 0; label < mixture_.size(); ++label)
      if (waiting_[label].empty())
        mixture_[label] = 0.0;
    total_ = std::accumulate(mixture_.begin(), mixture_.end(), 0.0);
  }

  // None of the mixture's labels is left, or it has underflown.
  void mix_what_is_left() {
    for (std::size_t label = 0; label < mixture_.size(); ++label)
      mixture_[label] = static_cast<double>(waiting_[label].size());
    total_ = static_cast<double>(left_);
  }

  std::size_t choose() {
    auto point = random_.uniform() * total_;
    std::size_t last = 0;
    for (std::size_t label = 0; label < mixture_.size(); ++label) {
      if (mixture_[label] <= 0.0)
        continue;
      last = label;
      point -= mixture_[label];
      if (point < 0.0)
        break;
    }
    return last;
  }

  random_stream& random_;
  std::size_t left_;
  std::vector<indices> waiting_; // by label
  std::vector<double> mixture_;
  double total_ = 0.0;
};

} // namespace

partition partition_iid(
    const view& samples, std::size_t clients, std::uint64_t seed) {
  check(samples, clients);
  auto order = positions(samples);
  stream_of(seed).shuffle(order);
  return cut(samples, std::move(order), equal_sizes(clients, samples.size()));
}

partition partition_shards(const view& samples, std::size_t clients,
    std::size_t per_client, std::uint64_t seed) {
  if (per_client == 0)
    throw std::invalid_argument("cannot give clients 0 shards each");
  check(samples, clients, per_client);
  auto random = stream_of(seed);
  auto sorted = positions(samples);
  std::stable_sort(sorted.begin(), sorted.end(),
      [&](auto a, auto b) { return samples.label(a) < samples.label(b); });
  auto count = clients * per_client;
  indices shards(count);
  std::iota(shards.begin(), shards.end(), 0u);
  random.shuffle(shards);
  indices order;
  order.reserve(sorted.size());
  std::vector<std::size_t> sizes(clients);
  for (std::size_t i = 0; i < count; ++i) {
    auto first = border(shards[i], count, sorted.size());
    auto last = border(shards[i] + 1u, count, sorted.size());
    order.insert(order.end(), sorted.begin() + static_cast<long>(first),
        sorted.begin() + static_cast<long>(last));
    sizes[i / per_client] += last - first;
  }
  return cut(samples, std::move(order), sizes);
}

partition partition_dirichlet(const view& samples, std::size_t clients,
    double alpha, std::uint64_t seed) {
  check(alpha);
  check(samples, clients);
  auto random = stream_of(seed);
  auto pool = label_pool{samples, random};
  auto sizes = equal_sizes(clients, samples.size());
  indices order;
  order.reserve(samples.size());
  for (auto size : sizes) {
    pool.draw_mixture(alpha);
    for (std::size_t i = 0; i < size; ++i)
      order.push_back(pool.take());
  }
  return cut(samples, std::move(order), sizes);
}

// Everyone gets one sample; the others are cut where the cumulated proportions
// fall, which adds up by itself.
partition partition_quantity(const view& samples, std::size_t clients,
    double alpha, std::uint64_t seed) {
  check(alpha);
  check(samples, clients);
  auto random = stream_of(seed);
  auto order = positions(samples);
  random.shuffle(order);
  std::vector<double> shares(clients);
  for (auto& share : shares)
    share = random.gamma(alpha) + std::numeric_limits<double>::min();
  std::partial_sum(shares.begin(), shares.end(), shares.begin());
  auto spare = static_cast<double>(samples.size() - clients);
  std::vector<std::size_t> sizes(clients);
  std::size_t first = 0;
  for (std::size_t i = 0; i < clients; ++i) {
    auto last =
        static_cast<std::size_t>(std::floor(shares[i] / shares.back() * spare));
    sizes[i] = 1 + last - first;
    first = last;
  }
  return cut(samples, std::move(order), sizes);
}

} // namespace troupe::data
