#pragma once

#include "runtime/configuration/configuration.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace troupe {

/// Where a configuration keeps one key's value.
using cell = std::variant<std::string*, bool*, std::uint64_t*, std::uint32_t*,
    double*, float*, std::vector<std::size_t>*, std::vector<double>*,
    std::vector<std::string>*, slot_counts*>;

/// The numbers that a key takes; either end may be left out.
struct range {
  double low = 0.0;
  double high = std::numeric_limits<double>::infinity();
  bool above_low = false;  ///< low itself is out
  bool below_high = false; ///< high itself is out

  /// False for NaN. Exact for every 64-bit integer, unlike a double.
  bool holds(long double number) const noexcept;
  /// "from 0 to 1", "from above 0 up", "from 0 to below 1".
  std::string text() const;
};

/// Which kind of topology makes use of a key.
enum class topology_kind : std::uint8_t { any, federation, mesh };

/// One key of the configuration: all that reading, checking, printing and
/// helping need to know of it.
struct key {
  std::string_view section;
  std::string_view name;
  std::function<cell(configuration&)> in;
  std::string meaning;     ///< one line
  bool alters_bits = true; ///< of a published model
  range numbers{};
  std::span<const std::string_view> choices{}; ///< of a string; none: any
  /// Instead of choices: why a word is none that this key takes, said behind
  /// it; empty if it is one.
  std::string (*misnomer)(std::string_view) = nullptr;
  /// Whether a configuration makes use of this key; none: every one does.
  std::function<bool(const configuration&)> used{};
  /// What to set so that it does: `model.kind = "mlp"`.
  std::string used_with{};
  topology_kind of = topology_kind::any;
  /// Where it alters no bits after all, though `alters_bits`; none: nowhere.
  std::function<bool(const configuration&)> spares_bits{};
  /// Its word may be a whole number, which stands without quotes.
  bool numeral = false;

  std::string path() const; ///< "client.lr"
  /// Whether `what` is of a kind that makes use of this key.
  bool fits_kind(const configuration& what) const noexcept;
  /// Whether `what` makes use of this key.
  bool applies(const configuration& what) const;
  /// The key's value in `what`, as TOML.
  std::string value(const configuration& what) const;
};

/// Every key, in the order of printing; keys of one section stand together.
std::span<const key> keys() noexcept;

/// Null if there is no such key.
const key* find_key(std::string_view section, std::string_view name) noexcept;

/// Why `word` is none that `k` takes, said behind it: "is not one of a, b (did
/// you mean a?)". Empty if it is one.
std::string misnomer(const key& k, std::string_view word);

/// "a, b or c"
std::string either(const std::vector<std::string_view>& words);

/// Digits and nothing else.
bool is_numeral(std::string_view word);

/// `text` as a basic TOML string, quotes included.
std::string toml_string(std::string_view text);

/// A number that TOML reads as a float, the shortest that gives the same bits.
std::string toml_number(double number);

} // namespace troupe
