#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gpu/device.hpp"

// What the host's side of `gpu/` asks of CUDA, without CUDA's own headers.
namespace troupe::gpu::cuda {

class stream; // gpu/cuda/stream.hpp

std::shared_ptr<stream> open(int device);
void synchronise(stream& on);
void notify(stream& on, std::function<void()> then);
void copy(stream& on, const void* from, void* to, std::size_t bytes);
/// From another GPU to that of `on`, staged where they do not reach each other.
void copy_between(
    stream& on, int from_device, const void* from, void* to, std::size_t bytes);

/// For memory that no stream's order protects: one stream a device, idle
/// whenever nobody is inside `buffer`.
const std::shared_ptr<stream>& home(int device);
/// Memory in the order of a stream; throws `out_of_memory`.
void* take(stream& on, std::size_t bytes);
void give(stream& on, void* block) noexcept;
/// Page-locked memory of the host.
void* take_pinned(std::size_t bytes);
void give_pinned(void* block) noexcept;

class graph;
/// What `work` queues on `on`, recorded and not run.
std::shared_ptr<graph> record(stream& on, const std::function<void()>& work);
void play(stream& on, const graph& what);

/// The GPUs that can be worked on.
std::vector<device_info> devices();
/// Opens cuBLAS: "cuBLAS 13.1.0", or why there is none.
std::string blas_name();
/// Opens cuDNN, likewise.
std::string dnn_name();
/// Why there are none: "no driver", say; empty if there are.
std::string absence();
/// Card, driver and library: what the bits of a GPU depend on.
std::string fingerprint(int device);

} // namespace troupe::gpu::cuda
