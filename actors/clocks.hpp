#pragma once

namespace troupe {

/// Seconds on a clock that never goes back; only differences mean anything.
double wall_seconds() noexcept;

/// CPU time that this thread has used. Asking is a system call.
double thread_seconds() noexcept;

} // namespace troupe
