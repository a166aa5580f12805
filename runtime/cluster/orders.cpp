#include "runtime/cluster/orders.hpp"

#include "gpu/aggregation/delta.hpp"
#include "runtime/cluster/courier_errc.hpp"
#include "runtime/cluster/crc32c.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace troupe::cluster {
namespace {

[[noreturn]] void refuse(courier_errc why, const parcel& what) {
  throw std::system_error(why, to_string(what));
}

// NaN stays.
float larger(float a, float b) noexcept {
  return std::isnan(a) || a > b ? a : b;
}

} // namespace

void orders::fetch(const tensor& what, std::uint64_t most_bytes, done then) {
  if (what.id == 0)
    return then(nullptr, 0, courier_errc::not_lent);
  if (what.count > most_bytes / sizeof(float))
    return then(nullptr, 0, courier_errc::too_large);
  auto [one, is_new] = orders_.try_emplace(what.id);
  if (is_new) {
    one->second.bytes = what.count * sizeof(float);
    waiting_.push_back(what.id);
  } else if (one->second.bytes != what.count * sizeof(float)) {
    return then(nullptr, 0, courier_errc::size_differs);
  }
  one->second.waiters.push_back(std::move(then));
}

void orders::cancel(tensor_id id) {
  auto found = orders_.find(id);
  if (found == orders_.end())
    return;
  if (found->second.is == state::waiting) {
    std::erase(waiting_, id);
    return finish(found, courier_errc::cancelled);
  }
  if (found->second.is == state::asked) {
    found->second.is = state::stopping;
    found->second.to.reset();
    stops_.push_back(id);
  }
  for (auto& waiter : std::exchange(found->second.waiters, {}))
    waiter(nullptr, 0, courier_errc::cancelled);
}

void orders::cancel_all() {
  for (auto& [id, one] : std::exchange(orders_, {}))
    for (auto& waiter : one.waiters)
      waiter(nullptr, 0, courier_errc::cancelled);
}

std::optional<parcel> orders::next() {
  if (!stops_.empty()) {
    const auto id = stops_.front();
    stops_.pop_front();
    return parcel{.what = parcel::kind::stop, .id = id};
  }
  if (waiting_.empty() || asked_ == parcel::most_fetches)
    return std::nullopt;
  const auto id = waiting_.front();
  waiting_.pop_front();
  auto& one = orders_.at(id);
  one.is = state::asked;
  ++asked_;
  return parcel{parcel::kind::fetch, 0, id, one.accepted, one.bytes};
}

orders::place orders::expect(const parcel& chunk) {
  auto found = find_asked(chunk);
  auto& one = found->second;
  if (chunk.offset != one.accepted || chunk.length > one.bytes - one.accepted ||
      (chunk.length == 0 && one.bytes > 0))
    refuse(courier_errc::out_of_place, chunk);
  try {
    if (one.is == state::stopping) { // nobody wants them
      auto aside = std::make_shared<gpu::buffer>(chunk.length / sizeof(float));
      return {aside, std::as_writable_bytes(aside->span())};
    }
    if (!one.to)
      one.to = std::make_shared<gpu::buffer>(one.bytes / sizeof(float));
  } catch (const std::bad_alloc&) {
    const auto why = std::make_error_code(std::errc::not_enough_memory);
    finish(found, why);
    throw std::system_error(why, to_string(chunk));
  }
  return {one.to, std::as_writable_bytes(one.to->span())
                      .subspan(chunk.offset, chunk.length)};
}

void orders::accept(const parcel& chunk) {
  auto found = find_asked(chunk);
  auto& one = found->second;
  if (one.is == state::asked) {
    const auto values = std::as_const(*one.to).span().subspan(
        chunk.offset / sizeof(float), chunk.length / sizeof(float));
    if (crc32c(std::as_bytes(values)) != chunk.checksum)
      refuse(courier_errc::corrupted, chunk);
    one.largest = larger(one.largest, gpu::largest_magnitude(host_, values));
  }
  one.accepted += chunk.length;
  if (one.accepted < one.bytes)
    return;
  if (one.is == state::asked)
    return finish(found, {});
  again(found);
}

void orders::gone(const parcel& answer) {
  auto found = find_asked(answer);
  if (found->second.is == state::asked)
    return finish(found, courier_errc::gone);
  again(found);
}

void orders::broken() {
  stops_.clear();
  for (auto at = orders_.begin(); at != orders_.end();) {
    auto here = at++;
    if (here->second.is == state::stopping) {
      again(here);
    } else if (here->second.is == state::asked) {
      here->second.is = state::waiting;
      waiting_.push_front(here->first);
    }
  }
  asked_ = 0;
}

orders::entry orders::find_asked(const parcel& answer) {
  auto found = orders_.find(answer.id);
  if (found == orders_.end() || found->second.is == state::waiting)
    refuse(courier_errc::not_asked, answer);
  return found;
}

void orders::finish(entry which, std::error_code how) {
  auto one = std::move(which->second);
  orders_.erase(which);
  if (one.is != state::waiting)
    --asked_;
  const gpu::shared_buffer whole = how ? nullptr : std::move(one.to);
  for (auto& waiter : one.waiters)
    waiter(whole, how ? 0 : one.largest, how);
}

// The other end is through with it; whoever asked since begins anew.
void orders::again(entry which) {
  --asked_;
  if (which->second.waiters.empty()) {
    orders_.erase(which);
    return;
  }
  waiting_.push_back(which->first);
  auto& one = which->second;
  order anew;
  anew.bytes = one.bytes;
  anew.waiters = std::move(one.waiters);
  one = std::move(anew);
}

} // namespace troupe::cluster
