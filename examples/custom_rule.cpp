// A rule of one's own: rounds that do not wait for their slower half.
//
// Every round leases twenty clients, as `fedavg` does; once ten have answered,
// the leases of the others are revoked, and what came is the next version. The
// slots of those who were stopped are free at once. Clients with many samples
// are slow and rarely count: that is the price.
//
// A rule is a value that is told what happens and says what to do;
// `protocols/federated/decides.hpp` has all that it promises. This one is
// FedAvg with one more decision.
//
// Run `custom_rule`; it takes some seconds and the options of `troupe run`:
//
//   version 10/20  accuracy 0.7412  loss 0.7713  100 updates  ...
//   version 20/20  accuracy 0.7757  loss 0.6672  200 updates  ...
#include "runtime/troupe.hpp"

#include <cstdint>
#include <utility>
#include <vector>

namespace {

using namespace troupe;
using federated::decisions;

class faster_half : public federated::fedavg {
public:
  faster_half() = default;
  explicit faster_half(const federated::settings& common)
      : fedavg(common, 0.2) {}

  federated::verdict arrive(
      const federated::arrival& update, instant now, decisions& out) {
    auto answer = fedavg::arrive(update, now, out);
    note(out);
    if (outstanding() > 0 && buffered() >= outstanding())
      end_round(now, out);
    return answer;
  }

  // Whatever happens, a round may begin by it.
  void begin(std::uint64_t incarnation, instant now, decisions& out) {
    fedavg::begin(incarnation, now, out);
    note(out);
  }
  void published(instant now, decisions& out) {
    fedavg::published(now, out);
    note(out);
  }
  void join(
      client_id client, std::uint64_t samples, instant now, decisions& out) {
    fedavg::join(client, samples, now, out);
    note(out);
  }
  void leave(client_id client, instant now, decisions& out) {
    fedavg::leave(client, now, out);
    note(out);
  }
  void fail(lease_id lease, instant now, decisions& out) {
    fedavg::fail(lease, now, out);
    note(out);
  }
  void requeue(lease_id lease, instant now, decisions& out) {
    fedavg::requeue(lease, now, out);
    note(out);
  }
  void retract(lease_id lease, instant now, decisions& out) {
    fedavg::retract(lease, now, out);
    note(out);
  }

private:
  void note(const decisions& out) {
    if (out.round_started)
      leases_.clear();
    for (const auto& each : out.grants)
      leases_.push_back(each.lease);
  }

  // A lease that is over has no share any more. When the last one of a round
  // fails, FedAvg publishes what has counted.
  void end_round(instant now, decisions& out) {
    for (auto lease : std::exchange(leases_, {}))
      if (share(lease) > 0.0) {
        out.revoked.push_back(lease);
        fail(lease, now, out);
      }
  }

  std::vector<lease_id> leases_; // of the open round, at least
};

} // namespace

int main(int argc, char** argv) {
  auto compose = [] {
    auto fashion = data::fashion_mnist();
    auto make = [](const federated::settings& common) {
      return faster_half{common};
    };
    return topology{"faster-half"}
        .model(models::softmax(784, 10))
        .aggregator(make, "faster half", "round")
        .clients(100, sgd{.lr = 0.01f}, local{.epochs = 1, .batch = 10},
            data::quantity(fashion.train, 0.5))
        .evaluate(fashion.test, every{10})
        .until(rounds{20});
  };
  return launch(compose, argc, argv);
}
