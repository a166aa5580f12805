// Data parallelism: four ranks share each step's batch and add their gradients.
// The same as `troupe run examples/mesh.toml`. The bits do not depend on how
// many ranks there are.
//
//   mesh                                    # about 87 % after 1,000 steps
//   mesh --set parallel.workers=1           # the same model, to the bit
//   mesh --set parallel.bits=fast           # adds as it comes
//   mesh --set parallel.zero=1              # each rank has a part of the state
//   mesh --help
#include "runtime/troupe.hpp"

int main(int argc, char** argv) {
  using namespace troupe;
  auto compose = [] {
    auto fashion = data::fashion_mnist();
    return topology{"mesh"}
        .seed(1)
        .model(models::mlp({784, 200, 200, 10}))
        .workers(4, adamw{.lr = 1e-3f, .weight_decay = 0.01f, .clip = 1.0f},
            all_reduce{.batch = 64, .micro_batches = 8}, fashion.train)
        .rate(cosine{.warmup = 100})
        .evaluate(fashion.test, every{250})
        .until(steps{1000});
  };
  return launch(compose, argc, argv);
}
