#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace troupe::monitoring {

/// How figures read to people.

std::string grouped(std::uint64_t n); ///< 1234567 -> 1,234,567
std::string rate(double per_second);  ///< 0.43, 92.1, 1,250
std::string figure(double value);     ///< 0.8434, 1.044e+07, nan
std::string clock(double seconds);    ///< 00:12, 1:02:03, 2d 03:04
std::string counted(std::uint64_t n, std::string_view one); ///< 2 slots

/// Control characters become blanks, those of a text's direction too, so that
/// it stays on its line; what is no UTF-8 becomes U+FFFD.
std::string one_line(std::string_view text);

/// Columns of UTF-8 text, one a code point.
std::size_t columns(std::string_view text);
/// The text if it fits, else its start; never half a code point.
std::string clipped(std::string_view text, std::size_t most);

} // namespace troupe::monitoring
