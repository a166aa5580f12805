// Clients that come and go while the run goes on.
//
// Nobody is there at first. Two hospitals are enough to begin; then one joins
// after the other, one leaves and comes back, and a second slot is lent when
// there are many. The run waits for its quorum and says so, and whoever is
// there when a round begins takes part in it.
//
// Run `coming_and_going`; it takes some seconds and the options of `troupe
// run`:
//
//   waiting for clients: 0 of 2 are there
//   slot 1 has joined; 2 of 2 slots left
//   ...
//   completed: version 300/300  accuracy 0.8...
#include "runtime/troupe.hpp"

#include <chrono>
#include <thread>

namespace {

using namespace troupe;
using namespace std::chrono_literals;

constexpr client_id hospitals = 12;

// False where the run has ended meanwhile.
bool rest(const std::stop_token& ended) {
  for (int i = 0; i < 10 && !ended.stop_requested(); ++i)
    std::this_thread::sleep_for(2ms);
  return !ended.stop_requested();
}

void come_and_go(attendance& who, const std::stop_token& ended) {
  for (client_id each = 0; each < hospitals && rest(ended); ++each)
    who.join(each);
  if (!rest(ended))
    return;
  const auto lent = who.lend();
  who.leave(3);
  if (rest(ended))
    who.join(3);
  while (rest(ended))
    continue;
  who.withdraw(lent);
}

} // namespace

int main(int argc, char** argv) {
  const auto compose = [] {
    const auto set = data::fashion_mnist();
    return topology{"coming_and_going"}
        .model(models::softmax(784, 10))
        .aggregator(fedavg{.fraction = 0.3})
        .clients(hospitals, sgd{.lr = 0.01f}, local{.steps = 30, .batch = 20},
            data::iid(set.train))
        .meanwhile({.quorum = 2, .patience = 10s, .script = come_and_go})
        .evaluate(set.test, every{100})
        .devices({"cpu"})
        .slots(1)
        .until(rounds{300});
  };
  return launch(compose, argc, argv);
}
