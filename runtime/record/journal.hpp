#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/facts.hpp"

namespace troupe {

/// The journal `facts.jsonl`: JSON objects, one a line, in the facts' order:
///
///     {"fact":"published","number":42,"at":1.25,"version":3,...}
///     {"fact":"accepted","number":43,"count":2,"at":1.26,"lease":[7,8],...}
///
/// `number` is that of the line's first fact, `at` its time in seconds since
/// the process began the run. A kill may tear the last line; a loss of power
/// may spoil whatever was not synced, and that ends the journal.
namespace journal {

/// Appends the lines for `batch` to `out`.
void encode(std::span<const fact> batch, std::string& out);

/// The facts of one line, without its newline. Throws `bad_line` with what is
/// wrong with it.
std::vector<fact> decode(std::string_view line);

class bad_line : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// What a journal holds.
struct contents {
  std::uint64_t last_number = 0;
  std::uint64_t sound_bytes = 0; ///< up to the end of the last whole line
  std::uint64_t torn_bytes = 0;  ///< behind it
  std::string damage; ///< why the line there is none: "line 3: not a..."
};

/// Calls `each` for every fact of a journal's text, in order, up to the first
/// line that is none or out of order, or torn; then `lost` for those facts
/// behind it that can still be told.
contents salvage(std::string_view text,
    const std::function<void(const fact&)>& each,
    const std::function<void(const fact&)>& lost);

/// The same for a journal that should be whole: a torn last line is counted and
/// left out; anything else that is not a line of a journal, or out of order,
/// throws `bad_line` naming the line.
contents scan(
    std::string_view text, const std::function<void(const fact&)>& each);

/// The facts of a journal that still hold: without those that a later `voided`
/// took back.
std::vector<fact> standing(std::string_view text);

} // namespace journal
} // namespace troupe
