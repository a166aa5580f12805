#include "protocols/pipeline/plan.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace troupe::pipeline {
namespace {

constexpr std::array<const char*, policies> names{
    "naive", "gpipe", "1f1b", "interleaved", "zb-h1", "2bw"};

// Micro-batches that pass a chunk before the first of them passes the next one:
// as many as fill the ranks.
std::uint64_t group_of(const plan& x) noexcept {
  return x.how == policy::gpipe ? x.micro_batches : x.ranks;
}

// Groups follow each other; within one, chunks do; the last group is what is
// left.
unit at(const plan& x, std::uint64_t position) noexcept {
  const auto step = position / x.units();
  const auto within = position % x.units();
  const auto first = within / (group_of(x) * x.chunks) * group_of(x);
  const auto size = std::min(group_of(x), x.micro_batches - first);
  const auto rest = within - first * x.chunks;
  return {static_cast<std::uint32_t>(rest / size),
      step * x.micro_batches + first + rest % size};
}

std::uint64_t position_of(const plan& x, const unit& of) noexcept {
  const auto step = of.micro_batch / x.micro_batches;
  const auto within = of.micro_batch % x.micro_batches;
  const auto first = within / group_of(x) * group_of(x);
  const auto size = std::min(group_of(x), x.micro_batches - first);
  return step * x.units() + first * x.chunks + of.chunk * size +
         (within - first);
}

// Backwards, the last chunk is the first one.
unit mirrored(const plan& x, unit of) noexcept {
  return {x.chunks - 1 - of.chunk, of.micro_batch};
}

} // namespace

const char* to_string(policy how) noexcept {
  return names[static_cast<std::size_t>(how)];
}

std::optional<policy> policy_named(std::string_view name) noexcept {
  const auto found = std::ranges::find(names, name);
  if (found == names.end())
    return {};
  return static_cast<policy>(found - names.begin());
}

std::string fault_of(const plan& x) {
  if (x.ranks == 0 || x.chunks == 0 || x.micro_batches == 0 || x.steps == 0)
    return "a pipeline has a rank, a chunk, a micro-batch and a step at least";
  if (x.chunks > 1 && x.how != policy::interleaved && x.how != policy::gpipe)
    return std::string{to_string(x.how)} + " has one chunk a rank, not " +
           std::to_string(x.chunks) + ": interleaved and gpipe have several";
  return {};
}

std::uint64_t version_of(const plan& x, std::uint64_t micro_batch) noexcept {
  const auto step = micro_batch / x.micro_batches;
  return step - std::min(step, x.staleness());
}

std::uint64_t most_held(const plan& x, std::uint32_t rank) noexcept {
  const std::uint64_t behind = x.ranks - 1 - rank;
  switch (x.how) {
  case policy::naive:
    return 1;
  case policy::gpipe:
    return x.units();
  case policy::interleaved:
    if (x.chunks == 1)
      return std::min(behind + 1, x.units());
    return std::min(
        2 * behind + std::uint64_t{x.chunks - 1} * x.ranks + 1, x.units());
  default:
    return std::min(behind + 1, x.units());
  }
}

// As many as the first rank holds.
std::uint64_t most_kept(const plan& x, std::uint32_t rank) noexcept {
  return x.split() ? std::uint64_t{x.ranks} : most_held(x, rank);
}

std::uint64_t kept_for_end(const plan& x, std::uint32_t rank) noexcept {
  return x.split() ? std::uint64_t{rank} : 0;
}

unit forward_at(const plan& x, std::uint64_t position) noexcept {
  return at(x, position);
}

unit backward_at(const plan& x, std::uint64_t position) noexcept {
  return mirrored(x, at(x, position));
}

std::uint64_t forward_position(const plan& x, const unit& of) noexcept {
  return position_of(x, of);
}

std::uint64_t backward_position(const plan& x, const unit& of) noexcept {
  return position_of(x, mirrored(x, of));
}

// Of all that a rank may have done, what holds most: every forward that its
// limit allows behind so many backwards.
std::uint64_t traces_of(
    const plan& x, std::uint32_t rank, std::uint32_t chunk) noexcept {
  std::uint64_t begun = 0;
  std::uint64_t held = 0;
  std::uint64_t most = 0;
  for (std::uint64_t done = 0; done < x.units(); ++done) {
    for (; begun < std::min(done + most_held(x, rank), x.units()); ++begun)
      held += forward_at(x, begun).chunk == chunk;
    most = std::max(most, held);
    held -= backward_at(x, done).chunk == chunk;
  }
  return most;
}

std::uint64_t credits_of(
    const plan& x, std::uint32_t rank, std::uint32_t chunk) noexcept {
  return std::min<std::uint64_t>(
      traces_of(x, rank, chunk) + 1, x.micro_batches);
}

} // namespace troupe::pipeline
