#include "gpu/host/kernels.hpp"

#include "gpu/host/instruction_set.hpp"

namespace troupe::gpu::host {

// Each is defined in a source file that is compiled for its instruction set.
extern const kernels baseline_kernels;
#if defined(__x86_64__)
extern const kernels avx2_kernels;
extern const kernels avx512_kernels;
#endif

namespace {

const kernels& choose() noexcept {
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

/// Calls visit(count) for pieces of at most `most` that add up to `rows`.
template <class Visit>
void in_pieces(std::size_t rows, std::size_t most, Visit visit) {
  if (rows <= most) { // mostly; divisions take as long as small pieces
    if (rows > 0)
      visit(rows);
    return;
  }
  const auto pieces = (rows + most - 1) / most;
  for (std::size_t i = 0; i < pieces; ++i)
    visit(rows * (i + 1) / pieces - rows * i / pieces);
}

} // namespace

const kernels& best_kernels() noexcept {
  static const auto& chosen = choose();
  return chosen;
}

void run(tile_job job, std::size_t rows) {
  const auto& best = best_kernels();
  const auto most = best.most_tile_rows[job.columns > best.width];
  in_pieces(rows, most, [&](std::size_t count) {
    best.tile(job, count);
    job.a += static_cast<std::ptrdiff_t>(count) * job.a_row;
    job.start += static_cast<std::ptrdiff_t>(count) * job.start_row;
    job.c += static_cast<std::ptrdiff_t>(count) * job.c_row;
  });
}

void run(dots_job job, std::size_t rows) {
  const auto& best = best_kernels();
  in_pieces(rows, best.most_dots_rows, [&](std::size_t count) {
    best.dots(job, count);
    job.a += static_cast<std::ptrdiff_t>(count) * job.a_row;
    job.c += static_cast<std::ptrdiff_t>(count) * job.c_row;
  });
}

} // namespace troupe::gpu::host
