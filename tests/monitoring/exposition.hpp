#pragma once

#include <memory>
#include <string>

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

namespace troupe::monitoring {

/// What a scrape of the collectable would say.
inline std::string exposition(const prometheus::Collectable& source) {
  return prometheus::TextSerializer{}.Serialize(source.Collect());
}

/// The value of one sample, as text, or "absent". `series` is a metric's name
/// with its labels as the exposition writes them.
inline std::string sample(const std::string& text, const std::string& series) {
  const auto start = ("\n" + text).find("\n" + series + " ");
  if (start == std::string::npos)
    return "absent";
  const auto value = start + series.size() + 1;
  return text.substr(value, text.find('\n', value) - value);
}

} // namespace troupe::monitoring
