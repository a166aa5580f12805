#pragma once

#include <cstddef>
#include <deque>
#include <system_error>
#include <utility>

#include "runtime/cluster/channel.hpp"

namespace troupe::cluster {

/// The spans of one direction of a channel that are not done, in order.
template <class Bytes>
class lane {
public:
  bool empty() const noexcept { return jobs_.empty(); }
  std::size_t size() const noexcept { return jobs_.size(); }
  /// What is left of the i-th one.
  const Bytes& operator[](std::size_t i) const { return jobs_[i].rest; }

  void add(Bytes bytes, channel::done then) {
    jobs_.push_back({bytes, std::move(then)});
  }

  /// So many bytes, of the first ones, are through.
  void moved(std::size_t bytes) {
    while (!jobs_.empty() && bytes >= jobs_.front().rest.size()) {
      bytes -= jobs_.front().rest.size();
      finish_first({});
    }
    if (bytes > 0)
      jobs_.front().rest = jobs_.front().rest.subspan(bytes);
  }

  /// Those that are there now: what they ask for in turn fails by itself.
  void fail(std::error_code why) {
    for (auto left = jobs_.size(); left > 0; --left)
      finish_first(why);
  }

private:
  struct job {
    Bytes rest;
    channel::done then;
  };

  void finish_first(std::error_code how) {
    auto then = std::move(jobs_.front().then);
    jobs_.pop_front();
    then(how);
  }

  std::deque<job> jobs_;
};

} // namespace troupe::cluster
