#pragma once

#include <filesystem>
#include <string_view>

#include "gpu/training/dataset.hpp"
#include "runtime/files/files.hpp"

namespace troupe::data {

/// A data set as it is published: one part to train on, one to test on, of one
/// shape and with the same classes.
struct splits {
  training::shared_dataset train;
  training::shared_dataset test;
};

/// Fashion-MNIST (Xiao et al. 2017): 60,000 + 10,000 images of 28 x 28, ten
/// classes. Read from `directory`, or from where Debian's package
/// dataset-fashion-mnist puts it. Throws `file_error` (which names that package
/// if a file is missing) and `bad_file`.
splits fashion_mnist(
    const std::filesystem::path& directory = {}, files& from = files::system());

/// The user's own files, named as MNIST's are, each plain or with .gz:
/// train-images*, train-labels*, t10k-images* and t10k-labels* ("test" will do
/// for "t10k"). Images are IDX files of bytes or floats whose first dimension
/// counts samples, labels are bytes; there are as many classes as the highest
/// label says. Throws `file_error` and `bad_file`.
splits idx(
    const std::filesystem::path& directory, files& from = files::system());

/// What is tested on alone, of "fashion-mnist" or "idx", where nobody trains
/// here. Throws likewise.
training::shared_dataset test_part(std::string_view set,
    const std::filesystem::path& directory, files& from = files::system());

/// What a resident trains on, of files named as for `idx`; others may be there,
/// too. It has as many classes as its own highest label says. Throws likewise.
training::dataset own_part(
    const std::filesystem::path& directory, files& from = files::system());

} // namespace troupe::data
