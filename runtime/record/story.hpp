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
#include "runtime/record/history.hpp"

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

/// A digest in the chain of those that processes begin with and store.
struct link {
  std::uint64_t number = 0; ///< of the fact
  bool begins = false;      ///< a process does with it
  version_id version = 0;
  std::string sha256;
  std::string before; ///< that of the link before; empty: untold
};

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
  std::map<version_id, std::uint64_t> totals; // updates up to there
  retold_history history;
  std::vector<link> links;   // void ones, too: they were true
  std::uint64_t updates = 0; // in published versions; of a mesh: samples
  std::uint64_t steps = 0;   // of updates accepted by the last process
  std::uint64_t worked = 0;  // or by the last one that accepted any
  std::uint64_t summed = 0;  // versions whose sums were compared
  std::map<client_id, version_id> first_updates; // the versions they are in
  std::optional<facts::run_ended> ended;
  std::string name;
  std::string unit; ///< of its versions
  std::string rule; ///< the last one
  std::string fingerprint;
  bool promises_bits = true; ///< nobody computed by another one

  /// What a mesh tells of itself.
  struct mesh_story {
    std::uint64_t stretches = 0;
    std::uint64_t ranks = 0;     ///< of the last composition
    std::uint64_t processes = 0; ///< that had a composition
    std::uint64_t compositions = 0;
    std::uint64_t lost = 0;  ///< ranks
    std::uint64_t again = 0; ///< steps that had been made
  } mesh;

  bool of_mesh() const noexcept { return unit == "step"; }

  version_id version() const {
    return published.empty() ? 0 : published.rbegin()->first;
  }
};

/// The facts of a journal, from which nothing was cut out. Throws
/// `journal::bad_line` or `contradiction`.
story read_story(std::string_view journal);

/// Follows the updates into the versions that they were accepted for: each
/// lease once, each version made of them, and its sum that of theirs. Of a mesh
/// it follows the steps. Throws `contradiction`.
void follow_updates(story& of);

/// Follows the steps of a mesh: each stretch begins where the one before it, or
/// a composition, left off, ranks and samples are as many as there are to be,
/// and a version comes where its steps are made.
void follow_steps(story& of);

/// Follows the versions' digests: each names the one before it, and a process
/// begins with one that was stored. Answers how many there are. Throws
/// `contradiction`.
std::size_t follow_links(const story& of);

/// "1 update", "2 updates".
std::string counted(std::uint64_t number, std::string_view what);

} // namespace troupe
