#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <string>
#include <type_traits>

#include <caf/error.hpp>
#include <caf/string_view.hpp>

#include "protocols/errc.hpp"

// Fields of what travels or is saved, for the bodies of `inspect`, where the
// form that CAF 0.18 gives them does not hold: of a subnormal number it makes
// a huge one, it knows one NaN, and an error of its own names a type that
// whoever reads it has to know, or ends.

namespace troupe {

/// A number that travels as its bits, and prints as what it is.
template <std::floating_point Number>
struct exact {
  using bits = std::conditional_t<sizeof(Number) == sizeof(std::uint32_t),
      std::uint32_t, std::uint64_t>;
  static_assert(sizeof(bits) == sizeof(Number));

  Number value{};

  template <class Inspector>
  friend bool inspect(Inspector& f, exact& x) {
    if (f.has_human_readable_format())
      return f.apply(x.value);
    return f.apply([&x] { return std::bit_cast<bits>(x.value); },
        [&x](bits b) {
          x.value = std::bit_cast<Number>(b);
          return true;
        });
  }
};

/// A field of a number, every bit of which is kept.
template <class Inspector, std::floating_point Number>
auto exactly(Inspector& f, caf::string_view name, Number& x) {
  return f.field(
      name, [&x] { return exact<Number>{x}; },
      [&x](exact<Number> read) {
        x = read.value;
        return true;
      });
}

/// What of an error leaves the process: a code of ours, and its text.
struct told_error {
  static constexpr std::size_t longest = 4096; ///< bytes of a text

  errc code = errc::none;
  std::string text;

  told_error() = default;
  /// An error of another kind than ours is told as one of `otherwise`, with its
  /// own text; one that is too long is cut.
  told_error(const caf::error& x, errc otherwise);
  caf::error error() const;

  /// False for a code that is not known here.
  template <class Inspector>
  friend bool inspect(Inspector& f, told_error& x) {
    return f.object(x).fields(f.field("code", x.code), f.field("text", x.text));
  }
};

/// A field of an error, or none.
template <class Inspector>
auto told(Inspector& f, caf::string_view name, caf::error& x, errc otherwise) {
  return f.field(
      name,
      [&x, otherwise] {
        return told_error{x, otherwise};
      },
      [&x](const told_error& read) {
        x = read.error();
        return true;
      });
}

} // namespace troupe
