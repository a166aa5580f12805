#include "runtime/data/idx.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "runtime/data/byte_source.hpp"

namespace troupe::data {

namespace {

constexpr std::size_t most_dimensions = 8;

// Memory is taken in steps that the content has shown to be worth it.
constexpr std::size_t first_step = std::size_t{1} << 26;

enum class element : std::uint8_t { byte = 0x08, real = 0x0D };

struct header {
  element type = element::byte;
  std::vector<std::size_t> shape;
};

void read_exactly(
    byte_source& source, std::span<std::byte> into, const char* what) {
  auto came = source.read(into);
  if (came < into.size())
    source.refuse(
        source.offset(), fmt::format("{} bytes of {}, the file ends after {}",
                             into.size(), what, came));
}

std::uint32_t from_big_endian(std::span<const std::byte, 4> bytes) noexcept {
  std::uint32_t value = 0;
  for (auto byte : bytes)
    value = value << 8 | std::to_integer<std::uint32_t>(byte);
  return value;
}

const char* name_of(std::uint8_t type) noexcept {
  switch (type) {
  case 0x08:
    return "unsigned bytes";
  case 0x09:
    return "signed bytes";
  case 0x0B:
    return "16-bit integers";
  case 0x0C:
    return "32-bit integers";
  case 0x0D:
    return "floats";
  case 0x0E:
    return "doubles";
  default:
    return nullptr;
  }
}

element to_element(
    const byte_source& source, std::uint8_t type, idx_use wanted) {
  if (type == 0x08 || (type == 0x0D && wanted == idx_use::any))
    return static_cast<element>(type);
  auto read = wanted == idx_use::labels ? "unsigned bytes (8), one a label"
                                        : "unsigned bytes (8) or floats (13)";
  if (auto name = name_of(type))
    source.refuse(2, fmt::format("{}, found {} ({})", read, name, type));
  source.refuse(2, fmt::format("{}, found type {}", read, type));
}

header read_header(byte_source& source, idx_use wanted) {
  std::array<std::byte, 4> word{};
  read_exactly(source, word, "IDX header");
  if (word[0] != std::byte{0} || word[1] != std::byte{0})
    source.refuse(
        0, fmt::format("an IDX file, which begins with two zero bytes, "
                       "found {:02x} {:02x}",
               std::to_integer<int>(word[0]), std::to_integer<int>(word[1])));
  header result;
  result.type =
      to_element(source, std::to_integer<std::uint8_t>(word[2]), wanted);
  auto dimensions = std::to_integer<std::size_t>(word[3]);
  if (dimensions == 0 || dimensions > most_dimensions)
    source.refuse(3, fmt::format("1 to {} dimensions, found {}",
                         most_dimensions, dimensions));
  if (wanted == idx_use::labels && dimensions != 1)
    source.refuse(
        3, fmt::format("one dimension, as labels have, found {}", dimensions));
  for (std::size_t i = 0; i < dimensions; ++i) {
    read_exactly(source, word, "dimension");
    result.shape.push_back(from_big_endian(word));
  }
  return result;
}

// Bytes of all values; refuses what the content cannot hold.
std::size_t value_bytes(const byte_source& source, const header& what) {
  std::uint64_t bytes = what.type == element::real ? sizeof(float) : 1;
  auto refuse = [&] {
    source.refuse(4, fmt::format("{} values, the file is too short for so many",
                         fmt::join(what.shape, " x ")));
  };
  if (std::count(what.shape.begin(), what.shape.end(), 0u) > 0)
    return 0;
  for (auto extent : what.shape) {
    if (extent > std::numeric_limits<std::uint64_t>::max() / bytes)
      refuse();
    bytes *= extent;
  }
  if (bytes > source.most_left())
    refuse();
  return bytes;
}

template <class T>
std::vector<T> read_values(byte_source& source, std::size_t bytes) {
  std::vector<T> values;
  for (std::size_t done = 0; done < bytes;) {
    auto step = std::min(bytes - done, std::max(done, first_step));
    values.resize((done + step) / sizeof(T));
    auto into = std::as_writable_bytes(std::span{values}).subspan(done, step);
    read_exactly(source, into, "values");
    done += step;
  }
  return values;
}

void to_native(
    const byte_source& source, std::size_t first, std::vector<float>& values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    auto bytes = std::bit_cast<std::array<std::byte, 4>>(values[i]);
    values[i] = std::bit_cast<float>(from_big_endian(bytes));
    if (!std::isfinite(values[i]))
      source.refuse(first + i * sizeof(float),
          fmt::format("a finite value, found {}", values[i]));
  }
}

} // namespace

idx_array parse_idx(std::span<const std::byte> content,
    const std::filesystem::path& name, idx_use wanted) {
  auto source = byte_source{content, name};
  auto [type, shape] = read_header(source, wanted);
  auto bytes = value_bytes(source, {type, shape});
  auto first = source.offset();
  idx_array result{
      .shape = std::move(shape), .values = {}, .packed = source.packed()};
  if (type == element::byte) {
    result.values = read_values<std::uint8_t>(source, bytes);
  } else {
    auto values = read_values<float>(source, bytes);
    to_native(source, first, values);
    result.values = std::move(values);
  }
  source.finish();
  return result;
}

idx_array read_idx(
    const std::filesystem::path& path, files& from, idx_use wanted) {
  auto content = from.read_all(path);
  return parse_idx(std::as_bytes(std::span{content}), path, wanted);
}

} // namespace troupe::data
