// Federated averaging on Fashion-MNIST: 100 clients with 600 images each, ten
// of which train in a round. The same as `troupe run examples/fashion.toml`.
//
//   fashion_mnist                          # about 84 % after 50 rounds
//   fashion_mnist --set run.rounds=3       # a first look
//   fashion_mnist --set data.partition=shards --out runs/skewed
//   fashion_mnist --help
#include "runtime/troupe.hpp"

int main(int argc, char** argv) {
  using namespace troupe;
  auto compose = [] {
    auto fashion = data::fashion_mnist();
    return topology{"fashion"}
        .seed(1)
        .model(models::mlp({784, 200, 200, 10}))
        .aggregator(fedavg{.fraction = 0.1})
        .clients(100, sgd{.lr = 0.05f}, local{.epochs = 1, .batch = 10},
            data::iid(fashion.train))
        .evaluate(fashion.test, every{10})
        .until(rounds{50});
  };
  return launch(compose, argc, argv);
}
