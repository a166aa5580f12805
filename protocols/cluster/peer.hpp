#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "protocols/cluster/frames.hpp"
#include "protocols/tensor.hpp"

namespace troupe::cluster {

/// Another process, as the actor that speaks with it sees it: a connection for
/// frames, and a courier for tensors beside it. What the peer says comes to the
/// actor as messages, one type a frame; that it is gone comes as `parted`.
///
/// Calls may come from any thread, and none waits.
class peer {
public:
  virtual ~peer() = default;

  /// What the other process is called, for people who watch.
  virtual void call(const std::string& name) { static_cast<void>(name); }

  /// False: the peer does not take what it was given before, or is gone; the
  /// session ends.
  virtual bool send(const frame& what) = 0;
  /// The actor is through with one more of the messages. While it is not
  /// through with very many, nothing more is read.
  virtual void took() noexcept = 0;
  /// What was sent still goes out, within a second. `parted` follows.
  virtual void close(const std::string& why) = 0;
  /// The same where the peer did wrong: it is not one that has left.
  virtual void expel(const std::string& why) = 0;

  /// Whether its values may go along with a frame now: they are few, and the
  /// peer takes what it is sent.
  virtual bool takes_along(const gpu::buffer& what) const = 0;
  /// Lends a tensor to the peer until it is taken back: a handle to send.
  virtual tensor lend(gpu::shared_buffer what) = 0;
  virtual void take_back(tensor_id what) = 0;
  /// Brings what the peer has lent; `fetched` answers, unless the peer parts.
  virtual void fetch(const tensor& what) = 0;
  /// The same for tensors that are of no use without each other: either all of
  /// them wait for room, or none does.
  virtual void fetch_together(const std::vector<tensor>& what) {
    for (const auto& each : what)
      fetch(each);
  }

  /// A tensor to send: its values, or else lent, and then it has an id.
  tensor pass(gpu::shared_buffer what) {
    return takes_along(*what) ? tensor{std::move(what)} : lend(std::move(what));
  }
};
using shared_peer = std::shared_ptr<peer>;

/// Somebody who has asked something: takes one answer, from any thread.
class asker {
public:
  virtual ~asker() = default;
  virtual void answer(const frame& what) = 0;
};

} // namespace troupe::cluster
