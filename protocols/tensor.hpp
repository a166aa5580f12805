#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include <caf/byte.hpp>
#include <caf/sec.hpp>
#include <caf/span.hpp>

#include "gpu/buffer.hpp"

namespace troupe {

/// Names a tensor's bytes among those that a process lends to others; 0: none.
using tensor_id = std::uint64_t;

/// A tensor in a message: a value that travels as a handle. In a process it is
/// immutable storage that all share, and never copied. Between processes its id
/// and size travel, and whoever receives them fetches the bytes beside the
/// messages; until then `here` is null. One without an id was not lent: its
/// values go along with the message if they are few and on the host. More of
/// them belong to this process and refuse to be serialised, by name.
struct tensor {
  /// Values that may go along with a message, at most: a frame of a cluster's
  /// holds the two tensors of an update. Fewer may be better.
  static constexpr std::uint64_t most_along = 4096;

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

  /// Whether its values may go along with a message.
  static bool goes_along(const gpu::buffer& what) noexcept {
    return what.size() <= most_along &&
           what.where().kind == gpu::device_kind::cpu;
  }

  /// The same bytes of this process, or the same ones elsewhere.
  friend bool operator==(const tensor&, const tensor&) = default;

  template <class Inspector>
  friend bool inspect(Inspector& f, tensor& x) {
    if constexpr (Inspector::is_loading)
      x.here.reset();
    else if (x.here && x.id == 0 && !goes_along(*x.here)) {
      f.emplace_error(caf::sec::unsafe_type,
          "a troupe::tensor without an id holds memory of this process and "
          "cannot leave it");
      return false;
    }
    content values{x};
    return f.object(x).fields(f.field("id", x.id), f.field("count", x.count),
        f.field("values", values));
  }

private:
  /// Whether values follow, and these, as they lie in memory: little-endian.
  struct content {
    tensor& of;

    template <class Inspector>
    friend bool inspect(Inspector& f, content& x) {
      bool follow = x.of.here && x.of.id == 0;
      if (!f.apply(follow))
        return false;
      if (!follow || f.has_human_readable_format())
        return true;
      if constexpr (Inspector::is_loading)
        return x.take(f);
      else
        return f.value(caf::span<const caf::byte>{
            reinterpret_cast<const caf::byte*>(x.of.here->span().data()),
            x.of.here->bytes()});
    }
    template <class Inspector>
    bool take(Inspector& f) {
      if (of.id != 0 || of.count > most_along)
        return false;
      auto block = std::make_shared<gpu::buffer>(of.count);
      if (!f.value(caf::span<caf::byte>{
              reinterpret_cast<caf::byte*>(block->span().data()),
              block->bytes()}))
        return false;
      of.here = std::move(block);
      return true;
    }
  };
};

} // namespace troupe
