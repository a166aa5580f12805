#include "runtime/data/partition.hpp"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "runtime/data/cut.hpp"

namespace troupe::data {

namespace {

using gpu::random_stream;
using training::view;

// Draws labels in the proportions of a mixture, as long as there are any.
class label_pool {
public:
  label_pool(const view& samples, random_stream& random)
      : random_(random),
        left_(samples.size()),
        waiting_(positions_by_label(samples, random)) {}

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
  check_division(samples, clients);
  auto order = positions(samples);
  partition_stream(seed).shuffle(order);
  return cut(samples, std::move(order), equal_sizes(clients, samples.size()));
}

partition partition_shards(const view& samples, std::size_t clients,
    std::size_t per_client, std::uint64_t seed) {
  if (per_client == 0)
    throw std::invalid_argument("cannot give clients 0 shards each");
  check_division(samples, clients, per_client);
  auto random = partition_stream(seed);
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
  check_alpha(alpha);
  check_division(samples, clients);
  auto random = partition_stream(seed);
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

// Everyone gets one sample before the others are divided.
partition partition_quantity(const view& samples, std::size_t clients,
    double alpha, std::uint64_t seed) {
  check_alpha(alpha);
  check_division(samples, clients);
  auto random = partition_stream(seed);
  auto order = positions(samples);
  random.shuffle(order);
  std::vector<double> shares(clients);
  for (auto& share : shares)
    share = random.gamma(alpha);
  // Where all are too small for a double, one has it all: the limit.
  if (std::ranges::all_of(shares, [](double share) { return share == 0.0; }))
    shares[random.below(static_cast<std::uint32_t>(clients))] = 1.0;
  auto sizes = sizes_in_proportion(std::move(shares), samples.size() - clients);
  for (auto& size : sizes)
    ++size;
  return cut(samples, std::move(order), sizes);
}

} // namespace troupe::data
