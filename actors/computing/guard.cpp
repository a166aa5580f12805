#include "actors/computing/guard.hpp"

#include <caf/message.hpp>

namespace troupe {

std::string text(const caf::error& e) {
  const auto& context = e.context();
  if (context.match_elements<std::string>())
    return context.get_as<std::string>(0);
  return caf::to_string(e);
}

std::string code(const caf::error& e) {
  if (e.category() != caf::type_id_v<errc>)
    return {};
  return to_string(static_cast<errc>(e.code()));
}

} // namespace troupe
