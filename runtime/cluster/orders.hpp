#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <system_error>
#include <unordered_map>
#include <vector>

#include "gpu/device_stream.hpp"
#include "runtime/cluster/parcel.hpp"

namespace troupe::cluster {

/// The tensors that this end has asked for. Memory is taken when the first
/// chunk of one is there, whose bytes go to their place at once; what has come
/// whole stays when a channel breaks. No I/O; belongs to one thread.
///
///     place -> waiting --next--> asked --accepted--> whole
///                 ^                |  cancel
///                 | broken         v
///                 +----------- stopping --gone, last chunk--> (gone)
///
/// The members that take a parcel throw `std::system_error`, which ends the
/// channel, if it is not what was asked for.
class orders {
public:
  /// The tensor and its largest magnitude, NaN if any value is not finite; or
  /// null and why.
  using done =
      std::function<void(gpu::shared_buffer, float largest, std::error_code)>;

  /// Where a chunk's bytes go, and what keeps that place.
  struct place {
    std::shared_ptr<gpu::buffer> in;
    std::span<std::byte> bytes;
  };

  /// One that is being fetched is not fetched twice.
  void fetch(const tensor& what, std::uint64_t most_bytes, done then);
  /// Whoever waits for it hears `cancelled`.
  void cancel(tensor_id id);
  void cancel_all();

  /// What to tell the other end next.
  std::optional<parcel> next();
  place expect(const parcel& chunk);
  /// The bytes that `expect` told of are there.
  void accept(const parcel& chunk);
  void gone(const parcel& answer);
  /// Nothing more comes from where it was asked; all is asked for again.
  void broken();

private:
  enum class state { waiting, asked, stopping };

  struct order {
    std::uint64_t bytes = 0;
    std::uint64_t accepted = 0;
    float largest = 0;
    state is = state::waiting;
    std::shared_ptr<gpu::buffer> to;
    std::vector<done> waiters;
  };
  using entry = std::unordered_map<tensor_id, order>::iterator;

  entry find_asked(const parcel& answer);
  void finish(entry which, std::error_code how);
  void again(entry which);

  std::unordered_map<tensor_id, order> orders_;
  std::deque<tensor_id> waiting_; // may name what is no longer
  std::deque<tensor_id> stops_;
  std::size_t asked_ = 0; // and not answered to the end
  gpu::device_stream host_;
};

} // namespace troupe::cluster
