#include "gpu/host/instruction_set.hpp"

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace troupe::gpu::host {
namespace {

instruction_set best() noexcept {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f"))
    return instruction_set::avx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return instruction_set::avx2;
#endif
  return instruction_set::baseline;
}

instruction_set choose() noexcept {
  const auto* wish = std::getenv("TROUPE_INSTRUCTIONS");
  if (wish == nullptr)
    return best();
  for (auto which : {instruction_set::baseline, instruction_set::avx2})
    if (std::string_view{wish} == name(which))
      return std::min(which, best());
  return best();
}

} // namespace

instruction_set instructions() noexcept {
  static const auto chosen = choose();
  return chosen;
}

const char* name(instruction_set which) noexcept {
  switch (which) {
  case instruction_set::avx512:
    return "avx512";
  case instruction_set::avx2:
    return "avx2";
  case instruction_set::baseline:
    break;
  }
  return "baseline";
}

} // namespace troupe::gpu::host
