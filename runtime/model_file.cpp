#include "runtime/model_file.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstring>
#include <memory>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

namespace troupe {

namespace {

namespace fs = std::filesystem;
using json = nlohmann::ordered_json;

static_assert(std::endian::native == std::endian::little,
    "the values are stored little-endian");

constexpr std::uint64_t length_bytes = 8;
constexpr std::uint64_t most_header_bytes = 100'000'000; // the format's own
constexpr auto metadata_key = "__metadata__";

std::string header_text(const gpu::layout& layout, const metadata& fields) {
  json header = json::object();
  if (!fields.empty())
    header[metadata_key] = fields;
  for (const auto& view : layout) {
    auto first = view.offset * sizeof(float);
    header[view.name] = {{"dtype", "F32"}, {"shape", view.shape},
        {"data_offsets", {first, first + view.size() * sizeof(float)}}};
  }
  auto text = header.dump();
  text.append((length_bytes - text.size() % length_bytes) % length_bytes, ' ');
  return text;
}

std::string shape_text(const std::vector<std::size_t>& shape) {
  return shape.empty() ? "one value"
                       : fmt::format("{} values", fmt::join(shape, " x "));
}

// Turns a header into a layout, whatever it holds.
class header_reader {
public:
  header_reader(const fs::path& path, std::uint64_t data_bytes)
      : path_(path), data_bytes_(data_bytes) {}

  void read(std::string_view text, model_file& into) {
    auto header = parse(text);
    for (const auto& [name, entry] : header.items())
      if (name == metadata_key)
        read_metadata(entry, into.metadata);
      else
        tensors_.push_back(read_tensor(name, entry));
    into.layout = tiled();
  }

private:
  struct tensor {
    gpu::parameter_view view;
    std::uint64_t first, last;
  };

  [[noreturn]] void refuse(const std::string& expected) const {
    throw bad_file{path_, length_bytes, expected};
  }

  json parse(std::string_view text) const {
    std::set<std::string> names;
    auto watch = [&](int depth, json::parse_event_t event, json& parsed) {
      if (depth > 3)
        refuse("a header of objects in an object, it is nested deeper");
      if (event == json::parse_event_t::key && depth == 1 &&
          !names.insert(parsed.get<std::string>()).second)
        refuse(fmt::format("one tensor of each name, \"{}\" comes twice",
            parsed.get<std::string>()));
      return true;
    };
    try {
      auto header = json::parse(text, watch);
      if (!header.is_object())
        refuse("a JSON object as header");
      return header;
    } catch (const json::parse_error& error) {
      throw bad_file{path_, length_bytes + error.byte - (error.byte > 0),
          fmt::format("a header in JSON ({})", error.what())};
    } catch (const json::exception& error) { // numbers beyond a double
      refuse(fmt::format("a header in JSON ({})", error.what()));
    }
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
    if (*type != "F32")
      refuse(fmt::format("F32 as dtype of tensor \"{}\", found {}; convert it "
                         "with .float() before it is saved",
          name, type->get<std::string>()));
    auto shape = numbers(name, entry, "shape");
    auto offsets = numbers(name, entry, "data_offsets");
    if (offsets.size() != 2 || offsets[0] > offsets[1] ||
        offsets[1] > data_bytes_)
      refuse(fmt::format("data_offsets of tensor \"{}\" within the {} bytes of "
                         "values, found [{}]",
          name, data_bytes_, fmt::join(offsets, ", ")));
    if (bytes_of(shape) != offsets[1] - offsets[0])
      refuse(fmt::format("data_offsets of tensor \"{}\" to hold {}, found {} "
                         "bytes",
          name, shape_text(shape), offsets[1] - offsets[0]));
    return {{name, shape, 0}, offsets[0], offsets[1]};
  }

  // Bounded by what the file holds, so that nothing overflows.
  std::uint64_t bytes_of(const std::vector<std::size_t>& shape) const {
    if (std::count(shape.begin(), shape.end(), 0u) > 0)
      return 0;
    std::uint64_t bytes = sizeof(float);
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
    for (auto& [view, first, last] : tensors_) {
      if (first != end)
        refuse(fmt::format("tensor \"{}\" at byte {} of the values, right "
                           "behind the one before it, found it at {}",
            view.name, end, first));
      view.offset = end / sizeof(float);
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
  header_reader{path, data_bytes}.read(header, result);
  gpu::buffer values(data_bytes / sizeof(float));
  next(std::as_writable_bytes(values.span()));
  result.values = std::make_shared<const gpu::buffer>(std::move(values));
  return result;
}

} // namespace

void write_model(files& disk, const fs::path& path, const gpu::layout& layout,
    std::span<const float> values, const metadata& fields) {
  assert(values.size() == gpu::size(layout) && "values do not fill the layout");
  std::string header;
  try {
    header = header_text(layout, fields);
  } catch (const json::type_error& error) {
    throw std::invalid_argument(fmt::format(
        "{}: its texts have to be UTF-8: {}", path.string(), error.what()));
  }
  std::uint64_t length = header.size();
  std::array parts{std::as_bytes(std::span{&length, 1}),
      std::as_bytes(std::span{std::as_const(header)}), std::as_bytes(values)};
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

void expect_layout(const fs::path& path, const gpu::layout& found,
    const gpu::layout& expected) {
  for (std::size_t i = 0; i < std::min(found.size(), expected.size()); ++i)
    if (found[i] != expected[i])
      throw bad_file{path, length_bytes,
          fmt::format("tensor \"{}\" of {}, as the model has it, found \"{}\" "
                      "of {}",
              expected[i].name, shape_text(expected[i].shape), found[i].name,
              shape_text(found[i].shape))};
  if (found.size() < expected.size())
    throw bad_file{path, length_bytes,
        fmt::format("tensor \"{}\" of {}, as the model has it, found no more "
                    "than {} tensors",
            expected[found.size()].name,
            shape_text(expected[found.size()].shape), found.size())};
  if (found.size() > expected.size())
    throw bad_file{path, length_bytes,
        fmt::format("{} tensors, as the model has them, found \"{}\" too",
            expected.size(), found[expected.size()].name)};
}

} // namespace troupe
