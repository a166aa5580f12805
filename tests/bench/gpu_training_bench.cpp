// How fast a GPU trains many small models side by side: the steps of all lanes
// a second, and each large operator of the FedAvg paper's network beside the
// least time that it can take (floor_s): its bytes at the speed of a copy, or
// its operations at that of a large product, both from the same run; and one
// model's convolution by cuDNN, where there is one, beside our own kernels
// (own_s). Without a GPU it says so. Usage: gpu_training_bench [lanes] [batch]
// [repetitions] [steps]

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <vector>

#include "gpu/block.hpp"
#include "gpu/buffer.hpp"
#include "gpu/copy.hpp"
#include "gpu/operators/convolution.hpp"
#include "gpu/operators/linear.hpp"
#include "gpu/operators/products.hpp"
#include "gpu/random.hpp"
#include "gpu/training/cohort.hpp"
#include "gpu/training/trainer.hpp"
#include "tests/gpu/samples.hpp"
#include "tests/support/devices.hpp"

namespace {

using namespace troupe;

class bench {
public:
  bench(gpu::device where, std::size_t lanes, std::size_t batch, int times,
      std::size_t steps)
      : on_(where),
        lanes_(lanes),
        batch_(batch),
        times_(times),
        steps_(steps) {}

  void run() {
    measure_limits();
    train("mlp", models::mlp({784, 200, 200, 10}));
    train("cnn", models::cnn());
    train("lenet5", models::lenet5());
    convolve("conv1", {{28, 28, 1}, 32, 5, 2});
    convolve("conv2", {{14, 14, 32}, 64, 5, 2});
    fully_connect("fc1", 3136, 512);
    convolve_one("conv2", {{14, 14, 32}, 64, 5, 2});
  }

private:
  // The median time of `work`, which may leave the stream busy.
  template <class Work>
  double seconds(Work&& work) {
    std::vector<double> all;
    for (int i = 0; i <= times_; ++i) {
      on_.synchronise();
      const auto begin = std::chrono::steady_clock::now();
      work();
      on_.synchronise();
      const auto end = std::chrono::steady_clock::now();
      if (i > 0) // the first one is for warming up
        all.push_back(std::chrono::duration<double>(end - begin).count());
    }
    const auto middle = all.begin() + static_cast<long>(all.size() / 2);
    std::nth_element(all.begin(), middle, all.end());
    return *middle;
  }

  gpu::buffer values(std::size_t count) {
    gpu::random_stream random{1, gpu::stream::user};
    std::vector<float> host(count);
    for (auto& value : host)
      value = static_cast<float>(random.next() >> 8) * 0x1p-24f - 0.5f;
    gpu::buffer result{count, on_};
    gpu::copy<float>(on_, host, result.span());
    on_.synchronise();
    return result;
  }

  void measure_limits() {
    const std::size_t n = 4096;
    auto a = values(4 * n * n), b = values(4 * n * n);
    const auto copying =
        seconds([&] { gpu::copy<float>(on_, a.span(), b.span()); });
    copy_rate_ = 2.0 * static_cast<double>(a.bytes()) / copying;
    const auto square = [&](gpu::buffer& x, std::size_t at) {
      return gpu::matrix{x.span().subspan(at * n * n, n * n), n, n};
    };
    product_rate_ = 2.0 * n * n * n / seconds([&] {
      multiply(on_, square(a, 0), square(a, 1), square(b, 0));
    });
    std::printf("gpu_training limits copy_gbytes_per_s=%.4g "
                "product_gflop_per_s=%.4g\n",
        copy_rate_ / 1e9, product_rate_ / 1e9);
  }

  /// As many multiplications and additions, and floats that have to move.
  template <class Work>
  void report(const char* name, const char* part, double products,
      double floats, Work&& work) {
    const auto took = seconds(work);
    const auto floor =
        std::max(2.0 * products / product_rate_, 4.0 * floats / copy_rate_);
    std::printf("gpu_training %s_%s seconds=%.4g floor_s=%.4g ratio=%.3f\n",
        name, part, took, floor, floor / took);
    std::fflush(stdout);
  }

  void train(const char* name, const models::model& what) {
    training::assignment work;
    work.data = testing::random_samples(lanes_ * batch_, {1, 28, 28}, 10);
    work.how.batch = static_cast<std::uint32_t>(batch_);
    work.how.lr = 0.01f;
    work.how.steps = 1u << 20;
    const auto learner = training::trainer(what)({});
    const auto given =
        std::make_shared<gpu::buffer>(gpu::size(learner->layout()));
    learner->initialise(given->span(), 1);
    training::cohort group{what, on_.where(), lanes_, work.how};
    for (std::size_t lane = 0; lane < lanes_; ++lane)
      group.enter(lane, given, work);
    const auto took = seconds([&] {
      group.advance(steps_);
      group.stream().synchronise();
    });
    std::printf("gpu_training %s lanes=%zu batch=%zu steps_per_s=%.4g\n", name,
        lanes_, batch_, static_cast<double>(lanes_ * steps_) / took);
    std::fflush(stdout);
  }

