#include "tests/bench/run_in_child.hpp"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include <nlohmann/json.hpp>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace troupe::bench {

double child_run::figure(const char* key) const {
  auto j = nlohmann::json::parse(summary, nullptr, false);
  if (!j.is_object() || !j.contains(key))
    throw std::runtime_error(std::string{"the summary has no "} + key);
  return j[key].get<double>();
}

child_run run_in_child(
    const std::function<int(const std::filesystem::path&)>& body) {
  char name[] = "/tmp/troupe-bench-XXXXXX";
  if (!mkdtemp(name))
    throw std::runtime_error("cannot make a directory in /tmp");
  const auto place = std::filesystem::path{name} / "run";
  std::fflush(nullptr);
  const auto child = fork();
  if (child == 0)
    std::_Exit(body(place));
  int status = 0;
  rusage used{};
  wait4(child, &status, 0, &used);
  std::ifstream file{place / "summary.json"};
  child_run result{WIFEXITED(status) ? WEXITSTATUS(status) : -1,
      1024.0 * static_cast<double>(used.ru_maxrss),
      {std::istreambuf_iterator<char>{file}, {}}};
  std::filesystem::remove_all(name);
  return result;
}

} // namespace troupe::bench
