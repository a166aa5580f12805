#include "monitoring/member_figures.hpp"

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "protocols/membership/decisions.hpp"

namespace troupe::monitoring {

namespace {

using membership::reason;

// Beside those of the membership: it is nobody's node, and it went before it
// could take part.
constexpr std::array more_reasons{"stranger", "not_ready"};
constexpr const char* any_other = "other";

late_gauge nodes(figure_register& to, const char* state) {
  return to.gauge("nodes",
      "Nodes by state; those who are gone as long as they "
      "are remembered.",
      {{"state", state}});
}

count_tally gone(figure_register& to, const char* how) {
  return to.tally(
      "nodes_gone_total", "Nodes that take part no more.", {{"how", how}});
}

std::vector<std::string> reasons() {
  std::vector<std::string> result;
  for (auto i = std::uint8_t{0};; ++i) {
    std::string name = membership::to_string(static_cast<reason>(i));
    if (name == "invalid")
      return result;
    result.push_back(std::move(name));
  }
}

count_tally refused(figure_register& to, const std::string& why) {
  return to.tally(
      "nodes_refused_total", "Nodes that were not let in.", {{"reason", why}});
}

} // namespace

member_figures::member_figures(figure_register& to)
    : joining_(nodes(to, "joining")),
      members_(nodes(to, "member")),
      draining_(nodes(to, "draining")),
      left_ones_(nodes(to, "left")),
      lost_ones_(nodes(to, "lost")),
      epoch_(to.gauge(
          "membership_epoch", "Changes of who is a member of the cluster.")),
      joined_(to.tally(
          "nodes_joined_total", "Nodes that came, again or at first.")),
      lost_(gone(to, "lost")),
      left_(gone(to, "left")),
      detection_(to.seconds("detection_seconds",
          "Time from the last sign of life of a node that is lost until that "
          "was noticed.")) {
  for (const auto& name : reasons())
    refused_.emplace(name, refused(to, name));
  for (const auto* name : more_reasons)
    refused_.emplace(name, refused(to, name));
  refused_.emplace(any_other, refused(to, any_other));
}

void member_figures::hear(const facts::node_joined&) {
  joined_.add();
}

void member_figures::hear(const facts::node_left& f) {
  (f.lost ? lost_ : left_).add();
  if (f.silence > 0.0)
    detection_.add(f.silence);
}

void member_figures::hear(const facts::node_changed& f) {
  joining_.set(number(f.joining));
  members_.set(number(f.members));
  draining_.set(number(f.draining));
  left_ones_.set(number(f.left));
  lost_ones_.set(number(f.lost));
  epoch_.set(number(f.epoch));
}

// Its values are a bounded set, whatever a fact says.
void member_figures::hear(const facts::node_refused& f) {
  auto at = refused_.find(f.reason);
  if (at == refused_.end())
    at = refused_.find(any_other);
  at->second.add();
}

void member_figures::flush() {
  for (auto* count : {&joined_, &lost_, &left_})
    count->flush();
  for (auto& [reason, count] : refused_)
    count.flush();
  detection_.flush();
}

} // namespace troupe::monitoring
