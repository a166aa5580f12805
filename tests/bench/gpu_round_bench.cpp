// FedAvg rounds a second, as a GPU trains all clients side by side: the paper's
// network, 100 clients of 600 samples, one epoch, batches of 10, their updates
// summed exactly and published, on the device from end to end. The peer is
// gpu_torch_peer.py.
//
// The floor of such a round, the larger of two times, both at speeds from the
// same run:
//   operations  12.3 M multiplications a sample forward, as many for either
//               gradient (none by the images): 4.3 TFLOP over 60,000 samples,
//               at the rate of a large product in fp32
//   bytes       6,000 steps that read 1.66 M parameters forward, again
//               backward, and read and write them in the descent: 160 GB, at
//               the rate of a copy (a step that stores its gradient: 240 GB)

#include <cstdio>
#include <functional>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <variant>
#include <vector>

#include "gpu/aggregation/device_accumulator.hpp"
#include "gpu/copy.hpp"
#include "gpu/layout.hpp"
#include "gpu/training/cohort.hpp"
#include "gpu/training/trainer.hpp"
#include "tests/bench/gpu_bench.hpp"
#include "tests/bench/gpu_limits.hpp"
#include "tests/gpu/samples.hpp"

namespace {

using namespace troupe;

struct size {
  models::model what = models::cnn();
  std::size_t clients = 100;
  std::size_t samples = 600;
  std::uint32_t batch = 10;
  std::size_t limits_edge = 8192;
  int rounds = 5;
};

/// Multiplications of a sample on its way forward, and those of the first layer
/// that has any.
struct work {
  double all = 0.0;
  double first = 0.0;
};

work multiplications(const models::model& what) {
  work result;
  auto shape = what.shape;
  const auto add = [&result](std::size_t count) {
    if (result.all == 0.0)
      result.first = double(count);
    result.all += double(count);
  };
  for (const auto& each : what.layers)
    if (const auto* conv = std::get_if<models::conv2d>(&each)) {
      const auto less = conv->kernel - 1 - 2 * conv->padding;
      const auto taps = shape[0] * conv->kernel * conv->kernel;
      shape = {conv->channels, shape[1] - less, shape[2] - less};
      add(shape[0] * shape[1] * shape[2] * taps);
    } else if (const auto* pool = std::get_if<models::max_pool>(&each)) {
      shape = {shape[0], shape[1] / pool->window, shape[2] / pool->window};
    } else if (const auto* full = std::get_if<models::linear>(&each)) {
      add(std::accumulate(shape.begin(), shape.end(), full->outputs,
          std::multiplies<std::size_t>{}));
      shape = {full->outputs};
    }
  return result;
}

class federation {
public:
  federation(gpu::device where, const size& big)
      : clients_(big.clients),
        set_(testing::random_samples(
            big.clients * big.samples, big.what.shape, big.what.classes)),
        group_(big.what, where, big.clients, how(big)),
        how_(how(big)),
        parameters_(gpu::size(models::layout(big.what))),
        sums_(group_.stream(), parameters_) {
    auto start = std::make_shared<gpu::buffer>(parameters_);
    training::trainer(big.what)({})->initialise(start->span(), 1);
    given_ = std::move(start);
  }

  std::size_t parameters() const { return parameters_; }
  double loss() const { return loss_ / double(clients_); }

  void round() {
    auto& on = group_.stream();
    const auto share = set_.size() / clients_;
    for (std::size_t lane = 0; lane < clients_; ++lane)
      group_.enter(lane, given_,
          {.client = lane,
              .version = version_,
              .data = set_.slice(lane * share, share),
              .how = how_,
              .random =
                  gpu::random_stream{1, gpu::stream::train, lane, version_}});
    for (std::size_t left = clients_; left > 0;)
      left -= group_.advance(32).size();
    on.synchronise();
    publish();
  }

private:
  static training::recipe how(const size& big) {
    return {.batch = big.batch, .lr = 0.01f};
  }

  void publish() {
    auto& on = group_.stream();
    std::vector<gpu::shared_buffer> deltas;
    std::vector<gpu::contribution> some;
    const auto weight = 1.0 / double(clients_);
    loss_ = 0.0;
    for (std::size_t lane = 0; lane < clients_; ++lane) {
      auto made = group_.take(lane);
      loss_ += made.sums.loss;
      some.push_back({made.delta->span(), weight, weight});
      deltas.push_back(std::move(made.delta));
    }
    for (const auto& each : sums_.add(on, some))
      if (each.said != gpu::admission::added)
        throw std::runtime_error(gpu::to_string(each.said));
    auto next = std::make_shared<gpu::buffer>(parameters_, on);
    sums_.publish(on, where_it_starts(on), 1.0, next->span());
    sums_.clear(on);
    on.synchronise();
    given_ = std::move(next);
    ++version_;
  }

  // The first version was made on the host.
  std::span<const float> where_it_starts(gpu::device_stream& on) {
    if (given_->where() == on.where())
      return given_->span();
    auto here = std::make_shared<gpu::buffer>(parameters_, on);
    gpu::copy<float>(on, given_->span(), here->span());
    on.synchronise();
    given_ = std::move(here);
    return given_->span();
  }

  std::size_t clients_;
  training::view set_;
  training::cohort group_;
  training::recipe how_;
  std::size_t parameters_;
  gpu::device_accumulator sums_;
  gpu::shared_buffer given_;
  std::uint64_t version_ = 0;
  double loss_ = 0.0;
};

void measure(gpu::device where, bool tiny) {
  size big;
  if (tiny)
    big = {models::mlp({12, 8, 4}), 3, 5, 2, 16, 1};
  gpu::device_stream on{where};
  const auto limits = bench::measure_limits(on, big.limits_edge, big.rounds);
  federation all{where, big};
  const auto took = bench::median_seconds(on, big.rounds, [&] { all.round(); });
  const auto samples = double(big.clients * big.samples);
  const auto counted = multiplications(big.what);
  const auto flop = 2.0 * samples * (3.0 * counted.all - counted.first);
  const auto steps =
      double(big.clients * ((big.samples + big.batch - 1) / big.batch));
  const auto bytes = 4.0 * steps * 4.0 * double(all.parameters());
  const auto operations = flop / limits.product_flop_per_s;
  const auto traffic = bytes / limits.copy_bytes_per_s;
  const auto floor = std::max(operations, traffic);
  std::printf("round fedavg rounds_per_s=%.4g floor_rounds_per_s=%.4g "
              "ratio=%.3f operations_s=%.4g traffic_s=%.4g tflop=%.3g "
              "gbytes=%.4g product_tflop_per_s=%.4g copy_gbytes_per_s=%.4g "
              "loss=%.4f\n",
      1.0 / took, 1.0 / floor, floor / took, operations, traffic, flop / 1e12,
      bytes / 1e9, limits.product_flop_per_s / 1e12,
      limits.copy_bytes_per_s / 1e9, all.loss());
}

} // namespace

int main(int argc, char** argv) {
  return bench::run_on_gpu("gpu_round_bench", argc, argv, measure);
}
