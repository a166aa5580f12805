// One rank of several processes, for ranks_test.cpp: does one operation after
// the other until it fails, and says why.
//
//     ranks HOST:PORT RANK RANKS tcp|memory|tls:DIR OPERATION COUNT TIMES
//
// TIMES 0: for ever. Rank 0 says "at HOST:PORT" first; each says "begun" when
// its first operation is through.
#include "runtime/collective/channel_group.hpp"
#include "runtime/collective/meeting.hpp"
#include "runtime/collective/trial.hpp"

#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>

namespace {

using namespace troupe::collective;

void act(group& on, const std::string& operation, std::size_t count,
    std::size_t times) {
  task what{operation_named(operation).value(), algorithm::direct, on.ranks(),
      count, 0, 1};
  for (std::size_t i = 0; times == 0 || i < times; ++i) {
    // Every algorithm that there is, in turn.
    do
      what.how = static_cast<algorithm>(
          (static_cast<unsigned>(what.how) + 1) % algorithms);
    while (
        !defined(what.kind, what.how) && what.kind != operation_kind::transfer);
    if (const auto wrong = tried(on, what, i % 2 == 0, i); !wrong.empty())
      throw std::runtime_error{wrong};
    if (i == 0)
      std::cout << "begun" << std::endl;
  }
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 8)
    return 2;
  const std::string address = argv[1];
  const auto rank = static_cast<std::uint32_t>(std::atoi(argv[2]));
  const auto ranks = static_cast<std::uint32_t>(std::atoi(argv[3]));
  const std::string over = argv[4];
  const bool memory = over == "memory";
  try {
    appointment when{std::chrono::seconds{60}};
    if (over.starts_with("tls:"))
      when.by = credentials_in(over.substr(4));
    std::unique_ptr<wire> joined;
    if (rank == 0) {
      meeting_place place{address};
      std::cout << "at " << place.address() << std::endl;
      joined = meet_as_first(
          place, ranks, memory ? medium::memory : medium::tcp, when);
    } else {
      joined = meet(address, rank, ranks, when);
    }
    channel_group on{std::move(joined)};
    act(on, argv[5], static_cast<std::size_t>(std::atoll(argv[6])),
        static_cast<std::size_t>(std::atoll(argv[7])));
  } catch (const std::exception& error) {
    std::cout << "failed: " << error.what() << std::endl;
    return 1;
  }
  return 0;
}
