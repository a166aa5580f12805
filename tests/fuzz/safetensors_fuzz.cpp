// Any bytes are either a model, whose tensors tile its values and can be put
// into any order, or refused by `bad_file`.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "runtime/record/model_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(
    const std::uint8_t* data, std::size_t size) {
  using namespace troupe;
  try {
    auto model = parse_model(std::as_bytes(std::span{data, size}), "fuzz");
    std::size_t end = 0;
    for (const auto& view : model.layout) {
      if (view.offset != end)
        std::abort();
      end += view.size();
    }
    if (end != model.values->size())
      std::abort();
    gpu::layout reversed;
    for (auto view = model.layout.rbegin(); view != model.layout.rend(); ++view)
      gpu::append(reversed, view->name, view->shape);
    if (gathered("fuzz", model, reversed)->size() != model.values->size())
      std::abort();
  } catch (const bad_file&) {
  }
  return 0;
}
