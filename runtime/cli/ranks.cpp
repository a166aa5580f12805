#include "runtime/cli/ranks.hpp"

#include "runtime/cli/numbers.hpp"
#include "runtime/collective/hall.hpp"
#include "runtime/collective/meeting.hpp"
#include "runtime/collective/memory_wire.hpp"
#include "runtime/collective/rank_processes.hpp"

#include <csignal>
#include <exception>
#include <thread>

#include <fmt/format.h>
#include <unistd.h>

namespace troupe::cli {
namespace {

using collective::channel_group;

constexpr auto patience = std::chrono::seconds{20};

// Other ranks are killed with this process; memory has no name by then.
extern "C" void end_at_once(int) {
  _exit(interrupted);
}

void on_threads(
    std::uint32_t ranks, const std::function<void(channel_group&)>& act) {
  auto wires = collective::wires_within_process(ranks);
  std::vector<std::exception_ptr> troubles(ranks);
  std::vector<std::thread> others;
  const auto run = [&](std::uint32_t r) {
    try {
      channel_group here{std::move(wires[r])};
      act(here);
    } catch (...) {
      troubles[r] = std::current_exception();
    }
  };
  for (std::uint32_t r = 1; r < ranks; ++r)
    others.emplace_back(run, r);
  run(0);
  for (auto& each : others)
    each.join();
  for (const auto& each : troubles)
    if (each)
      std::rethrow_exception(each);
}

void as_first(const ranks_wanted& wanted,
    const std::function<void(channel_group&)>& act) {
  collective::meeting_place place{
      wanted.meet.empty() ? "127.0.0.1:0" : wanted.meet};
  std::vector<std::vector<std::string>> lines;
  for (std::uint32_t r = 1; wanted.meet.empty() && r < wanted.ranks; ++r) {
    lines.push_back(wanted.words);
    lines.back().insert(lines.back().end(),
        {"--rank", std::to_string(r), "--meet", place.address()});
  }
  collective::rank_processes others{lines};
  {
    channel_group here{collective::meet_as_first(place, wanted.ranks,
        wanted.wire == "memory" ? collective::medium::memory
                                : collective::medium::tcp,
        patience)};
    act(here);
  }
  if (!others.wait())
    throw std::runtime_error{"another rank failed"};
}

} // namespace

const std::vector<option>& rank_options() {
  static const std::vector<option> all{
      {"ranks", "N", "how many ranks (default: 2)"},
      {"wire", "WIRE",
          "process (threads of one), memory (of this host) or tcp (default)"},
      {"meet", "HOST:PORT",
          "be one of ranks that are started by hand; rank 0 listens there"},
      {"rank", "R", "with --meet: which one"},
  };
  return all;
}

ranks_wanted ranks_of(const arguments& given, std::uint32_t otherwise) {
  ranks_wanted result;
  result.ranks = static_cast<std::uint32_t>(
      whole_number(given, "ranks", otherwise, 1, collective::hall::most_ranks));
  result.wire = given.value("wire", "tcp");
  if (result.wire != "process" && result.wire != "memory" &&
      result.wire != "tcp")
    throw usage_error{fmt::format(
        "--wire {} is not one of process, memory, tcp", result.wire)};
  result.meet = given.value("meet");
  result.rank = static_cast<std::uint32_t>(
      whole_number(given, "rank", 0, 0, result.ranks - 1));
  if (given.has("rank") != given.has("meet"))
    throw usage_error{"--rank and --meet go together"};
  if (!result.meet.empty() && result.wire == "process")
    throw usage_error{"--wire process is for threads of one process, so it has "
                      "no --meet"};
  return result;
}

void on_ranks(const ranks_wanted& wanted,
    const std::function<void(channel_group&)>& act) {
  std::signal(SIGINT, end_at_once);
  std::signal(SIGTERM, end_at_once);
  if (wanted.wire == "process")
    return on_threads(wanted.ranks, act);
  if (wanted.rank == 0)
    return as_first(wanted, act);
  channel_group here{
      collective::meet(wanted.meet, wanted.rank, wanted.ranks, patience)};
  act(here);
}

} // namespace troupe::cli
