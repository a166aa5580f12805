#include "monitoring/member_figures.hpp"

#include <algorithm>

namespace troupe::monitoring {

namespace {

count_tally gone(figure_register& to, const char* how) {
  return to.tally(
      "nodes_gone_total", "Nodes that take part no more.", {{"how", how}});
}

} // namespace

member_figures::member_figures(figure_register& to)
    : nodes_(to.gauge("nodes", "Nodes that take part.")),
      epoch_(to.gauge(
          "membership_epoch", "Changes of who is a member of the cluster.")),
      joined_(to.tally(
          "nodes_joined_total", "Nodes that came, again or at first.")),
      lost_(gone(to, "lost")),
      left_(gone(to, "left")) {}

void member_figures::hear(const facts::node_joined& f) {
  joined_.add();
  nodes_.set(number(++there_));
  epoch_.set(number(f.epoch));
}

void member_figures::hear(const facts::node_left& f) {
  (f.lost ? lost_ : left_).add();
  there_ -= std::min<std::uint64_t>(there_, 1);
  nodes_.set(number(there_));
  epoch_.set(number(f.epoch));
}

void member_figures::flush() {
  for (auto* count : {&joined_, &lost_, &left_})
    count->flush();
}

} // namespace troupe::monitoring
