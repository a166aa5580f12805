#include "runtime/record/model_file.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "runtime/configuration/keys.hpp"
#include "runtime/configuration/legible.hpp"

namespace troupe {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

static_assert(std::endian::native == std::endian::little,
    "the values are stored little-endian");

constexpr std::uint64_t length_bytes = 8;
constexpr std::uint64_t most_header_bytes = 100'000'000; // the format's own
constexpr auto metadata_key = "__metadata__";
constexpr std::size_t most_names = 16; // in one message

template <class Number>
Number loaded(const std::byte* from) {
  Number result{};
  std::memcpy(&result, from, sizeof result);
  return result;
}

// Sign, 5 bits of exponent, 10 of fraction (IEEE 754 binary16). Below the least
// exponent, fractions count multiples of 2^-24.
float from_half(const std::byte* from) {
  auto bits = std::uint32_t{loaded<std::uint16_t>(from)};
  auto sign = (bits & 0x8000u) << 16;
  auto exponent = bits >> 10 & 0x1fu;
  auto fraction = bits & 0x3ffu;
  if (exponent == 0) {
    auto small = static_cast<float>(fraction) * 0x1p-24f;
    return sign ? -small : small;
  }
  auto wide = exponent == 0x1f ? 0xffu : exponent + (127 - 15);
  return std::bit_cast<float>(sign | wide << 23 | fraction << 13);
}

// The upper half of a float.
float from_bfloat(const std::byte* from) {
  auto bits = std::uint32_t{loaded<std::uint16_t>(from)};
  return std::bit_cast<float>(bits << 16);
}

float from_double(const std::byte* from) {
  return static_cast<float>(loaded<double>(from));
}

/// A kind of numbers that becomes float32; what is float32 needs no `to_float`.
struct number_type {
  std::string_view name;
  std::uint64_t bytes;
  float (*to_float)(const std::byte*);
};

constexpr std::array<number_type, 4> number_types{
    {{"F32", sizeof(float), nullptr}, {"F64", sizeof(double), from_double},
        {"F16", 2, from_half}, {"BF16", 2, from_bfloat}}};

// Written as it goes: an object of JSON's that keeps its order looks for each
// name among all others.
std::string header_text(const gpu::layout& layout, const metadata& fields) {
  std::string text;
  const auto name = [&text](const std::string& what) {
    text += text.empty() ? "{" : ",";
    text += json(what).dump();
  };
  if (!fields.empty()) {
    name(metadata_key);
    text += ":" + json(fields).dump();
  }
  for (const auto& view : layout) {
    const auto first = view.offset * sizeof(float);
    name(view.name);
    fmt::format_to(std::back_inserter(text),
        R"(:{{"dtype":"F32","shape":[{}],"data_offsets":[{},{}]}})",
        fmt::join(view.shape, ","), first, first + view.size() * sizeof(float));
  }
  text += text.empty() ? "{}" : "}";
  text.append((length_bytes - text.size() % length_bytes) % length_bytes, ' ');
  return text;
}

std::string shape_text(const std::vector<std::size_t>& shape) {
  return shape.empty() ? "one value"
                       : fmt::format("{} values", fmt::join(shape, " x "));
}

std::string in_quotes(std::string_view name) {
  return toml_string(shortened(std::string{name}));
}

// "fc1.weight", "fc1.bias" and 14 more
std::string names(const gpu::layout& of) {
  std::vector<std::string> some;
  for (const auto& view : of)
    if (some.size() < most_names)
      some.push_back(in_quotes(view.name));
  return some.empty()
             ? "none"
             : fmt::format("{}{}", fmt::join(some, ", "),
                   of.size() > some.size()
                       ? fmt::format(" and {} more", of.size() - some.size())
                       : "");
}

// Turns a header into a layout, whatever it holds.
class header_reader {
public:
  header_reader(const fs::path& path, std::uint64_t data_bytes)
      : path_(path), data_bytes_(data_bytes) {}

  // Answers with what the layout's tensors are stored as.
  std::vector<const number_type*> read(
      std::string_view text, model_file& into) {
    parse(text, into.metadata);
    into.layout = tiled();
    std::vector<const number_type*> types;
    for (const auto& each : tensors_)
      types.push_back(each.type);
    return types;
  }

private:
  struct tensor {
    gpu::parameter_view view;
    const number_type* type;
    std::uint64_t first, last;
  };

  [[noreturn]] void refuse(const std::string& expected) const {
    throw bad_file{path_, length_bytes, expected};
  }

