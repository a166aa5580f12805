#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocols/time.hpp"

namespace troupe::membership {

/// What becomes of a run that has waited for nodes as long as it could.
enum class resort : std::uint8_t {
  fail,
  interrupt, ///< as a person would; it can be taken up
  go_on,     ///< with those who are there
};

/// "fail" and so on.
const char* to_string(resort how) noexcept;
std::optional<resort> to_resort(std::string_view text) noexcept;

struct quorum_options {
  std::size_t wanted = 0; ///< nodes, to begin; 0: none is
  std::size_t least = 0;  ///< from then on; not more than these
  duration patience{};    ///< with fewer
  resort then = resort::fail;
};

/// Whether so many nodes take part that a run hands out leases, first and then
/// again, and what comes of it if not:
///
///     begin ──► short ──────so many are there─────► whole
///                 │  ◄──────one of them goes───────── ▲
///                 │                                   │
///                 └──patience is over─┬─── go_on ─────┘
///                                     └─── fail, interrupt: spent
///
/// Time runs from when there were too few, whoever comes and goes meanwhile.
/// Whoever drains is gone. A value: knows no clock and no actor.
class quorum {
public:
  explicit quorum(quorum_options how = {}) : how_(how), needed_(how.wanted) {}

  /// From now on it looks for nodes; some may be there.
  void begin(instant now);
  void joined(const std::string& node, instant now);
  void gone(const std::string& node, instant now);

  /// Leases may be handed out.
  bool holds() const noexcept { return is_ == state::whole; }
  /// The end of its patience, once: what is to be done then.
  std::optional<resort> wake(instant now);
  std::optional<instant> due() const noexcept { return due_; }

  struct news {
    bool holds = false;
    std::size_t have = 0;
    std::size_t wanted = 0;
    std::string whom{}; ///< who were there and are gone, the last ones

    friend bool operator==(const news&, const news&) = default;
  };
  /// What is to be told since this was last asked.
  std::optional<news> take_news() { return std::exchange(news_, std::nullopt); }
  /// How it stands.
  news now() const;

protected:
  enum class state : std::uint8_t { idle, shorthanded, whole, spent };

  void look(instant now);
  void tell();

  quorum_options how_;
  std::size_t needed_; ///< now
  state is_ = state::idle;
  std::set<std::string> there_;
  std::vector<std::string> missed_; ///< in the order in which they went
  std::optional<instant> due_;
  std::optional<news> news_;
};

} // namespace troupe::membership
