#include "runtime/cli/ranks.hpp"

#include "runtime/cli/numbers.hpp"
#include "runtime/cluster/certificates.hpp"
#include "runtime/collective/hall.hpp"
#include "runtime/collective/meeting.hpp"
#include "runtime/collective/memory_wire.hpp"
#include "runtime/collective/rank_processes.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <optional>
#include <system_error>
#include <thread>

#include <fmt/format.h>
#include <fmt/ranges.h>
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

// A directory that nobody else sees, and that is gone with this.
class own_certificates {
public:
  own_certificates() {
    auto name =
        (std::filesystem::temp_directory_path() / "troupe-XXXXXX").string();
    if (!mkdtemp(name.data()))
      throw std::system_error{errno, std::generic_category(),
          "cannot keep certificates in " + name};
    path_ = name;
    cluster::certificates::init(path_);
  }
  ~own_certificates() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  own_certificates(const own_certificates&) = delete;
  own_certificates& operator=(const own_certificates&) = delete;

  const std::filesystem::path& path() const noexcept { return path_; }

private:
  std::filesystem::path path_;
};

collective::appointment appointment_of(
    const ranks_wanted& wanted, const std::filesystem::path& certificates) {
  collective::appointment result{patience};
  if (wanted.wire == "tls")
    result.by = collective::credentials_in(certificates);
  return result;
}

std::vector<std::vector<std::string>> lines_of_others(
    const ranks_wanted& wanted, const std::string& address,
    const std::filesystem::path& certificates) {
  std::vector<std::vector<std::string>> result;
  for (std::uint32_t r = 1; wanted.meet.empty() && r < wanted.ranks; ++r) {
    auto line = wanted.words;
    line.insert(line.end(), {"--rank", std::to_string(r), "--meet", address});
    if (wanted.wire == "tls")
      line.insert(line.end(), {"--tls", certificates.string()});
    result.push_back(std::move(line));
  }
  return result;
}

void as_first(const ranks_wanted& wanted,
    const std::function<void(channel_group&)>& act) {
  collective::meeting_place place{
      wanted.meet.empty() ? "127.0.0.1:0" : wanted.meet};
  std::filesystem::path certificates = wanted.certificates;
  std::optional<own_certificates> own;
  if (wanted.wire == "tls" && certificates.empty())
    certificates = own.emplace().path();
  collective::rank_processes others{
      lines_of_others(wanted, place.address(), certificates)};
  {
    channel_group here{collective::meet_as_first(place, wanted.ranks,
        wanted.wire == "memory" ? collective::medium::memory
                                : collective::medium::tcp,
        appointment_of(wanted, certificates))};
    own.reset(); // all have read them
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
          "process (threads of one), memory (of this host), tcp (default) or "
          "tls"},
      {"tls", "DIR",
          "for --wire tls: the certificates in DIR (default: made for these "
          "ranks)"},
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
  if (std::find(wires.begin(), wires.end(), result.wire) == wires.end())
    throw usage_error{fmt::format(
        "--wire {} is not one of {}", result.wire, fmt::join(wires, ", "))};
  result.meet = given.value("meet");
  result.rank = static_cast<std::uint32_t>(
      whole_number(given, "rank", 0, 0, result.ranks - 1));
  if (given.has("rank") != given.has("meet"))
    throw usage_error{"--rank and --meet go together"};
  if (!result.meet.empty() && result.wire == "process")
    throw usage_error{"--wire process is for threads of one process, so it has "
                      "no --meet"};
  result.certificates = given.value("tls");
  if (given.has("tls") && result.wire != "tls")
    throw usage_error{"--tls goes with --wire tls"};
  if (result.wire == "tls" && !result.meet.empty() && !given.has("tls"))
    throw usage_error{"--meet over tls needs --tls, the same authority's "
                      "certificates at every rank"};
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
  channel_group here{collective::meet(wanted.meet, wanted.rank, wanted.ranks,
      appointment_of(wanted, wanted.certificates))};
  act(here);
}

} // namespace troupe::cli
