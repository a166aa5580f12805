#include "runtime/configuration/keys.hpp"

#include "runtime/configuration/device_names.hpp"
#include "runtime/configuration/mesh_keys.hpp"
#include "runtime/configuration/rule_keys.hpp"
#include "runtime/configuration/rules.hpp"
#include "runtime/configuration/servers.hpp"
#include "runtime/configuration/spelling.hpp"
#include "runtime/configuration/switches.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <iterator>
#include <limits>
#include <type_traits>

namespace troupe {

namespace {

using namespace std::string_view_literals;

constexpr std::array sets{"fashion-mnist"sv, "idx"sv, "synthetic"sv};
constexpr std::array partitions{"iid"sv, "shards"sv, "dirichlet"sv,
    "quantity"sv, "labels"sv, "label-dirichlet"sv};
constexpr std::array kinds{"softmax"sv, "mlp"sv, "lenet5"sv, "cnn"sv};
constexpr std::array precisions{"fp32"sv, "bf16"sv};
constexpr std::array instructions{"own"sv, "baseline"sv, "avx2"sv, "avx512"sv};
constexpr std::array orders{"arrival"sv, "virtual"sv};
constexpr std::array trainings{"real"sv, "none"sv, "model"sv};
constexpr std::array journals{"full"sv, "versions"sv};
constexpr std::array methods{
    "sgd"sv, "fedprox"sv, "fednova"sv, "scaffold"sv, "feddyn"sv};
constexpr std::array weightings{"samples"sv, "uniform"sv};

constexpr bool any_bits = false; // the published bits do not depend on it
constexpr bool alters = true;

// Every whole number up to here survives a JSON reader.
constexpr double exact = 9007199254740992.0;

constexpr range above(double low, double high) {
  return {.low = low, .high = high, .above_low = true};
}

using run = configuration::run_keys;
using data = configuration::data_keys;
using model = configuration::model_keys;
using federation = configuration::federation_keys;
using client = training::recipe;
using pace = configuration::clock_keys;
using simulation = configuration::simulation_keys;
using compute = configuration::compute_keys;

run& part(configuration& c, const run*) {
  return c.run;
}
data& part(configuration& c, const data*) {
  return c.data;
}
model& part(configuration& c, const model*) {
  return c.model;
}
federation& part(configuration& c, const federation*) {
  return c.federation;
}
client& part(configuration& c, const client*) {
  return c.client;
}
pace& part(configuration& c, const pace*) {
  return c.clock;
}
simulation& part(configuration& c, const simulation*) {
  return c.simulation;
}
compute& part(configuration& c, const compute*) {
  return c.compute;
}

template <class Value, class Part>
Part part_of(Value Part::*);

template <auto Member>
cell at(configuration& c) {
  const decltype(part_of(Member))* which = nullptr;
  return &(part(c, which).*Member);
}

bool synthetic(const configuration& c) {
  return c.data.set == "synthetic";
}
// From files, or a program's own.
bool divided(const configuration& c) {
  return !synthetic(c);
}
bool in_shards(const configuration& c) {
  return divided(c) && c.data.partition == "shards";
}
bool by_labels(const configuration& c) {
  return divided(c) && c.data.partition == "labels";
}
bool skewed(const configuration& c) {
  return synthetic(c) || c.data.partition == "dirichlet" ||
         c.data.partition == "quantity" ||
         c.data.partition == "label-dirichlet";
}
bool layered(const configuration& c) {
  return c.model.kind == "mlp";
}
bool takes_residents(const configuration& c) {
  return c.federation.residents;
}
bool on_virtual_clock(const configuration& c) {
  return c.run.order == "virtual";
}
bool proximal(const configuration& c) {
  return c.client.method == "fedprox";
}
bool dynamic(const configuration& c) {
  return c.client.method == "feddyn";
}
bool by_a_rule_of_ours(const configuration& c) {
  return find_rule(c.federation.rule) != nullptr;
}
constexpr auto of_our_rules = "a rule of Troupe's own";
constexpr auto of_virtual_order = "run.order = \"virtual\"";
constexpr auto of_fedprox = "client.method = \"fedprox\"";
constexpr auto of_feddyn = "client.method = \"feddyn\"";
constexpr auto of_residents = "federation.residents = true";
constexpr auto of_files = "data.set = \"fashion-mnist\" or \"idx\"";
constexpr auto of_shards =
    "data.set = \"fashion-mnist\" or \"idx\" and data.partition = "
    "\"shards\"";
constexpr auto of_labels =
    "data.set = \"fashion-mnist\" or \"idx\" and data.partition = "
    "\"labels\"";
constexpr auto of_skew = "data.partition = \"dirichlet\", \"quantity\" or "
                         "\"label-dirichlet\", or data.set = \"synthetic\"";
constexpr auto of_synthetic = "data.set = \"synthetic\"";
constexpr auto of_mlp = "model.kind = \"mlp\"";

constexpr range any_number{};
constexpr range below_one{.low = 0, .high = 1, .below_high = true};
constexpr std::span<const std::string_view> any_word{};

// A rule without a row is a program's own.
bool averaged(const configuration& c) {
  auto row = find_rule(c.federation.rule);
  return !row || row->averages;
}
std::string rules_that_average() {
  std::vector<std::string> quoted;
  for (auto each : rules_that([](const auto& row) { return row.averages; }))
    quoted.push_back(toml_string(each));
  return fmt::format(
      "federation.rule = {}", either({quoted.begin(), quoted.end()}));
}

key server_key(std::string_view name, cell (*in)(configuration&),
    std::string meaning, range numbers) {
  return {"federation", name, in, std::move(meaning), alters, numbers, any_word,
      nullptr,
      [name](const configuration& c) {
        return averaged(c) && server_goes_by(c, name);
      },
      servers_that_go_by(name)};
}

// Runs do not go by these: `troupe simulate` does.
key simulation_key(std::string_view name, cell (*in)(configuration&),
    std::string meaning, range numbers,
    std::span<const std::string_view> choices = {}) {
  return {"simulation", name, in, std::move(meaning), any_bits, numbers,
      choices, nullptr, on_virtual_clock, of_virtual_order};
}

// Every number that float32 holds, the largest as it is printed: a run that
// diverges is a lesson too.
constexpr double largest = 3.4028235e38;

std::vector<key> common_keys() {
  return {
      {"run", "name", at<&run::name>,
          "what the run and its directory are called", any_bits},
      {"run", "seed", at<&run::seed>, seed_meaning(), alters, {0, exact}},
      {"run", "rounds", at<&run::rounds>, rounds_meaning(), any_bits, {1, 1e9}},
      {"run", "evaluate_every", at<&run::evaluate_every>,
          "versions between evaluations; a mesh: 100 steps; 0: the last",
          any_bits, {0, 1e9}},
      {"run", "target_accuracy", at<&run::target_accuracy>,
          "stop once the test set shows it; 0: never", any_bits, {0, 1}},
      {"run", "checkpoint_every", at<&run::checkpoint_every>,
          "versions between checkpoints; a mesh: 500 steps", any_bits,
          {1, 1e9}},
      {"run", "keep_checkpoints", at<&run::keep_checkpoints>,
          "newest checkpoints kept, beside the best", any_bits, {1, 1e6}},
      {"run", "order", at<&run::order>,
          "arrival; virtual: updates count as a virtual clock has them", alters,
          {}, orders},

      {"data", "set", at<&data::set>, "fashion-mnist, idx or synthetic", alters,
          {}, sets},
      {"data", "path", at<&data::path>,
          "directory of the IDX files; empty: Debian's", alters, any_number,
          any_word, nullptr, divided, of_files},
      {"data", "partition", at<&data::partition>,
          either({partitions.begin(), partitions.end()}), alters, {},
          partitions, nullptr, divided, of_files},
      {"data", "shards_per_client", at<&data::shards_per_client>,
          "shards: pieces of label-sorted data a client gets", alters, {1, 1e6},
          any_word, nullptr, in_shards, of_shards},
      {"data", "labels_per_client", at<&data::labels_per_client>,
          "labels: how many of them a client has", alters, {1, 256}, any_word,
          nullptr, by_labels, of_labels},
      {"data", "alpha", at<&data::alpha>,
          "small is skewed; synthetic: how far models differ", alters, {0, 1e6},
          any_word, nullptr, skewed, of_skew},
      {"data", "beta", at<&data::beta>, "synthetic: how far features differ",
          alters, {0, 1e6}, any_word, nullptr, synthetic, of_synthetic},

      {"model", "kind", at<&model::kind>, "softmax, mlp, lenet5 or cnn", alters,
          {}, kinds},
      {"model", "layers", at<&model::layers>,
          "mlp: values a sample, hidden widths, classes", alters, {1, 1 << 24},
          any_word, nullptr, layered, of_mlp},
      {"model", "init", at<&model::init>,
          "safetensors file to start from; empty: drawn from the seed", alters},

      {"federation", "rule", at<&federation::rule>, either(rule_names()),
          alters, {}, rule_names()},
      {"federation", "switch", at<&federation::switches>,
          "rules that take over: \"version 12: rule=fedbuff buffer=5\"", alters,
          {}, any_word, misnomer_of_switch, by_a_rule_of_ours, of_our_rules},
      {"federation", "clients", at<&federation::clients>,
          "how many share the data", alters, {0, 1 << 24}},
      {"federation", "regions", at<&federation::regions>,
          "below the root, like [\"4: rule=fedavg\"]; rule=none: sums", alters},
      {"federation", "residents", at<&federation::residents>,
          "true: nodes may bring clients, with data of their own", alters},
      {"federation", "min_residents", at<&federation::min_residents>,
          "of these, how many have to be there to begin", any_bits,
          {0, 1 << 24}, any_word, nullptr, takes_residents, of_residents},
      {"federation", "weighting", at<&federation::weighting>,
          weighting_meaning(), alters, {}, weightings},
      {"federation", "server", at<&federation::server>, either(server_names()),
          alters, {}, server_names(), nullptr, averaged, rules_that_average()},
      {"federation", "server_lr", at<&federation::server_lr>,
          "times the average update; adaptive servers: 0.01", alters,
          above(0, largest), any_word, nullptr, averaged, rules_that_average()},
      server_key("server_momentum", at<&federation::server_momentum>,
          "of the server: how much of the last step stays", below_one),
      server_key("server_nesterov", at<&federation::server_nesterov>,
          "fedavgm: true looks a step ahead", any_number),
      server_key("server_beta2", at<&federation::server_beta2>,
          "fedadam, fedyogi: how much of the variance stays", below_one),
      server_key("server_epsilon", at<&federation::server_epsilon>,
          "small adapts more; the variance begins at its square",
          above(0, 1e6)),
      {"federation", "min_updates", at<&federation::min_updates>,
          "with fewer the version stays", alters, {1, 1 << 24}},
      {"federation", "max_norm", at<&federation::max_norm>,
          "an update of a larger Euclidean norm is dropped; 0: none is", alters,
          {0, largest}},
      {"federation", "shards", at<&federation::shards>,
          "ranges of the model, each summed by an actor of its own", any_bits,
          {1, 64}},
      {"federation", "lease_seconds", at<&federation::lease_seconds>,
          "time a client may take (scoring: ten times); 0: any", alters,
          {0, 1e7}},

      {"client", "epochs", at<&client::epochs>,
          "passes over its samples a client makes", alters, {1, 1e6}},
      {"client", "steps", at<&client::steps>,
          "above 0: so many steps instead of epochs", alters, {0, 4e9}},
      {"client", "batch", at<&client::batch>,
          "samples a step; 0: all of the client's", alters, {0, 4e9}},
      {"client", "lr", at<&client::lr>, "learning rate", alters,
          above(0, largest)},
      {"client", "lr_decay", at<&client::lr_decay>,
          "round r trains with lr * lr_decay^r", alters, above(0, 1)},
      {"client", "momentum", at<&client::momentum>, "of SGD", alters,
          {.low = 0, .high = 1, .below_high = true}},
      {"client", "weight_decay", at<&client::weight_decay>,
          "L2, added to the gradient", alters, {0, largest}},
      {"client", "clip", at<&client::clip>, "largest gradient norm; 0: none",
          alters, {0, largest}},
      {"client", "method", at<&client::method>,
          either({methods.begin(), methods.end()}), alters, {}, methods},
      {"client", "mu", at<&client::mu>,
          "fedprox: the pull back to where a client started", alters,
          {0, largest}, any_word, nullptr, proximal, of_fedprox},
      {"client", "alpha", at<&client::alpha>,
          "feddyn: that pull, and what a client keeps of it", alters,
          above(0, largest), any_word, nullptr, dynamic, of_feddyn},
      {"client", "seconds", at<&client::seconds>,
          "what a client has by then is its update; 0: all of it", alters,
          {0, largest}},

      {"clock", "samples_per_second", at<&pace::samples_per_second>,
          "of the median client, in virtual seconds", alters, above(0, 1e12),
          any_word, nullptr, on_virtual_clock, of_virtual_order},
      {"clock", "spread", at<&pace::spread>,
          "of clients' speeds: the deviation of their logarithm", alters,
          {0, 10}, any_word, nullptr, on_virtual_clock, of_virtual_order},
      {"clock", "jitter", at<&pace::jitter>, "likewise, of one client's leases",
          alters, {0, 10}, any_word, nullptr, on_virtual_clock,
          of_virtual_order},
      {"clock", "slow", at<&pace::slow>,
          "part of the clients that are slower yet", alters, {0, 1}, any_word,
          nullptr, on_virtual_clock, of_virtual_order},
      {"clock", "slow_by", at<&pace::slow_by>, "so many times", alters,
          {1, 1e6}, any_word, nullptr, on_virtual_clock, of_virtual_order},

      simulation_key("training", at<&simulation::training>,
          "real; none; model: a curve of its own that is no learning", {},
          trainings),
      simulation_key("rate", at<&simulation::rate>,
          "model: updates that take the loss down by e", above(0, 1e12)),
      simulation_key("down", at<&simulation::down>,
          "bytes/s of the median client; 0: it takes no time", {0, 1e15}),
      simulation_key("up", at<&simulation::up>, "likewise", {0, 1e15}),
      simulation_key("bandwidth_spread", at<&simulation::bandwidth_spread>,
          "of these: the deviation of their logarithm", {0, 10}),
      simulation_key("available", at<&simulation::available>,
          "part of the time that a client is there", above(0, 1)),
      simulation_key("stay_seconds", at<&simulation::stay_seconds>,
          "of one stay, on average", above(0, 1e9)),
      simulation_key("trace", at<&simulation::trace>,
          "CSV file of who is there when; empty: drawn", {}),
      simulation_key("failure", at<&simulation::failure>,
          "chance that a client fails a lease", {0, 1}),
      simulation_key("loss", at<&simulation::loss>,
          "chance that a result gets lost", below_one),
      simulation_key("notice_seconds", at<&simulation::notice_seconds>,
          "until somebody notices that", {0, 1e9}),
      simulation_key("delay", at<&simulation::delay>,
          "chance that a result is late, and so behind others", {0, 1}),
      simulation_key("delay_seconds", at<&simulation::delay_seconds>,
          "of what is late, or comes again, on average", {0, 1e9}),
      simulation_key("duplicate", at<&simulation::duplicate>,
          "chance that a result comes twice", {0, 1}),
      simulation_key("crash_seconds", at<&simulation::crash_seconds>,
          "between a coordinator's crashes, on average; 0: none", {0, 1e9}),
      simulation_key("restart_seconds", at<&simulation::restart_seconds>,
          "that it is away then", {0, 1e9}),
      simulation_key("partition_seconds", at<&simulation::partition_seconds>,
          "between partitions of the network, on average; 0: none", {0, 1e9}),
      simulation_key("partition_part", at<&simulation::partition_part>,
          "of the clients, that one cuts off", {0, 1}),
      simulation_key("heal_seconds", at<&simulation::heal_seconds>,
          "until it is over, on average", {0, 1e9}),
      simulation_key("journal", at<&simulation::journal>,
          "full; versions: leases are not told of", {}, journals),

      {"compute", "device", at<&compute::device>,
          "auto, cpu, cuda (every GPU) or cuda:N", any_bits, {}, {},
          no_device_or_auto},
      {"compute", "devices", at<&compute::devices>,
          "several at once, like [\"cpu\", \"cuda:0\"]", any_bits, {}, {},
          no_device},
      {"compute", "slots", at<&compute::slots>,
          "clients a device trains at once, or {cpu = 2}; 0: none here",
          any_bits, {0, 1024}, {}, no_device},
      {"compute", "stop_grace", at<&compute::stop_grace>,
          "seconds a learner gets to stop before its slot is lost", any_bits,
          {0, 3600}},
      {"compute", "precision", at<&compute::precision>,
          "fp32; or bf16: products alone, on GPUs", alters, {}, precisions},
      {"compute", "instructions", at<&compute::instructions>,
          "own, or what all CPUs have: baseline, avx2 or avx512", alters, {},
          instructions},
  };
}

void insert(std::vector<key>& into, std::vector<key>::iterator before,
    const std::vector<key>& some) {
  into.insert(before, some.begin(), some.end());
}

// The rules' own stand behind the common ones of their section, and a mesh's
// behind those of clients.
std::vector<key> assembled() {
  auto result = common_keys();
  for (auto& k : result)
    if (k.section == "federation")
      keep_for_users(k);
  insert(
      result, std::ranges::find(result, "client", &key::section), own_keys());
  for (auto& k : result)
    if (is_of_federations(k))
      k.of = topology_kind::federation;
  insert(
      result, std::ranges::find(result, "clock", &key::section), mesh_keys());
  insert(result, std::next(std::ranges::find(result, "rounds", &key::name)),
      {steps_key()});
  return result;
}

const std::vector<key>& table() {
  static const auto all = assembled();
  return all;
}

template <class Float>
std::string as_float(Float number) {
  auto text = fmt::format("{}", number);
  if (text.find_first_of(".en") == std::string::npos)
    text += ".0";
  return text;
}

// A name that TOML takes without quotes stands without them.
std::string toml_key(const std::string& name) {
  auto bare = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-';
  };
  return !name.empty() && std::all_of(name.begin(), name.end(), bare)
             ? name
             : toml_string(name);
}

struct as_toml {
  std::string operator()(const std::string* x) const { return toml_string(*x); }
  std::string operator()(const double* x) const { return as_float(*x); }
  std::string operator()(const float* x) const { return as_float(*x); }
  std::string operator()(const std::vector<std::size_t>* x) const {
    return fmt::format("[{}]", fmt::join(*x, ", "));
  }
  std::string operator()(const std::vector<double>* x) const {
    std::vector<std::string> numbers;
    for (auto each : *x)
      numbers.push_back(as_float(each));
    return fmt::format("[{}]", fmt::join(numbers, ", "));
  }
  std::string operator()(const std::vector<std::string>* x) const {
    std::vector<std::string> words;
    for (const auto& each : *x)
      words.push_back(toml_string(each));
    return fmt::format("[{}]", fmt::join(words, ", "));
  }
  std::string operator()(const slot_counts* x) const {
    std::vector<std::string> pairs;
    for (const auto& [name, count] : x->named)
      pairs.push_back(fmt::format("{} = {}", toml_key(name), count));
    if (!x->named.empty())
      return fmt::format("{{{}}}", fmt::join(pairs, ", "));
    return x->each ? fmt::format("{}", *x->each) : toml_string("auto");
  }
  template <class Integer>
  std::string operator()(const Integer* x) const {
    return fmt::format("{}", *x);
  }
};

} // namespace

