#include "gpu/device.hpp"
#include "runtime/cli/command.hpp"
#include "runtime/cli/load.hpp"
#include "runtime/configuration/keys.hpp"
#include "runtime/record/sha256.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ostream>

namespace troupe::cli {

int evaluate(const arguments& given, console& to) {
  const auto& model = given.operands()[0];
  auto chosen = settings(given);
  chosen.push_back("model.init=" + toml_string(model));
  auto what = load_topology(given.operands()[1], chosen, to, purpose::score);
  if (!what)
    return misused;
  gpu::use_one_blas_thread();
  auto learner = what->learner()({});
  auto score =
      learner->evaluate(what->initial()->span(), what->test_data(), {});
  auto digest = sha256(std::as_bytes(what->initial()->span()));
  if (given.has("json"))
    to.out << nlohmann::ordered_json{{"model", model}, {"loss", score.loss()},
                  {"accuracy", score.accuracy()}, {"samples", score.samples},
                  {"model_sha256", digest}}
           << "\n";
  else
    to.out << fmt::format(
        "loss {:.4f}, accuracy {:.4f} on {} samples\nmodel_sha256 {}\n",
        score.loss(), score.accuracy(), score.samples, digest);
  return done;
}

} // namespace troupe::cli
