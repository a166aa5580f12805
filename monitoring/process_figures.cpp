#include "monitoring/process_figures.hpp"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>
#include <sys/resource.h>
#include <unistd.h>

#include "monitoring/process_stat.hpp"

namespace troupe::monitoring {

namespace {

std::string read(const char* path) {
  std::ifstream in{path};
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// Seconds from 1970 to the machine's start.
std::optional<double> boot_time() {
  std::istringstream in{read("/proc/stat")};
  for (std::string line; std::getline(in, line);)
    if (line.rfind("btime ", 0) == 0)
      return std::stod(line.substr(6));
  return std::nullopt;
}

std::optional<double> open_files() {
  std::error_code failed;
  std::filesystem::directory_iterator entry{"/proc/self/fd", failed};
  if (failed)
    return std::nullopt;
  // One of them is the iterator's own.
  return static_cast<double>(std::distance(begin(entry), end(entry)) - 1);
}

class collectable : public prometheus::Collectable {
public:
  std::vector<prometheus::MetricFamily> Collect() const override {
    std::vector<prometheus::MetricFamily> out;
    if (auto stat = read_process_stat())
      append(*stat, out);
    if (auto files = open_files())
      gauge(out, "process_open_fds", "Open file descriptors.", *files);
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
      gauge(out, "process_max_fds", "Most file descriptors that may be open.",
          static_cast<double>(limit.rlim_cur));
    return out;
  }

private:
  using families = std::vector<prometheus::MetricFamily>;

  static void append(const process_stat& stat, families& out) {
    static const auto hertz = static_cast<double>(sysconf(_SC_CLK_TCK));
    static const auto page = static_cast<double>(sysconf(_SC_PAGESIZE));
    static const auto boot = boot_time();
    counter(out, "process_cpu_seconds_total",
        "User and system CPU time spent, in seconds.",
        (stat.user_ticks + stat.system_ticks) / hertz);
    gauge(out, "process_resident_memory_bytes", "Resident memory, in bytes.",
        stat.resident_pages * page);
    gauge(out, "process_virtual_memory_bytes", "Virtual memory, in bytes.",
        stat.virtual_bytes);
    gauge(out, "process_threads", "Threads of the process.", stat.threads);
    if (boot)
      gauge(out, "process_start_time_seconds",
          "Start of the process, in seconds since 1970.",
          *boot + stat.start_ticks / hertz);
  }

  static void counter(
      families& out, const char* name, const char* help, double value) {
    prometheus::ClientMetric metric;
    metric.counter.value = value;
    out.push_back({name, help, prometheus::MetricType::Counter, {metric}});
  }

  static void gauge(
      families& out, const char* name, const char* help, double value) {
    prometheus::ClientMetric metric;
    metric.gauge.value = value;
    out.push_back({name, help, prometheus::MetricType::Gauge, {metric}});
  }
};

} // namespace

std::shared_ptr<prometheus::Collectable> process_figures() {
  return std::make_shared<collectable>();
}

} // namespace troupe::monitoring
