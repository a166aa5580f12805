#include "runtime/collective/hall.hpp"

#include <utility>

namespace troupe::collective {
namespace {

constexpr std::size_t huge_page = std::size_t{2} << 20;

constexpr std::size_t whole_pages(std::size_t bytes, std::size_t page = 4096) {
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
hall::hall(std::uint32_t ranks, std::optional<memory_file> file, mapping memory)
    : ranks_(ranks),
      file_(std::move(file)),
      memory_(std::move(memory)),
      blocks_(whole_pages(size_for(ranks), huge_page)),
      desks_(reinterpret_cast<desk*>(memory_.at())),
      rings_(reinterpret_cast<ring*>(memory_.at() + desks_size(ranks))),
      bytes_(memory_.at() + desks_size(ranks) + heads_size(ranks)) {}

std::size_t hall::next_blocks(std::size_t bytes) noexcept {
  return std::exchange(blocks_, blocks_ + bytes * ranks_);
}

std::shared_ptr<hall> hall::make(std::uint32_t ranks) {
  return std::shared_ptr<hall>{
      new hall{ranks, {}, mapping::of_own(size_for(ranks))}};
}

std::shared_ptr<hall> hall::make_shared(std::uint32_t ranks) {
  memory_file file;
  file.reserve(0, size_for(ranks));
  return in(std::move(file), ranks);
}

std::shared_ptr<hall> hall::in(memory_file file, std::uint32_t ranks) {
  auto memory = file.map(0, size_for(ranks));
  return std::shared_ptr<hall>{
      new hall{ranks, std::move(file), std::move(memory)}};
}

} // namespace troupe::collective
