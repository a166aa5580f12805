#pragma once

#include <optional>

namespace troupe::monitoring {

/// What the kernel counts of this process: fields of /proc/self/stat, numbered
/// as proc(5) does.
struct process_stat {
  double user_ticks = 0;     // 14
  double system_ticks = 0;   // 15
  double threads = 0;        // 20
  double start_ticks = 0;    // 22, since the machine's start
  double virtual_bytes = 0;  // 23
  double resident_pages = 0; // 24
};

/// None where there is no such file, or another system's. Any thread.
std::optional<process_stat> read_process_stat();

/// Seconds since the kernel started this process, before the first line of
/// main(); 0 where it does not say. Any thread.
double process_age();

} // namespace troupe::monitoring
