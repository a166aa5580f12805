#include "runtime/data/splits.hpp"

#include <algorithm>
#include <cerrno>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "runtime/data/idx.hpp"

namespace troupe::data {

namespace {

namespace fs = std::filesystem;
using training::dataset;

constexpr auto debian_directory = "/usr/share/datasets/fashion-mnist";
constexpr auto debian_hint =
    "install Debian's package dataset-fashion-mnist, or set data.path to the "
    "directory of the four files";

fs::path present(const fs::path& path) {
  auto packed = fs::path{path} += ".gz";
  if (files::exists(path))
    return path;
  if (files::exists(packed))
    return packed;
  throw file_error{packed, file_operation::open, ENOENT, debian_hint};
}

/// A directory, and who named it.
struct place {
  const fs::path& directory;
  std::string_view named_by;
  std::vector<std::string> names; ///< in it
};

place looked_into(const fs::path& directory, std::string_view named_by,
    std::string_view needed, files& from) {
  try {
    return {directory, named_by, from.list(directory)};
  } catch (const file_error& e) {
    throw file_error{directory, e.operation(), e.reason().value(),
        fmt::format(
            "{} needs the directory of {}, plain or .gz", named_by, needed)};
  }
}

// The one file whose name begins like this; plain rather than packed.
fs::path matching(
    const place& where, std::initializer_list<std::string_view> beginnings) {
  const auto& [directory, named_by, names] = where;
  std::vector<std::string> found;
  for (const auto& name : names)
    for (auto beginning : beginnings)
      if (name.starts_with(beginning) &&
          (found.empty() || name != found.back() + ".gz"))
        found.push_back(name);
  if (found.size() == 1)
    return directory / found.front();
  auto wanted = fmt::format("{}*", fmt::join(beginnings, "* or "));
  if (found.empty())
    throw file_error{directory / fmt::format("{}*", *beginnings.begin()),
        file_operation::open, ENOENT,
        fmt::format(
            "{} needs one file named {}, plain or .gz", named_by, wanted)};
  throw file_error{directory / found[1], file_operation::open, EEXIST,
      fmt::format("{} needs only one file named {}, it has {}", named_by,
          wanted, fmt::join(found, ", "))};
}

// One sample's shape: images without channels have one.
std::vector<std::size_t> sample_shape(const std::vector<std::size_t>& all) {
  auto shape = std::vector(all.begin() + 1, all.end());
  if (shape.size() == 2)
    shape.insert(shape.begin(), 1);
  return shape;
}

[[noreturn]] void refuse(const fs::path& path, const idx_array& found,
    std::uint64_t offset, const std::string& expected) {
  throw bad_file{path, offset,
      expected + (found.packed ? " (offset after unpacking)" : "")};
}

std::vector<std::uint8_t> read_labels(
    const fs::path& path, std::size_t samples, files& from) {
  auto labels = read_idx(path, from, idx_use::labels);
  auto& bytes = std::get<std::vector<std::uint8_t>>(labels.values);
  if (bytes.size() != samples)
    refuse(path, labels, 4,
        fmt::format(
            "{} labels, as many as images, found {}", samples, bytes.size()));
  return std::move(bytes);
}

dataset read_part(
    const fs::path& images_path, const fs::path& labels_path, files& from) {
  auto images = read_idx(images_path, from);
  if (images.shape.size() < 2)
    refuse(images_path, images, 3, "at least two dimensions, found one");
  if (std::count(images.shape.begin(), images.shape.end(), 0u) > 0)
    refuse(images_path, images, 4,
        fmt::format(
            "samples, found {} values", fmt::join(images.shape, " x ")));
  auto labels = read_labels(labels_path, images.shape.front(), from);
  auto classes = *std::max_element(labels.begin(), labels.end()) + 1u;
  return {.shape = sample_shape(images.shape),
      .classes = classes,
      .features = std::move(images.values),
      .labels = std::move(labels)};
}

struct paths {
  fs::path train_images, train_labels, test_images, test_labels;
};

splits read(const paths& of, files& from) {
  auto train = read_part(of.train_images, of.train_labels, from);
  auto test = read_part(of.test_images, of.test_labels, from);
  if (test.shape != train.shape)
    throw bad_file{of.test_images, 4,
        fmt::format("samples of {} values, as in {}, found {}",
            fmt::join(train.shape, " x "), of.train_images.string(),
            fmt::join(test.shape, " x "))};
  train.classes = test.classes = std::max(train.classes, test.classes);
  return {std::make_shared<const dataset>(std::move(train)),
      std::make_shared<const dataset>(std::move(test))};
}

fs::path debian_or(const fs::path& directory) {
  return directory.empty() ? fs::path{debian_directory} : directory;
}

place idx_in(const fs::path& directory, files& from) {
  return looked_into(directory, "data.path",
      "train-images*, train-labels*, t10k-images* and t10k-labels*", from);
}

} // namespace

splits fashion_mnist(const fs::path& directory, files& from) {
  auto home = debian_or(directory);
  return read({.train_images = present(home / "train-images-idx3-ubyte"),
                  .train_labels = present(home / "train-labels-idx1-ubyte"),
                  .test_images = present(home / "t10k-images-idx3-ubyte"),
                  .test_labels = present(home / "t10k-labels-idx1-ubyte")},
      from);
}

splits idx(const fs::path& directory, files& from) {
  auto where = idx_in(directory, from);
  auto path = [&](auto... beginnings) {
    return matching(where, {beginnings...});
  };
  using namespace std::string_view_literals;
  return read({.train_images = path("train-images"sv),
                  .train_labels = path("train-labels"sv),
                  .test_images = path("t10k-images"sv, "test-images"sv),
                  .test_labels = path("t10k-labels"sv, "test-labels"sv)},
      from);
}

training::shared_dataset test_part(
    std::string_view set, const fs::path& directory, files& from) {
  const auto part = [&](const fs::path& images, const fs::path& labels) {
    return std::make_shared<const dataset>(read_part(images, labels, from));
  };
  if (set != "idx") {
    auto home = debian_or(directory);
    return part(present(home / "t10k-images-idx3-ubyte"),
        present(home / "t10k-labels-idx1-ubyte"));
  }
  auto where = idx_in(directory, from);
  return part(matching(where, {"t10k-images", "test-images"}),
      matching(where, {"t10k-labels", "test-labels"}));
}

training::dataset own_part(const fs::path& directory, files& from) {
  auto where =
      looked_into(directory, "--data", "train-images* and train-labels*", from);
  return read_part(matching(where, {"train-images"}),
      matching(where, {"train-labels"}), from);
}

} // namespace troupe::data
