#include "runtime/cluster/deliveries.hpp"

#include "runtime/cluster/courier_errc.hpp"

#include <algorithm>
#include <cassert>
#include <system_error>
#include <utility>

namespace troupe::cluster {

deliveries::deliveries(std::shared_ptr<const shelf> lent, std::size_t chunk)
    : lent_(std::move(lent)), chunk_(chunk) {
  assert(chunk > 0 && chunk % sizeof(float) == 0 &&
         chunk <= parcel::largest_chunk && "a chunk is whole floats");
}

void deliveries::fetch(const parcel& asked) {
  const auto same = [&](const auto& x) { return x.id == asked.id; };
  if (turns_.size() >= most)
    throw std::system_error(courier_errc::too_many, to_string(asked));
  if (std::any_of(turns_.begin(), turns_.end(), same))
    throw std::system_error(courier_errc::too_many, to_string(asked));
  auto from = lent_->find(asked.id);
  if (from && from->bytes().size() != asked.length)
    from = nullptr;
  turns_.push_back({asked.id, std::move(from), asked.offset});
}

void deliveries::stop(tensor_id id) {
  for (auto& one : turns_)
    if (one.id == id)
      one.from = nullptr;
}

std::optional<deliveries::piece> deliveries::next() {
  if (turns_.empty())
    return std::nullopt;
  auto turn = std::move(turns_.front());
  turns_.pop_front();
  piece next{{.what = parcel::kind::gone, .id = turn.id}, turn.from, {}};
  if (!turn.from)
    return next;
  const auto rest = turn.from->bytes().subspan(turn.sent);
  next.bytes = rest.first(std::min(chunk_, rest.size()));
  next.head = {parcel::kind::chunk,
      turn.from->checksum(turn.sent, next.bytes.size()), turn.id, turn.sent,
      next.bytes.size()};
  turn.sent += next.bytes.size();
  if (turn.sent < turn.from->bytes().size())
    turns_.push_back(std::move(turn));
  return next;
}

} // namespace troupe::cluster
