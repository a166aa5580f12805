#include "protocols/cluster/frames.hpp"

#include <array>
#include <string_view>

namespace troupe::cluster {
namespace {

constexpr std::array<std::string_view, 5> names{
    "node", "courier", "status", "drain", "change"};

} // namespace

std::string to_string(errand x) {
  return std::string{names.at(static_cast<std::size_t>(x))};
}

bool from_string(caf::string_view text, errand& x) {
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] == std::string_view{text.data(), text.size()})
      return from_integer(static_cast<std::uint8_t>(i), x);
  return false;
}

bool from_integer(std::uint8_t value, errand& x) {
  if (value >= names.size())
    return false;
  x = static_cast<errand>(value);
  return true;
}

} // namespace troupe::cluster
