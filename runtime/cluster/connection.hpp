#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include <caf/byte_buffer.hpp>

#include "monitoring/pulse.hpp"
#include "monitoring/wire_figures.hpp"
#include "protocols/cluster/frames.hpp"
#include "runtime/cluster/frame_reader.hpp"
#include "runtime/cluster/stream.hpp"

#include <boost/asio/steady_timer.hpp>

namespace troupe::cluster {

using clock = std::chrono::steady_clock;

struct connection_options {
  /// A peer that says nothing for so long is lost.
  clock::duration silence = std::chrono::seconds{3};
  /// From the first byte to the first frame, TLS included.
  clock::duration greeting = std::chrono::seconds{5};
  std::size_t first_frame = 4096; ///< bytes, at most
  std::size_t frame = 64 * 1024;
  std::size_t unsent = 4 << 20; ///< bytes that may wait to be written
  std::size_t unheard = 4096;   ///< frames that may wait for their actor
  /// Counts what it says and hears; null: nobody does.
  std::shared_ptr<monitoring::wire_figures> figures{};
  std::size_t along = 4096; ///< bytes of a tensor that goes along with a frame
  std::size_t unsent_along = 1 << 20; ///< while fewer bytes wait to be written
};

/// Frames over one stream.
///
///     start ──► greeting ──first frame──► open ──close──► closing ──► ended
///                  └─────────────┴──── a fault, a silence ────────────┘
///
/// Any byte is a sign of life, and beats go out from its thread where nothing
/// else does. Everything that waits is written at once. While it is closing,
/// what was sent goes out and what comes is dropped. Calls may come from any
/// thread; events come on the stream's own.
class connection : public std::enable_shared_from_this<connection> {
public:
  struct events {
    std::function<void(frame&&)> said;
    /// Once, and the last one. In order: it was closed here.
    std::function<void(const std::string& why, bool in_order)> ended;
  };

  connection(stream over, connection_options how);
  void start(asio::ssl::stream_base::handshake_type as, events whom);
  /// From now on; what comes is heard by these alone. On its own thread.
  void hear(events whom);

  bool send(const frame& what);
  /// What it sends may have so many bytes a frame from now on: its peer takes
  /// more than others do.
  void widen(std::size_t frame);
  /// Whether a tensor of so many bytes may go along with a frame now: its bytes
  /// are not to be what fills the line.
  bool takes_along(std::size_t bytes) const;
  void took() noexcept;
  /// In order, or as the fault of the peer's that it is.
  void close(const std::string& why, bool in_order = true);
  /// At once; on its own thread.
  void abort(const std::string& why) { end(why, true); }
  /// The same as a fault of the peer's.
  void fail(const std::string& why) { end(why); }
  clock::duration silence() const noexcept { return how_.silence; }
  /// Of the peer. From any thread.
  std::shared_ptr<const monitoring::pulse> pulse() const noexcept {
    return heard_;
  }
  const std::shared_ptr<monitoring::wire_figures>& figures() const noexcept {
    return how_.figures;
  }
  /// How far it has come: through TLS, and to a peer that speaks as Troupe.
  bool is_secured() const noexcept { return secured_; }
  bool is_understood() const noexcept { return reader_.is_understood(); }
  /// Whether a byte of the peer's has come. On its own thread.
  bool heard_any() const noexcept { return spoke_ || reader_.heard_any(); }
  /// In `said` alone: reads no more, and once all is written gives its stream
  /// away. No event follows.
  void hand_over(std::function<void(stream)> to);
  stream& over() noexcept { return stream_; }

private:
  enum class stage { greeting, open, closing, ended };

  void read();
  void on_read(std::size_t bytes);
  void take_frames();
  void tell(frame&& what);
  void flush();
  void keep_time();
  void say_beat();
  void give();
  void fall_silent();
  void count(monitoring::direction which, std::size_t bytes) noexcept;
  void fail(const network_error& how);
  void end(const std::string& why, bool in_order = false);

  stream stream_;
  connection_options how_;
  events events_;
  std::optional<events> next_; ///< while these are being told something
  bool telling_ = false;
  asio::steady_timer timer_;
  stage stage_ = stage::greeting;
  clock::time_point began_, said_;
  std::shared_ptr<monitoring::pulse> heard_;
  bool secured_ = false; ///< the handshake is over
  bool spoke_ = false;   ///< the peer, though not to the end of it
  std::function<void(stream)> heir_;
  bool given_ = false; ///< its stream is another's, or will be
  bool paused_ = false;
  std::string why_closed_;
  bool closed_in_order_ = true;
  clock::time_point closed_at_;

  frame_reader reader_;
  std::atomic<std::size_t> unheard_{0};

  mutable std::mutex guard_; ///< of what follows
  std::size_t most_sent_;    ///< bytes of a frame
  caf::byte_buffer waiting_;
  bool writing_ = true; ///< or about to: first of all the handshake ends
  bool shut_ = false;

  caf::byte_buffer out_; ///< being written
};

} // namespace troupe::cluster
