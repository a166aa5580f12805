#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <variant>
#include <vector>

namespace troupe::training {

/// Labelled samples, immutable once shared. Features are kept as they came:
/// bytes are read as byte/255, floats as they are.
struct dataset {
  std::vector<std::size_t> shape; ///< one sample, channels first: {1, 28, 28}
  std::size_t classes = 0;
  std::variant<std::vector<std::uint8_t>, std::vector<float>> features;
  std::vector<std::uint8_t> labels; ///< below `classes`

  std::size_t size() const noexcept { return labels.size(); }
  /// Values a sample.
  std::size_t width() const noexcept;
};

using shared_dataset = std::shared_ptr<const dataset>;

/// Some samples of a data set, by index. Cheap to copy; keeps both alive.
class view {
public:
  view() = default;
  /// All samples of `set`, in order.
  view(shared_dataset set);
  view(shared_dataset set, std::vector<std::uint32_t> indices);

  std::size_t size() const noexcept { return count_; }
  bool empty() const noexcept { return count_ == 0; }
  const dataset& set() const noexcept { return *set_; }
  const shared_dataset& shared_set() const noexcept { return set_; }
  std::uint32_t index(std::size_t i) const noexcept {
    return indices_ ? (*indices_)[first_ + i]
                    : static_cast<std::uint32_t>(first_ + i);
  }
  /// The samples [first, first + count) of this view.
  view slice(std::size_t first, std::size_t count) const;
  std::size_t label(std::size_t i) const { return set_->labels[index(i)]; }

  /// Copies samples `order[0..]` of this view into rows of `features`
  /// (order.size() x width) and `labels`.
  void gather(std::span<const std::uint32_t> order, std::span<float> features,
      std::span<std::uint8_t> labels) const;

private:
  shared_dataset set_;
  std::shared_ptr<const std::vector<std::uint32_t>> indices_;
  std::size_t first_ = 0;
  std::size_t count_ = 0;
};

} // namespace troupe::training
