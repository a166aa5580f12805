#include "protocols/errc.hpp"

#include <array>
#include <string_view>

#include <caf/message.hpp>

namespace troupe {
namespace {

constexpr std::array<std::string_view, 16> names{"none", "learner_failed",
    "update_not_finite", "out_of_memory", "stopped", "lease_overrun",
    "all_failed", "starved", "no_slots", "storage_failed", "evaluation_failed",
    "actor_died", "device_failed", "node_lost", "node_left", "no_quorum"};

} // namespace

std::string to_string(errc code) {
  return std::string{names.at(static_cast<std::size_t>(code))};
}

bool from_string(caf::string_view text, errc& code) {
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] == std::string_view{text.data(), text.size()})
      return from_integer(static_cast<std::uint8_t>(i), code);
  return false;
}

bool from_integer(std::uint8_t value, errc& code) {
  if (value >= names.size())
    return false;
  code = static_cast<errc>(value);
  return true;
}

std::string text(const caf::error& e) {
  if (!e)
    return {};
  const auto& context = e.context();
  if (context.match_elements<std::string>())
    return context.get_as<std::string>(0);
  return caf::to_string(e);
}

std::string code(const caf::error& e) {
  if (!e || e.category() != caf::type_id_v<errc>)
    return {};
  return to_string(static_cast<errc>(e.code()));
}

} // namespace troupe