static_assert(std::numeric_limits<long double>::digits >= 64);

bool range::holds(long double number) const noexcept {
  return (above_low ? number > low : number >= low) &&
         (below_high ? number < high : number <= high);
}

std::string range::text() const {
  auto text = fmt::format("from {}{}", above_low ? "above " : "", low);
  if (!std::isfinite(high))
    return text + " up";
  return text + fmt::format(" to {}{}", below_high ? "below " : "", high);
}

std::string key::path() const {
  return fmt::format("{}.{}", section, name);
}

bool key::fits_kind(const configuration& what) const noexcept {
  return of == topology_kind::any ||
         (of == topology_kind::mesh) == what.is_mesh();
}

bool key::applies(const configuration& what) const {
  return fits_kind(what) && (!used || used(what));
}

std::string key::value(const configuration& what) const {
  // `in` serves readers and writers alike; nothing is written here.
  const auto here = in(const_cast<configuration&>(what));
  if (const auto* word = std::get_if<std::string*>(&here);
      numeral && word && is_numeral(**word))
    return **word;
  return std::visit(as_toml{}, here);
}

std::span<const key> keys() noexcept {
  return table();
}

std::string either(const std::vector<std::string_view>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i)
    text += fmt::format("{}{}",
        i == 0                  ? ""
        : i + 1 == words.size() ? " or "
                                : ", ",
        words[i]);
  return text;
}

