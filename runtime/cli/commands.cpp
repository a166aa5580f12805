#include "runtime/cli/cluster.hpp"
#include "runtime/cli/command.hpp"
#include "runtime/cli/ranks.hpp"
#include "runtime/configuration/configuration.hpp"
#include "runtime/configuration/keys.hpp"
#include "runtime/configuration/rules.hpp"

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <limits>

namespace troupe::cli {

namespace {

constexpr option help_flag{"help", "", "show this page"};
constexpr option set_option{"set", "KEY=VALUE",
    "change one key, as in --set client.lr=0.1; may be repeated"};
constexpr option seed_option{"seed", "N", "short for --set run.seed=N"};
constexpr auto any_number = std::numeric_limits<std::size_t>::max();

std::string quoted(bool by_seed) {
  std::vector<std::string> names;
  for (auto name : rules_that([&](const rule_row& row) {
         return row.by_seed(row.defaults) == by_seed;
       }))
    names.push_back(toml_string(name));
  return either({names.begin(), names.end()});
}

std::string rule_list() {
  std::string text;
  for (const auto& row : rules())
    text += fmt::format("  {:<17}  {}\n", row.name, row.meaning);
  return text;
}

const std::string& run_details() {
  static const auto text =
      R"(Trains what CONFIG.toml describes. The run's directory then holds
  config.toml        the effective configuration, every key
  facts.jsonl        everything that happened, one JSON object a line
  history.csv, .svg  loss and accuracy by version
  model.safetensors  the last version
  checkpoints/       the newest versions and the best
  summary.json       the result in figures

Who trains and what counts is decided by federation.rule:
)" + rule_list() +
      fmt::format(R"(
One seed gives one model with {}, at any number of slots,
as long as the same clients answer in time. With {}, and where a round
does not wait for all (over_select, a deadline) or goes by how long clients took (tiers,
select = "oort"), the order of arrival counts, so that two runs of one seed differ; what
happened is in the journal, from which `troupe audit DIR --retrain` makes the same bits
again. With run.order = "virtual" a clock counts that is made of the seed ([clock]), and
so does every time that a rule is told in seconds: then one seed gives one model under
any rule.
)",
          quoted(true), quoted(false)) +
      R"(
With parallel.workers above 0 the run is a mesh instead: so many ranks minimise one sum of
losses over all of the data, step by step. How they agree is said by [parallel], how they
descend by [optimiser]; [federation], [client], [clock] and [simulation] are not for it.
Where they agree on each step and parallel.bits = "canonical", one seed gives one model
with any number of ranks. With --listen this process has as many of them as it has
slots, and nodes that join have the others: the run begins once parallel.workers are
there, goes on with parallel.min_workers, and takes in whoever comes at the next
stretch. Ranks meet each other at ports of their own beside the one that is listened
at, under TLS if that is; parallel.wire says by what.

Ctrl-C writes a checkpoint and ends; again, it ends at once. SIGTERM and, without
nohup, a closed terminal do the same. A run that ended early goes on with --resume
and its --out; CONFIG.toml may then be left out. It may get more rounds or steps, other
slots, and other ranks where its bits are canonical; what would change its bits is
refused. One process at a time has a run's directory.

Keys of CONFIG.toml, by section, with their defaults:
)" + describe_keys() +
      R"(
Examples:
  troupe run examples/fashion.toml
  troupe run examples/fashion.toml --set client.lr=0.1 --out runs/faster
  troupe run --resume --out runs/faster --set run.rounds=100
  troupe run examples/fedbuff.toml --metrics 127.0.0.1:9464
  troupe run examples/mesh.toml --set parallel.workers=2
  troupe run examples/mesh.toml --listen 127.0.0.1:4242
)";
  return text;
}

constexpr std::string_view evaluate_details =
    R"(Scores the parameters in MODEL.safetensors on the test set of CONFIG.toml: mean
