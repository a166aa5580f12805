#include "runtime/cluster/frame_reader.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <fmt/format.h>

namespace troupe::cluster {
namespace {

constexpr std::array<char, 6> magic{'t', 'r', 'o', 'u', 'p', 'e'};

std::uint32_t length_at(const std::byte* at) {
  std::uint32_t result = 0;
  std::memcpy(&result, at, length_size);
  return result; // little-endian, as every machine that this runs on
}

} // namespace

void put_preamble(caf::byte_buffer& to) {
  for (char c : magic)
    to.push_back(static_cast<caf::byte>(c));
  to.push_back(static_cast<caf::byte>(wire_version >> 8));
  to.push_back(static_cast<caf::byte>(wire_version & 0xff));
}

std::string put_frame(
    caf::byte_buffer& to, const frame& what, std::size_t most) {
  const auto at = to.size();
  to.resize(at + length_size);
  caf::binary_serializer sink{nullptr, to};
  sink.seek(to.size());
  const auto written = sink.apply(what);
  const auto length = to.size() - at - length_size;
  if (written && length <= most) {
    const auto size = static_cast<std::uint32_t>(length);
    std::memcpy(to.data() + at, &size, length_size);
    return {};
  }
  to.resize(at);
  return written
             ? fmt::format("a frame of {} bytes is too large", length)
             : "a frame cannot be written: " + caf::to_string(sink.get_error());
}

frame_reader::frame_reader(std::size_t first, std::size_t most)
    : first_(first), most_(most), in_(preamble_size + length_size + first) {}

std::span<std::byte> frame_reader::room() {
  std::memmove(in_.data(), in_.data() + taken_, filled_ - taken_);
  filled_ -= std::exchange(taken_, 0);
  return std::span{in_}.subspan(filled_);
}

std::optional<frame> frame_reader::next() {
  if (!fault_.empty() || (!preambled_ && !read_preamble()) ||
      filled_ - taken_ < length_size)
    return std::nullopt;
  const auto length = length_at(in_.data() + taken_);
  const auto most = greeted_ ? most_ : first_;
  if (length == 0 || length > most)
    return fail(fmt::format(
        "it sent a frame of {} bytes, and {} are the most", length, most));
  if (filled_ - taken_ < length_size + length) {
    if (in_.size() < length_size + length)
      in_.resize(preamble_size + length_size + most_);
    return std::nullopt;
  }
  const auto* data =
      reinterpret_cast<const caf::byte*>(in_.data() + taken_ + length_size);
  caf::binary_deserializer source{nullptr, caf::make_span(data, length)};
  frame what;
  if (!source.apply(what) || source.remaining() != 0)
    return fail("it sent a frame that cannot be read");
  taken_ += length_size + length;
  greeted_ |= !std::holds_alternative<beat>(what);
  return what;
}

// True: it has come, and is this version's.
bool frame_reader::read_preamble() {
  const auto seen = std::min(filled_, magic.size());
  if (std::memcmp(in_.data(), magic.data(), seen) != 0) {
    fail("it does not speak as Troupe does");
    return false;
  }
  if (filled_ < preamble_size)
    return false;
  const auto version =
      static_cast<std::uint16_t>(std::to_integer<unsigned>(in_[6]) << 8 |
                                 std::to_integer<unsigned>(in_[7]));
  if (version != wire_version) {
    fail(fmt::format("it speaks version {} of the wire, and this is version {}",
        version, wire_version));
    return false;
  }
  preambled_ = true;
  taken_ = preamble_size;
  return true;
}

std::optional<frame> frame_reader::fail(std::string why) {
  fault_ = std::move(why);
  return std::nullopt;
}

} // namespace troupe::cluster
