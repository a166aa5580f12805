#pragma once

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "gpu/random.hpp"
#include "runtime/cluster/courier.hpp"
#include "runtime/cluster/courier_errc.hpp"
#include "runtime/cluster/parcel.hpp"
#include "runtime/cluster/socket_channel.hpp"
#include "tests/runtime/cluster/watched_channel.hpp"
#include "tests/support/loopback.hpp"

#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

namespace troupe::tests {

inline constexpr std::uint64_t plenty = std::uint64_t{1} << 32;

inline gpu::shared_buffer noise(std::size_t count, std::uint64_t seed = 1) {
  auto values = std::make_shared<gpu::buffer>(count);
  auto state = static_cast<std::uint32_t>(seed);
  for (auto& value : values->span()) {
    state = state * 1'664'525u + 1'013'904'223u;
    value = static_cast<float>(state >> 8) * 0x1p-24f - 0.5f;
  }
  return values;
}

inline bool same(const gpu::shared_buffer& a, const gpu::shared_buffer& b) {
  return a && b && std::ranges::equal(a->span(), b->span());
}

/// How the other process knows a tensor.
inline tensor handle(const tensor& lent) {
  tensor elsewhere;
  elsewhere.id = lent.id;
  elsewhere.count = lent.count;
  return elsewhere;
}

struct fetched {
  gpu::shared_buffer block;
  float largest = 0;
  std::error_code error;
};

/// Waits, but not for ever.
template <class T>
T result(std::future<T> of) {
  if (of.wait_for(std::chrono::seconds{60}) != std::future_status::ready)
    throw std::runtime_error("nothing came in a minute");
  return of.get();
}

/// A process: its I/O thread, what it lends, and its courier to one other.
struct party {
  io_thread io;
  std::shared_ptr<cluster::shelf> shelf = std::make_shared<cluster::shelf>();
  cluster::courier courier{
      shelf, cluster::post_to(io.context().get_executor())};

  /// The future is of what ends the channel.
  std::future<std::system_error> attach(std::unique_ptr<cluster::channel> to) {
    auto promise = std::make_shared<std::promise<std::system_error>>();
    courier.attach(std::move(to),
        [promise](const auto& error) { promise->set_value(error); });
    return promise->get_future();
  }
  std::future<std::system_error> attach(
      channel_end to, std::shared_ptr<watch> by) {
    return attach(
        std::make_unique<watched_channel>(std::move(to), std::move(by)));
  }

  std::future<fetched> fetch(const tensor& what, std::uint64_t most = plenty) {
    auto promise = std::make_shared<std::promise<fetched>>();
    courier.fetch(handle(what), most,
        [promise](gpu::shared_buffer block, float largest, auto error) {
          promise->set_value({std::move(block), largest, error});
        });
    return promise->get_future();
  }
};

/// Two processes with a channel between them.
struct two_parties {
  party one, other;
  std::shared_ptr<watch> of_one = std::make_shared<watch>();
  std::shared_ptr<watch> of_other = std::make_shared<watch>();
  std::future<std::system_error> end_of_one, end_of_other;

  explicit two_parties(medium over = medium::plain) { connect(over); }
  void connect(medium over = medium::plain) {
    auto [a, b] =
        connected_channels(one.io.context(), other.io.context(), over);
    end_of_one = one.attach(std::move(a), of_one);
    end_of_other = other.attach(std::move(b), of_other);
  }
};

/// A process whose courier says what a test makes it say.
class forger {
public:
  explicit forger(party& against) : socket_(context_) {
    auto [theirs, mine] = connected_sockets(against.io.context(), context_);
    socket_ = std::move(mine);
    ended = against.attach(std::make_unique<cluster::socket_channel>(
        cluster::stream{std::move(theirs)}));
  }

  cluster::parcel hear() {
    cluster::parcel_bytes bytes;
    boost::asio::read(socket_, boost::asio::buffer(bytes));
    return cluster::to_parcel(bytes);
  }
  void say(const cluster::parcel& what) {
    boost::asio::write(socket_, boost::asio::buffer(cluster::to_bytes(what)));
  }
  void say(std::span<const std::byte> bytes) {
    boost::asio::write(
        socket_, boost::asio::buffer(bytes.data(), bytes.size()));
  }

  std::future<std::system_error> ended;

private:
  boost::asio::io_context context_;
  cluster::tcp::socket socket_;
};

} // namespace troupe::tests
