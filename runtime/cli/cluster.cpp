#include "runtime/cli/cluster.hpp"

#include "monitoring/endpoint.hpp"
#include "runtime/cli/command.hpp"
#include "runtime/cluster/dialler.hpp"
#include "runtime/cluster/tls_source.hpp"
#include "runtime/company/interruption.hpp"

#include <fmt/format.h>

#include <charconv>
#include <memory>
#include <ostream>
#include <random>

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

// `--tls DIR`, or nothing; an empty name is a slip.
std::string directory(const arguments& given, std::string_view name) {
  if (given.has(name) && given.value(name).empty())
    throw usage_error{fmt::format("--{} needs the name of a directory", name)};
  return given.value(name);
}

std::string ask(const arguments& given, cluster::errand what_for) {
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
  if (operands.size() > 1)
    first.name = operands[1];
  return cluster::ask_coordinator(how, first);
}

} // namespace

const std::vector<option>& listening_options() {
  static const std::vector<option> all{
      {"listen", "HOST:PORT", "let other machines join there"},
      {"tls", "DIR", "with the certificates in DIR: see `troupe certs`"},
      {"min-nodes", "N", "begin when so many nodes are there"},
      {"patience", "SECONDS",
          "stand still so long for want of nodes (default: 600)"},
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
  result.patience = number(given, "patience", 600.0, 1e-3, most_seconds);
  result.silence = number(given, "silence", 3.0, 0.1, most_seconds);
  return result;
}

const std::vector<option>& joining_options() {
  static const std::vector<option> all{
      {"tls", "DIR", "with the certificates in DIR: see `troupe certs`"},
      {"name", "NAME", "what the node is called (default: as its certificate)"},
      {"data", "DIR", "where the run's data is on this machine"},
      {"slots", "N", "clients to train at once (default: as many as suit)"},
      {"device", "NAME", "cpu, cuda:0, or cuda for every GPU; may be repeated"},
      {"silence", "SECONDS",
          "a coordinator that is silent for so long is lost (default: 3)"},
      {"quiet", "", "say nothing but what goes wrong"}};
  return all;
}

join_options joining(const arguments& given, const std::string& at) {
  join_options result;
  result.at = checked(at, "the address");
  result.tls = directory(given, "tls");
  result.name = given.value("name");
  result.data = directory(given, "data");
  result.slots = number<std::uint64_t>(given, "slots", 0, 1, 4096);
  result.devices = given.all("device");
  result.silence = number(given, "silence", 3.0, 0.1, most_seconds);
  result.quiet = given.has("quiet");
  return result;
}

int join(const arguments& given, console&) {
  const auto how = joining(given, given.operands().front());
  interruption signals;
  return troupe::join(how, std::nullopt, signals);
}

int status(const arguments& given, console& to) {
  try {
    const auto json = ask(given, cluster::errand::status);
    to.out << json << "\n";
    return done;
  } catch (const usage_error&) {
    throw;
  } catch (const std::exception& error) {
    to.err << "troupe: " << error.what() << "\n";
    return failed;
  }
}

int drain(const arguments& given, console& to) {
  try {
    to.out << ask(given, cluster::errand::drain) << "\n";
    return done;
  } catch (const usage_error&) {
    throw;
  } catch (const std::exception& error) {
    to.err << "troupe: " << error.what() << "\n";
    return failed;
  }
}

} // namespace troupe::cli
