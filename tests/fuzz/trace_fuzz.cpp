// The reader of traces takes any bytes: it reads them or names what is wrong,
// and what it read is in order.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "runtime/simulation/trace.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t n) {
  using namespace troupe;
  constexpr std::size_t clients = 5;
  try {
    const auto read = simulation::parse_trace(
        {reinterpret_cast<const char*>(data), n}, "trace.csv", clients);
    for (const auto& [client, stays] : read.stays) {
      instant before{};
      for (const auto& each : stays) {
        if (client >= clients || each.start < before || each.end <= each.start)
          std::abort();
        before = each.end;
      }
    }
    for (const auto& [client, each] : read.of)
      if (client >= clients || !(each.samples_per_second > 0.0) ||
          !(each.down >= 0.0) || !(each.up >= 0.0))
        std::abort();
  } catch (const simulation::bad_trace&) {
    return 0;
  }
  return 0;
}
