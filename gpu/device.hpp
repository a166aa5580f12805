#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace troupe::gpu {

enum class device_kind : std::uint8_t { cpu, cuda };

/// Names one place where numbers live and are worked on: `cpu`, `cuda:0`.
struct device {
  device_kind kind = device_kind::cpu;
  int index = 0;
  friend bool operator==(const device&, const device&) = default;
};

std::string to_string(device where);

/// What `troupe devices` tells of one device.
struct device_info {
  device where;
  std::string name;       ///< processor or card
  std::size_t slots = 1;  ///< compute actors that it takes by default
  std::size_t memory = 0; ///< bytes
  std::string capability; ///< of a GPU's kernels: "9.0"
};

/// Every device of this machine, the CPU first.
std::vector<device_info> devices();

/// Whether this build could use a GPU.
bool built_for_gpus() noexcept;

/// What multiplies large matrices there, "OpenBLAS 0.3.21 SkylakeX": library,
/// version and kernel. On a GPU this opens cuBLAS, which takes its time.
std::string blas(device where = {});

/// What convolves the images of a learner of the user's own there: on a GPU,
/// which opens it, "cuDNN 9.19.0" or why there is none.
std::string dnn(device where);

/// Why no GPU is among them, "this build has no CUDA" say; empty if one is.
std::string why_no_gpu();

/// Throws `std::runtime_error` that says why `where` cannot be worked on.
void require(device where);

/// Device kind, BLAS kernel and build, of a GPU its libraries, too (which opens
/// them): equal fingerprints promise equal bits. Recorded in every summary and
/// checkpoint.
std::string numeric_fingerprint(device where = {});

/// Keeps every BLAS call to the thread that makes it. Called once per process,
/// before the first compute actor: parallelism comes from actors.
void use_one_blas_thread();

} // namespace troupe::gpu
