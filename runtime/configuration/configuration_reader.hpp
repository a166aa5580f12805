#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <toml++/toml.h>

#include "runtime/configuration/configuration.hpp"
#include "runtime/configuration/keys.hpp"
#include "runtime/configuration/mesh_keys.hpp"
#include "runtime/configuration/rule_choice.hpp"
#include "runtime/configuration/servers.hpp"

namespace troupe {

/// Fills one configuration from TOML tables and single settings.
class configuration_reader {
public:
  enum class words { known, any }; // of keys that have choices

  explicit configuration_reader(
      configuration start, words allowed = words::known)
      : any_word_(allowed == words::any) {
    result_.value = std::move(start);
  }

  void read(const toml::table& file, std::string_view name);
  void set(std::string_view setting);
  void fault(std::size_t line, std::string text) {
    faults_.push_back({line, std::move(text)});
  }
  void leave_out_unused();
  void take_defaults() {
    take_rule_defaults(result_.value, result_.where);
    take_server_defaults(result_.value, result_.where);
    take_mesh_defaults(result_.value, result_.where);
  }
  void reset_unused();
  reading finish() &&;

private:
  struct located {
    std::size_t line = 0;
    std::string text;
  };
  static constexpr std::size_t behind_the_file = -1;

  void read_section(
      std::string_view section, const toml::table& part, std::string_view name);
  void assign(const key& k, const toml::node& value, std::size_t line,
      const std::string& from);
  void reset(const key& k);

  bool any_word_ = false;
  configuration file_; ///< as the file alone would have it
  reading result_;
  std::vector<located> faults_;
};

} // namespace troupe
