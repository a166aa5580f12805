#pragma once

#include <algorithm>
#include <atomic>
#include <limits>
#include <memory>
#include <utility>

#include "runtime/cluster/channel.hpp"

namespace troupe::tests {

/// What a test wants of a channel and learns of it.
struct watch {
  std::atomic<std::size_t> sent{0}; ///< bytes given to it
  std::atomic<std::size_t> most{0}; ///< bytes given and not gone, at worst
  std::atomic<std::size_t> breaks_at{
      std::numeric_limits<std::size_t>::max()}; ///< closes once so much is sent
};

/// Another channel, watched.
class watched_channel final : public cluster::channel {
public:
  watched_channel(
      std::unique_ptr<cluster::channel> real, std::shared_ptr<watch> by)
      : real_(std::move(real)), watch_(std::move(by)) {}

  void send(std::span<const std::byte> from, done then) override {
    watch_->sent += from.size();
    *waiting_ += from.size();
    watch_->most = std::max(watch_->most.load(), *waiting_);
    if (watch_->sent >= watch_->breaks_at)
      real_->close();
    real_->send(from, [waiting = waiting_, size = from.size(),
                          then = std::move(then)](std::error_code error) {
      *waiting -= size;
      then(error);
    });
  }
  void receive(std::span<std::byte> to, done then) override {
    real_->receive(to, std::move(then));
  }
  void close() override { real_->close(); }
  monitoring::wire over() const noexcept override { return real_->over(); }

private:
  std::unique_ptr<cluster::channel> real_;
  std::shared_ptr<watch> watch_;
  std::shared_ptr<std::size_t> waiting_ = std::make_shared<std::size_t>(0);
};

} // namespace troupe::tests
