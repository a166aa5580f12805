#include "runtime/cli/command.hpp"

#include "runtime/company/room.hpp"
#include "runtime/configuration/spelling.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <exception>
#include <new>
#include <ostream>

#include <fcntl.h>
#include <unistd.h>

namespace troupe::cli {

namespace {

constexpr std::string_view exit_codes = R"(Exit codes:
  0    done
  1    failed
  2    wrong usage or configuration
  130  interrupted
)";

constexpr option help_option{"help", "", "show this page"};

std::string overview() {
  std::string text = "Troupe trains models by actors, federated or at home.\n\n"
                     "Usage: troupe COMMAND ...\n\nCommands:\n";
  for (const auto& each : commands())
    text += fmt::format("  {:<10} {}\n", each.name, each.summary);
  text += "\n`troupe COMMAND --help` tells more. A first run:\n\n"
          "  troupe run examples/fashion.toml\n\n";
  return text.append(exit_codes);
}

const command* find(std::string_view name) {
  auto all = commands();
  auto found = std::find_if(all.begin(), all.end(),
      [&](const command& each) { return each.name == name; });
  return found == all.end() ? nullptr : &*found;
}

std::string unknown_command(std::string_view name) {
  std::vector<std::string_view> names;
  for (const auto& each : commands())
    names.push_back(each.name);
  return fmt::format(
      "there is no command {}{}", name, did_you_mean(name, names));
}

void check_operands(const command& which, const arguments& given) {
  const auto& operands = given.operands();
  if (operands.size() < which.least)
    throw usage_error{fmt::format("{} needs {}", which.name, which.operands)};
  if (operands.size() > which.most)
    throw usage_error{fmt::format("{} does not know what to do with {}",
        which.name, operands[which.most])};
}

// A run's result are its files, whoever looks on; of other commands it is what
// they say.
int answered(int code, console& to) {
  if (code != done || to.out.flush())
    return code;
  to.err << "troupe: the answer could not be written\n";
  return failed;
}

int act_on(
    const command& which, std::span<const std::string> words, console& to) {
  arguments given{words, which.options};
  if (given.has("help")) {
    to.out << help(which);
    return answered(done, to);
  }
  check_operands(which, given);
  auto code = which.act(given, to);
  return which.act == &run ? code : answered(code, to);
}

} // namespace

std::string help(const command& of) {
  return fmt::format("{}.\n\nUsage: troupe {}{}{} [OPTION]...\n\nOptions:\n{}\n"
                     "{}\n{}",
      of.summary, of.name, of.operands.empty() ? "" : " ", of.operands,
      describe(of.options), of.details, exit_codes);
}

// What takes a missing descriptor's place fails at once where it is used: it
// can be written, not read, as stdin, and read, not written, as the others.
void brace() {
  require_room_for_blas();
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN); // what is written says that it is too large
  for (auto which : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (fcntl(which, F_GETFD) < 0 && errno == EBADF) {
      auto taken =
          open("/dev/null", which == STDIN_FILENO ? O_WRONLY : O_RDONLY);
      static_cast<void>(taken); // the lowest that is free, which is this one
    }
}

int act(std::span<const std::string> words, console& to) {
  if (words.empty()) {
    to.err << overview();
    return misused;
  }
  auto name = words.front();
  if (name == "--help" || name == "-h" || name == "help") {
    auto topic = words.size() > 1 ? find(words[1]) : nullptr;
    to.out << (topic ? help(*topic) : overview());
    return answered(done, to);
  }
  if (name == "--version")
    name = "version";
  auto which = find(name);
  auto hint = which ? fmt::format("troupe {} --help", name) : "troupe --help";
  try {
    if (!which)
      throw usage_error{unknown_command(name)};
    return act_on(*which, words.subspan(1), to);
  } catch (const usage_error& error) {
    to.err << "troupe: " << error.what() << "; see `" << hint << "`\n";
    return misused;
  } catch (const std::bad_alloc&) {
    to.err << "troupe: out of memory in " << name << "\n";
    return failed;
  } catch (const std::exception& error) {
    to.err << "troupe: " << error.what() << "\n";
    return failed;
  }
}

} // namespace troupe::cli
