#include "runtime/cli/command.hpp"
#include "runtime/cli/ranks.hpp"
#include "runtime/cli/text_table.hpp"
#include "runtime/collective/trial.hpp"

#include <fmt/format.h>

#include <ostream>

namespace troupe::cli {

namespace {

using collective::group;
using collective::operation_kind;

constexpr std::uint32_t ranks = 3;
constexpr std::size_t count = 10'007;

// One cell: every algorithm of the operation, in and out of place; empty if it
// is right at all ranks.
std::string tried_at_all(group& on, operation_kind kind) {
  std::string wrong;
  std::uint64_t salt = 0;
  for (std::uint8_t h = 0; h < collective::algorithms; ++h) {
    const auto how = static_cast<collective::algorithm>(h);
    const bool once = kind == operation_kind::transfer && h == 0;
    if (!collective::defined(kind, how) && !once)
      continue;
    for (bool in_place : {false, true})
      if (auto said =
              tried(on, {kind, how, ranks, count, 1, 1}, in_place, ++salt);
          wrong.empty())
        wrong = said;
  }
  std::int64_t bad = wrong.empty() ? 0 : 1;
  on.all_reduce(
      std::span<const std::int64_t>{&bad, 1}, std::span<std::int64_t>{&bad, 1});
  return bad == 0 ? "" : wrong.empty() ? "wrong at another rank" : wrong;
}

using column = std::vector<std::string>;

void try_all(group& on, column& into) {
  for (std::uint8_t k = 0; k < collective::operation_kinds; ++k)
    into[k] = tried_at_all(on, static_cast<operation_kind>(k));
}

column tried_over(const std::string& wire) {
  column result(collective::operation_kinds, "was not reached");
  ranks_wanted wanted;
  wanted.ranks = ranks;
  wanted.wire = wire;
  wanted.words = {"backends", "--wire", wire};
  try {
    on_ranks(wanted, [&](group& on) {
      column unread(collective::operation_kinds);
      try_all(on, on.rank() == 0 ? result : unread);
    });
  } catch (const std::exception& error) {
    for (auto& each : result)
      if (each == "was not reached")
        each = error.what();
  }
  return result;
}

struct absent {
  std::string_view wire;
  std::string_view why;
};

// What has no channel or no group here yet is said, not left out.
constexpr absent missing[]{
    {"ucx", "groups have no channel over UCX yet"},
    {"mpi", "groups by MPI are not there yet"},
    {"nccl", "NCCL serves the ensembles of GPUs, not groups yet"},
    {"gpu", "memory of a GPU goes through no host wire yet"},
};

} // namespace

int backends(const arguments& given, console& to) {
  if (given.has("rank")) { // of the ranks of one column
    auto wanted = ranks_of(given, ranks);
    column unread(collective::operation_kinds);
    on_ranks(wanted, [&](group& on) { try_all(on, unread); });
    return done;
  }
  std::vector<column> columns;
  for (const auto& each : wires)
    columns.push_back(tried_over(std::string{each}));
  text_table table{1};
  text_table::cells head{"operation"};
  head.insert(head.end(), wires.begin(), wires.end());
  for (const auto& each : missing)
    head.emplace_back(each.wire);
  table.add(head);
  std::string troubles;
  for (std::uint8_t k = 0; k < collective::operation_kinds; ++k) {
    const auto kind = static_cast<operation_kind>(k);
    const std::string name = kind == operation_kind::transfer
                                 ? "send, receive"
                                 : collective::to_string(kind);
    text_table::cells line{name};
    for (std::size_t i = 0; i < columns.size(); ++i) {
      line.push_back(columns[i][k].empty() ? "ok" : "failed");
      if (!columns[i][k].empty())
        troubles +=
            fmt::format("{} over {}: {}\n", name, wires[i], columns[i][k]);
    }
    line.insert(line.end(), std::size(missing), "-");
    table.add(line);
  }
  to.out << fmt::format("Each cell was run by {} ranks, in every way that the "
                        "operation has.\n\n",
                ranks)
         << table.text() << "\n";
  for (const auto& each : missing)
    to.out << fmt::format("{:<8} {}\n", each.wire, each.why);
  to.err << troubles;
  return troubles.empty() ? done : failed;
}

} // namespace troupe::cli
