#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <caf/byte_buffer.hpp>

#include "protocols/cluster/frames.hpp"

namespace troupe::cluster {

/// What both ends of a connection say first, once.
void put_preamble(caf::byte_buffer& to);
/// Adds a frame of at most so many bytes behind its length. Not empty: why it
/// cannot, and `to` is as it was.
std::string put_frame(
    caf::byte_buffer& to, const frame& what, std::size_t most);

inline constexpr std::size_t preamble_size = 8;
inline constexpr std::size_t length_size = 4;

/// The frames in a stream of bytes, however it is cut.
///
///     preamble   "troupe" version(2)            once
///     frame      length(4) variant(length)      CAF's binary format
///
/// A length is checked before memory is taken for it: a peer's first frame that
/// is no beat has to be small, and the room grows once a larger one begins.
class frame_reader {
public:
  /// Bytes of the first frame and of those behind it, at most.
  frame_reader(std::size_t first, std::size_t most);

  /// Where the next bytes go; never empty.
  std::span<std::byte> room();
  void came(std::size_t bytes) noexcept { filled_ += bytes; }
  /// None: more bytes have to come, or `fault` says why there is none any more.
  std::optional<frame> next();
  const std::string& fault() const noexcept { return fault_; }

  /// What is there and has not been asked for.
  void forget() noexcept { filled_ = taken_ = 0; }

  bool heard_any() const noexcept { return preambled_ || filled_ > 0; }
  bool is_understood() const noexcept { return preambled_; }
  /// Behind the last frame.
  std::span<const std::byte> rest() const noexcept {
    return std::span{in_}.subspan(taken_, filled_ - taken_);
  }

private:
  bool read_preamble();
  std::optional<frame> fail(std::string why);

  std::size_t first_, most_; ///< bytes of a frame
  std::vector<std::byte> in_;
  std::size_t filled_ = 0, taken_ = 0;
  bool preambled_ = false, greeted_ = false;
  std::string fault_;
};

} // namespace troupe::cluster
