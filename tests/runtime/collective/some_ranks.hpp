#pragma once

#include <atomic>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "runtime/cluster/certificates.hpp"
#include "runtime/collective/channel_group.hpp"
#include "runtime/collective/meeting.hpp"
#include "runtime/collective/memory_wire.hpp"
#include "tests/runtime/scratch_directory.hpp"

namespace troupe::tests {

/// What joins the ranks of a test: threads all of them, but only those of
/// `process` know of it.
enum class joined_by { process, memory, tcp, tls };

inline constexpr joined_by all_wires[]{
    joined_by::process, joined_by::memory, joined_by::tcp, joined_by::tls};

inline const char* to_string(joined_by how) {
  return how == joined_by::process  ? "process"
         : how == joined_by::memory ? "memory"
         : how == joined_by::tcp    ? "tcp"
                                    : "tls";
}

/// Made once, for all tests of a program.
inline const collective::credentials& common_credentials() {
  static const auto made = [] {
    const scratch_directory place;
    cluster::certificates::init(place / "certs");
    return collective::credentials_in(place / "certs");
  }();
  return made;
}

/// Calls `act` with each rank's group, on a thread of its own; gives what each
/// one threw, or nothing.
inline std::vector<std::string> on_ranks(joined_by how, std::uint32_t ranks,
    const std::function<void(collective::group&)>& act,
    std::chrono::milliseconds silence = std::chrono::seconds{60}) {
  collective::appointment when{std::chrono::seconds{60}};
  if (how == joined_by::tls)
    when.by = common_credentials();
  std::vector<std::unique_ptr<collective::wire>> within;
  if (how == joined_by::process)
    within = collective::wires_within_process(ranks);
  collective::meeting_place place{"127.0.0.1:0"};
  std::vector<std::string> said(ranks);
  std::vector<std::thread> threads;
  for (std::uint32_t r = 0; r < ranks; ++r)
    threads.emplace_back([&, r] {
      try {
        auto wire =
            how == joined_by::process ? std::move(within[r])
            : r > 0 ? collective::meet(place.address(), r, ranks, when)
                    : collective::meet_as_first(place, ranks,
                          how == joined_by::memory ? collective::medium::memory
                                                   : collective::medium::tcp,
                          when);
        collective::channel_group here{std::move(wire), silence};
        act(here);
      } catch (const std::exception& error) {
        said[r] = error.what();
      }
    });
  for (auto& each : threads)
    each.join();
  return said;
}

} // namespace troupe::tests
