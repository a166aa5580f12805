#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include <caf/sec.hpp>

#include "gpu/buffer.hpp"

namespace troupe {

/// Names a tensor's bytes among those that a process lends to others; 0: none.
using tensor_id = std::uint64_t;

/// A tensor in a message: a value that travels as a handle. In a process it is
/// immutable storage that all share, and never copied. Between processes its id
/// and size travel, and whoever receives them fetches the bytes beside the
/// messages; until then `here` is null. One without an id belongs to this
/// process and refuses to be serialised, by name.
struct tensor {
  gpu::shared_buffer here;
  tensor_id id = 0;
  std::uint64_t count = 0; ///< values

  tensor() = default;
  tensor(gpu::shared_buffer block, tensor_id lent_as = 0)
      : here(std::move(block)), id(lent_as), count(here ? here->size() : 0) {}
  template <class Block>
  tensor(std::shared_ptr<Block> block)
      : tensor(gpu::shared_buffer{std::move(block)}) {}
  tensor(std::nullptr_t) {}

  operator const gpu::shared_buffer&() const& noexcept { return here; }
  operator gpu::shared_buffer() && noexcept { return std::move(here); }
  const gpu::buffer* operator->() const noexcept { return here.get(); }
  const gpu::buffer& operator*() const noexcept { return *here; }
  /// Whether it names a tensor, here or elsewhere.
  explicit operator bool() const noexcept { return here || id != 0; }

  /// The same bytes of this process, or the same ones elsewhere.
  friend bool operator==(const tensor&, const tensor&) = default;

  template <class Inspector>
  friend bool inspect(Inspector& f, tensor& x) {
    if constexpr (Inspector::is_loading)
      x.here.reset();
    else if (x.here && x.id == 0) {
      f.emplace_error(caf::sec::unsafe_type,
          "a troupe::tensor without an id holds memory of this process and "
          "cannot leave it");
      return false;
    }
    return f.object(x).fields(f.field("id", x.id), f.field("count", x.count));
  }
};

} // namespace troupe
