#include "runtime/record/results.hpp"

#include <string>
#include <utility>

#include "runtime/files/files.hpp"
#include "runtime/record/history.hpp"
#include "runtime/record/model_file.hpp"
#include "runtime/record/sha256.hpp"

namespace troupe {

void write_results(const run_directory& place, const gpu::layout& layout,
    const run_report& report, summary what) {
  auto& disk = files::system();
  for (const auto& row : parse_history(disk.read_all(place.history())))
    if (row.accuracy > what.best_accuracy) {
      what.best_accuracy = row.accuracy;
      what.best_version = row.version;
    }
  if (report.parameters) {
    const auto values = report.parameters->span();
    what.model_sha256 = sha256(std::as_bytes(values));
    write_model(disk, place.model(), layout, values,
        {{"troupe.version", std::to_string(report.version)},
            {"troupe.fingerprint", what.fingerprint}});
    what.file_sha256 = sha256_of(disk, place.model());
  }
  disk.write_atomically(place.summary(), to_json(what, report));
}

} // namespace troupe
