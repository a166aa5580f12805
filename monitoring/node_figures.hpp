#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "monitoring/scrape.hpp"

namespace troupe::monitoring {

/// What a node that lends its machine tells Prometheus of itself; all are named
/// `troupe_node_...`:
///
///     info{name,coordinator}         1
///     link{state}                    1 for the state that it is in: dialling,
///                                    joining or serving
///     dials_total{outcome}           answered, unanswered
///     sessions_total{how}            begun, ended in order, lost
///     slots{state="busy|idle"}       while it serves
///     updates_total{outcome}         trained, failed
///     samples_total                  of those that were trained
///     training_seconds               histogram
///
/// Any thread.
class node_figures {
public:
  enum class link : std::uint8_t { dialling, joining, serving };

  node_figures();
  ~node_figures();

  void named(const std::string& name, const std::string& coordinator);
  void is(link state);
  void dialled(bool answered) noexcept;
  void session_begun() noexcept;
  void session_over(bool lost) noexcept;
  void slots(std::uint64_t busy, std::uint64_t all);
  void trained(std::uint64_t samples, double seconds) noexcept;
  void failed() noexcept;

  /// For an exposer; it outlives this object.
  std::shared_ptr<prometheus::Collectable> collectable() const;

private:
  struct figures;
  mutable std::mutex guard_; ///< of those that come and change
  std::unique_ptr<figures> figures_;
};

} // namespace troupe::monitoring
