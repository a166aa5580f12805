#include "runtime/configuration/device_names.hpp"

#include "runtime/configuration/spelling.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <span>
#include <system_error>

namespace troupe {

namespace {

using namespace std::string_view_literals;

constexpr std::array known{"cpu"sv, "cuda"sv, "cuda:0"sv};
constexpr std::array known_or_auto{"auto"sv, "cpu"sv, "cuda"sv, "cuda:0"sv};
constexpr auto numbered = "cuda:"sv;
constexpr int most_gpus = 64;

std::string refusal(
    std::string_view name, std::span<const std::string_view> words) {
  if (name == "cpu" || name == "cuda" || named_device(name))
    return {};
  return fmt::format(
      "is not one of {}{}", fmt::join(words, ", "), did_you_mean(name, words));
}

} // namespace

std::optional<gpu::device> named_device(std::string_view name) {
  if (name == "cpu")
    return gpu::device{};
  if (!name.starts_with(numbered))
    return {};
  auto digits = name.substr(numbered.size());
  int index = -1;
  auto end = digits.data() + digits.size();
  auto [rest, failed] = std::from_chars(digits.data(), end, index);
  auto plain = digits.size() == 1 || !digits.starts_with('0');
  if (failed != std::errc{} || rest != end || !plain || index < 0 ||
      index >= most_gpus)
    return {};
  return gpu::device{gpu::device_kind::cuda, index};
}

bool overlap(std::string_view one, std::string_view other) noexcept {
  return one == other || (one == "cuda" && other.starts_with(numbered)) ||
         (other == "cuda" && one.starts_with(numbered));
}

std::string no_device(std::string_view name) {
  return refusal(name, known);
}

std::string no_device_or_auto(std::string_view name) {
  return name == "auto" ? std::string{} : refusal(name, known_or_auto);
}

} // namespace troupe
