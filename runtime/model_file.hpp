#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>

#include "gpu/buffer.hpp"
#include "gpu/layout.hpp"
#include "runtime/files.hpp"

namespace troupe {

/// What a model file says beside its tensors.
using metadata = std::map<std::string, std::string>;

/// A model as it is stored: the safetensors format, which Python reads with
/// `safetensors.torch.load_file` (https://github.com/huggingface/safetensors):
///
///     size of header, 8 bytes, little-endian
///     {"__metadata__":{"key":"text",..},
///      "fc1.weight":{"dtype":"F32","shape":[200,784],"data_offsets":[0,627200]},
///      ..}                     JSON, padded by spaces to a multiple of 8 bytes
///     values, little-endian, row-major, one tensor behind the other
struct model_file {
  gpu::layout layout; ///< in the order of the values
  troupe::metadata metadata;
  gpu::shared_buffer values; ///< never null
};

/// Replaces `path` atomically. `values` has as many elements as `layout`; texts
/// have to be UTF-8, or `std::invalid_argument` says which is not.
void write_model(files& disk, const std::filesystem::path& path,
    const gpu::layout& layout, std::span<const float> values,
    const metadata& fields = {});

/// Throws `bad_file` unless every byte is accounted for: sound JSON, tensors of
/// F32 without overlap or gap, sizes that fit. Takes no more memory than the
/// file has bytes.
model_file read_model(files& disk, const std::filesystem::path& path);

/// The same from memory; `name` is what errors call it.
model_file parse_model(
    std::span<const std::byte> content, const std::filesystem::path& name);

/// Throws `bad_file`, naming the first tensor that differs in name or shape,
/// unless a file's layout is the one that a model has.
void expect_layout(const std::filesystem::path& path, const gpu::layout& found,
    const gpu::layout& expected);

} // namespace troupe
