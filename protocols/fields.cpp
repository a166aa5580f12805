#include "protocols/fields.hpp"

#include <caf/message.hpp>

namespace troupe {
namespace {

bool is_within_a_character(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

std::string cut(std::string text, std::size_t most) {
  if (text.size() <= most)
    return text;
  while (most > 0 && is_within_a_character(text[most]))
    --most;
  text.resize(most);
  return text;
}

} // namespace

told_error::told_error(const caf::error& x, errc otherwise) {
  if (!x)
    return;
  const bool is_ours = x.category() == caf::type_id_v<errc>;
  code = is_ours ? static_cast<errc>(x.code()) : otherwise;
  if (!is_ours || !x.context().empty())
    text = cut(troupe::text(x), longest);
}

caf::error told_error::error() const {
  if (code == errc::none)
    return {};
  return text.empty() ? caf::make_error(code) : caf::make_error(code, text);
}

} // namespace troupe
