#include "tests/monitoring/for_people.hpp"

#include <cctype>
#include <fstream>
#include <iterator>

#include <nlohmann/json.hpp>

namespace troupe::monitoring {

std::string read(const std::string& path) {
  std::ifstream in{path};
  return {std::istreambuf_iterator<char>{in}, {}};
}

std::string replaced(
    std::string text, const std::string& what, const std::string& with) {
  for (auto at = text.find(what); at != std::string::npos;
       at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
  return text;
}

std::set<std::string> metrics_in(const std::string& text) {
  std::set<std::string> result;
  std::string word;
  for (char c : text + " ") {
    if (std::isalnum(static_cast<unsigned char>(c)) || c == '_') {
      word += c;
      continue;
    }
    for (const auto* prefix : {"troupe_", "process_", "caf_"})
      if (word.starts_with(prefix))
        result.insert(word);
    word.clear();
  }
  return result;
}

std::vector<panel_query> queries_of_the_dashboard(
    const std::string& rate_interval, const std::string& file) {
  std::vector<panel_query> result;
  const auto document = nlohmann::json::parse(read(file));
  for (const auto& panel : document.at("panels"))
    for (const auto& target : panel.at("targets")) {
      auto expression = target.at("expr").get<std::string>();
      for (const auto* name : {"$instance", "$node"})
        expression = replaced(expression, name, ".*");
      result.push_back({panel.at("title"),
          replaced(expression, "$__rate_interval", rate_interval)});
    }
  return result;
}

} // namespace troupe::monitoring
