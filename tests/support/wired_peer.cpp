#include "tests/support/wired_peer.hpp"

#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <gtest/gtest.h>

#include "gpu/aggregation/delta.hpp"

namespace troupe::tests {

using namespace cluster;

void wired_peer::connect(const std::shared_ptr<wired_peer>& one,
    const std::shared_ptr<wired_peer>& other) {
  one->other_ = other;
  other->other_ = one;
}

void wired_peer::listen(ears whom) {
  std::lock_guard lock{guard_};
  ears_ = std::move(whom);
  for (auto& each : std::exchange(early_, {}))
    ears_.said(std::move(each));
}

void wired_peer::cut() {
  if (auto at = other())
    at->end({"it was cut", false});
  end({"it was cut", false});
}

bool wired_peer::send(const frame& what) {
  caf::byte_buffer bytes;
  caf::binary_serializer sink{nullptr, bytes};
  EXPECT_TRUE(sink.apply(what)) << caf::to_string(sink.get_error());
  frame there;
  caf::binary_deserializer source{nullptr, bytes};
  EXPECT_TRUE(source.apply(there) && source.remaining() == 0);
  const auto at = other();
  if (!at || closed())
    return false;
  at->hear(std::move(there));
  return true;
}

void wired_peer::hear(frame what) {
  std::lock_guard lock{guard_};
  if (closed_)
    return;
  if (ears_.said)
    ears_.said(std::move(what));
  else
    early_.push_back(std::move(what));
}

void wired_peer::part(const parted& how) {
  if (auto at = other())
    at->end({"it closed the connection", false});
  end(how);
}

void wired_peer::end(const parted& how) {
  std::lock_guard lock{guard_};
  if (closed_)
    return;
  closed_ = how.why;
  if (auto last = std::exchange(ears_, {}); last.over)
    last.over(how);
}

tensor wired_peer::lend(gpu::shared_buffer what) {
  std::lock_guard lock{guard_};
  lent_[++last_] = what;
  return {std::move(what), last_};
}

void wired_peer::take_back(tensor_id what) {
  std::lock_guard lock{guard_};
  EXPECT_EQ(lent_.erase(what), 1u) << "it was not lent";
}

void wired_peer::fetch(const tensor& what) {
  const auto at = other();
  fetched result{what.id, {}, 0.0f, {}};
  if (auto block = at ? at->find(what.id) : nullptr) {
    gpu::device_stream on{gpu::device{}};
    result.largest = gpu::largest_magnitude(on, block->span());
    result.here = std::move(block);
  } else {
    result.failed = "it is not lent";
  }
  std::lock_guard lock{guard_};
  if (ears_.brought)
    ears_.brought(std::move(result));
}

std::shared_ptr<wired_peer> wired_peer::other() const {
  std::lock_guard lock{guard_};
  return other_.lock();
}

gpu::shared_buffer wired_peer::find(tensor_id what) const {
  std::lock_guard lock{guard_};
  const auto at = lent_.find(what);
  return at == lent_.end() ? nullptr : at->second;
}

std::size_t wired_peer::lends() const {
  std::lock_guard lock{guard_};
  return lent_.size();
}

std::size_t wired_peer::lends_ever() const {
  std::lock_guard lock{guard_};
  return last_;
}

std::optional<std::string> wired_peer::closed() const {
  std::lock_guard lock{guard_};
  return closed_;
}

} // namespace troupe::tests
