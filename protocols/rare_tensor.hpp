#pragma once

#include <memory>
#include <utility>

#include "protocols/tensor.hpp"

namespace troupe {

/// A tensor that most messages are without: where there is none it takes the
/// room of a pointer, and no memory. It travels as a tensor does.
class rare_tensor {
public:
  rare_tensor() = default;
  rare_tensor(tensor what)
      : held_(what ? std::make_unique<tensor>(std::move(what)) : nullptr) {}
  rare_tensor(const rare_tensor& x) : rare_tensor(x.value()) {}
  rare_tensor(rare_tensor&&) noexcept = default;
  rare_tensor& operator=(rare_tensor x) noexcept {
    held_ = std::move(x.held_);
    return *this;
  }
  ~rare_tensor() = default;

  explicit operator bool() const noexcept { return held_ != nullptr; }
  /// Null: there is none.
  tensor value() const { return held_ ? *held_ : tensor{}; }

  template <class Inspector>
  friend bool inspect(Inspector& f, rare_tensor& x) {
    auto value = x.value();
    if (!inspect(f, value))
      return false;
    if constexpr (Inspector::is_loading)
      x = std::move(value);
    return true;
  }

private:
  std::unique_ptr<tensor> held_;
};

} // namespace troupe
