#include "protocols/collective/ensemble.hpp"

#include <algorithm>

// What an ensemble says of its failures.

namespace troupe::collective {
namespace {

std::string in_seconds(duration time) {
  auto text = std::to_string(seconds(time));
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.'))
    text.pop_back();
  return text + " s";
}

} // namespace

std::string ensemble::name(member_id member) const {
  auto text = "member " + std::to_string(member);
  const auto rank = std::ranges::find(ranks_, member);
  if (rank != ranks_.end())
    text += " (rank " + std::to_string(rank - ranks_.begin()) + ')';
  return text;
}

std::string ensemble::missing_from(operation_number number) const {
  const auto& x = open_.at(number);
  std::string who;
  for (auto m : ranks_) {
    const auto& seat = seats_.at(m);
    if (number >= seat.next && !seat.ahead.contains(number))
      who += (who.empty() ? "" : ", ") + name(m);
  }
  return "operation " + std::to_string(number) + " (" + to_string(x.what) +
         ", asked for by " + name(x.first) + ") was not asked for within " +
         in_seconds(common_.operation_time) + " by " + who;
}

std::string ensemble::not_formed() const {
  std::string who;
  for (auto m : ranks_)
    if (!seats_.at(m).formed)
      who += (who.empty() ? "" : ", ") + name(m);
  return (phase_ == phase::naming
              ? "no unique id within " + in_seconds(common_.init_time) +
                    " from " + name(ranks_[0])
              : "not in the communicator within " +
                    in_seconds(common_.init_time) + ": " + who);
}

std::string ensemble::too_few(std::size_t came) const {
  return "only " + std::to_string(came) + " of " +
         std::to_string(common_.size) + " members (at least " +
         std::to_string(common_.least) + ") came within " +
         in_seconds(common_.patience);
}

} // namespace troupe::collective
