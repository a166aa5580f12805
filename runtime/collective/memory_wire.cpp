#include "runtime/collective/memory_wire.hpp"

#include <algorithm>
#include <cstring>

namespace troupe::collective {
namespace {

constexpr int moment = 20; // milliseconds
constexpr std::uint32_t told = 1;
constexpr std::uint32_t told_gently = 2;

} // namespace

memory_wire::memory_wire(std::uint32_t rank, std::shared_ptr<hall> where,
    std::optional<lifelines> lines)
    : rank_(rank), hall_(std::move(where)), lines_(std::move(lines)) {
  for (std::uint32_t peer = 0; peer < ranks(); ++peer)
    channels_.emplace_back(*hall_, rank, peer);
}

memory_wire::~memory_wire() {
  tell({rank_, "it has left", true});
}

std::optional<loss> memory_wire::word_of(std::uint32_t peer) const {
  auto& desk = hall_->of(peer);
  const auto left = desk.left.load();
  if (left == 0)
    return std::nullopt;
  return loss{desk.blames.load(),
      {desk.why, strnlen(desk.why, sizeof desk.why)}, left == told_gently};
}

std::optional<loss> memory_wire::look() {
  std::optional<loss> heard;
  for (std::uint32_t peer = 0; peer < ranks(); ++peer)
    if (peer != rank_)
      if (auto word = word_of(peer); word && (!heard || heard->gently))
        heard = std::move(word);
  if (!lines_)
    return heard;
  // A process that ends says its word first, if it can.
  if (const auto ended = lines_->look(); ended && !word_of(ended->rank))
    return loss{ended->rank, "its process ended", false};
  return heard;
}

void memory_wire::tell(const loss& what) noexcept {
  auto& mine = hall_->of(rank_);
  if (mine.left.load() != 0)
    return;
  mine.blames.store(what.rank);
  const auto size = std::min(what.why.size(), sizeof mine.why - 1);
  std::memcpy(mine.why, what.why.data(), size);
  mine.left.store(what.gently ? told_gently : told);
  for (std::uint32_t peer = 0; peer < ranks(); ++peer)
    hall_->of(peer).wakes.ring();
}

void memory_wire::lie_down() {
  seen_ = hall_->of(rank_).wakes.lie_down();
}

void memory_wire::sleep(std::span<const wanted>) {
  hall_->of(rank_).wakes.sleep(seen_, moment);
}

void memory_wire::rise() {
  hall_->of(rank_).wakes.rise();
}

patience memory_wire::before_sleep() const noexcept {
  const bool room = ranks() <= processors();
  return {room ? 20'000u : 5u, 100};
}

std::vector<std::unique_ptr<wire>> wires_within_process(std::uint32_t ranks) {
  const auto place = hall::make(ranks);
  std::vector<std::unique_ptr<wire>> result;
  for (std::uint32_t r = 0; r < ranks; ++r)
    result.push_back(std::make_unique<memory_wire>(r, place));
  return result;
}

} // namespace troupe::collective
