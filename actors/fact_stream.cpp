#include "actors/fact_stream.hpp"

#include <iterator>

namespace troupe {

void fact_stream::hold(instant at, facts::accepted what) {
  held_.push_back(next_);
  add(at, what);
}

void fact_stream::summed(std::uint64_t checksum) {
  if (held_.empty())
    return; // nobody waits for it any more
  auto& what = (*open_)[held_.front() - open_->front().number].what;
  std::get<facts::accepted>(what).checksum = checksum;
  held_.pop_front();
}

std::size_t fact_stream::size() const noexcept {
  if (!open_)
    return 0;
  return held_.empty() ? open_->size() : held_.front() - open_->front().number;
}

// What stays is little: as much as a shard adds at a time.
fact_batch fact_stream::take() {
  const auto ready = size();
  auto result = std::exchange(open_, nullptr);
  if (!result || ready == result->size())
    return {std::move(result)};
  const auto rest = result->begin() + static_cast<std::ptrdiff_t>(ready);
  batch().assign(
      std::make_move_iterator(rest), std::make_move_iterator(result->end()));
  result->erase(rest, result->end());
  return {std::move(result)};
}

std::vector<fact>& fact_stream::batch() {
  if (!open_)
    open_ = std::make_shared<std::vector<fact>>();
  return *open_;
}

} // namespace troupe
