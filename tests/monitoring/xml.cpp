#include "tests/monitoring/xml.hpp"

#include <stdexcept>
#include <vector>

namespace troupe::monitoring {

namespace {

class reader {
public:
  explicit reader(std::string_view text) : rest_(text) {}

  void document() {
    do {
      if (take("</"))
        close();
      else if (take("<"))
        open();
      else
        character();
    } while (!open_.empty());
    require(rest_ == "\n", "something follows the one element");
  }

private:
  static void require(bool holds, const std::string& fault) {
    if (!holds)
      throw std::runtime_error{fault};
  }

  bool take(std::string_view what) {
    if (!rest_.starts_with(what))
      return false;
    rest_.remove_prefix(what.size());
    return true;
  }

  std::string_view word() {
    const auto end = rest_.find_first_of(" =/>\"<&\n");
    require(end != 0 && end != rest_.npos, "a name is missing");
    const auto result = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return result;
  }

  void open() {
    open_.push_back(word());
    while (take(" "))
      attribute();
    const bool empty = take("/");
    require(take(">"), "a tag of " + std::string{open_.back()} + " never ends");
    if (empty)
      open_.pop_back();
  }

  void attribute() {
    word();
    require(take("=\""), "an attribute has no value");
    while (!take("\""))
      character();
  }

  void close() {
    const auto name = word();
    require(!open_.empty() && open_.back() == name,
        std::string{name} + " was not open");
    open_.pop_back();
    require(take(">"), "an end tag never ends");
  }

  void character() {
    for (auto entity : {"&amp;", "&lt;", "&gt;", "&quot;"})
      if (take(entity))
        return;
    require(!rest_.empty(), "the text ends inside an element");
    const auto c = rest_.front();
    require(c != '<' && c != '&', "a stray < or &");
    require(static_cast<unsigned char>(c) >= 0x20 || c == '\n',
        "a control character");
    require(!open_.empty(), "text outside of the one element");
    rest_.remove_prefix(1);
  }

  std::string_view rest_;
  std::vector<std::string_view> open_;
};

} // namespace

std::string xml_fault(std::string_view text) {
  try {
    reader{text}.document();
    return {};
  } catch (const std::runtime_error& fault) {
    return fault.what();
  }
}

} // namespace troupe::monitoring
