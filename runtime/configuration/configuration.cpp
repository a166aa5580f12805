#include "runtime/configuration/configuration.hpp"

#include "runtime/configuration/device_choice.hpp"
#include "runtime/configuration/device_names.hpp"
#include "runtime/configuration/keys.hpp"
#include "runtime/configuration/legible.hpp"
#include "runtime/configuration/levels.hpp"
#include "runtime/configuration/mesh_choice.hpp"
#include "runtime/configuration/mesh_keys.hpp"
#include "runtime/configuration/rule_choice.hpp"
#include "runtime/configuration/rules.hpp"
#include "runtime/configuration/spelling.hpp"
#include "runtime/configuration/switches.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace troupe {

namespace {

class contradiction_list {
public:
  contradiction_list(const configuration& what, const origins& where)
      : what_(what), where_(where) {}

  /// "run.toml:12: federation.buffer = 50 " and then `why`.
  void add(std::string_view path, std::string_view why) {
    auto dot = path.find('.');
    auto k = find_key(path.substr(0, dot), path.substr(dot + 1));
    found_.push_back(fmt::format("{} = {} {}", place(where_, path),
        shortened(k->value(what_), 200), why));
  }
  /// By a file or a setting, or, where there is neither, by a program.
  bool given(const key& k) const {
    return where_.empty() ? k.value(what_) != k.value({})
                          : where_.contains(k.path());
  }
  bool settled(const key& k) const { return where_.contains(k.path()); }
  bool none() const noexcept { return found_.empty(); }
  std::vector<std::string> take() { return std::move(found_); }

private:
  const configuration& what_;
  const origins& where_;
  std::vector<std::string> found_;
};

void check_name(const configuration& what, contradiction_list& found) {
  const auto& name = what.run.name;
  auto unfit = [](char c) {
    return c == '/' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  };
  if (name.empty() || name.front() == '.' || name.front() == '-' ||
      name.size() > 100 || std::any_of(name.begin(), name.end(), unfit))
    found.add("run.name",
        "cannot name a directory: 1 to 100 characters, without / and not "
        "beginning with . or -");
}

void check_data(const configuration& what, contradiction_list& found) {
  const auto& data = what.data;
  if (data.set == "idx" && data.path.empty())
    found.add("data.set",
        "needs data.path, the directory of the IDX files, like data.path = "
        "\"mine\"");
  if (find_key("data", "alpha")->applies(what) && data.set != "synthetic" &&
      data.alpha == 0.0)
    found.add("data.alpha",
        fmt::format("is too small for data.partition = \"{}\": it has to be "
                    "above 0",
            data.partition));
}

void check_clients(const configuration& what, contradiction_list& found) {
  if (what.federation.clients > 0)
    return;
  if (!what.federation.residents)
    found.add("federation.clients",
        "leaves nobody to train, unless nodes may bring clients of their own: "
        "federation.residents = true");
  if (what.data.set == "synthetic")
    found.add("data.set",
        "is made for the run's own clients, and federation.clients = 0");
}

void check_server(const configuration& what, contradiction_list& found) {
  const auto& key = *find_key("federation", "server");
  if (what.federation.server != "average" && !key.applies(what))
    found.add("federation.server",
        fmt::format("is for {} alone: the others have no mean to take on",
            key.used_with));
}

std::vector<std::string_view> device_names(const configuration& what) {
  const auto& compute = what.compute;
  if (compute.devices.empty())
    return {compute.device};
  return {compute.devices.begin(), compute.devices.end()};
}

// `auto` may come to mean any device.
void check_slot_names(const configuration& what, contradiction_list& found) {
  auto names = device_names(what);
  for (const auto& [name, count] : what.compute.slots.named)
    if (names.front() != "auto" &&
        std::none_of(names.begin(), names.end(),
            [&name = name](auto each) { return overlap(each, name); }))
      found.add("compute.slots",
          fmt::format("has {}, but the run is on {}{}", legible(name),
              fmt::join(names, ", "), did_you_mean(name, names)));
}

// Where kinds share the clients, their slots say who trains whom.
void check_no_slots(const configuration& what, contradiction_list& found) {
  const auto& slots = what.compute.slots;
  if (slots.none() && what.compute.devices.size() > 1)
    found.add("compute.slots",
        "says nothing of how the kinds in compute.devices share the clients: "
        "name one device");
  for (const auto& [name, count] : slots.named)
    if (count == 0)
      found.add("compute.slots",
          fmt::format("gives {} none: leave it out of compute.devices, or give "
                      "compute.slots = 0 where nodes alone train",
              legible(name)));
}

void check_devices(const configuration& what, contradiction_list& found) {
  const auto& names = what.compute.devices;
  if (!names.empty() && what.compute.device != "auto")
    found.add("compute.devices",
        fmt::format("and compute.device = \"{}\" contradict each other: keep "
                    "one of them",
            what.compute.device));
  for (auto one = names.begin(); one != names.end(); ++one)
    for (auto other = std::next(one); other != names.end(); ++other)
      if (overlap(*one, *other))
        found.add("compute.devices", fmt::format("names one device twice: {} "
                                                 "and {}",
                                         *one, *other));
  check_slot_names(what, found);
  check_no_slots(what, found);
}

// Regions are told by the whole of them: one wrong word says little.
void check_regions(const configuration& what, contradiction_list& found) {
  const auto& of = what.federation;
  if (of.regions.empty())
    return;
  const auto levels = levels_of(what);
  const auto add = [&](std::string_view why) {
    found.add("federation.regions", why);
  };
  for (const auto& each : levels.problems)
    add("is wrong: " + each);
  if (!levels.problems.empty())
    return;
  const auto least = std::max(levels.leaves(), std::uint64_t{1}) *
                     std::max(levels.edges(), std::uint64_t{1});
  if (least > of.clients)
    add(fmt::format("makes {} regions or edges of federation.clients = {}: "
                    "each has to have a client",
        least, of.clients));
  if (of.residents)
    add("divides the run's own clients, and federation.residents = true lets "
        "nodes bring others");
  const auto* rule = find_rule(of.rule);
  if (!levels.leases_regions()) {
    if (rule && !rule->averages)
      add(fmt::format(
          "sums at edges, and federation.rule = \"{}\" mixes models, "
          "which sums do not show",
          of.rule));
    return;
  }
  if (levels.edges() > 0)
    add("has edges that only sum below regions with a rule of their own: give "
        "all of them a rule, or none");
  if (what.run.order == "virtual")
    add("is beside run.order = \"virtual\", whose clock knows clients, not "
        "regions: leave one of them out");
  if (what.client.keeps_variates())
    add(fmt::format("is beside client.method = \"{}\", whose control variates "
                    "are those of one server: set another method",
        what.client.method));
}

struct as_numbers {
  const range& within;
  bool operator()(const std::string*) const { return true; }
  bool operator()(const std::vector<std::string>*) const { return true; }
  bool operator()(const slot_counts* x) const {
    return (!x->each || within.holds(*x->each)) &&
           std::all_of(x->named.begin(), x->named.end(),
               [this](const auto& each) { return (*this)(&each.second); });
  }
  template <class Number>
  bool operator()(const std::vector<Number>* x) const {
    return std::all_of(
        x->begin(), x->end(), [this](auto each) { return within.holds(each); });
  }
  template <class Number>
  bool operator()(const Number* x) const {
    return within.holds(*x);
  }
};

// The words in a key's value that have to be some of its own.
struct as_words {
  using words = std::vector<std::string>;
  words operator()(const std::string* x) const { return {*x}; }
  words operator()(const words* x) const { return *x; }
  words operator()(const slot_counts* x) const {
    words names;
    for (const auto& [name, count] : x->named)
      names.push_back(name);
    return names;
  }
  template <class Number>
  words operator()(const Number*) const {
    return {};
  }
};

// Reading a file has refused these; a program's own values come here first.
// Names of data, models and rules are the program's to choose.
void check_ranges(const configuration& what, contradiction_list& found) {
  auto value = what;
  for (const auto& k : keys()) {
    auto in = k.in(value);
    auto open = k.section == "data" || k.section == "model" ||
                k.path() == "federation.rule";
    if (!k.fits_kind(what))
      continue; // its being there at all is the trouble
    if (!std::visit(as_numbers{k.numbers}, in))
      found.add(k.path(), fmt::format("is not {}", k.numbers.text()));
    for (const auto& word : std::visit(as_words{}, in))
      if (auto wrong = open ? std::string{} : misnomer(k, word); !wrong.empty())
        found.add(k.path(),
            k.misnomer ? fmt::format("has {}, which {}", legible(word), wrong)
                       : wrong);
  }
}

// Only settings: what a file has of others was left out. What the other kind of
// topology goes by stays in: who wrote it means something by it. A program says
// how samples are divided by saying which there are.
void check_owners(const configuration& what, contradiction_list& found) {
  for (const auto& k : keys())
    if (!k.fits_kind(what)) {
      if (k.section == "data" ? found.settled(k) : found.given(k))
        found.add(k.path(), of_the_other_kind(k, what));
    } else if (found.settled(k) && !k.applies(what)) {
      found.add(k.path(),
          fmt::format("is for {0} alone: remove it, or set {0}", k.used_with));
    }
}

void check_federation(const configuration& what, contradiction_list& found) {
  check_clients(what, found);
  check_server(what, found);
  check_regions(what, found);
  check_rule(what,
      [&](std::string_view key, std::string_view why) { found.add(key, why); });
  check_switches(what,
      [&](std::string_view key, std::string why) { found.add(key, why); });
}

} // namespace

