#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>

#include "gpu/buffer.hpp"
#include "gpu/layout.hpp"
#include "runtime/files/files.hpp"

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
///
/// Ours are F32 in the model's order. Others may have any order, as Python's
/// library sorts by type and name, and F64, F16 and BF16, which become F32.
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

/// The same with the values in pieces, one behind the other.
void write_model(files& disk, const std::filesystem::path& path,
    const gpu::layout& layout, std::span<const std::span<const float>> pieces,
    const metadata& fields);

/// Throws `bad_file` unless every byte is accounted for: sound JSON, tensors of
/// such types without overlap or gap, sizes that fit. Takes no more memory than
/// twice what the file has bytes.
model_file read_model(files& disk, const std::filesystem::path& path);

/// The same from memory; `name` is what errors call it.
model_file parse_model(
    std::span<const std::byte> content, const std::filesystem::path& name);

/// A file's values in the order of `wanted`, a model's layout: tensors belong
/// together by name. Throws `bad_file`, naming the first tensor that is
/// missing, of another shape, or none of the model's.
gpu::shared_buffer gathered(const std::filesystem::path& path,
    const model_file& from, const gpu::layout& wanted);

} // namespace troupe
