#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include <caf/binary_serializer.hpp>
#include <gtest/gtest.h>

#include "protocols/cluster/peer.hpp"

namespace troupe::tests {

/// Another process that does nothing but remember: what it was sent, which must
/// be fit to travel, what was lent to it, and what it was asked for. What it
/// says itself, a test tells the actor in its name.
class scripted_peer : public cluster::peer {
public:
  bool send(const cluster::frame& what) override {
    caf::byte_buffer bytes;
    caf::binary_serializer sink{nullptr, bytes};
    EXPECT_TRUE(sink.apply(what)) << caf::to_string(sink.get_error());
    sent_.push_back(what);
    return true;
  }
  void call(const std::string& name) override { called = name; }
  void took() noexcept override { ++heard; }
  void close(const std::string& why) override { closed.push_back(why); }
  void expel(const std::string& why) override {
    expelled.push_back(why);
    close(why);
  }

  bool takes_along(const gpu::buffer&) const override { return along; }
  tensor lend(gpu::shared_buffer what) override {
    lent[++last_] = what;
    return {std::move(what), last_};
  }
  void take_back(tensor_id what) override {
    EXPECT_EQ(lent.erase(what), 1u) << "it was not lent";
  }
  void fetch(const tensor& what) override { asked.push_back(what); }

  /// All frames of one type that it was sent, in order.
  template <class Frame>
  std::vector<Frame> sent() const {
    std::vector<Frame> result;
    for (const auto& each : sent_)
      if (const auto* x = std::get_if<Frame>(&each))
        result.push_back(*x);
    return result;
  }

  std::string called;              ///< its name, for people
  bool along = false;              ///< tensors go along with frames
  std::size_t heard = 0;           ///< messages that the actor is through with
  std::vector<std::string> closed; ///< why, each time
  std::vector<std::string> expelled; ///< those of them for what it did
  std::map<tensor_id, gpu::shared_buffer> lent; ///< to it, until now
  std::vector<tensor> asked;                    ///< of it

private:
  std::vector<cluster::frame> sent_;
  tensor_id last_ = 0;
};

/// `size` values that are all `value`.
inline gpu::shared_buffer filled(std::size_t size, float value = 0.0f) {
  auto result = std::make_shared<gpu::buffer>(size);
  for (auto& x : result->span())
    x = value;
  return result;
}

} // namespace troupe::tests
