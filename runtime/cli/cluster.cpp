#include "runtime/cli/cluster.hpp"

#include "monitoring/endpoint.hpp"
#include "protocols/parallel/plan.hpp"
#include "runtime/cli/command.hpp"
#include "runtime/cluster/certificates.hpp"
#include "runtime/cluster/dialler.hpp"
#include "runtime/cluster/tls_source.hpp"
#include "runtime/company/interruption.hpp"
#include "runtime/configuration/legible.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <memory>
#include <optional>
#include <ostream>
#include <string_view>
#include <thread>

namespace troupe::cli {

namespace {

constexpr std::size_t most_nodes = 10'000;
constexpr double most_seconds = 1e6;

template <class Number>
Number number(const arguments& given, std::string_view name, Number otherwise,
    Number least, Number most) {
  if (!given.has(name))
    return otherwise;
  const auto text = given.value(name);
  Number value{};
  const auto* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value);
  if (read.ec != std::errc{} || read.ptr != end || !(value >= least) ||
      !(value <= most))
    throw usage_error{fmt::format(
        "--{} {} is not a number from {} to {}", name, text, least, most)};
  return value;
}

std::string checked(const std::string& text, const std::string& what) {
  try {
    monitoring::endpoint::parse(text);
  } catch (const std::invalid_argument& error) {
    throw usage_error{fmt::format("{} {}: {}", what, text, error.what())};
  }
  return text;
}

membership::resort resort(const arguments& given) {
  if (!given.has("after-patience"))
    return membership::resort::fail;
  const auto text = given.value("after-patience");
  if (const auto how = membership::to_resort(text))
    return *how;
  throw usage_error{fmt::format(
      "--after-patience {} is not one of fail, interrupt, go-on", text)};
}

// `--tls DIR`, or nothing; an empty name is a slip.
std::string directory(const arguments& given, std::string_view name) {
  if (given.has(name) && given.value(name).empty())
    throw usage_error{fmt::format("--{} needs the name of a directory", name)};
  return given.value(name);
}

cluster::report ask(const arguments& given, cluster::errand what_for) {
  const auto& operands = given.operands();
  cluster::dial_options how{
      monitoring::endpoint::parse(checked(operands.front(), "the address")), {},
      {}};
  how.connections.frame = std::size_t{16} << 20;
  std::shared_ptr<cluster::tls_source> tls;
  if (auto where = directory(given, "tls"); !where.empty()) {
    tls = std::make_shared<cluster::tls_source>(where);
    how.tls = [tls] { return tls->now(); };
  }
  cluster::hello first;
  first.what_for = what_for;
  if (what_for == cluster::errand::change)
    first.settings.assign(operands.begin() + 1, operands.end());
  else if (operands.size() > 1)
    first.name = operands[1];
  return cluster::ask_coordinator(how, first);
}

struct heard {
  std::optional<cluster::report> said;
  std::string why; ///< there is none
};

heard answer(const arguments& given, cluster::errand what_for) {
  try {
    return {ask(given, what_for), {}};
  } catch (const usage_error&) {
    throw;
  } catch (const std::exception& error) {
    return {std::nullopt, error.what()};
  }
}

int complain(const std::string& why, console& to) {
  to.err << "troupe: " << why << "\n";
  return failed;
}

constexpr std::string_view clear_screen = "\x1b[H\x1b[2J";

std::string to_json(const cluster::report& what) {
  nlohmann::ordered_json nodes = nlohmann::json::array();
  for (const auto& x : what.nodes)
    nodes.push_back({{"name", x.name}, {"state", x.state}, {"since", x.since},
        {"slots", x.slots}, {"epoch", x.epoch}, {"rejoins", x.rejoins},
        {"address", x.address}, {"metrics", x.metrics}, {"why", x.why},
        {"fingerprint", x.fingerprint}});
  for (std::size_t i = 0; i < nodes.size(); ++i)
    if (const auto& x = what.nodes[i]; x.resident)
      nodes[i].update({{"client", x.client}, {"samples", x.samples}});
  nlohmann::ordered_json result{{"run", what.run}, {"rule", what.rule},
      {"version", what.version}, {"versions", what.versions},
      {"updates", what.updates}, {"epoch", what.epoch},
      {"promises_bits", what.promises_bits}, {"waits_for", what.waits_for},
      {"waits_since", what.waits_since}, {"nodes", nodes},
      {"failures", what.failures}, {"ranks", what.ranks}};
  return result.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) +
         "\n";
}

