#include "runtime/data/cut.hpp"
#include "runtime/data/partition.hpp"

#include <algorithm>
#include <numeric>
#include <span>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

namespace troupe::data {

namespace {

using gpu::random_stream;
using training::view;
using counts = std::vector<std::size_t>;

constexpr std::size_t least = 10; // samples a client
constexpr int most_draws = 1000;

// Client after client takes `shares[label][client]` of every label's samples.
partition deal(const view& samples, const std::vector<indices>& by_label,
    const std::vector<counts>& shares, std::size_t clients) {
  std::vector<std::span<const std::uint32_t>> left(
      by_label.begin(), by_label.end());
  indices order;
  order.reserve(samples.size());
  counts sizes(clients);
  for (std::size_t client = 0; client < clients; ++client)
    for (std::size_t label = 0; label < left.size(); ++label) {
      auto share = left[label].first(shares[label][client]);
      order.insert(order.end(), share.begin(), share.end());
      left[label] = left[label].subspan(share.size());
      sizes[client] += share.size();
    }
  return cut(samples, std::move(order), sizes);
}

// The clients that have each label.
std::vector<counts> draw_owners(std::size_t classes, std::size_t clients,
    std::size_t per_client, random_stream& random) {
  std::vector<counts> owners(classes);
  indices labels(classes);
  std::iota(labels.begin(), labels.end(), 0u);
  for (std::size_t client = 0; client < clients; ++client) {
    std::iter_swap(labels.begin(), std::ranges::find(labels, client % classes));
    random.shuffle(std::span{labels}.subspan(1));
    for (auto label : std::span{labels}.first(per_client))
      owners[label].push_back(client);
  }
  return owners;
}

counts share_equally(std::size_t label, std::size_t samples,
    const counts& owners, std::size_t clients) {
  if (samples < owners.size())
    throw std::invalid_argument(
        fmt::format("cannot divide the {} samples of label {} among its {} "
                    "clients: take fewer clients, or fewer labels a client",
            samples, label, owners.size()));
  counts result(clients);
  auto sizes = equal_sizes(owners.size(), samples);
  for (std::size_t i = 0; i < owners.size(); ++i)
    result[owners[i]] = sizes[i];
  return result;
}

// Of one label. A client that has its part of `all` gets none. Where what is
// left underflows, one client has it all: the limit for small alpha.
std::vector<double> draw_proportions(
    const counts& sizes, std::size_t all, double alpha, random_stream& random) {
  std::vector<double> result(sizes.size());
  indices open;
  for (std::size_t client = 0; client < sizes.size(); ++client) {
    auto share = random.gamma(alpha);
    if (sizes[client] * sizes.size() >= all)
      continue;
    result[client] = share;
    open.push_back(static_cast<std::uint32_t>(client));
  }
  if (std::accumulate(result.begin(), result.end(), 0.0) <= 0.0)
    result[open[random.below(static_cast<std::uint32_t>(open.size()))]] = 1.0;
  return result;
}

struct dirichlet_draw {
  std::vector<counts> shares; // of each label, by client
  counts sizes;               // by client
};

dirichlet_draw draw(const std::vector<indices>& by_label, std::size_t all,
    std::size_t clients, double alpha, random_stream& random) {
  dirichlet_draw result{{}, counts(clients)};
  for (const auto& of_label : by_label) {
    auto& shares = result.shares.emplace_back(clients);
    if (of_label.empty())
      continue;
    shares = sizes_in_proportion(
        draw_proportions(result.sizes, all, alpha, random), of_label.size());
    for (std::size_t client = 0; client < clients; ++client)
      result.sizes[client] += shares[client];
  }
  return result;
}

} // namespace

partition partition_labels(const view& samples, std::size_t clients,
    std::size_t per_client, std::uint64_t seed) {
  check_division(samples, clients);
  const auto classes = samples.set().classes;
  if (per_client == 0 || per_client > classes)
    throw std::invalid_argument(
        fmt::format("cannot give clients {} labels each: there are {}",
            per_client, classes));
  auto random = partition_stream(seed);
  const auto owners = draw_owners(classes, clients, per_client, random);
  const auto by_label = positions_by_label(samples, random);
  std::vector<counts> shares;
  for (std::size_t label = 0; label < classes; ++label)
    shares.push_back(
        share_equally(label, by_label[label].size(), owners[label], clients));
  return deal(samples, by_label, shares, clients);
}

partition partition_label_dirichlet(const view& samples, std::size_t clients,
    double alpha, std::uint64_t seed) {
  check_alpha(alpha);
  check_division(samples, clients, least);
  auto random = partition_stream(seed);
  const auto by_label = positions_by_label(samples, random);
  std::size_t best = 0;
  for (int i = 0; i < most_draws; ++i) {
    auto drawn = draw(by_label, samples.size(), clients, alpha, random);
    auto smallest = std::ranges::min(drawn.sizes);
    if (smallest >= least)
      return deal(samples, by_label, drawn.shares, clients);
    best = std::max(best, smallest);
  }
  throw std::invalid_argument(
      fmt::format("{} draws of Dirichlet({}) left some of {} clients with "
                  "fewer than {} of the {} samples, with {} at best: take "
                  "fewer clients, or a larger alpha",
          most_draws, alpha, clients, least, samples.size(), best));
}

} // namespace troupe::data
