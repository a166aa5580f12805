#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json.hpp>

#include "tests/monitoring/subprocess.hpp"

namespace troupe::monitoring {

/// A port of 127.0.0.1 that nobody listens at now.
std::uint16_t free_port();

/// A real Prometheus, whose configuration is `text`; it ends with this object.
///
///     if (!installed("prometheus"))
///       GTEST_SKIP() << "prometheus (Debian package) is not installed";
///     const prometheus_server server{"scrape_configs: ..."};
///     server.query("troupe_accuracy");
class prometheus_server {
public:
  /// Throws std::runtime_error with what it said if it is not ready soon.
  explicit prometheus_server(const std::string& text);

  /// The samples of an expression now, each with "metric" and "value". Throws
  /// if Prometheus does not take it.
  nlohmann::json query(const std::string& expression) const;
  /// Whether it has a sample that is a number.
  bool has(const std::string& expression) const;
  /// The one sample of an expression; NaN: there is none, or not one.
  double value(const std::string& expression) const;
  /// Its rules, with the state of each; its targets; as the API has them.
  nlohmann::json rules() const { return get("/api/v1/rules"); }
  nlohmann::json targets() const { return get("/api/v1/targets"); }

  const std::string& said() const { return process_.said(); }

private:
  nlohmann::json get(const std::string& path) const;

  scratch files_;
  std::uint16_t port_ = free_port();
  background process_;
};

} // namespace troupe::monitoring
