#include "runtime/files/file_fault.hpp"

#include <cerrno>
#include <charconv>
#include <memory>
#include <optional>
#include <stdexcept>

#include <fmt/format.h>

#include "runtime/files/power_loss.hpp"

namespace troupe {

namespace {

// What is left of the text; each `take` removes what it recognised.
class scanner {
public:
  explicit scanner(std::string_view text) : rest_(text) {}

  bool take(std::string_view word) {
    if (!rest_.starts_with(word))
      return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  std::optional<std::uint64_t> take_number() {
    std::uint64_t number = 0;
    auto [end, error] =
        std::from_chars(rest_.data(), rest_.data() + rest_.size(), number);
    if (error != std::errc{})
      return std::nullopt;
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return number;
  }

  std::optional<file_operation> take_operation() {
    for (std::size_t i = 0; i < file_operations; ++i)
      if (auto what = static_cast<file_operation>(i); take(to_string(what)))
        return what;
    return std::nullopt;
  }

  std::optional<int> take_reason() {
    if (take("ENOSPC"))
      return ENOSPC;
    if (take("EIO"))
      return EIO;
    if (take("EACCES"))
      return EACCES;
    return std::nullopt;
  }

  bool done() const { return rest_.empty(); }

private:
  std::string_view rest_;
};

struct plan {
  file_fault fault;
  std::uint64_t nth = 0;
  bool later_too = false;
  bool power = false;
  std::optional<file_operation> kind;
};

std::optional<plan> parse(std::string_view text) {
  plan result;
  auto input = scanner{text};
  if (input.take("kill@"))
    result.fault.what = file_fault::kind::kill;
  else if ((result.power = input.take("power@")))
    result.fault.what = file_fault::kind::kill;
  else if (input.take("fail@"))
    result.fault.what = file_fault::kind::fail;
  else
    return std::nullopt;
  auto nth = input.take_number();
  if (!nth || *nth == 0)
    return std::nullopt;
  result.nth = *nth;
  result.later_too = input.take("+");
  if (input.take(":") && !(result.kind = input.take_operation()))
    return std::nullopt;
  if (result.fault.what == file_fault::kind::fail) {
    auto reason = input.take("=") ? input.take_reason() : std::nullopt;
    if (!reason)
      return std::nullopt;
    result.fault.reason = *reason;
  }
  return input.done() ? std::optional{result} : std::nullopt;
}

} // namespace

file_hook parse_file_fault(std::string_view text) {
  auto found = parse(text);
  if (!found)
    throw std::invalid_argument(
        fmt::format("file fault \"{}\" is not kill@N[+][:OPERATION], "
                    "power@N[+][:OPERATION] or "
                    "fail@N[+][:OPERATION]=ENOSPC, EIO or EACCES",
            text));
  auto due = [wanted = *found](file_operation what, std::uint64_t in_all,
                 std::uint64_t of_kind) {
    if (wanted.kind && *wanted.kind != what)
      return false;
    auto now = wanted.kind ? of_kind : in_all;
    return wanted.later_too ? now >= wanted.nth : now == wanted.nth;
  };
  auto disk = found->power ? std::make_shared<power_loss>() : nullptr;
  return [fault = found->fault, due, disk](file_operation what,
             const std::filesystem::path& path, std::uint64_t in_all,
             std::uint64_t of_kind) -> file_fault {
    auto now = due(what, in_all, of_kind);
    if (disk && now)
      disk->strike();
    if (disk)
      disk->see(what, path);
    return now ? fault : file_fault{};
  };
}

} // namespace troupe
