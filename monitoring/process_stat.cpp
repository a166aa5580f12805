#include "monitoring/process_stat.hpp"

#include <array>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include <time.h>
#include <unistd.h>

namespace troupe::monitoring {

// The second field, the program's name, may hold anything but ends with ')'.
std::optional<process_stat> read_process_stat() {
  std::ifstream file{"/proc/self/stat"};
  const std::string text{std::istreambuf_iterator<char>{file}, {}};
  const auto name_end = text.rfind(')');
  if (name_end == std::string::npos)
    return std::nullopt;
  std::istringstream in{text.substr(name_end + 1)};
  std::array<std::string, 25> field;
  for (std::size_t i = 3; i < field.size(); ++i)
    if (!(in >> field[i]))
      return std::nullopt;
  return process_stat{std::stod(field[14]), std::stod(field[15]),
      std::stod(field[20]), std::stod(field[22]), std::stod(field[23]),
      std::stod(field[24])};
}

double process_age() {
  const auto stat = read_process_stat();
  if (!stat)
    return 0.0;
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return double(now.tv_sec) + 1e-9 * double(now.tv_nsec) -
         stat->start_ticks / double(sysconf(_SC_CLK_TCK));
}

} // namespace troupe::monitoring
