#include "runtime/cluster/transfer_budget.hpp"

#include <utility>

namespace troupe::cluster {

void transfer_budget::room::give_way() {
  std::call_once(given_, [this] { of_->give_back(bytes_); });
}

void transfer_budget::ask(std::uint64_t bytes, let_in then) {
  {
    std::lock_guard lock{guard_};
    line_.push_back({bytes, std::move(then)});
  }
  let_in_who_may();
}

std::uint64_t transfer_budget::held() const {
  std::lock_guard lock{guard_};
  return held_;
}

void transfer_budget::give_back(std::uint64_t bytes) {
  {
    std::lock_guard lock{guard_};
    held_ -= bytes;
  }
  let_in_who_may();
}

bool transfer_budget::may_let_in() const {
  if (line_.empty())
    return false;
  return held_ == 0 ||
         (held_ < bytes_ && line_.front().bytes <= bytes_ - held_);
}

// One thread at a time: whoever is let in may give its room back at once.
void transfer_budget::let_in_who_may() {
  std::unique_lock lock{guard_};
  if (letting_in_)
    return;
  letting_in_ = true;
  while (may_let_in()) {
    const auto next = std::move(line_.front());
    line_.pop_front();
    held_ += next.bytes;
    lock.unlock();
    next.then(std::make_shared<room>(shared_from_this(), next.bytes));
    lock.lock();
  }
  letting_in_ = false;
}

} // namespace troupe::cluster
