#include "runtime/record/journal.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <iterator>
#include <limits>
#include <optional>
#include <type_traits>

#include <fmt/compile.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "runtime/record/fact_fields.hpp"

namespace troupe::journal {
namespace {

using nlohmann::json;

constexpr federated::drop_reason reasons[]{federated::drop_reason::none,
    federated::drop_reason::unknown, federated::drop_reason::duplicate,
    federated::drop_reason::late, federated::drop_reason::too_stale,
    federated::drop_reason::too_large};

template <class T>
void append(std::string& out, const T& value) {
  auto end = std::back_inserter(out);
  if constexpr (std::is_same_v<T, std::string>)
    out += json(value).dump(-1, ' ', false, json::error_handler_t::replace);
  else if constexpr (std::is_enum_v<T>)
    fmt::format_to(end, "\"{}\"", federated::to_string(value));
  else if constexpr (std::is_floating_point_v<T>) {
    if (std::isfinite(value))
      fmt::format_to(end, "{}", value);
    else
      out += "null";
  } else
    fmt::format_to(end, FMT_COMPILE("{}"), value);
}

// Gathers a run of facts of one kind, field by field.
struct columns {
  static constexpr std::size_t most = 24;

  std::array<std::string_view, most> name;
  std::array<std::string, most> text;
  std::size_t at = 0;

  void begin() {
    for (auto& t : text)
      t.clear();
  }
  template <class T>
  void operator()(std::string_view field, const T& value) {
    assert(at < most && "a fact has more fields than columns");
    name[at] = field;
    if (!text[at].empty())
      text[at] += ',';
    append(text[at++], value);
  }
  template <class T>
  void added(std::string_view field, const T& value) {
    (*this)(field, value);
  }
};

template <class Fact>
void write_run(std::span<const fact> run, std::string_view kind, columns& c,
    std::string& out) {
  constexpr bool shared = facts::shares_lines<Fact>;
  c.begin();
  for (const auto& f : run) {
    c.at = 0;
    facts::fields(c, std::get<Fact>(f.what));
  }
  fmt::format_to(std::back_inserter(out), "{{\"fact\":\"{}\",\"number\":{}",
      kind, run.front().number);
  if constexpr (shared)
    fmt::format_to(std::back_inserter(out), ",\"count\":{}", run.size());
  fmt::format_to(std::back_inserter(out), ",\"at\":{:.6f}",
      seconds(run.front().at.time_since_epoch()));
  for (std::size_t i = 0; i < c.at; ++i) {
    out.append(",\"").append(c.name[i]).append(shared ? "\":[" : "\":");
    out.append(c.text[i]);
    if constexpr (shared)
      out += ']';
  }
  out += "}\n";
}

// Reads the fields of fact `index` of a line.
struct field_reader {
  const json& line;
  std::size_t index;
  std::size_t count;
  bool shared;

  template <class T>
  void operator()(const char* name, T& value) const {
    auto found = line.find(name);
    if (found == line.end())
      throw bad_line(fmt::format("field \"{}\" is missing", name));
    if (!shared)
      return read(*found, name, value);
    if (!found->is_array() || found->size() != count)
      throw bad_line(
          fmt::format("field \"{}\" is not an array of {}", name, count));
    read((*found)[index], name, value);
  }

  template <class T>
  void added(const char* name, T& value) const {
    if (line.contains(name))
      (*this)(name, value);
  }

  template <class T>
  static void read(const json& from, const char* name, T& value) {
    bool fits = true;
    if constexpr (std::is_same_v<T, std::string>)
      (fits = from.is_string()) ? from.get_to(value) : value;
    else if constexpr (std::is_enum_v<T>)
      fits = from.is_string() &&
             read_reason(from.get_ref<const std::string&>(), value);
    else if constexpr (std::is_floating_point_v<T>)
      value = from.is_null()              ? std::numeric_limits<T>::quiet_NaN()
              : (fits = from.is_number()) ? from.get<T>()
                                          : T{};
    else if constexpr (std::is_same_v<T, bool>)
      value = (fits = from.is_boolean()) && from.get<bool>();
    else {
      fits = from.is_number_unsigned() &&
             from.get<std::uint64_t>() <= std::numeric_limits<T>::max();
      value = fits ? from.get<T>() : T{};
    }
    if (!fits)
      throw bad_line(fmt::format("field \"{}\" holds {}", name,
          from.dump(-1, ' ', false, json::error_handler_t::replace)));
  }

