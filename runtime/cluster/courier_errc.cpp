#include "runtime/cluster/courier_errc.hpp"

namespace troupe::cluster {
namespace {

class category final : public std::error_category {
public:
  const char* name() const noexcept override { return "troupe.courier"; }
  std::string message(int code) const override {
    switch (static_cast<courier_errc>(code)) {
    case courier_errc::not_lent:
      return "the tensor has no id: it was never lent";
    case courier_errc::gone:
      return "the tensor is not lent, or no longer";
    case courier_errc::too_large:
      return "the tensor is larger than what may come";
    case courier_errc::size_differs:
      return "the tensor is being fetched with another size";
    case courier_errc::cancelled:
      return "the fetch was called off";
    case courier_errc::malformed:
      return "a courier's header means nothing";
    case courier_errc::not_asked:
      return "an answer to what nobody asked for";
    case courier_errc::out_of_place:
      return "a chunk is not the one that comes next";
    case courier_errc::corrupted:
      return "a chunk does not have its checksum";
    case courier_errc::too_many:
      return "more was asked for at once than a courier may";
    }
    return "unknown";
  }
};

} // namespace

const std::error_category& courier_category() noexcept {
  static const category one;
  return one;
}

} // namespace troupe::cluster