std::optional<std::uint64_t> slot_counts::of(std::string_view name) const {
  for (auto label : {name, name.substr(0, name.find(':'))})
    if (auto found = named.find(std::string{label}); found != named.end())
      return found->second;
  return each;
}

std::string place(const origins& where, std::string_view key) {
  auto found = where.find(key);
  return found == where.end() ? std::string{key}
                              : fmt::format("{}: {}", found->second, key);
}

std::vector<std::string> contradictions(
    const configuration& what, const origins& where) {
  contradiction_list found{what, where};
  check_name(what, found);
  check_ranges(what, found);
  check_data(what, found);
  check_devices(what, found);
  if (!what.is_mesh())
    check_federation(what, found);
  else if (found.none())
    check_mesh(what,
        [&](std::string_view key, std::string why) { found.add(key, why); });
  check_owners(what, found);
  return found.take();
}

std::string to_toml(const configuration& what) {
  std::string text;
  std::string_view section;
  for (const auto& k : keys()) {
    if (k.section != section)
      text += fmt::format("{}[{}]\n", text.empty() ? "" : "\n", k.section);
    section = k.section;
    auto line = fmt::format(
        "{}{} = {}", k.applies(what) ? "" : "# ", k.name, k.value(what));
    text += fmt::format("{:<32} # {}\n", line, k.meaning);
  }
  return text;
}