  static bool read_reason(
      const std::string& text, federated::drop_reason& value) {
    for (auto reason : reasons)
      if (text == federated::to_string(reason)) {
        value = reason;
        return true;
      }
    return false;
  }
};

template <std::size_t I>
bool read_kind(
    const json& line, std::string_view kind, std::vector<fact>& out) {
  if (facts::names[I] != kind)
    return false;
  using kind_type = std::variant_alternative_t<I, decltype(fact::what)>;
  constexpr bool shared = facts::shares_lines<kind_type>;
  std::uint64_t number = 0;
  std::uint64_t count = 1;
  double at = 0.0;
  field_reader header{line, 0, 1, false};
  header("number", number);
  header("at", at);
  if constexpr (shared)
    header("count", count);
  auto longest = line.dump().size();
  if (number == 0 || count == 0 || count > longest || !(at >= 0.0 && at < 1e9))
    throw bad_line("number, count or time is out of range");
  for (std::uint64_t i = 0; i < count; ++i) {
    kind_type x;
    field_reader reader{line, i, count, shared};
    facts::fields(reader, x);
    out.push_back({number + i, instant{from_seconds(at)}, std::move(x)});
  }
  return true;
}

template <std::size_t... I>
bool read_any(const json& line, std::string_view kind, std::vector<fact>& out,
    std::index_sequence<I...>) {
  return (read_kind<I>(line, kind, out) || ...);
}

// The parser throws all the same for a number beyond a double's range.
json parsed(std::string_view text) {
  try {
    return json::parse(text, nullptr, false);
  } catch (const json::exception&) {
    return {};
  }
}

constexpr std::size_t kinds = facts::names.size();

// The first line of `text`, which goes on behind it; none: it is not whole.
std::optional<std::string_view> taken_line(std::string_view& text) {
  auto end = text.find('\n');
  if (end == std::string_view::npos)
    return std::nullopt;
  auto line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

} // namespace

void encode(std::span<const fact> batch, std::string& out) {
  static thread_local columns scratch;
  while (!batch.empty()) {
    auto kind = batch.front().what.index();
    std::visit(
        [&]<class Fact>(const Fact&) {
          std::size_t length = 1;
          if constexpr (facts::shares_lines<Fact>)
            while (length < batch.size() && batch[length].what.index() == kind)
              ++length;
          write_run<Fact>(
              batch.first(length), facts::names[kind], scratch, out);
          batch = batch.subspan(length);
        },
        batch.front().what);
  }
}

std::vector<fact> decode(std::string_view text) {
  auto line = parsed(text);
  if (!line.is_object())
    throw bad_line("not a JSON object");
  auto kind = line.find("fact");
  if (kind == line.end() || !kind->is_string())
    throw bad_line("field \"fact\" is missing");
  std::vector<fact> result;
  const auto& name = kind->get_ref<const std::string&>();
  if (!read_any(line, name, result, std::make_index_sequence<kinds>{}))
    throw bad_line(fmt::format("unknown fact \"{}\"", name));
  return result;
}

contents salvage(std::string_view text,
    const std::function<void(const fact&)>& each,
    const std::function<void(const fact&)>& lost) {
  contents result;
  auto rest = text;
  std::size_t number = 0;
  while (auto line = taken_line(rest)) {
    ++number;
    try {
      for (const auto& f : decode(*line)) {
        if (f.number <= result.last_number)
          throw bad_line(fmt::format(
              "fact {} follows fact {}", f.number, result.last_number));
        result.last_number = f.number;
        each(f);
      }
    } catch (const bad_line& e) {
      result.damage = fmt::format("line {}: {}", number, e.what());
      break;
    }
    result.sound_bytes += line->size() + 1;
  }
  result.torn_bytes = text.size() - result.sound_bytes;
  while (auto line = taken_line(rest))
    try {
      for (const auto& f : decode(*line))
        lost(f);
    } catch (const bad_line&) {
      continue;
    }
  return result;
}

contents scan(
    std::string_view text, const std::function<void(const fact&)>& each) {
  auto result = salvage(text, each, [](const fact&) {});
  if (!result.damage.empty())
    throw bad_line(result.damage);
  return result;
}

std::vector<fact> standing(std::string_view text) {
  std::vector<fact> all;
  scan(text, [&](const fact& f) {
    if (auto* v = std::get_if<facts::voided>(&f.what))
      std::erase_if(all, [v](const fact& old) {
        return old.number >= v->first && old.number <= v->last;
      });
    all.push_back(f);
  });
  return all;
}

} // namespace troupe::journal
