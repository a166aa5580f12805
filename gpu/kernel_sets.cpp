#include "gpu/kernel_sets.hpp"

#include "gpu/device.hpp"
#include "gpu/host/build.hpp"
#include "gpu/host/instruction_set.hpp"

#include <cblas.h>

#include <algorithm>
#include <array>
#include <cstdlib>

namespace troupe::gpu {
namespace {

using host::instruction_set;
using namespace std::string_view_literals;

struct kernel_set {
  std::string_view name;
  std::string_view blas; ///< OPENBLAS_CORETYPE
  bool fused;            ///< multiply-add
};

// By instruction_set.
constexpr std::array<kernel_set, 3> sets{{{"baseline", "Nehalem", false},
    {"avx2", "Haswell", true}, {"avx512", "SkylakeX", true}}};
constexpr std::array names{sets[0].name, sets[1].name, sets[2].name};

constexpr const char* ceiling_name = "TROUPE_CEILING";
constexpr auto unfused = "glibc.cpu.hwcaps=-FMA,-FMA4"sv;

std::optional<std::size_t> number_of(std::string_view name) {
  for (std::size_t i = 0; i < sets.size(); ++i)
    if (sets[i].name == name)
      return i;
  return std::nullopt;
}

std::string_view variable(const char* name) {
  const auto* text = std::getenv(name);
  return text ? text : "";
}

// OpenBLAS for SkylakeX wants more than our own kernels do.
std::optional<std::size_t> best_of_processor() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512cd") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    return 2;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return 1;
  if (__builtin_cpu_supports("sse4.2"))
    return 0;
#endif
  return std::nullopt;
}

// What a person's own choice of kernels leaves; nothing: none of the sets.
std::optional<std::size_t> left_by_choice(std::size_t best) {
  if (const auto set = number_of(variable("TROUPE_INSTRUCTIONS")))
    best = std::min(best, *set);
  if (!host::fuses())
    best = 0;
  const auto core = variable("OPENBLAS_CORETYPE");
  if (core.empty())
    return best;
  const auto found = std::ranges::find(sets, core, &kernel_set::blas);
  if (found == sets.end())
    return std::nullopt;
  return std::min(best, static_cast<std::size_t>(found - sets.begin()));
}

// A process that was started again knows what was left to the first one.
std::optional<std::size_t> ceiling() {
  if (const auto set = number_of(variable(ceiling_name)))
    return set;
  const auto best = best_of_processor();
  return best ? left_by_choice(*best) : std::nullopt;
}

bool chooses_at_start() {
  return std::string_view{openblas_get_config()}.find("DYNAMIC_ARCH") !=
         std::string_view::npos;
}

// It was started for that set, and the libraries took another one.
bool failed_before(std::string_view set) {
  return !variable(ceiling_name).empty() &&
         variable("TROUPE_INSTRUCTIONS") == set && !computes_by(set);
}

// Without what a process of ours has put there.
std::string own_tunables() {
  std::string all{variable("GLIBC_TUNABLES")};
  if (const auto at = all.find(unfused); at != all.npos) {
    all.erase(at, unfused.size());
    if (at > 0)
      all.erase(at - 1, 1);
  }
  return all;
}

std::optional<std::string> value(std::string text) {
  return text.empty() ? std::nullopt : std::optional{std::move(text)};
}

} // namespace

std::span<const std::string_view> kernel_sets() noexcept {
  return names;
}

bool can_compute_by(std::string_view set) {
  const auto number = number_of(set);
  const auto most = ceiling();
  return number && most && *number <= *most &&
         (computes_by(set) || (chooses_at_start() && !failed_before(set)));
}

std::string fingerprint_by(std::string_view set) {
  const auto& one = sets.at(number_of(set).value());
  return "cpu; " + host::blas_release() + ' ' + std::string{one.blas} +
         "; kernels " + std::string{one.name} + "; " + host::build(one.fused);
}

bool computes_by(std::string_view set) {
  return number_of(set) && numeric_fingerprint() == fingerprint_by(set);
}

std::map<std::string, std::optional<std::string>> environment_for(
    std::string_view set) {
  const auto& one = sets.at(number_of(set).value());
  auto tunables = own_tunables();
  if (!one.fused)
    tunables += (tunables.empty() ? "" : ":") + std::string{unfused};
  return {{"OPENBLAS_CORETYPE", std::string{one.blas}},
      {"TROUPE_INSTRUCTIONS", std::string{one.name}},
      {ceiling_name, std::string{sets[ceiling().value_or(0)].name}},
      {"GLIBC_TUNABLES", value(std::move(tunables))}};
}

} // namespace troupe::gpu
