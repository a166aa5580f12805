#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "protocols/ids.hpp"
#include "protocols/time.hpp"
#include "runtime/files/files.hpp"

namespace troupe::simulation {

/// Who is there when, and how fast. A file of one or two tables, each begun by
/// a line that names its columns, in any order; seconds are virtual:
///
///     client,start,end
///     0,0,3600
///     0,7200,10800
///
///     client,samples_per_second,down,up
///     0,850,1.5e6,4e5
///
/// A client of the first table is there from each start to its end, and at no
/// other time; one that it does not have is always there. What the second one
/// has goes before [clock] and [simulation]; bytes a second, 0: no time. Empty
/// lines and those that begin with # are nothing.
struct trace {
  struct stay {
    instant start{};
    instant end{};
    friend bool operator==(const stay&, const stay&) = default;
  };
  struct speeds {
    double samples_per_second = 0.0;
    double down = 0.0;
    double up = 0.0;
  };

  std::map<client_id, std::vector<stay>> stays; ///< ascending, none overlaps
  std::map<client_id, speeds> of;
};

/// A line that is none, or contradicts another; says FILE:LINE and why.
class bad_trace : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// Of `clients`; `name` is what is said of the file. Throws `bad_trace`.
trace parse_trace(
    std::string_view text, std::string_view name, std::size_t clients);
trace read_trace(
    files& disk, const std::filesystem::path& file, std::size_t clients);

} // namespace troupe::simulation
