// The same as `troupe run examples/regions.toml`: regions below a root, each
// with a rule of its own.
//
//   regions
//   regions --set run.rounds=3                              # a first look
//   regions --set 'federation.regions=["4: rule=none"]'    # edges that only
//   sum
#include "runtime/troupe.hpp"

int main(int argc, char** argv) {
  using namespace troupe;
  auto compose = [] {
    auto fashion = data::fashion_mnist();
    return topology{"regions"}
        .model(models::mlp({784, 200, 200, 10}))
        .aggregator(region{4, fedavg{.fraction = 0.2}}.rounds(2).under(
            fedbuff{.buffer = 2, .concurrency = 4}))
        .clients(100, sgd{.lr = 0.05f}, local{.epochs = 1, .batch = 10},
            data::dirichlet(fashion.train, 0.5))
        .evaluate(fashion.test, every{10})
        .until(versions{50});
  };
  return launch(compose, argc, argv);
}
