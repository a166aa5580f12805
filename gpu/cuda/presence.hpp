#pragma once

namespace troupe::gpu::cuda {

/// Whether this build has the CUDA side of `gpu/`. What stands behind
/// `if constexpr (present)` need not be linked without it.
#ifdef TROUPE_WITH_CUDA
inline constexpr bool present = true;
#else
inline constexpr bool present = false;
#endif

} // namespace troupe::gpu::cuda
