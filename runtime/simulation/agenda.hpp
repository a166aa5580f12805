#pragma once

#include <cstdint>
#include <queue>
#include <tuple>
#include <vector>

#include "protocols/ids.hpp"
#include "protocols/time.hpp"

namespace troupe::simulation {

/// Something that happens beside the leases.
struct occasion {
  enum class kind : std::uint8_t { comes, goes, echo, crash };

  instant at{};
  std::uint64_t number = 0; ///< of what was put down
  kind what = kind::comes;
  client_id client = 0;
  std::uint64_t stay = 0; ///< which of the client's
};

/// Occasions by their time; those of one time in the order in which they were
/// put down. A value.
class agenda {
public:
  /// Answers with the occasion's number.
  std::uint64_t put(occasion what) {
    what.number = next_++;
    all_.push(what);
    return what.number;
  }
  const occasion* first() const { return all_.empty() ? nullptr : &all_.top(); }
  /// Requires that there is one.
  occasion take() {
    auto result = all_.top();
    all_.pop();
    return result;
  }

private:
  struct later {
    bool operator()(const occasion& a, const occasion& b) const noexcept {
      return std::tie(a.at, a.number) > std::tie(b.at, b.number);
    }
  };

  std::priority_queue<occasion, std::vector<occasion>, later> all_;
  std::uint64_t next_ = 0;
};

} // namespace troupe::simulation
