#include "protocols/membership/quorum.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace troupe::membership {
namespace {

constexpr std::array<std::string_view, 3> resorts{"fail", "interrupt", "go-on"};

// Names that are worth telling; those who went first are forgotten.
constexpr std::size_t most_missed = 8;

} // namespace

const char* to_string(resort how) noexcept {
  return resorts[static_cast<std::size_t>(how)].data();
}

std::optional<resort> to_resort(std::string_view text) noexcept {
  for (std::size_t i = 0; i < resorts.size(); ++i)
    if (resorts[i] == text)
      return static_cast<resort>(i);
  return std::nullopt;
}

// Where all are there at once, there is nothing to tell.
void quorum::begin(instant now) {
  if (is_ != state::idle)
    return;
  is_ = state::shorthanded;
  due_ = now + how_.patience;
  if (there_.size() < needed_)
    return tell();
  look(now);
  news_.reset();
}

void quorum::joined(const std::string& node, instant now) {
  if (!there_.insert(node).second)
    return;
  std::erase(missed_, node);
  look(now);
}

void quorum::gone(const std::string& node, instant now) {
  if (there_.erase(node) == 0)
    return;
  missed_.push_back(node);
  if (missed_.size() > most_missed)
    missed_.erase(missed_.begin());
  look(now);
}

void quorum::look(instant now) {
  if (is_ != state::shorthanded && is_ != state::whole)
    return;
  const auto was = is_;
  is_ = there_.size() >= needed_ ? state::whole : state::shorthanded;
  if (is_ == state::whole) {
    due_.reset();
    needed_ = how_.least;
  } else if (was == state::whole) {
    due_ = now + how_.patience;
  }
  if (is_ != state::whole || was != state::whole)
    tell();
}

std::optional<resort> quorum::wake(instant now) {
  if (!due_ || now < *due_)
    return std::nullopt;
  due_.reset();
  is_ = state::spent;
  if (how_.then == resort::go_on) {
    needed_ = how_.least = std::min(how_.least, there_.size());
    is_ = state::whole;
    tell();
  }
  return how_.then;
}

quorum::news quorum::now() const {
  news result{holds(), there_.size(), needed_, {}};
  for (const auto& each : missed_)
    result.whom += (result.whom.empty() ? "" : ", ") + each;
  return result;
}

void quorum::tell() {
  news_ = now();
}

} // namespace troupe::membership
