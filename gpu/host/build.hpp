#pragma once

#include <string>

namespace troupe::gpu::host {

/// OpenBLAS and its version, without the kernels in use.
std::string blas_release();

/// Whether the C library multiplies and adds in one step in this process, so
/// that exp() and log() may have other last bits than without.
bool fuses() noexcept;

/// The compiler and the C library, as a fingerprint names them.
std::string build(bool fused);

} // namespace troupe::gpu::host
