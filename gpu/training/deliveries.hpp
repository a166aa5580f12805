#pragma once

#include <map>
#include <memory>
#include <vector>

#include "gpu/block.hpp"
#include "gpu/buffer.hpp"
#include "gpu/copy.hpp"
#include "gpu/device_stream.hpp"
#include "gpu/training/dataset.hpp"
#include "gpu/training/resident_set.hpp"

namespace troupe::training {

/// Brings to a device what assignments need, on a stream of its own, so that
/// the one that computes goes on meanwhile. All that it returns is there.
/// Belongs to one thread; throws `gpu::out_of_memory`.
class deliveries {
public:
  explicit deliveries(gpu::device to) : on_(to) {}

  template <class T>
  gpu::block<T> bring(const std::vector<T>& values) {
    gpu::block<T> result{values.size(), on_};
    gpu::copy<T>(on_, values, result.span());
    on_.synchronise();
    return result;
  }
  /// Once for as long as somebody holds what was given.
  gpu::shared_buffer bring(const gpu::shared_buffer& parameters);
  /// The set behind the view: once.
  std::shared_ptr<resident_set> bring(const view& data);

private:
  gpu::device_stream on_;
  std::map<std::weak_ptr<const gpu::buffer>, gpu::shared_buffer,
      std::owner_less<>>
      versions_;
  std::map<const dataset*, std::shared_ptr<resident_set>> sets_;
};

} // namespace troupe::training
