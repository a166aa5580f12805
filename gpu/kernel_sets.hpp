#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace troupe::gpu {

// CPUs of several makes compute the same bits if they do so by the same
// kernels: ours, those of OpenBLAS, and those by which the C library takes
// exp() and log(). A *kernel set* names all three, so that machines can agree
// on one that all of them have:
//
//     baseline   OpenBLAS's for Nehalem, no fused multiply-add
//     avx2       OpenBLAS's for Haswell
//     avx512     OpenBLAS's for SkylakeX
//
// The libraries choose when a process starts, by its environment. What a person
// has set there (TROUPE_INSTRUCTIONS, OPENBLAS_CORETYPE, GLIBC_TUNABLES) bounds
// the sets that this process can be started again for.

/// Their names, the least one first.
std::span<const std::string_view> kernel_sets() noexcept;

/// Whether this program, started again, can compute by that set.
bool can_compute_by(std::string_view set);

/// The CPU's numeric fingerprint then.
std::string fingerprint_by(std::string_view set);

/// Whether this process does.
bool computes_by(std::string_view set);

/// What a process has to find in its environment for that; without a value:
/// nothing under that name.
std::map<std::string, std::optional<std::string>> environment_for(
    std::string_view set);

} // namespace troupe::gpu
