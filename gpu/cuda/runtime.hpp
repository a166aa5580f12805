#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gpu/device.hpp"
#include "gpu/source_location.hpp"

// What the host's side of `gpu/` asks of CUDA, without CUDA's own headers.
namespace troupe::gpu::cuda {

class stream; // gpu/cuda/stream.hpp

// Places are those that errors name.

std::shared_ptr<stream> open(int device);
void synchronise(stream& on, source_location at);
void notify(stream& on, std::function<void()> then, source_location at);
void copy(stream& on, const void* from, void* to, std::size_t bytes,
    source_location at);
/// From memory of ours on another GPU to that of `on`, staged where they do not
/// reach each other.
void copy_between(stream& on, int from_device, const void* from, void* to,
    std::size_t bytes, source_location at);

/// A device's stream for memory that belongs to no other stream's order. Only
/// `buffer` queues on it, and waits: it is idle at any other time.
const std::shared_ptr<stream>& home(int device);
/// Memory in the order of a stream; throws `out_of_memory`.
void* take(stream& on, std::size_t bytes);
void give(stream& on, void* block) noexcept;
/// Page-locked memory of the host; throws `out_of_memory`.
void* take_page_locked(std::size_t bytes);
void give_page_locked(void* block) noexcept;

class graph;
/// What `work` queues on `on`, recorded and not run.
std::shared_ptr<graph> record(stream& on, const std::function<void()>& work);
void play(stream& on, const graph& what);
/// Whether each launch is waited for (TROUPE_CUDA_SYNC); then nothing is to be
/// recorded.
bool waits_for_launches(const stream& on) noexcept;

/// How many GPUs can be worked on.
int count();
/// What they are like. Asks each for all its properties: milliseconds.
std::vector<device_info> devices();
/// Opens cuBLAS: "cuBLAS 13.1.0", or why there is none: "no cuBLAS: cannot
/// ...".
std::string blas_name();
/// Opens cuDNN, likewise.
std::string dnn_name();
/// Why there are none: "no driver", say; empty if there are.
std::string absence();
/// Card, driver and libraries: what the bits of a GPU depend on.
std::string fingerprint(int device);

} // namespace troupe::gpu::cuda
