#pragma once

#include <memory>
#include <utility>

#include "monitoring/wire_figures.hpp"
#include "runtime/cluster/channel.hpp"

namespace troupe::cluster {

/// Another channel, whose bytes are counted once they are through.
class counted_channel final : public channel {
public:
  counted_channel(std::unique_ptr<channel> real,
      std::shared_ptr<monitoring::wire_figures> by)
      : real_(std::move(real)), by_(std::move(by)) {}

  void send(std::span<const std::byte> from, done then) override {
    real_->send(from,
        counted(monitoring::direction::out, from.size(), std::move(then)));
  }
  void receive(std::span<std::byte> to, done then) override {
    real_->receive(
        to, counted(monitoring::direction::in, to.size(), std::move(then)));
  }
  void close() override { real_->close(); }
  monitoring::wire over() const noexcept override { return real_->over(); }

private:
  done counted(monitoring::direction which, std::size_t bytes, done then) {
    return [by = by_, over = over(), which, bytes, then = std::move(then)](
               std::error_code error) {
      if (!error)
        by->moved(over, which, bytes);
      then(error);
    };
  }

  std::unique_ptr<channel> real_;
  std::shared_ptr<monitoring::wire_figures> by_;
};

} // namespace troupe::cluster
