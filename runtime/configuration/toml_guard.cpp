#include "runtime/configuration/toml_guard.hpp"

#include <algorithm>

namespace troupe {

namespace {

// The text that is still to be seen, by the lexical rules of TOML 1.0:
//
//     plain ──#──► comment ──line's end──► plain
//       └──"  '  """  '''──► string ──the same again──► plain
class lexer {
public:
  explicit lexer(std::string_view text) : rest_(text) {}

  std::optional<stray> run();

private:
  void drop(std::size_t count);
  void skip_comment() { drop(std::min(rest_.find('\n'), rest_.size())); }
  void skip_string();
  bool at_string() const;
  stray here() const;

  std::string_view rest_;
  std::size_t line_ = 1;
  char before_ = '\n';
};

void lexer::drop(std::size_t count) {
  auto passed = rest_.substr(0, count);
  line_ +=
      static_cast<std::size_t>(std::count(passed.begin(), passed.end(), '\n'));
  if (!passed.empty())
    before_ = passed.back();
  rest_.remove_prefix(passed.size());
}

// A quote within a word is a fault, and what follows it is no string.
bool lexer::at_string() const {
  constexpr std::string_view apart = " \t\r\n=,.[]{}";
  return (rest_.front() == '"' || rest_.front() == '\'') &&
         apart.find(before_) != std::string_view::npos;
}

// A string of one line that is not closed there is for toml++ to refuse.
void lexer::skip_string() {
  auto quote = rest_.front();
  auto triple = std::string(3, quote);
  auto many_lines = rest_.starts_with(triple);
  auto closing = many_lines ? std::string_view{triple} : rest_.substr(0, 1);
  drop(closing.size());
  while (!rest_.empty() && !rest_.starts_with(closing)) {
    if (!many_lines && rest_.front() == '\n')
      return;
    drop(quote == '"' && rest_.front() == '\\' ? 2 : 1);
  }
  drop(closing.size());
  // Up to two quotes may stand before the three that close.
  for (int i = 0; many_lines && i < 2 && rest_.starts_with(quote); ++i)
    drop(1);
}

stray lexer::here() const {
  std::size_t size = 1;
  while (size < rest_.size() && size < 4 &&
         (static_cast<unsigned char>(rest_[size]) & 0xc0) == 0x80)
    ++size;
  return {line_, std::string{rest_.substr(0, size)}};
}

std::optional<stray> lexer::run() {
  constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
  if (rest_.starts_with(byte_order_mark))
    drop(byte_order_mark.size());
  while (!rest_.empty()) {
    auto c = rest_.front();
    if (c == '#')
      skip_comment();
    else if (at_string())
      skip_string();
    else if (static_cast<unsigned char>(c) >= 0x80)
      return here();
    else
      drop(1);
  }
  return {};
}

} // namespace

std::optional<stray> find_stray(std::string_view text) {
  return lexer{text}.run();
}

} // namespace troupe
