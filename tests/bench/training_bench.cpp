// SGD steps a second on one thread, through the learner that `troupe run` uses:
// shuffling, gathering of byte images and the loss included.
//   training_bench [--model mlp|cnn|lenet5] [--batch N] [--seconds S]
// Without a model: the MLP and the CNN at batch 10, LeNet-5 at batch 64.

#include "gpu/training/trainer.hpp"

#include <cstdio>
#include <ctime>
#include <map>
#include <stdexcept>
#include <string>

namespace {

using namespace troupe;

/// What a stretch of work took: on the clock, and on this process's processors,
/// which tells more on a machine that others use too.
struct stopwatch {
  double wall = read(CLOCK_MONOTONIC);
  double cpu = read(CLOCK_PROCESS_CPUTIME_ID);

  static double read(clockid_t clock) {
    timespec at{};
    clock_gettime(clock, &at);
    return double(at.tv_sec) + 1e-9 * double(at.tv_nsec);
  }
  stopwatch elapsed() const {
    const stopwatch now;
    return {now.wall - wall, now.cpu - cpu};
  }
};

models::model model_of(const std::string& name) {
  if (name == "mlp")
    return models::mlp({784, 200, 200, 10});
  if (name == "cnn")
    return models::cnn();
  if (name == "lenet5")
    return models::lenet5();
  throw std::invalid_argument("--model " + name + " is not mlp, cnn or lenet5");
}

/// As many samples as Fashion-MNIST has, of its size.
training::view samples() {
  training::dataset set;
  set.shape = {1, 28, 28};
  set.classes = 10;
  gpu::random_stream random{1, gpu::stream::user};
  std::vector<std::uint8_t> pixels(60000 * 784);
  for (auto& pixel : pixels)
    pixel = std::uint8_t(random.below(256));
  set.features = std::move(pixels);
  for (std::size_t i = 0; i < 60000; ++i)
    set.labels.push_back(std::uint8_t(random.below(10)));
  return training::view{
      std::make_shared<const training::dataset>(std::move(set))};
}

stopwatch seconds_per_step(
    const models::model& what, std::uint32_t batch, double duration) {
  const auto learner = training::trainer(what)({});
  std::vector<float> parameters(gpu::size(learner->layout()));
  learner->initialise(parameters, 1);
  training::assignment work;
  work.data = samples();
  work.how.batch = batch;
  work.how.lr = 0.01f;
  const auto run = [&](std::uint32_t steps) {
    work.how.steps = steps;
    const stopwatch start;
    learner->train(parameters, work, {});
    const auto took = start.elapsed();
    return stopwatch{took.wall / steps, took.cpu / steps};
  };
  run(5);
  const auto a_step = run(20).wall;
  run(std::uint32_t(0.2 / a_step) + 1); // until clocks and caches are warm
  return run(std::uint32_t(duration / a_step) + 1);
}

void measure(const std::string& name, std::uint32_t batch, double duration) {
  const auto a_step = seconds_per_step(model_of(name), batch, duration);
  std::printf("training %s batch=%u steps_per_s=%.1f steps_per_cpu_s=%.1f\n",
      name.c_str(), batch, 1 / a_step.wall, 1 / a_step.cpu);
  std::fflush(stdout);
}

} // namespace

int main(int argc, char** argv) try {
  std::map<std::string, std::string> options{
      {"--model", ""}, {"--batch", "10"}, {"--seconds", "3"}};
  for (int i = 1; i < argc; i += 2) {
    const auto option = options.find(argv[i]);
    if (option == options.end() || i + 1 == argc)
      throw std::invalid_argument(
          "usage: training_bench [--model mlp|cnn|lenet5] [--batch N] "
          "[--seconds S]");
    option->second = argv[i + 1];
  }
  gpu::use_one_blas_thread();
  const auto duration = std::stod(options["--seconds"]);
  if (!options["--model"].empty()) {
    measure(options["--model"], std::uint32_t(std::stoul(options["--batch"])),
        duration);
    return 0;
  }
  measure("mlp", 10, duration);
  measure("cnn", 10, duration);
  measure("lenet5", 64, duration);
} catch (const std::exception& error) {
  std::fprintf(stderr, "training_bench: %s\n", error.what());
  return 2;
}
