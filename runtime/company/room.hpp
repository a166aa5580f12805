#pragma once

#include <cstddef>
#include <stdexcept>

namespace troupe {

/// A limit of the system leaves a run no room; the text names the limit.
class no_room : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// Throws `no_room` unless this process can have so many more threads at once,
/// by starting them: no library that finds none later on gives them back.
void expect_threads(std::size_t count);

/// The same for the address space of so many more threads, of which some
/// multiply matrices, and for so many more bytes: BLAS takes 128 MiB for each
/// thread that calls it, and where it gets none it tries again for ever.
void expect_address_space(
    std::size_t threads, std::size_t multiplying, double bytes);

/// Ends the process with code 1 and one line on stderr where the limit on its
/// address space is below what BLAS takes for threads that it starts when it is
/// loaded: one of them may be trying for ever, and a usual end waits for it.
void require_room_for_blas();

} // namespace troupe
