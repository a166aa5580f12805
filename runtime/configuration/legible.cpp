#include "runtime/configuration/legible.hpp"
#include "runtime/configuration/keys.hpp"

#include <algorithm>

namespace troupe {

std::string shortened(std::string text, std::size_t most) {
  if (text.size() <= most)
    return text;
  auto end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
    --end;
  return text.substr(0, end) + "...";
}

std::string legible(std::string_view text, std::size_t most) {
  auto unfit = [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  };
  auto part = shortened(std::string{text}, most);
  return std::any_of(part.begin(), part.end(), unfit) ? toml_string(part)
                                                      : part;
}

} // namespace troupe
