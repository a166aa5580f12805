// A learner of one's own, and clients whose data nobody else ever sees.
//
// Thirty stations measured a curve, each on its own short stretch. None could
// tell the curve from its measurements alone; together they can: each fits a
// polynomial to its own for a few steps, and the average goes round again.
//
// Run `custom_learner`; it takes a second and the options of `troupe run`. An
// accuracy of 1 says that the common curve passes within 0.05 of every point of
// the true one:
//
//   version 100/400  accuracy 0.4118  loss 0.0145  3,000 updates  ...
//   version 200/400  accuracy 0.8824  loss 0.0012  6,000 updates  ...
//   version 300/400  accuracy 1.0000  loss 0.0001  9,000 updates  ...
//   version 400/400  accuracy 1.0000  loss 0.0000  12,000 updates  ...
#include "runtime/troupe.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <span>
#include <vector>

namespace {

using namespace troupe;

constexpr std::size_t stations = 30;
constexpr std::size_t coefficients = 4;

double truth(double x) {
  return 0.5 - x + 2.0 * x * x * x;
}

double curve(std::span<const float> w, double x) {
  return w[0] + x * (w[1] + x * (w[2] + x * w[3]));
}

// Stations know their measurements by their number; Troupe need not.
struct measurement {
  double x;
  double y;
};
std::vector<measurement> measured_by(std::uint64_t station) {
  gpu::random_stream random{1, gpu::stream::user, station};
  auto start = -1.0 + 1.8 * double(station) / double(stations - 1);
  std::vector<measurement> result;
  for (int i = 0; i < 40; ++i) {
    auto x = start + 0.2 * random.uniform();
    result.push_back({x, truth(x) + 0.02 * random.normal()});
  }
  return result;
}

class curve_fitter : public training::learner {
public:
  gpu::layout layout() const override {
    gpu::layout result;
    gpu::append(result, "curve.coefficients", {coefficients});
    return result;
  }

  void initialise(std::span<float> w, std::uint64_t) override {
    std::fill(w.begin(), w.end(), 0.0f);
  }

  training::outcome train(std::span<float> w, const training::assignment& work,
      std::stop_token stop) override {
    training::outcome result;
    auto rate = work.how.rate(work.version);
    auto measured = measured_by(work.client);
    for (; result.steps < work.how.steps && !stop.stop_requested();
         ++result.steps)
      result.loss = step(w, measured, rate);
    result.samples = result.steps * measured.size();
    return result;
  }

  training::evaluation evaluate(std::span<const float> w,
      const training::view& points, std::stop_token) override {
    training::evaluation result;
    std::vector<float> xy(2);
    std::vector<std::uint8_t> label(1);
    for (std::uint32_t i = 0; i < points.size(); ++i) {
      points.gather(std::span{&i, 1}, xy, label);
      auto error = curve(w, xy[0]) - xy[1];
      result.merge({1, std::abs(error) < 0.05, error * error});
    }
    return result;
  }

private:
  // One step down the mean squared error; answers with that error.
  double step(std::span<float> w, const std::vector<measurement>& measured,
      double rate) {
    double loss = 0.0;
    double gradient[coefficients] = {};
    auto share = 1.0 / double(measured.size());
    for (const auto& [x, y] : measured) {
      auto error = curve(w, x) - y;
      loss += share * error * error;
      for (std::size_t k = 0; k < coefficients; ++k)
        gradient[k] += share * 2.0 * error * std::pow(x, double(k));
    }
    for (std::size_t k = 0; k < coefficients; ++k)
      w[k] -= float(rate * gradient[k]);
    return loss;
  }
};

// Points of the true curve, to see how far off the common one is.
training::shared_dataset points() {
  std::vector<float> xy;
  for (float x = -1.0f; x <= 1.0f; x += 0.125f)
    xy.insert(xy.end(), {x, float(truth(x))});
  auto count = xy.size() / 2;
  return std::make_shared<const training::dataset>(training::dataset{
      {2}, 1, std::move(xy), std::vector<std::uint8_t>(count)});
}

} // namespace

int main(int argc, char** argv) {
  auto make = [](gpu::device) { return std::make_unique<curve_fitter>(); };
  auto run = topology{"curve"}
                 .learner(make, "cubic curve")
                 .aggregator(fedavg{.fraction = 1.0, .weighting = "uniform"})
                 .clients(stations, sgd{.lr = 0.3f}, local{.steps = 5})
                 .evaluate(points(), every{100})
                 .until(rounds{400});
  return launch(run, argc, argv);
}