loss and accuracy. MODEL may come from Python's `safetensors`: tensors are found
by name, F16, BF16 and F64 become F32; or it is a checkpoint of several files,
checkpoints/version-00000012.json. model_sha256 is over the parameters alone,
as summary.json has it; its file_sha256 is what `sha256sum` says of the file.

Examples:
  troupe evaluate runs/faster/model.safetensors examples/fashion.toml
  troupe evaluate best.safetensors examples/fashion.toml --json
)";

constexpr std::string_view check_details =
    R"(Finds everything that `troupe run` would refuse - keys, values, data files,
shapes - and trains nothing. Every problem is one line that names its place. A
sound configuration is summed up: clients or ranks, samples, parameters, memory.

Examples:
  troupe check examples/fashion.toml
  troupe check examples/fashion.toml --set data.partition=shards --labels
)";

constexpr std::string_view audit_details =
    R"(Looks at what a run left in DIR: whether its journal is whole, every update was
leased and counted once, weights, denominators and checksums of each version's sum
are those of its updates, digests lead from version to version, and checkpoints,
model.safetensors, summary.json and history.csv tell the same. Exit code 1 where
they do not. A run that was resumed is looked at as one; one under way is refused.

--retrain shows that the model was trained as the journal says: it trains every
update again, from the recorded history, and compares the bits. That takes what the
run's training took on one core, needs the run's data where it was, and a run on
CPUs of a configuration file.

Examples:
  troupe audit runs/faster
  troupe audit runs/faster --retrain
)";

constexpr std::string_view compare_details =
    R"(Shows runs side by side, whether they are done, were stopped or are under way:
how far each came, and how soon it first reached an accuracy that all of them reached,
or --target. RATIO is its time up to there to the first run's. A second table has the
keys in which their configurations differ, with a dash where a run makes no use of one.
A CONFIG.toml in a directory's place is simulated first, into runs/.

Accuracies are those of the versions that were scored (run.evaluate_every), seconds those
of training; where all of them go by a virtual clock, the time to the target is that
clock's. The plot shows accuracy over versions and over time; a file of its name is
replaced if it is such a plot, and else left alone.