std::string describe_keys() {
  std::string text;
  configuration defaults;
  for (const auto& k : keys()) {
    auto line = fmt::format("{} = {}", k.path(), k.value(defaults));
    text += fmt::format("  {:<36} {}\n", line, k.meaning);
  }
  return text;
}

std::vector<std::string> differences(
    const configuration& before, const configuration& now, std::uint64_t done) {
  if (before.is_mesh() != now.is_mesh())
    return {fmt::format("parallel.workers was {} and would be {}: a federation "
                        "and a mesh do not go on from each other",
        before.parallel.workers, now.parallel.workers)};
  std::vector<std::string> found;
  for (const auto& k : keys()) {
    if (!k.alters_bits || (!k.applies(before) && !k.applies(now)) ||
        (k.spares_bits && k.spares_bits(before) && k.spares_bits(now)))
      continue;
    auto was = k.value(before);
    auto is = k.value(now);
    if (was != is)
      found.push_back(
          fmt::format("{} was {} and would be {}: the run's bits would change",
              k.path(), was, is));
  }
  if (auto moved = moved_clients(before, now); !now.is_mesh() && !moved.empty())
    found.push_back(std::move(moved));
  const auto length = now.is_mesh() ? now.run.steps : now.run.rounds;
  if (length < done)
    found.push_back(fmt::format("run.{} = {} is less than the {} that are done",
        now.is_mesh() ? "steps" : "rounds", length, done));
  return found;
}

} // namespace troupe
