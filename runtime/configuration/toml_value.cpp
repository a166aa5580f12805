#include "runtime/configuration/toml_value.hpp"
#include "runtime/configuration/legible.hpp"
#include "runtime/configuration/spelling.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <sstream>
#include <type_traits>
#include <vector>

namespace troupe {

namespace {

std::string inline_table(const toml::table& values) {
  std::vector<std::string> parts;
  for (const auto& [name, value] : values) {
    const auto bare =
        name.str().find_first_not_of("abcdefghijklmnopqrstuvwxyz"
                                     "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
    parts.push_back(fmt::format("{} = {}",
        bare == std::string_view::npos ? std::string{name.str()}
                                       : toml_string(name.str()),
        as_written(value)));
  }
  return fmt::format("{{{}}}", fmt::join(parts, ", "));
}

std::string list(const toml::array& values) {
  std::vector<std::string> parts;
  for (const auto& value : values)
    parts.push_back(as_written(value));
  return fmt::format("[{}]", fmt::join(parts, ", "));
}

} // namespace

std::string as_written(const toml::node& value) {
  if (auto text = value.as_string())
    return toml_string(shortened(text->get()));
  if (auto number = value.as_floating_point())
    return toml_number(number->get());
  if (auto values = value.as_table())
    return shortened(inline_table(*values));
  if (auto values = value.as_array())
    return shortened(list(*values));
  std::ostringstream out;
  value.visit([&](const auto& concrete) {
    using type = std::decay_t<decltype(concrete)>;
    if constexpr (!toml::is_table<type> && !toml::is_array<type>)
      out << concrete;
  });
  return shortened(out.str());
}

namespace {

std::string store(const key& k, const toml::node& value, std::string* to) {
  auto text = value.value<std::string>();
  if (const auto* number = value.as_integer(); number && k.numeral)
    text = std::to_string(number->get());
  if (!text && k.numeral)
    return k.misnomer(as_written(value));
  if (!text)
    return k.choices.empty()
               ? "is not text in quotes"
               : fmt::format("is not one of {}", fmt::join(k.choices, ", "));
  auto wrong = misnomer(k, *text);
  if (wrong.empty())
    *to = *text;
  return wrong;
}

std::string store(const key&, const toml::node& value, bool* to) {
  auto truth = value.as_boolean();
  if (!truth)
    return "is not true or false";
  *to = truth->get();
  return {};
}

std::string store(
    const key& k, const toml::node& value, std::vector<std::string>* to) {
  constexpr std::size_t most = 65;
  auto array = value.as_array();
  if (!array || array->size() > most)
    return k.name == "switch"
               ? "is not a list, like [\"version 12: rule=fedbuff buffer=5\"]"
               : "is not a list of devices, like [\"cpu\", \"cuda:0\"]";
  std::vector<std::string> words;
  for (const auto& element : *array) {
    auto word = element.value<std::string>();
    auto wrong = word ? misnomer(k, *word) : "is not text in quotes";
    if (!wrong.empty())
      return fmt::format("has {}, which {}", as_written(element), wrong);
    if (std::find(words.begin(), words.end(), *word) != words.end())
      return fmt::format("has {} twice", as_written(element));
    words.push_back(*word);
  }
  *to = std::move(words);
  return {};
}

std::string store(const key& k, const toml::node& value, slot_counts* to) {
  auto fits = [&](const toml::node& x) {
    return x.is_integer() && k.numbers.holds(x.as_integer()->get());
  };
  auto some = value.as_table();
  auto is_auto = value.value<std::string>() == "auto";
  if (!some && !is_auto && !fits(value))
    return fmt::format("is not a whole number {}, nor one a device, like "
                       "{{cpu = 2, \"cuda:0\" = 4}}, nor \"auto\"",
        k.numbers.text());
  slot_counts read;
  if (is_auto)
    *to = read;
  else if (!some)
    read.each = static_cast<std::uint64_t>(value.as_integer()->get());
  else
    for (const auto& [name, count] : *some) {
      auto label = legible(name.str());
      auto wrong = misnomer(k, name.str());
      if (!wrong.empty())
        return fmt::format("has {}, which {}", label, wrong);
      if (!fits(count))
        return fmt::format("has {} = {}, which is not a whole number {}", label,
            as_written(count), k.numbers.text());
      read.named[std::string{name.str()}] =
          static_cast<std::uint64_t>(count.as_integer()->get());
    }
  *to = std::move(read);
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
    if (!number || !k.numbers.holds(number->get()))
      return fmt::format("has {}, which is not a whole number {}",
          as_written(element), k.numbers.text());
    numbers.push_back(static_cast<std::size_t>(number->get()));
  }
  *to = std::move(numbers);
  return {};
}

// Exact: a double is not, for integers beyond 2^53.
long double as_number(const toml::node& value) {
  if (auto integer = value.as_integer())
    return integer->get();
  auto real = value.as_floating_point();
  return real ? real->get() : std::nan("");
}

std::string store(
    const key& k, const toml::node& value, std::vector<double>* to) {
  constexpr std::size_t count = 2;
  auto array = value.as_array();
  if (!array || array->size() != count)
    return fmt::format("is not a list of {} numbers, like {}", count,
        k.value(configuration{}));
  std::vector<double> numbers;
  for (const auto& element : *array) {
    if (!k.numbers.holds(as_number(element)))
      return fmt::format("has {}, which is not a number {}",
          as_written(element), k.numbers.text());
    numbers.push_back(static_cast<double>(as_number(element)));
  }
  *to = std::move(numbers);
  return {};
}

template <class Number>
std::string store(const key& k, const toml::node& value, Number* to) {
  constexpr bool whole = std::is_integral_v<Number>;
  auto kind = whole ? "a whole number" : "a number";
  auto fits = whole ? value.is_integer() : value.is_number();
  auto number = as_number(value);
  if (!fits || !k.numbers.holds(number))
    return fmt::format("is not {} {}", kind, k.numbers.text());
  if constexpr (whole) {
    *to = static_cast<Number>(value.as_integer()->get());
  } else {
    auto rounded = static_cast<Number>(number);
    if (!k.numbers.holds(rounded))
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
