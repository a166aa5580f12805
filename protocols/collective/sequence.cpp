#include "protocols/collective/sequence.hpp"

namespace troupe::collective {

const char* to_string(outcome how) noexcept {
  switch (how) {
  case outcome::done:
    return "done";
  case outcome::old_epoch:
    return "old_epoch";
  case outcome::duplicate:
    return "duplicate";
  case outcome::aborted:
    return "aborted";
  }
  return "invalid";
}

void sequence::form(epoch_id epoch, instant now, steps& out) {
  if (epoch <= last_)
    return settle(out);
  if (live_ != 0)
    close(trouble::superseded, "epoch " + std::to_string(epoch) + " has begun",
        out);
  live_ = last_ = epoch;
  open_ = calling_ = false;
  next_ = 0;
  deadline_ = now + common_.init_time;
  out.form = epoch;
  settle(out);
}

void sequence::formed(epoch_id epoch, instant, steps& out) {
  if (epoch != live_ || live_ == 0 || open_)
    return settle(out);
  open_ = true;
  out.reports.push_back({report::kind::formed, epoch, {}});
  out.opened = epoch;
  settle(out);
}

bool sequence::submit(const order& what, instant now, steps& out) {
  if (what.epoch != live_ || live_ == 0) {
    out.answers.push_back(
        {what.epoch, what.number, outcome::old_epoch, trouble::none,
            live_ == 0 ? "no epoch is live"
                       : "epoch " + std::to_string(live_) + " is live"});
    settle(out);
    return false;
  }
  if (what.number < next_ || waiting_.contains(what.number)) {
    out.answers.push_back({what.epoch, what.number, outcome::duplicate,
        trouble::none, "this number was asked for before"});
    settle(out);
    return false;
  }
  waiting_.emplace(what.number, what.what);
  due_.emplace_back(what.number, now + common_.operation_time);
  out.declared.push_back(what);
  settle(out);
  return true;
}

void sequence::issued(
    epoch_id epoch, operation_number number, instant, steps& out) {
  if (epoch == live_ && number + 1 == next_)
    calling_ = false;
  settle(out);
}

void sequence::completed(
    epoch_id epoch, operation_number number, instant, steps& out) {
  if (epoch == live_ && flying_.erase(number) > 0)
    out.answers.push_back(
        {epoch, number, outcome::done, trouble::none, std::string{}});
  settle(out);
}

void sequence::broke(
    epoch_id epoch, const std::string& text, instant, steps& out) {
  if (epoch == live_ && live_ != 0) {
    close(trouble::failed, text, out);
    out.reports.push_back({report::kind::failed, epoch, text});
  }
  settle(out);
}

// Said again for an epoch that is over: whoever asks waits for the answer.
void sequence::dissolve(
    epoch_id epoch, trouble why, const std::string& text, instant, steps& out) {
  if (epoch == live_ && live_ != 0)
    close(why, text, out);
  if (epoch > last_)
    last_ = epoch; // a form that comes later is too late
  out.reports.push_back({report::kind::released, epoch, {}});
  settle(out);
}

void sequence::wake(instant now, steps& out) {
  forget_answered();
  std::string late;
  if (live_ != 0 && !open_ && now >= deadline_)
    late = "the communicator was not ready in time";
  else if (!due_.empty() && now >= due_.front().second)
    late = overdue(due_.front().first);
  if (!late.empty()) {
    const auto epoch = live_;
    close(
        open_ ? trouble::operation_timeout : trouble::init_timeout, late, out);
    out.reports.push_back({report::kind::failed, epoch, late});
  }
  settle(out);
}

void sequence::close(trouble why, const std::string& text, steps& out) {
  out.drop = closing{live_, why, text};
  for (const auto* orders : {&flying_, &waiting_})
    for (const auto& [number, what] : *orders)
      out.answers.push_back({live_, number, outcome::aborted, why, text});
  live_ = 0;
  flying_.clear();
  waiting_.clear();
  due_.clear();
}

void sequence::settle(steps& out) {
  if (open() && !calling_)
    issue_next(out);
  forget_answered();
  out.wake.reset();
  if (live_ != 0 && !open_)
    out.wake = deadline_;
  if (!due_.empty() && (!out.wake || due_.front().second < *out.wake))
    out.wake = due_.front().second;
}

void sequence::issue_next(steps& out) {
  auto next = waiting_.extract(next_);
  if (!next)
    return;
  out.issue = order{live_, next_, next.mapped()};
  flying_.insert(std::move(next));
  ++next_;
  calling_ = true;
}

bool sequence::answered(operation_number number) const {
  return !waiting_.contains(number) && !flying_.contains(number);
}

void sequence::forget_answered() {
  while (!due_.empty() && answered(due_.front().first))
    due_.pop_front();
}

std::string sequence::overdue(operation_number number) const {
  auto text = "operation " + std::to_string(number);
  if (const auto held = waiting_.find(number); held != waiting_.end())
    return text + " (" + to_string(held->second) + ") was held back: " +
           (calling_ ? "the communicator is not through with number " +
                           std::to_string(next_ - 1)
                     : "number " + std::to_string(next_) + " never came");
  return text + " (" + to_string(flying_.at(number)) +
         ") was issued and did not end in time";
}

} // namespace troupe::collective
