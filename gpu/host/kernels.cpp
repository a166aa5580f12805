#include "gpu/host/kernels.hpp"

#include "gpu/host/instruction_set.hpp"

namespace troupe::gpu::host {

// Each is defined in a source file that is compiled for its instruction set.
extern const kernels baseline_kernels;
#if defined(__x86_64__)
extern const kernels avx2_kernels;
extern const kernels avx512_kernels;
#endif

const kernels& best_kernels() noexcept {
  switch (instructions()) {
#if defined(__x86_64__)
  case instruction_set::avx512:
    return avx512_kernels;
  case instruction_set::avx2:
    return avx2_kernels;
#endif
  default:
    return baseline_kernels;
  }
}

} // namespace troupe::gpu::host
