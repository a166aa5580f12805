#include "runtime/toml_value.hpp"
#include "runtime/legible.hpp"
#include "runtime/spelling.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <sstream>
#include <type_traits>

namespace troupe {

std::string as_written(const toml::node& value) {
  if (auto text = value.as_string())
    return toml_string(shortened(text->get()));
  std::ostringstream out;
  value.visit([&](const auto& concrete) {
    using type = std::decay_t<decltype(concrete)>;
    if constexpr (std::is_same_v<type, toml::table>)
      out << "a table";
    else if constexpr (std::is_same_v<type, toml::array>)
      out << toml::toml_formatter{concrete, toml::format_flags::none};
    else
      out << concrete;
  });
  auto text = out.str();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return shortened(std::move(text));
}

namespace {

std::string store(const key& k, const toml::node& value, std::string* to) {
  auto text = value.value<std::string>();
  if (!text)
    return k.choices.empty()
               ? "is not text in quotes"
               : fmt::format("is not one of {}", fmt::join(k.choices, ", "));
  if (!k.choices.empty() &&
      std::find(k.choices.begin(), k.choices.end(), *text) == k.choices.end())
    return fmt::format("is not one of {}{}", fmt::join(k.choices, ", "),
        did_you_mean(*text, k.choices));
  *to = *text;
  return {};
}

std::string store(
    const key& k, const toml::node& value, std::vector<std::size_t>* to) {
  constexpr std::size_t most = 64;
  auto array = value.as_array();
  if (!array || array->size() < 2 || array->size() > most)
    return fmt::format(
        "is not a list of 2 to {} whole numbers, like [784, 200, 10]", most);
  std::vector<std::size_t> numbers;
  for (const auto& element : *array) {
    auto number = element.as_integer();
    if (!number || !k.numbers.holds(static_cast<double>(number->get())))
      return fmt::format("has {}, which is not a whole number {}",
          as_written(element), k.numbers.text());
    numbers.push_back(static_cast<std::size_t>(number->get()));
  }
  *to = std::move(numbers);
  return {};
}

double as_double(const toml::node& value) {
  if (auto integer = value.as_integer())
    return static_cast<double>(integer->get());
  auto real = value.as_floating_point();
  return real ? real->get() : std::nan("");
}

template <class Number>
std::string store(const key& k, const toml::node& value, Number* to) {
  constexpr bool whole = std::is_integral_v<Number>;
  auto kind = whole ? "a whole number" : "a number";
  auto fits = whole ? value.is_integer() : value.is_number();
  auto number = as_double(value);
  if (!fits || !k.numbers.holds(number))
    return fmt::format("is not {} {}", kind, k.numbers.text());
  if constexpr (whole) {
    *to = static_cast<Number>(value.as_integer()->get());
  } else {
    auto rounded = static_cast<Number>(number);
    if (!k.numbers.holds(static_cast<double>(rounded)))
      return fmt::format(
          "rounds to {}, which is not {} {}", rounded, kind, k.numbers.text());
    *to = rounded;
  }
  return {};
}

} // namespace

std::string assign_value(
    const key& k, const toml::node& value, configuration& to) {
  return std::visit(
      [&](auto* place) { return store(k, value, place); }, k.in(to));
}

} // namespace troupe