  // Each entry is read once it is whole, and forgotten: the header itself stays
  // empty, however many there are.
  void parse(std::string_view text, metadata& fields) {
    using event = json::parse_event_t;
    std::set<std::string> names;
    std::string name;
    bool in_object = false;
    auto watch = [&](int depth, event what, json& parsed) {
      if (depth > 3)
        refuse("a header of objects in an object, it is nested deeper");
      if (what == event::object_start || what == event::array_start) {
        in_object |= depth == 0 && what == event::object_start;
        return true;
      }
      if (depth != 1 || !in_object)
        return true;
      if (what != event::key) {
        read_entry(name, parsed, fields);
        return false;
      }
      name = parsed.get<std::string>();
      if (!names.insert(name).second)
        refuse(
            fmt::format("one tensor of each name, \"{}\" comes twice", name));
      return true;
    };
    try {
      if (!json::parse(text, watch).is_object())
        refuse("a JSON object as header");
    } catch (const json::parse_error& error) {
      throw bad_file{path_, length_bytes + error.byte - (error.byte > 0),
          fmt::format("a header in JSON ({})", error.what())};
    } catch (const json::exception& error) { // numbers beyond a double
      refuse(fmt::format("a header in JSON ({})", error.what()));
    }
  }

  void read_entry(
      const std::string& name, const json& entry, metadata& fields) {
    if (name == metadata_key)
      read_metadata(entry, fields);
    else
      tensors_.push_back(read_tensor(name, entry));
  }

  void read_metadata(const json& entry, metadata& into) const {
    if (!entry.is_object())
      refuse("an object as __metadata__");
    for (const auto& [key, value] : entry.items()) {
      if (!value.is_string())
        refuse(fmt::format("a text as metadata \"{}\"", key));
      into[key] = value.get<std::string>();
    }
  }

  // Texts of a list of whole numbers; anything else is refused.
  std::vector<std::uint64_t> numbers(
      const std::string& name, const json& entry, const char* key) const {
    std::vector<std::uint64_t> result;
    auto found = entry.find(key);
    if (found == entry.end() || !found->is_array())
      refuse(fmt::format("a list as {} of tensor \"{}\"", key, name));
    for (const auto& value : *found) {
      if (!value.is_number_unsigned())
        refuse(fmt::format(
            "whole numbers from 0 up as {} of tensor \"{}\"", key, name));
      result.push_back(value.get<std::uint64_t>());
    }
    return result;
  }

  tensor read_tensor(const std::string& name, const json& entry) const {
    if (!entry.is_object())
      refuse(fmt::format("an object as tensor \"{}\"", name));
    auto type = entry.find("dtype");
    if (type == entry.end() || !type->is_string())
      refuse(fmt::format("a text as dtype of tensor \"{}\"", name));
    auto word = type->get<std::string>();
    auto known = std::find_if(number_types.begin(), number_types.end(),
        [&](const number_type& each) { return each.name == word; });
    if (known == number_types.end())
      refuse(fmt::format("F32, F64, F16 or BF16 as dtype of tensor \"{}\", "
                         "found {}; convert it with .float() before it is "
                         "saved, or leave it out",
          name, word));
    auto shape = numbers(name, entry, "shape");
    auto offsets = numbers(name, entry, "data_offsets");
    if (offsets.size() != 2 || offsets[0] > offsets[1] ||
        offsets[1] > data_bytes_)
      refuse(fmt::format("data_offsets of tensor \"{}\" within the {} bytes of "
                         "values, found [{}]",
          name, data_bytes_, fmt::join(offsets, ", ")));
    if (bytes_of(shape, known->bytes) != offsets[1] - offsets[0])
      refuse(fmt::format("data_offsets of tensor \"{}\" to hold {}, found {} "
                         "bytes",
          name, shape_text(shape), offsets[1] - offsets[0]));
    return {{name, shape, 0}, &*known, offsets[0], offsets[1]};
  }

  // Bounded by what the file holds, so that nothing overflows.
  std::uint64_t bytes_of(
      const std::vector<std::size_t>& shape, std::uint64_t bytes) const {
    if (std::count(shape.begin(), shape.end(), 0u) > 0)
      return 0;
    for (auto extent : shape) {
      if (extent > data_bytes_ / bytes)
        return ~std::uint64_t{0};
      bytes *= extent;
    }
    return bytes;
  }

  gpu::layout tiled() {
    std::stable_sort(
        tensors_.begin(), tensors_.end(), [](const auto& a, const auto& b) {
          return std::pair{a.first, a.last} < std::pair{b.first, b.last};
        });
    gpu::layout result;
    std::uint64_t end = 0;
    std::size_t values = 0;
    for (auto& [view, type, first, last] : tensors_) {
      if (first != end)
        refuse(fmt::format("tensor \"{}\" at byte {} of the values, right "
                           "behind the one before it, found it at {}",
            view.name, end, first));
      view.offset = values;
      values += (last - first) / type->bytes;
      end = last;
      result.push_back(std::move(view));
    }
    if (end != data_bytes_)
      refuse(fmt::format("{} bytes of values, as the tensors say, found {}",
          end, data_bytes_));
    return result;
  }