Examples:
  troupe compare runs/faster runs/slower
  troupe compare fedavg.toml fedbuff.toml
  troupe compare runs/* --target 0.8 --svg runs.svg
  troupe compare runs/* --json --no-svg
)";

constexpr std::string_view simulate_details =
    R"(Trains what CONFIG.toml describes without actors, in one thread and on a clock of
its own: a lease takes as long as [clock] says, no time passes meanwhile, and one
seed gives one history. The rule, what is trained and the bits are those of
`troupe run --set run.order=virtual`. Every time that it tells is virtual.

[simulation] makes it a world: ways that take time, clients that come and go or fail,
results that get lost, are late or come twice, a coordinator that crashes and goes on
from what it had stored. All are drawn from the seed, so that what went wrong once goes
wrong again by --seed. training = "none" leaves the training out, and "model" puts a
curve in its place that is no learning.

The directory is that of a run: `compare`, `evaluate` and, with training and a full
journal, `audit` read it. At its end it is said how much time was idle or wasted, how
stale updates were, how evenly clients contributed, what went over the wire, and when
accuracies were reached; summary.json has that too.

Examples:
  troupe simulate examples/fedbuff.toml
  troupe simulate examples/fashion.toml --set clock.spread=1 --out runs/uneven
)";

constexpr std::string_view certs_details =
    R"(Keeps a cluster's own certificate authority in DIR, so that coordinator and nodes
know each other over TLS. Where the coordinator runs:

  troupe certs init DIR           the authority, for ten years, and the coordinator's
                                  certificate, for localhost and this machine
  troupe certs issue DIR NAME     a key and a certificate for the node NAME, in
                                  DIR/NAME.key and DIR/NAME.pem
  troupe certs revoke DIR NAME    takes NAME's certificates back
  troupe certs list DIR           what was issued, whether it is good, until when

The coordinator reads DIR. A node has a directory of its own, with four files from it:
ca.pem, revoked.pem, NAME.pem and NAME.key. Move NAME.key by a way that nobody else can
read; ca.key stays where it is. A revocation holds at once where DIR is read, and at a
node once it has the new revoked.pem. Nothing needs a restart.

Examples:
  troupe certs init certs --host train.example.org
  troupe certs issue certs alpha
  scp certs/ca.pem certs/revoked.pem certs/alpha.pem certs/alpha.key alpha:certs/
  troupe certs issue certs alpha --renew
  troupe certs revoke certs alpha
)";

constexpr std::string_view topology_details =
    R"(Shows which actors a run has and what they say to each other; loads no data.

With --schedule, the steps by which a collective operation is done: what each rank
sends and receives in each round, proven on the spot, and what it costs if a message
takes --alpha and a link carries --beta. Algorithms are direct, ring, chunked_ring,
binomial_tree, double_tree, doubling, halving_doubling and bcube.

With --pipeline, what the ranks of a pipeline do when, what they hold and how long
they are idle: naive, gpipe, 1f1b, interleaved, zb-h1 or 2bw. Times are of one chunk
and micro-batch, in any unit; docs/pipelines.md tells more.

Examples:
  troupe topology examples/fashion.toml
  troupe topology examples/fedbuff.toml --dot | dot -Tsvg > topology.svg
  troupe topology --schedule ring --operation all_reduce --ranks 6 --svg ring.svg
  troupe topology --pipeline 1f1b --ranks 4 --micro-batches 8 --svg 1f1b.svg
)";

constexpr std::string_view devices_details =
    R"(Shows where this machine can compute: devices, the compute slots that suit
them, memory, BLAS library and kernel, a GPU's cuDNN and compute capability; and
why there is no GPU.
)";

constexpr std::string_view version_details =
    R"(Shows Troupe's version, its build, the libraries it runs on and the numeric
fingerprint: equal fingerprints promise equal bits.
)";

} // namespace

constexpr std::string_view join_details =
    R"(Lends this machine to a run that listens: its slots train the run's clients, as
those of the coordinator do, with the same bits. The run's configuration comes from
the coordinator; the data has to be here, too, and is compared. Where this machine's
CPU can compute by the run's kernels it starts again with them, unless its environment
says by which (OPENBLAS_CORETYPE, TROUPE_INSTRUCTIONS). In a mesh each slot is a rank.

With --identity this machine is a client of the run instead, a resident: --data has its
samples (train-images* and train-labels*, as IDX files), which nobody else sees, and
--state what it keeps between its leases. It may be gone at any time, and is the same
client when it comes back, of this coordinator or one that goes on with --resume; under
TLS the identity is the name of its certificate, and no other key's. The run takes
residents where its configuration has federation.residents = true.

May be started before the coordinator, and dials again when that is gone. Ctrl-C
finishes what the node has and leaves; again, it leaves at once, and what it had is
trained elsewhere. Exit code 0 when the run is done or the node was drained, 1 when
it was refused or the run failed, 130 when it was interrupted.

With --metrics it serves figures of its own, and a coordinator that serves some tells
Prometheus of them at http://HOST:PORT/sd (http_sd_configs).

Examples:
  troupe run examples/fashion.toml --listen 127.0.0.1:4242 --min-nodes 2
  troupe join 127.0.0.1:4242
  troupe join train.example.org:4242 --tls certs/ --slots 2
  troupe join train.example.org:4242 --tls certs/ --identity hospital-7 --data DIR
  troupe join train.example.org:4242 --tls certs/ --metrics 0.0.0.0:9464
)";

constexpr std::string_view bench_details =
    R"(Times an operation of a group: all_reduce, reduce, broadcast, all_gather,
reduce_scatter, all_to_all, gather, scatter or barrier. Ranks are processes of this
program, or threads with --wire process; with --meet they are started by hand, on any
machines. Buffers longer than 4 KB are written anew before each turn; a time is the
slowest rank's, the median of all turns and the least one. Bandwidths are those of
nccl-tests: bytes of the larger buffer over time, and that times what a link carries.
"over ideal": for all_reduce, the time of the same exchange without the additions
(tcp), or of the additions without the last meeting (blocks that all ranks see), over
the time that it took.

Examples:
  troupe bench all_reduce --size 4..256M --ranks 4 --wire memory
  troupe bench all_gather --size 64K,16M --ranks 2 --wire tcp --algorithm ring
  troupe bench barrier --ranks 4 --wire process
  troupe bench all_reduce --ranks 2 --meet 10.0.0.1:4300 --rank 0
)";

constexpr std::string_view backends_details =
    R"(Runs every operation over every wire, here and now, and shows which work: ok, or
why not. Takes some seconds.
)";

constexpr std::string_view status_details =
    R"(Asks the coordinator of a run who takes part: one line a node, or JSON.

Examples:
  troupe status 127.0.0.1:4242
  troupe status train.example.org:4242 --tls certs/ --json
)";

constexpr std::string_view drain_details =
    R"(Has a node finish what it has, take nothing new, and leave the run.

Example:
  troupe drain 127.0.0.1:4242 node-2
)";

constexpr std::string_view set_details =
    R"(Has a run go over to another rule, or to other values of its rule's keys, behind
the version that it makes next. Nothing that counted is lost or counts twice;
leases that the new rule has no use for are given up, and their clients leased
again. As long as its rule stays, a run keeps what it was told before; one that is
named anew, federation.rule=..., has the keys of the run's configuration if that
names it, and its own defaults if not. Versions stored from there on are resumed by the new rule.

KEY is federation.rule, or a key that rules go by: see `troupe run --help`. The
key federation.switch foresees such changes.

Examples:
  troupe set 127.0.0.1:4242 federation.rule=fedbuff federation.buffer=10
  troupe set 127.0.0.1:4242 federation.fraction=0.2
)";

// Those of a run, with what opens it to other machines.
std::vector<option> with_listening(std::vector<option> some) {
  const auto& more = listening_options();
  some.insert(some.end() - 1, more.begin(), more.end());
  return some;
}

std::vector<option> with_help(std::vector<option> some) {
  some.push_back(help_flag);
  return some;
}

std::vector<option> bench_options() {
  std::vector<option> all{{"size", "BYTES",
      "of the larger buffer: 4, 64K, 4..256M, 4,1M (default: 4..64M)"}};
  all.insert(all.end(), rank_options().begin(), rank_options().end());
  all.insert(all.end(),
      {{"algorithm", "NAME", "as `troupe topology --schedule` names it"},
          {"memory", "KIND",
              "group: blocks that all ranks see, if they can (default); any"},
          {"turns", "N", "time so many at most"}});
  return with_help(std::move(all));
}

std::span<const command> commands() {
  static const std::array all{
      command{"run", "CONFIG.toml", 0, 1, "Train", run_details(),
          with_listening({{"out", "DIR",
                              "the run's directory (default: "
                              "runs/<name>-<time>)"},
              set_option, seed_option,
              {"resume", "", "go on from the last durable state in --out"},
              {"metrics", "HOST:PORT", "serve Prometheus metrics there"},
              {"quiet", "", "say nothing but what goes wrong"}, help_flag}),
          &run},
      command{"simulate", "CONFIG.toml", 1, 1,
          "Train on a virtual clock, without waiting for it", simulate_details,
          {{"out", "DIR", "the run's directory (default: runs/<name>-<time>)"},
              set_option, seed_option,
              {"quiet", "", "say nothing but what goes wrong"}, help_flag},
          &simulate},
      command{"join", "HOST:PORT", 1, 1, "Lend this machine to a run",
          join_details, with_help(joining_options()), &join},
      command{"status", "HOST:PORT", 1, 1, "Show who takes part in a run",
          status_details,
          {{"tls", "DIR", "with the certificates in DIR"},
              {"json", "", "print one JSON object"},
              {"watch", "", "again every second, until Ctrl-C"}, help_flag},
          &status},
      command{"drain", "HOST:PORT NODE", 2, 2, "Have a node leave a run",
          drain_details,
          {{"tls", "DIR", "with the certificates in DIR"}, help_flag}, &drain},
      command{"set", "HOST:PORT KEY=VALUE...", 2, any_number,
          "Change the rule of a run while it goes on", set_details,
          {{"tls", "DIR", "with the certificates in DIR"}, help_flag}, &set},
      command{"evaluate", "MODEL.safetensors CONFIG.toml", 2, 2,
          "Score a stored model", evaluate_details,
          {set_option, {"json", "", "print one JSON object"}, help_flag},
          &evaluate},
      command{"check", "CONFIG.toml", 1, 1,
          "Find what a run would refuse, without running", check_details,
          {set_option, seed_option,
              {"out", "DIR", "the directory that the run would get"},
              {"labels", "",
                  "print how many samples of each label clients get"},
              help_flag},
          &check},
      command{"audit", "DIR", 1, 1, "Find out what a run's directory proves",
          audit_details,
          {{"retrain", "", "train again from the journal, compare the bits"},
              help_flag},
          &audit},
      command{"compare", "DIR|CONFIG.toml...", 1, any_number,
          "Compare runs by their accuracy over time", compare_details,
          {{"target", "A",
               "the accuracy to reach, as in 0.8 (default: the lowest of the "
               "runs' best)"},
              {"svg", "FILE",
                  "draw their curves there (default: comparison.svg)"},
              {"no-svg", "", "draw nothing"},
              {"json", "", "print one JSON object"}, help_flag},
          &compare},
      command{"certs", "init|issue|revoke|list DIR [NAME]", 2, 3,
          "Give the machines of a cluster certificates", certs_details,
          {{"host", "HOST",
               "init, issue: a machine's name or address that the certificate "
               "names; may be repeated"},
              {"days", "N", "issue: how long it is good (default: 825)"},
              {"renew", "", "issue: although NAME has one that is still good"},
              help_flag},
          &certs},
      command{"topology", "[CONFIG.toml]", 0, 1,
          "Show the actors and who talks to whom, or a schedule",
          topology_details,
          {set_option, {"dot", "", "as Graphviz"},
              {"schedule", "NAME",
                  "the steps of an algorithm, in place of a run's actors"},
              {"operation", "NAME",
                  "with --schedule: of what (default: all_reduce)"},
              {"ranks", "N", "with --schedule or --pipeline (default: 4)"},
              {"count", "N",
                  "with --schedule: elements of a rank's part (default: 12 a "
                  "rank)"},
              {"root", "R", "with --schedule (default: 0)"},
              {"pieces", "N", "with --schedule: that follow each other"},
              {"alpha", "MICROSECONDS", "a message's price (default: 5)"},
              {"beta", "GB/S", "what a link carries (default: 5)"},
              {"pipeline", "NAME",
                  "a pipeline's step, in place of a run's actors"},
              {"chunks", "N",
                  "with --pipeline: of a rank (default: 2 if interleaved)"},
              {"micro-batches", "N", "with --pipeline: of a step (default: 8)"},
              {"steps", "N", "with --pipeline (default: 1)"},
              {"forward", "TIME", "with --pipeline (default: 1)"},
              {"backward", "TIME",
                  "with --pipeline: without gradients of weights (default: 1)"},
              {"weight", "TIME", "with --pipeline: those (default: 1)"},
              {"transfer", "TIME", "with --pipeline (default: 0)"},
              {"svg", "FILE", "with --schedule or --pipeline: draw it there"},
              help_flag},
          &show_topology},
      command{"bench", "OPERATION", 1, 1, "Time a collective operation",
          bench_details, bench_options(), &bench},
      command{"backends", "", 0, 0, "Try every collective over every wire",
          backends_details, with_help(rank_options()), &backends},
      command{"devices", "", 0, 0, "Show the compute devices", devices_details,
          {{"json", "", "print one JSON array"}, help_flag}, &show_devices},
      command{"version", "", 0, 0, "Show version, build and fingerprint",
          version_details, {help_flag}, &show_version},
  };
  return all;
}

} // namespace troupe::cli
