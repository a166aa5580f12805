#include "tests/protocols/pipeline/referee.hpp"

#include <algorithm>

namespace troupe::pipeline::tests {
namespace {

using enum phase;
using kind = work::kind;

std::uint32_t stage_of(const plan& x, std::uint32_t rank, std::uint32_t chunk) {
  return chunk * x.ranks + rank;
}

} // namespace

// The first stage's activations are its data.
referee::referee(const plan& of)
    : of_(of), phases_(of.stages() * all(), away), updates_(of.ranks) {
  std::fill_n(phases_.begin(), all(), here);
}

void referee::begin(std::uint32_t rank, const work& what) {
  if (what.what == kind::update)
    return check_update(rank, what);
  check_weights(rank, what);
  if (what.what == kind::forward)
    step(rank, what, here, goes_forward);
  else if (what.what == kind::backward) {
    check_order(rank, what);
    step(rank, what, gradient_here, goes_backward);
  } else
    step(rank, what, went_backward, weighed);
  check_room(rank);
}

void referee::finish(std::uint32_t rank, const work& what) {
  if (what.what == kind::update)
    ++updates_[rank];
  else if (what.what == kind::forward) {
    step(rank, what, goes_forward, went_forward);
    if (stage_of(of_, rank, what.chunk) + 1 == of_.stages())
      step(rank, what, went_forward, gradient_here);
  } else if (what.what == kind::backward)
    step(rank, what, goes_backward, of_.split() ? went_backward : done);
  else
    step(rank, what, weighed, done);
}

void referee::leave(const message& what) {
  const bool forth = what.what == message::kind::activation;
  step(what.rank, {kind::forward, what.chunk, what.micro_batch},
      forth ? away : went_forward, forth ? sent : answered);
  check_room(what.rank);
}

void referee::arrive(const message& what) {
  const bool forth = what.what == message::kind::activation;
  step(what.rank, {kind::forward, what.chunk, what.micro_batch},
      forth ? sent : answered, forth ? here : gradient_here);
}

std::vector<message> referee::under_way() const {
  std::vector<message> result;
  for (std::uint32_t s = 0; s < of_.stages(); ++s)
    for (std::uint64_t i = 0; i < all(); ++i)
      if (at(s, i) == sent || at(s, i) == answered)
        result.push_back({at(s, i) == sent ? message::kind::activation
                                           : message::kind::gradient,
            s % of_.ranks, s / of_.ranks, i});
  return result;
}

bool referee::has_more_room(const message& gradient) const {
  const auto s = stage_of(of_, gradient.rank, gradient.chunk);
  const auto used = count(s, s == 0 ? goes_forward : sent, goes_backward) +
                    count(s, gradient_here, gradient_here);
  return used < credits_of(of_, gradient.rank, gradient.chunk);
}

bool referee::complete() const {
  return std::ranges::all_of(phases_, [](phase x) { return x == done; }) &&
         std::ranges::all_of(
             updates_, [this](auto x) { return x == of_.steps; });
}

std::string referee::digest() const {
  std::string text;
  for (auto each : phases_)
    text += static_cast<char>(each);
  for (auto each : updates_)
    text += static_cast<char>(each);
  return text;
}

phase& referee::at(std::uint32_t stage, std::uint64_t micro_batch) {
  return phases_[stage * all() + micro_batch];
}

phase referee::at(std::uint32_t stage, std::uint64_t micro_batch) const {
  return phases_[stage * all() + micro_batch];
}

std::uint64_t referee::count(
    std::uint32_t stage, phase first, phase last) const {
  std::uint64_t result = 0;
  for (std::uint64_t i = 0; i < all(); ++i)
    result += at(stage, i) >= first && at(stage, i) <= last;
  return result;
}

void referee::step(std::uint32_t rank, const work& what, phase from, phase to) {
  auto& now = at(stage_of(of_, rank, what.chunk), what.of);
  if (now != from)
    complain(rank, "takes micro-batch " + std::to_string(what.of) +
                       " from where it is not");
  now = to;
}

// The weights that it goes by are made, and not given up yet.
void referee::check_weights(std::uint32_t rank, const work& what) {
  const auto version = version_of(of_, what.of);
  if (version > updates_[rank])
    complain(rank, "begins with weights that are not made");
  if (version + of_.staleness() < updates_[rank])
    complain(rank, "begins with weights that are given up");
}

void referee::check_room(std::uint32_t rank) {
  std::uint64_t held = 0;
  std::uint64_t kept = 0;
  for (std::uint32_t chunk = 0; chunk < of_.chunks; ++chunk) {
    const auto s = stage_of(of_, rank, chunk);
    const auto traces = count(s, goes_forward, goes_backward);
    if (traces > traces_of(of_, rank, chunk))
      complain(rank, "has " + std::to_string(traces) + " traces of a chunk");
    if (s > 0 && count(s, sent, goes_backward) > credits_of(of_, rank, chunk))
      complain(rank, "is sent more than it has credits");
    held += traces;
    kept += count(s, went_backward, weighed);
  }
  if (held > most_held(of_, rank))
    complain(rank, "holds " + std::to_string(held) + " traces");
  if (of_.split() && held + kept > most_kept(of_, rank))
    complain(rank, "keeps " + std::to_string(held + kept));
}

void referee::check_order(std::uint32_t rank, const work& what) {
  std::uint64_t before = 0;
  for (std::uint32_t chunk = 0; chunk < of_.chunks; ++chunk)
    before += count(stage_of(of_, rank, chunk), goes_backward, done);
  if (before != backward_position(of_, {what.chunk, what.of}))
    complain(rank, "adds gradients in another order");
}

void referee::check_update(std::uint32_t rank, const work& what) {
  if (what.of != updates_[rank])
    complain(rank, "updates out of turn");
  for (std::uint32_t chunk = 0; chunk < of_.chunks; ++chunk)
    for (std::uint64_t i = 0; i < of_.micro_batches; ++i)
      if (at(stage_of(of_, rank, chunk), what.of * of_.micro_batches + i) !=
          done)
        complain(rank, "updates by a gradient that is not whole");
}

void referee::complain(std::uint32_t rank, const std::string& what) {
  if (fault_.empty())
    fault_ = "rank " + std::to_string(rank) + ' ' + what;
}

} // namespace troupe::pipeline::tests
