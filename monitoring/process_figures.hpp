#pragma once

#include <memory>

namespace prometheus {
class Collectable;
} // namespace prometheus

namespace troupe::monitoring {

/// The figures of this process under the names that Prometheus clients agree
/// on, read from /proc at every scrape: process_cpu_seconds_total,
/// process_resident_memory_bytes, process_virtual_memory_bytes,
/// process_open_fds, process_max_fds, process_threads and
/// process_start_time_seconds. What cannot be read is left out. Any thread.
std::shared_ptr<prometheus::Collectable> process_figures();

} // namespace troupe::monitoring
