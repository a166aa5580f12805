#include "runtime/collective/hall.hpp"

#include <new>

namespace troupe::collective {
namespace {

constexpr std::size_t page = 4096;

constexpr std::size_t whole_pages(std::size_t bytes) {
  return (bytes + page - 1) / page * page;
}

std::size_t desks_size(std::uint32_t ranks) {
  return whole_pages(ranks * sizeof(hall::desk));
}
std::size_t heads_size(std::uint32_t ranks) {
  return whole_pages(ranks * ranks * sizeof(hall::ring));
}

} // namespace

static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

std::size_t hall::size_for(std::uint32_t ranks) noexcept {
  return desks_size(ranks) + heads_size(ranks) + ranks * ranks * ring_bytes;
}

// Fresh memory is zeros, which all that lies here begins with.
hall::hall(std::uint32_t ranks, std::string name, mapping memory, bool within)
    : ranks_(ranks),
      name_(std::move(name)),
      memory_(std::move(memory)),
      within_(within),
      desks_(reinterpret_cast<desk*>(memory_.at())),
      rings_(reinterpret_cast<ring*>(memory_.at() + desks_size(ranks))),
      bytes_(memory_.at() + desks_size(ranks) + heads_size(ranks)) {}

hall::~hall() {
  forget();
}

void hall::forget() noexcept {
  if (!name_.empty())
    mapping::forget(name_);
  name_.clear();
}

std::shared_ptr<hall> hall::make(std::uint32_t ranks) {
  return std::shared_ptr<hall>{
      new hall{ranks, {}, mapping::of_own(size_for(ranks)), true}};
}

std::shared_ptr<hall> hall::make_shared(std::uint32_t ranks) {
  std::string name;
  auto memory = mapping::make(size_for(ranks), name);
  return std::shared_ptr<hall>{new hall{ranks, name, std::move(memory), false}};
}

std::shared_ptr<hall> hall::open(const std::string& name, std::uint32_t ranks) {
  return std::shared_ptr<hall>{
      new hall{ranks, {}, mapping::open(name, size_for(ranks)), false}};
}

} // namespace troupe::collective
