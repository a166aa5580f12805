#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>

#include "protocols/parallel/messages.hpp"

namespace troupe::cluster {

/// What a run's ranks can say at most.
struct rank_limits {
  std::uint64_t values = 0; ///< of its model; of each block, too
  std::uint64_t batch = 0;  ///< samples of a step
  std::uint64_t tests = 0;  ///< samples to score
};

/// What the ranks of one node were told, and so what they may say, by seat: a
/// rank does what it is told in that order, and answers in that order. A value.
///
///     note(convene) ── note(muster) ── note(advance)… ── note(assess)…
///        convened        mustered        advanced…         assessed…
///     broken may come in between, and then nothing more of that epoch
class rank_ledger {
public:
  /// Of an answer.
  struct finding {
    bool late = false; ///< of an epoch that is over: it is dropped
    std::string fault; ///< what the node may not say; empty: it may

    explicit operator bool() const noexcept { return !late && fault.empty(); }
  };

  rank_ledger() = default;
  explicit rank_ledger(rank_limits most) : most_(most) {}

  void note(const parallel::convene& what);
  void note(const parallel::muster& what);
  void note(const parallel::advance& what);
  void note(const parallel::assess& what);
  void note(const parallel::hand_over& what);

  finding hear(const parallel::convened& what);
  finding hear(const parallel::mustered& what);
  finding hear(const parallel::advanced& what);
  finding hear(const parallel::assessed& what);
  finding hear(const parallel::handed& what);
  finding hear(const parallel::broken& what);

private:
  enum class answer : std::uint8_t {
    convened,
    mustered,
    advanced,
    assessed,
    handed
  };
  struct owed {
    answer what;
    parallel::step_id step = 0; ///< that it is about
    parallel::step_id steps = 0;
  };
  struct entry {
    parallel::epoch_id epoch = 0;
    bool opens = false;
    bool is_first = false;          ///< rank 0
    std::uint32_t ranks = 0;        ///< of its epoch
    parallel::step_id furthest = 0; ///< that it can have come
    std::deque<owed> owes{};
  };

  void note(parallel::epoch_id epoch, parallel::seat_id seat, const owed& what);
  template <class Answer>
  finding look(const Answer& what) const;
  template <class Answer>
  finding settle(const Answer& what, answer kind, owed& of);
  finding block(const tensor& what) const;

  rank_limits most_;
  std::map<parallel::seat_id, entry> seats_;
};

} // namespace troupe::cluster
