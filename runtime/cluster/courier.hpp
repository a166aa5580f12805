#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <system_error>

#include "protocols/tensor.hpp"
#include "runtime/cluster/channel.hpp"
#include "runtime/cluster/shelf.hpp"

namespace troupe::cluster {

/// Brings tensors from the other process to this one, and takes those that this
/// one lends there: one end of one channel, both ends alike. `parcel` draws
/// what they say.
///
/// Its members may be called from any thread and return at once. All work is
/// done, and all callbacks come, on the channels' I/O thread, which `post`
/// leads to. It has no clock: whoever cannot wait for ever calls a fetch off,
/// and takes a channel away whose peer is silent.
class courier {
public:
  /// Has the I/O thread run what it is given, later and in order.
  using post = std::function<void(std::function<void()>)>;
  /// The tensor and its largest magnitude (NaN if any value is not finite), or
  /// null and why. The memory is the caller's alone.
  using done =
      std::function<void(gpu::shared_buffer, float largest, std::error_code)>;
  /// Why a channel is of no more use: the network's error or what the other end
  /// did wrong, a `courier_errc`.
  using ended = std::function<void(const std::system_error&)>;

  struct options {
    std::size_t chunk = loan::grain; ///< bytes, a multiple of 4
    std::size_t ahead = 2;           ///< chunks given to the channel at once
  };

  courier(std::shared_ptr<const shelf> lends, post to_io_thread)
      : courier(std::move(lends), std::move(to_io_thread), options{}) {}
  courier(std::shared_ptr<const shelf> lends, post to_io_thread, options how);
  courier(const courier&) = delete;
  courier& operator=(const courier&) = delete;
  /// Detaches, and calls off what is pending; that happens after it returns.
  ~courier();

  /// Goes on over this channel: pending fetches from where they stopped. One
  /// that there is goes. `then` is called once, unless it is detached before.
  void attach(std::unique_ptr<channel> to, ended then);
  /// Pending fetches wait for the next channel.
  void detach();

  /// `what` names a tensor of the other process, of at most `most_bytes`; no
  /// memory is taken for others, nor before its bytes are there. Fetches of one
  /// tensor at the same time share it.
  void fetch(const tensor& what, std::uint64_t most_bytes, done then);
  /// Grows with all that is received or sent: whether anything moves.
  std::uint64_t moved() const noexcept;
  /// Its fetches fail with `courier_errc::cancelled`.
  void cancel(tensor_id id);

private:
  class desk;
  post post_;
  std::shared_ptr<desk> desk_;
};

} // namespace troupe::cluster