const key* find_key(std::string_view section, std::string_view name) noexcept {
  auto found = std::ranges::find_if(keys(),
      [&](const key& k) { return k.section == section && k.name == name; });
  return found == keys().end() ? nullptr : &*found;
}

std::string misnomer(const key& k, std::string_view word) {
  if (k.misnomer)
    return k.misnomer(word);
  if (k.choices.empty() ||
      std::find(k.choices.begin(), k.choices.end(), word) != k.choices.end())
    return {};
  if (k.path() == "federation.rule")
    if (auto why = why_not_yet(word); !why.empty())
      return why;
  return fmt::format("is not one of {}{}", fmt::join(k.choices, ", "),
      did_you_mean(word, k.choices));
}

bool is_numeral(std::string_view word) {
  return !word.empty() && std::ranges::all_of(word, [](unsigned char c) {
    return std::isdigit(c) != 0;
  });
}

std::string toml_number(double number) {
  return as_float(number);
}

std::string toml_string(std::string_view text) {
  std::string result{'"'};
  for (auto c : text) {
    if (c == '"' || c == '\\')
      (result += '\\') += c;
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      result += fmt::format("\\u{:04X}", static_cast<unsigned>(c));
    else
      result += c;
  }
  return result += '"';
}

} // namespace troupe