// 0: no node serves metrics, and there is no column behind them.
std::size_t columns_of_addresses(
    const std::vector<cluster::node_report>& nodes) {
  std::size_t result = 0;
  bool some = false;
  for (const auto& x : nodes) {
    result = std::max(result, x.address.size());
    some |= !x.metrics.empty();
  }
  return some ? std::max(result, std::string_view{"ADDRESS"}.size()) : 0;
}

std::string to_text(const cluster::report& what) {
  const auto mesh = parallel::sync_named(what.rule).has_value();
  auto text = fmt::format("{}: {}, {} {} of {}, {} {}, epoch {}{}\n", what.run,
      what.rule, mesh ? "step" : "version", what.version, what.versions,
      what.updates, mesh ? "samples" : "updates", what.epoch,
      what.promises_bits ? "" : "; no bits are promised");
  if (!what.ranks.empty())
    text += what.ranks + "\n";
  if (!what.waits_for.empty())
    text += fmt::format(
        "waits for {}, for {:.0f} s\n", what.waits_for, what.waits_since);
  const auto width = columns_of_addresses(what.nodes);
  if (!what.nodes.empty())
    text += fmt::format("{:<16} {:<9} {:>5} {:>9}  {}\n", "NODE", "STATE",
        "SLOTS", "SINCE",
        width > 0 ? fmt::format("{:<{}}  METRICS", "ADDRESS", width)
                  : std::string{"ADDRESS"});
  for (const auto& x : what.nodes)
    text += fmt::format("{:<16} {:<9} {:>5} {:>7.0f} s  {}{}{}{}{}\n", x.name,
        x.state, x.slots, x.since,
        x.metrics.empty()
            ? x.address
            : fmt::format("{:<{}}  {}", x.address, width, x.metrics),
        x.why,
        x.resident ? fmt::format("  client {}, {} samples", x.client, x.samples)
                   : std::string{},
        x.fingerprint.empty() ? "" : "  computes as ", x.fingerprint);
  for (const auto& each : what.failures)
    text += fmt::format("failed: {}\n", each);
  return text;
}

} // namespace

const std::vector<option>& listening_options() {
  static const std::vector<option> all{
      {"listen", "HOST:PORT", "let other machines join there"},
      {"tls", "DIR", "with the certificates in DIR: see `troupe certs`"},
      {"min-nodes", "N", "begin when so many nodes are there"},
      {"quorum", "N", "hand out no work while fewer nodes are there"},
      {"patience", "SECONDS",
          "stand still so long for want of nodes (default: 600)"},
      {"after-patience", "WHAT",
          "then fail (default), interrupt, or go-on with those who are there"},
      {"preparation", "SECONDS",
          "a node that is not ready within so long is sent away (default: "
          "300)"},
      {"silence", "SECONDS",
          "a node that is silent for so long is lost "
          "(default: 3)"},
      {"any-fingerprint", "", "let in who may compute other bits"},
      {"insecure", "", "listen in the clear beyond this machine"}};
  return all;
}

cluster::listening listening(const arguments& given) {
  cluster::listening result;
  if (!given.has("listen")) {
    for (const auto& each : listening_options())
      if (given.has(each.name))
        throw usage_error{fmt::format("--{} needs --listen", each.name)};
    return result;
  }
  result.at = checked(given.value("listen"), "--listen");
  result.tls = directory(given, "tls");
  result.insecure = given.has("insecure");
  if (result.insecure && !result.tls.empty())
    throw usage_error{"--insecure and --tls exclude each other"};
  result.any_fingerprint = given.has("any-fingerprint");
  result.nodes = number<std::size_t>(given, "min-nodes", 0, 0, most_nodes);
  result.quorum = number<std::size_t>(given, "quorum", 0, 0, most_nodes);
  result.patience = number(given, "patience", 600.0, 1e-3, most_seconds);
  result.silence = number(given, "silence", 3.0, 0.1, most_seconds);
  result.preparation = number(given, "preparation", 300.0, 0.1, most_seconds);
  result.then = resort(given);
  return result;
}