  const fs::path& path_;
  std::uint64_t data_bytes_;
  std::vector<tensor> tensors_;
};

std::uint64_t header_bytes(std::span<const std::byte, length_bytes> length,
    std::uint64_t file_bytes, const fs::path& path) {
  std::uint64_t result = 0;
  std::memcpy(&result, length.data(), sizeof result);
  if (result > most_header_bytes)
    throw bad_file{path, 0,
        fmt::format("a header of at most {} bytes, found {}; this is no "
                    "safetensors file",
            most_header_bytes, result)};
  if (result > file_bytes - length_bytes)
    throw bad_file{path, length_bytes,
        fmt::format("a header of {} bytes, the file ends after {}", result,
            file_bytes - length_bytes)};
  return result;
}

// `next` fills spans with the content, one after the other.
template <class Next>
void read_piece(const number_type& type, std::span<float> into, Next& next) {
  if (!type.to_float)
    return next(std::as_writable_bytes(into));
  std::vector<std::byte> piece(std::size_t{1} << 16);
  while (!into.empty()) {
    auto count = std::min(into.size(), piece.size() / type.bytes);
    next(std::span{piece}.first(count * type.bytes));
    for (std::size_t i = 0; i < count; ++i)
      into[i] = type.to_float(piece.data() + i * type.bytes);
    into = into.subspan(count);
  }
}

// Tensors of one type that lie one behind the other are read as one.
template <class Next>
void read_values(const gpu::layout& layout,
    const std::vector<const number_type*>& types, std::span<float> into,
    Next& next) {
  for (std::size_t i = 0, end = 0; i < types.size(); i = end) {
    while (end < types.size() && types[end] == types[i])
      ++end;
    const auto first = layout[i].offset;
    const auto last = end < types.size() ? layout[end].offset : into.size();
    read_piece(*types[i], into.subspan(first, last - first), next);
  }
}

template <class Next>
model_file read_from(
    const fs::path& path, std::uint64_t file_bytes, Next&& next) {
  if (file_bytes < length_bytes)
    throw bad_file{path, file_bytes, "the 8 bytes of a header's length"};
  std::array<std::byte, length_bytes> length{};
  next(length);
  std::string header(header_bytes(length, file_bytes, path), '\0');
  next(std::as_writable_bytes(std::span{header}));
  auto data_bytes = file_bytes - length_bytes - header.size();
  model_file result;
  auto types = header_reader{path, data_bytes}.read(header, result);
  gpu::buffer values(gpu::size(result.layout));
  read_values(result.layout, types, values.span(), next);
  result.values = std::make_shared<const gpu::buffer>(std::move(values));
  return result;
}

} // namespace

void write_model(files& disk, const fs::path& path, const gpu::layout& layout,
    std::span<const float> values, const metadata& fields) {
  write_model(disk, path, layout, std::span{&values, 1}, fields);
}

void write_model(files& disk, const fs::path& path, const gpu::layout& layout,
    std::span<const std::span<const float>> pieces, const metadata& fields) {
  std::string header;
  try {
    header = header_text(layout, fields);
  } catch (const json::type_error& error) {
    throw std::invalid_argument(fmt::format(
        "{}: its texts have to be UTF-8: {}", path.string(), error.what()));
  }
  std::uint64_t length = header.size();
  std::vector parts{std::as_bytes(std::span{&length, 1}),
      std::as_bytes(std::span{std::as_const(header)})};
  std::size_t count = 0;
  for (const auto& piece : pieces) {
    parts.push_back(std::as_bytes(piece));
    count += piece.size();
  }
  assert(count == gpu::size(layout) && "values do not fill the layout");
  static_cast<void>(count);
  disk.write_atomically(path, parts);
}

model_file read_model(files& disk, const fs::path& path) {
  auto file = disk.open(path);
  return read_from(path, file.size(), [&](std::span<std::byte> into) {
    if (!into.empty() && file.read(into) < into.size())
      throw bad_file{path, file.offset(), "more bytes, the file has shrunk"};
  });
}

model_file parse_model(
    std::span<const std::byte> content, const fs::path& name) {
  auto rest = content;
  return read_from(name, content.size(), [&](std::span<std::byte> into) {
    std::copy_n(rest.begin(), into.size(), into.begin());
    rest = rest.subspan(into.size());
  });
}

gpu::shared_buffer gathered(
    const fs::path& path, const model_file& from, const gpu::layout& wanted) {
  if (from.layout == wanted)
    return from.values;
  auto refuse = [&](const std::string& expected) {
    throw bad_file{path, length_bytes, expected};
  };
  std::map<std::string_view, const gpu::parameter_view*> there;
  for (const auto& view : from.layout)
    there[view.name] = &view;
  gpu::buffer values(gpu::size(wanted));
  for (const auto& view : wanted) {
    auto found = there.find(view.name);
    if (found == there.end())
      refuse(fmt::format("tensor \"{}\" of {}, as the model has it; the "
                         "model's tensors are {}, the file's {}",
          view.name, shape_text(view.shape), names(wanted),
          names(from.layout)));
    if (found->second->shape != view.shape)
      refuse(fmt::format("tensor \"{}\" of {}, as the model has it, found {}",
          view.name, shape_text(view.shape), shape_text(found->second->shape)));
    auto given =
        from.values->span().subspan(found->second->offset, view.size());
    std::copy(
        given.begin(), given.end(), values.span().subspan(view.offset).begin());
    there.erase(found);
  }
  if (!there.empty())
    refuse(fmt::format("no tensors but the model's {}, found {} too",
        names(wanted), in_quotes(there.begin()->first)));
  return std::make_shared<const gpu::buffer>(std::move(values));
}

} // namespace troupe
