#include "protocols/collective/schedule.hpp"

#include <algorithm>

namespace troupe::collective {
namespace {

constexpr std::size_t line = 16; // elements that parts are cut at

std::string text(const range& x) {
  return '[' + std::to_string(x.begin) + ", " + std::to_string(x.end) + ')';
}

std::string text(const step& x) {
  std::string result = to_string(x.what);
  if (!x.part.empty())
    result += ' ' + text(x.part);
  if (!x.of.empty())
    result += " of the sum of " + std::to_string(x.of.begin) + ".." +
              std::to_string(x.of.end - 1);
  return result + (x.what == verb::send ? " to " : " from ") +
         std::to_string(x.peer);
}

bool earlier(const step& a, const step& b) {
  return a.round < b.round;
}

} // namespace

const char* to_string(verb what) noexcept {
  switch (what) {
  case verb::send:
    return "send";
  case verb::copy:
    return "copy";
  case verb::add:
    return "add";
  case verb::join:
    return "join";
  }
  return "invalid";
}

schedule blank(std::uint32_t ranks, std::size_t extent) {
  schedule result;
  result.extent = extent;
  result.ranks.resize(ranks);
  return result;
}

std::uint32_t rounds_of(const schedule& x) noexcept {
  std::uint32_t result = 0;
  for (const auto& steps : x.ranks)
    if (!steps.empty())
      result = std::max(result, steps.back().round + 1);
  return result;
}

std::size_t steps_of(const schedule& x) noexcept {
  std::size_t result = 0;
  for (const auto& steps : x.ranks)
    result += steps.size();
  return result;
}

void move(schedule& to, std::uint32_t round, std::uint32_t from,
    std::uint32_t peer, range part, verb how, node of) {
  if (part.empty())
    return;
  to.ranks[from].push_back({round, verb::send, peer, part, of});
  to.ranks[peer].push_back({round, how, from, part, of});
}

schedule then(schedule a, const schedule& b) {
  const auto rounds = rounds_of(a);
  return beside(std::move(a), b, rounds);
}

schedule beside(schedule a, const schedule& b, std::uint32_t later) {
  for (std::size_t r = 0; r < a.ranks.size(); ++r) {
    auto& steps = a.ranks[r];
    const auto middle = static_cast<std::ptrdiff_t>(steps.size());
    for (auto each : b.ranks[r]) {
      each.round += later;
      steps.push_back(each);
    }
    std::inplace_merge(
        steps.begin(), steps.begin() + middle, steps.end(), earlier);
  }
  return a;
}

schedule reversed(const schedule& x) {
  auto result = x;
  const auto rounds = rounds_of(x);
  for (auto& steps : result.ranks) {
    std::reverse(steps.begin(), steps.end());
    for (auto& each : steps) {
      each.round = rounds - 1 - each.round;
      each.what = each.what == verb::send ? verb::copy : verb::send;
      each.of = {};
    }
  }
  return result;
}

schedule emptied(schedule x) {
  for (auto& steps : x.ranks)
    for (auto& each : steps) {
      each.part = {};
      if (each.what != verb::send)
        each.what = verb::copy;
    }
  x.extent = 0;
  return x;
}

std::vector<range> divided(std::size_t count, std::size_t parts) {
  const auto unit = count >= 4 * line * parts ? line : 1;
  std::vector<range> result;
  std::size_t begin = 0;
  for (std::size_t i = 1; i <= parts; ++i) {
    const auto end = i == parts ? count : count / unit * i / parts * unit;
    result.push_back({begin, end});
    begin = end;
  }
  return result;
}

std::string to_text(const schedule& x) {
  std::string result;
  for (std::uint32_t round = 0; round < rounds_of(x); ++round) {
    result += "round " + std::to_string(round) + '\n';
    for (std::size_t r = 0; r < x.ranks.size(); ++r) {
      std::string said;
      for (const auto& each : x.ranks[r])
        if (each.round == round)
          said += (said.empty() ? "" : "; ") + text(each);
      if (!said.empty())
        result += "  rank " + std::to_string(r) + "  " + said + '\n';
    }
  }
  return result;
}

} // namespace troupe::collective