std::string metrics(const arguments& given) {
  if (!given.has("metrics"))
    return {};
  if (given.value("metrics").empty())
    throw usage_error{"--metrics needs HOST:PORT, like 127.0.0.1:9464"};
  return checked(given.value("metrics"), "--metrics");
}

const std::vector<option>& joining_options() {
  static const std::vector<option> all{
      {"tls", "DIR", "with the certificates in DIR: see `troupe certs`"},
      {"name", "NAME", "what the node is called (default: as its certificate)"},
      {"data", "DIR", "where the run's data is on this machine"},
      {"identity", "NAME",
          "be a client of the run, with the data in --data and no others"},
      {"state", "DIR",
          "where that client's states are kept (default: state in --data)"},
      {"slots", "N", "clients to train at once (default: as many as suit)"},
      {"device", "NAME", "cpu, cuda:0, or cuda for every GPU; may be repeated"},
      {"silence", "SECONDS",
          "a coordinator that is silent for so long is lost (default: 3)"},
      {"metrics", "HOST:PORT", "serve this node's Prometheus metrics there"},
      {"quiet", "", "say nothing but what goes wrong"}};
  return all;
}

// A client that the node itself is: it lends nothing beside.
void identify(const arguments& given, join_options& to) {
  to.name = given.value("identity");
  if (const auto why = cluster::certificates::misnomer(to.name); !why.empty())
    throw usage_error{fmt::format("--identity: {}", why)};
  for (const auto* other : {"name", "slots"})
    if (given.has(other))
      throw usage_error{
          fmt::format("--{} and --identity exclude each other", other)};
  if (to.data.empty())
    throw usage_error{"--identity needs --data DIR, its own samples: "
                      "train-images* and train-labels*"};
  to.resident = true;
  to.slots = 1;
  to.state = directory(given, "state");
}

join_options joining(const arguments& given, const std::string& at) {
  join_options result;
  result.at = checked(at, "the address");
  result.tls = directory(given, "tls");
  result.name = given.value("name");
  result.data = directory(given, "data");
  result.slots = number<std::uint64_t>(given, "slots", 0, 1, 4096);
  result.devices = given.all("device");
  if (given.has("identity"))
    identify(given, result);
  else if (given.has("state"))
    throw usage_error{"--state needs --identity"};
  result.silence = number(given, "silence", 3.0, 0.1, most_seconds);
  result.metrics = metrics(given);
  result.quiet = given.has("quiet");
  return result;
}

int join(const arguments& given, console&) {
  const auto how = joining(given, given.operands().front());
  interruption signals;
  return troupe::join(how, std::nullopt, signals);
}

int status(const arguments& given, console& to) {
  const auto watched = given.has("watch");
  for (;;) {
    const auto [said, why] = answer(given, cluster::errand::status);
    if (!said)
      return complain(why, to);
    if (watched && !given.has("json"))
      to.out << clear_screen;
    to.out << (given.has("json") ? to_json(*said) : to_text(*said));
    if (!watched || !to.out.flush())
      return done;
    std::this_thread::sleep_for(std::chrono::seconds{1});
  }
}

namespace {

int ask_for(const arguments& given, cluster::errand what_for, console& to) {
  const auto [said, why] = answer(given, what_for);
  if (!said)
    return complain(why, to);
  to.out << said->said << "\n";
  return done;
}

} // namespace

int drain(const arguments& given, console& to) {
  return ask_for(given, cluster::errand::drain, to);
}

int set(const arguments& given, console& to) {
  constexpr std::size_t most_bytes = 3000; // of a first frame
  std::size_t bytes = 0;
  for (std::size_t i = 1; i < given.operands().size(); ++i) {
    const auto& each = given.operands()[i];
    bytes += each.size() + 1;
    if (each.find('=') == std::string::npos || each.front() == '=')
      throw usage_error{fmt::format("{} is not KEY=VALUE, like "
                                    "federation.rule=fedbuff",
          legible(each))};
  }
  if (bytes > most_bytes)
    throw usage_error{
        fmt::format("the settings take {} bytes, and {} at most are sent",
            bytes, most_bytes)};
  return ask_for(given, cluster::errand::change, to);
}

} // namespace troupe::cli
