// Any bytes are either an IDX array, whose values fill its shape, or refused by
// `bad_file`.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <numeric>
#include <span>
#include <variant>

#include "runtime/data/idx.hpp"

extern "C" int LLVMFuzzerTestOneInput(
    const std::uint8_t* data, std::size_t size) {
  using namespace troupe;
  try {
    auto array = data::parse_idx(std::as_bytes(std::span{data, size}), "fuzz");
    auto values = std::visit(
        [](const auto& elements) { return elements.size(); }, array.values);
    if (values != std::accumulate(array.shape.begin(), array.shape.end(),
                      std::size_t{1}, std::multiplies<>{}))
      std::abort();
  } catch (const bad_file&) {
  }
  return 0;
}
