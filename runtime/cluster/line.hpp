#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "protocols/cluster/interfaces.hpp"
#include "protocols/cluster/peer.hpp"
#include "runtime/cluster/connection.hpp"
#include "runtime/cluster/courier.hpp"
#include "runtime/cluster/memory_channel.hpp"
#include "runtime/cluster/shelf.hpp"
#include "runtime/cluster/transfer_budget.hpp"

namespace troupe::cluster {

/// The way to one other process: a connection, and a courier that may lose its
/// channel and get another one while the session lasts; not one over which
/// nothing moves, though something is to come.
class line : public peer, public std::enable_shared_from_this<line> {
public:
  /// What comes of it is for its actor.
  struct ears {
    std::function<void(frame&&)> said;
    std::function<void(fetched&&)> brought;
    std::function<void(parted&&)> over;
  };

  /// `most_bytes` a tensor of the peer's may have, and what norm; 0: any.
  explicit line(std::shared_ptr<connection> over, std::uint64_t most_bytes = 0,
      double max_norm = 0.0);
  void expect_tensors(std::uint64_t most_bytes) { most_bytes_ = most_bytes; }
  /// What it fetches has to find room there. Before it is open.
  void share(std::shared_ptr<transfer_budget> with) {
    budget_ = std::move(with);
  }

  /// Hears its connection, and keeps what comes. On the connection's thread.
  void open();
  /// From now on it is heard by these; what came before comes first.
  void listen(ears whom);
  bool is_over() const noexcept { return over_; }
  /// After `close`, from any other thread: soon. Its thread has to be there.
  void await_end() const noexcept { over_.wait(false); }
  /// A connection for the courier's channel, which both ends attach, one as the
  /// side that makes the memory that they share if they can; on the same
  /// thread. `broken` tells that it takes another one.
  void attach(stream over, memory_channel::side which,
      std::function<void(const std::string&)> broken = {});

  /// At once; on the same thread.
  void abort(const std::string& why) { connection_->abort(why); }

  void call(const std::string& name) override;
  bool send(const frame& what) override { return connection_->send(what); }
  void took() noexcept override { connection_->took(); }
  void close(const std::string& why) override { connection_->close(why); }
  void expel(const std::string& why) override {
    connection_->close(why, false);
  }
  bool takes_along(const gpu::buffer& what) const override {
    return tensor::goes_along(what) && connection_->takes_along(what.bytes());
  }
  tensor lend(gpu::shared_buffer what) override;
  void take_back(tensor_id what) override { lends_->release(what); }
  void fetch(const tensor& what) override { fetch_together({what}); }
  void fetch_together(const std::vector<tensor>& what) override;

private:
  using shared_room = transfer_budget::shared_room;
  /// A tensor that is on its way, since then.
  struct coming {
    clock::time_point since;
    std::weak_ptr<transfer_budget::room> in;
  };

  void hear(frame&& what);
  void measure(fetched&& what);
  void bring(fetched&& what);
  void watch();
  void fetch(const tensor& what, shared_room in);
  void hurry(clock::time_point now);
  void take(std::unique_ptr<channel> best,
      std::function<void(const std::string&)> broken);
  void end(const std::string& why, bool in_order);

  std::shared_ptr<connection> connection_;
  std::atomic<std::uint64_t> most_bytes_;
  std::shared_ptr<transfer_budget> budget_; ///< null: there is room
  double max_norm_;
  std::shared_ptr<shelf> lends_ = std::make_shared<shelf>();
  courier courier_;
  std::atomic<std::uint64_t> fetches_ = 0; ///< that have not come yet

  // of the connection's thread
  ears ears_;
  std::vector<frame> early_;
  std::vector<coming> coming_;
  asio::steady_timer watch_;
  std::uint64_t moved_ = 0; ///< by the courier, when it was looked at last
  clock::time_point since_{};
  std::shared_ptr<void> watched_; ///< shown as a peer that is there
  monitoring::wire wire_ = monitoring::wire::tcp; ///< of the last channel
  std::atomic<bool> over_ = false;
  parted how_;
};

} // namespace troupe::cluster
