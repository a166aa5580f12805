#include "runtime/cli/command.hpp"
#include "runtime/cluster/certificates.hpp"
#include "runtime/cluster/signing.hpp"
#include "runtime/configuration/spelling.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <ostream>

namespace troupe::cli {

namespace {

namespace certificates = cluster::certificates;

constexpr int most_days = 36500;

int days_of(const std::string& text) {
  auto value = 0;
  const auto* end = text.data() + text.size();
  auto read = std::from_chars(text.data(), end, value);
  if (read.ec != std::errc{} || read.ptr != end || value < 1 ||
      value > most_days)
    throw usage_error{fmt::format(
        "--days {} is not a whole number from 1 to {}", text, most_days)};
  return value;
}

std::vector<std::string> hosts_of(const arguments& given) {
  auto result = given.all("host");
  for (const auto& each : result)
    if (auto why = cluster::no_host(each); !why.empty())
      throw usage_error{fmt::format("--host {}", why)};
  return result;
}

std::string name_of(const arguments& given) {
  const auto& operands = given.operands();
  if (operands.size() < 3)
    throw usage_error{fmt::format("certs {} needs DIR NAME", operands.front())};
  if (auto why = certificates::misnomer(operands[2]); !why.empty())
    throw usage_error{why};
  return operands[2];
}

void refuse_name(const arguments& given) {
  const auto& operands = given.operands();
  if (operands.size() > 2)
    throw usage_error{fmt::format("certs {} does not know what to do with {}",
        operands.front(), operands[2])};
}

void refuse_options(
    const arguments& given, std::initializer_list<std::string_view> those) {
  for (auto each : those)
    if (given.has(each))
      throw usage_error{fmt::format(
          "certs {} takes no --{}", given.operands().front(), each)};
}

void init(const arguments& given, console& to) {
  refuse_name(given);
  refuse_options(given, {"days", "renew"});
  const auto& root = given.operands()[1];
  certificates::init(root, hosts_of(given));
  to.out << fmt::format(
      "{0}: a new certificate authority, and the coordinator's certificate\n"
      "`troupe certs issue {0} NAME` makes one for a node\n",
      root);
}

void issue(const arguments& given, console& to) {
  auto name = name_of(given);
  certificates::terms on{.hosts = hosts_of(given), .renew = given.has("renew")};
  if (given.has("days"))
    on.days = days_of(given.value("days"));
  const auto& root = given.operands()[1];
  auto made = certificates::issue(root, name, on);
  to.out << fmt::format("{0}/{1}.pem, {0}/{1}.key: good until {2}\n", root,
      name, certificates::day_of(made.until));
  if (name != certificates::coordinator)
    to.out << fmt::format(
        "{} needs ca.pem, revoked.pem, {}.pem and {}.key\n", name, name, name);
}

void revoke(const arguments& given, console& to) {
  refuse_options(given, {"host", "days", "renew"});
  const auto& root = given.operands()[1];
  for (const auto& each : certificates::revoke(root, name_of(given)))
    to.out << fmt::format("{} {}: revoked\n", each.name, each.serial);
  to.out << fmt::format("nodes hear of it by {}/revoked.pem\n", root);
}

void list(const arguments& given, console& to) {
  refuse_name(given);
  refuse_options(given, {"host", "days", "renew"});
  auto all = certificates::list(given.operands()[1]);
  std::size_t width = 4;
  for (const auto& each : all)
    width = std::max(width, each.name.size());
  for (const auto& each : all)
    to.out << fmt::format("{:<{}}  {:<7}  until {}  {}\n", each.name, width,
        each.revoked                ? "revoked"
        : each.good(cluster::now()) ? "good"
                                    : "expired",
        certificates::day_of(each.until), each.serial);
}

struct verb {
  std::string_view name;
  void (*act)(const arguments& given, console& to);
};
constexpr std::array verbs{verb{"init", &init}, verb{"issue", &issue},
    verb{"revoke", &revoke}, verb{"list", &list}};

const verb& verb_of(const std::string& word) {
  std::vector<std::string_view> names;
  for (const auto& each : verbs) {
    if (each.name == word)
      return each;
    names.push_back(each.name);
  }
  throw usage_error{fmt::format("certs does init, issue, revoke and list, not "
                                "{}{}",
      word, did_you_mean(word, names))};
}

} // namespace

int certs(const arguments& given, console& to) {
  verb_of(given.operands().front()).act(given, to);
  return done;
}

} // namespace troupe::cli
