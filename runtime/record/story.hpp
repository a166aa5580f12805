#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "protocols/facts.hpp"
#include "protocols/ids.hpp"

namespace troupe {

/// A file that contradicts itself or another one; the text says how.
struct contradiction : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <class... Values>
void expect(
    bool holds, fmt::format_string<Values...> text, Values&&... values) {
  if (!holds)
    throw contradiction(fmt::format(text, std::forward<Values>(values)...));
}

/// What the facts say that still hold.
struct story {
  std::vector<fact> standing;
  std::uint64_t processes = 0;
  std::uint64_t facts = 0;
  std::uint64_t void_facts = 0;
  std::uint64_t torn_bytes = 0;
  std::map<version_id, std::uint64_t> published; // the fact's number
  std::map<version_id, std::string> stored;      // the digest
  std::map<version_id, facts::evaluated> scores;
  std::uint64_t updates = 0;                     // in published versions
  std::map<client_id, version_id> first_updates; // the versions they are in
  std::optional<facts::run_ended> ended;
  std::string name;
  std::string rule;
  std::string fingerprint;
  bool promises_bits = true; ///< nobody computed by another one

  version_id version() const {
    return published.empty() ? 0 : published.rbegin()->first;
  }
};

/// The facts of a journal, from which nothing was cut out. Throws
/// `journal::bad_line` or `contradiction`.
story read_story(std::string_view journal);

/// Follows the updates into the versions that they were accepted for: each
/// lease once, each version made of them. Throws `contradiction`.
void follow_updates(story& of);

/// "1 update", "2 updates".
std::string counted(std::uint64_t number, std::string_view what);

} // namespace troupe
