#pragma once

#include <zlib.h>

#include <bit>
#include <cstdint>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::tests {

/// An IDX header: type and dimensions, big-endian.
inline std::string idx_header(
    int type, std::initializer_list<std::uint32_t> shape) {
  std::string result{
      '\0', '\0', static_cast<char>(type), static_cast<char>(shape.size())};
  for (auto extent : shape)
    for (int shift = 24; shift >= 0; shift -= 8)
      result += static_cast<char>(extent >> shift);
  return result;
}

inline std::string idx_bytes(
    std::initializer_list<std::uint32_t> shape, std::string_view values) {
  return idx_header(0x08, shape) + std::string{values};
}

inline std::string idx_floats(std::initializer_list<std::uint32_t> shape,
    const std::vector<float>& values) {
  auto result = idx_header(0x0D, shape);
  for (auto value : values)
    for (int shift = 24; shift >= 0; shift -= 8)
      result += static_cast<char>(std::bit_cast<std::uint32_t>(value) >> shift);
  return result;
}

/// What gzip makes of it.
inline std::string packed(std::string_view plain) {
  z_stream stream{};
  if (deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8,
          Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::runtime_error("zlib refuses");
  std::string result(deflateBound(&stream, plain.size()), '\0');
  std::string input{plain};
  stream.next_in = reinterpret_cast<Bytef*>(input.data());
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = reinterpret_cast<Bytef*>(result.data());
  stream.avail_out = static_cast<uInt>(result.size());
  deflate(&stream, Z_FINISH);
  result.resize(stream.total_out);
  deflateEnd(&stream);
  return result;
}

} // namespace troupe::tests
