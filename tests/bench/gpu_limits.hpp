#pragma once

#include "gpu/device_stream.hpp"

namespace troupe::bench {

/// What one device can do at most, as it shows in this run.
struct gpu_limits {
  double copy_bytes_per_s = 0.0;   ///< within its memory; read and written
  double product_flop_per_s = 0.0; ///< of a large product in fp32
};

/// `n` x `n` matrices for the product, 4 n^2 floats for the copy.
gpu_limits measure_limits(gpu::device_stream& on, std::size_t n, int times);

} // namespace troupe::bench
