#pragma once

#include <set>
#include <string>
#include <vector>

namespace troupe::monitoring {

/// The files that people load into their own Prometheus and Grafana.
inline const std::string alerts_file = TROUPE_MONITORING_DIR "/alerts.yml";
inline const std::string dashboard_file =
    TROUPE_MONITORING_DIR "/dashboards/troupe.json";
inline const std::string mesh_dashboard_file =
    TROUPE_MONITORING_DIR "/dashboards/mesh.json";

std::string read(const std::string& path);
std::string replaced(
    std::string text, const std::string& what, const std::string& with);

/// The metrics that a text speaks of.
std::set<std::string> metrics_in(const std::string& text);

/// What a panel asks Prometheus, as for all instances and nodes.
struct panel_query {
  std::string panel; ///< its title
  std::string expression;
};
std::vector<panel_query> queries_of_the_dashboard(
    const std::string& rate_interval, const std::string& file = dashboard_file);

} // namespace troupe::monitoring