  void convolve(const char* name, const gpu::convolution& what) {
    const auto rows = lanes_ * batch_;
    const auto in_size = what.in.size(), out_size = what.out().size();
    auto weight = values(lanes_ * what.weights());
    auto bias = values(lanes_ * what.channels);
    auto in = values(rows * in_size), out = values(rows * out_size);
    const gpu::lanes weights{weight.span(), lanes_, nullptr};
    const gpu::lanes biases{bias.span(), lanes_, nullptr};
    const gpu::matrix image{in.span(), rows, in_size};
    const gpu::matrix result{out.span(), rows, out_size};
    const auto products = double(rows) * double(out_size) *
                          double(what.weights() / what.channels);
    const auto floats = double(in.size() + out.size() + weight.size());
    report(name, "forward", products, floats, [&] {
      gpu::convolve(
          on_, what, weights, biases, gpu::activation::relu, image, result, {});
    });
    report(name, "input_gradient", products, floats, [&] {
      convolve_backward_input(on_, what, weights, result, image, {});
    });
    report(
        name, "weight_gradient", products, floats + double(weight.size()), [&] {
          convolve_backward_weight(
              on_, what, image, result, {weights, 1e-9f, 1.0f}, {});
        });
  }

  void fully_connect(
      const char* name, std::size_t inputs, std::size_t outputs) {
    const auto rows = lanes_ * batch_;
    auto weight = values(lanes_ * inputs * outputs);
    auto bias = values(lanes_ * outputs);
    auto in = values(rows * inputs), out = values(rows * outputs);
    auto gradient = values(rows * inputs);
    const gpu::lanes weights{weight.span(), lanes_, nullptr};
    const gpu::lanes biases{bias.span(), lanes_, nullptr};
    const gpu::matrix from{in.span(), rows, inputs};
    const gpu::matrix to{out.span(), rows, outputs};
    const gpu::matrix back{gradient.span(), rows, inputs};
    const auto products = double(rows) * double(inputs * outputs);
    const auto floats = double(weight.size() + in.size() + out.size());
    report(name, "forward", products, floats, [&] {
      linear_forward(on_, from, weights, biases, gpu::activation::relu, to);
    });
    // The gradient by the input needs all weights before the step changes them.
    report(name, "backward", 2.0 * products,
        2.0 * floats + double(weight.size()), [&] {
          linear_backward(on_, from, weights, to, back, {weights, 1e-9f, 1.0f});
        });
  }

  /// All rows through one model: lanes with steps are not for cuDNN.
  void convolve_one(const char* name, const gpu::convolution& what) {
    const auto rows = lanes_ * batch_;
    auto weight = values(what.weights()), bias = values(what.channels);
    auto in = values(rows * what.in.size());
    auto out = values(rows * what.out().size());
    const gpu::lane_step step{.rows = static_cast<std::uint32_t>(rows)};
    gpu::block<gpu::lane_step> steps{1, on_};
    gpu::copy<gpu::lane_step>(on_, {&step, 1}, steps.span());
    const gpu::matrix image{in.span(), rows, what.in.size()};
    const gpu::matrix result{out.span(), rows, what.out().size()};
    const auto took = [&](const gpu::lane_step* by) {
      const gpu::lanes weights{weight.span(), 1, by};
      const gpu::lanes biases{bias.span(), 1, by};
      return seconds([&] {
        gpu::convolve(on_, what, weights, biases, gpu::activation::none, image,
            result, {});
        convolve_backward_input(on_, what, weights, result, image, {});
        convolve_backward_weight(
            on_, what, image, result, {weights, 1e-9f, 1.0f}, {});
      });
    };
    std::printf("gpu_training %s_of_one_model seconds=%.4g own_s=%.4g\n", name,
        took(nullptr), took(steps.data()));
    std::fflush(stdout);
  }

  gpu::device_stream on_;
  std::size_t lanes_;
  std::size_t batch_;
  int times_;
  std::size_t steps_;
  double copy_rate_ = 0.0;
  double product_rate_ = 0.0;
};

std::size_t number(int argc, char** argv, int which, std::size_t usual) {
  return argc > which ? std::strtoull(argv[which], nullptr, 10) : usual;
}

} // namespace

int main(int argc, char** argv) try {
  const auto gpus = tests::gpu_devices();
  if (gpus.empty()) {
    std::printf("gpu_training_bench: skipped: %s\n", gpu::why_no_gpu().c_str());
    return 0;
  }
  bench{gpus.front(), number(argc, argv, 1, 100), number(argc, argv, 2, 10),
      static_cast<int>(number(argc, argv, 3, 11)), number(argc, argv, 4, 20)}
      .run();
} catch (const std::exception& error) {
  std::fprintf(stderr, "gpu_training_bench: %s\n", error.what());
  return 1;
}
