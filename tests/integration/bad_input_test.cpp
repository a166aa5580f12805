// Whatever is wrong with the input: a message that names it, a code that says
// whose fault it is, and nothing half-written.
#include <csignal>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/integration/study.hpp"

namespace troupe::tests {

namespace {

// Replaces the one place where `text` has `from`.
std::string replaced(
    std::string text, const std::string& from, const std::string& to) {
  auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

// -- configuration ------------------------------------------------------------

/// A change to the quick configuration, and what the message has to say.
struct typo {
  const char* name;
  const char* from;
  const char* to;
  std::vector<std::string> said;
};

std::ostream& operator<<(std::ostream& out, const typo& x) {
  return out << x.name;
}

class typo_test : public testing::TestWithParam<typo> {};

TEST_P(typo_test, is_found_by_file_line_and_key) {
  auto [name, from, to, parts] = GetParam();
  study some{replaced(quick_fedavg(3), from, to)};

  for (auto verb : {"run", "check"}) {
    auto said = run(troupe({verb, some.config(), "--out", some / "a"}));

    expect_code(said, 2);
    for (const auto& part : parts)
      EXPECT_TRUE(holds(said.err, part)) << part << " in\n" << said.err;
    EXPECT_TRUE(holds(said.err, some.config())) << said.err;
  }
  EXPECT_FALSE(std::filesystem::exists(some / "a"));
}

INSTANTIATE_TEST_SUITE_P(of, typo_test,
    testing::Values(typo{"key", "fraction = 0.5", "fracton = 0.5",
                        {":12:", "federation.fracton", "fraction?"}},
        typo{"value", "\"fedavg\"", "\"fedavq\"",
            {":10:", "federation.rule", "fedavq", "did you mean fedavg?"}},
        typo{"section", "[client]", "[clients]", {":13:", "clients", "client"}},
        typo{"type", "clients = 10", "clients = \"ten\"",
            {":11:", "federation.clients", "ten"}},
        typo{"range", "lr = 0.05", "lr = -1", {":15:", "client.lr", "-1"}},
        typo{"syntax", "lr = 0.05", "lr = = 0.05", {":15:"}}),
    [](const auto& x) { return x.param.name; });

TEST(bad_input_test, names_settings_of_the_command_line_too) {
  study some{quick_fedavg(3)};

  auto said = run(some.start("a", {"--set", "client.lrr=0.1"}));

  expect_code(said, 2);
  EXPECT_TRUE(holds(said.err, "client.lrr")) << said.err;
  EXPECT_TRUE(holds(said.err, "did you mean lr")) << said.err;
  EXPECT_FALSE(std::filesystem::exists(some / "a"));
}

TEST(bad_input_test, names_a_configuration_that_is_not_there) {
  scratch_directory place;

  auto said = run(troupe({"run", place / "none.toml"}));

  expect_code(said, 2);
  EXPECT_TRUE(holds(said.err, place / "none.toml")) << said.err;
}

TEST(bad_input_test, explains_wrong_usage) {
  for (const auto& wrong : {words{"trian"}, words{}, words{"run"},
           words{"run", "a.toml", "--sede", "3"}, words{"run", "a", "b"},
           words{"run", "--resume"}, words{"evaluate", "model.safetensors"}}) {
    auto said = run(troupe(wrong));

    expect_code(said, 2);
    EXPECT_FALSE(said.err.empty());
  }
  EXPECT_TRUE(holds(run(troupe({"trian"})).err, "Train") ||
              holds(run(troupe({"trian"})).err, "--help"));
}

// -- data ---------------------------------------------------------------------

std::string big_endian(std::uint32_t n) {
  return {static_cast<char>(n >> 24), static_cast<char>(n >> 16),
      static_cast<char>(n >> 8), static_cast<char>(n)};
}

std::string idx(std::vector<std::uint32_t> shape, char filling) {
  std::string bytes{'\0', '\0', '\x08', static_cast<char>(shape.size())};
  std::size_t size = 1;
  for (auto extent : shape) {
    bytes += big_endian(extent);
    size *= extent;
  }
  for (std::size_t i = 0; i < size; ++i)
    bytes += static_cast<char>((i + static_cast<unsigned char>(filling)) % 3);
  return bytes;
}

/// The user's own data: images of four pixels, three classes.
class idx_study : public study {
public:
  idx_study() : study(quick_fedavg(3)) {
    write(*this / "train-images-idx3-ubyte", idx({60, 2, 2}, 0));
    write(*this / "train-labels-idx1-ubyte", idx({60}, 0));
    write(*this / "t10k-images-idx3-ubyte", idx({9, 2, 2}, 0));
    write(*this / "t10k-labels-idx1-ubyte", idx({9}, 0));
    auto text = replaced(content(config()), "set = \"synthetic\"",
        fmt::format("set = \"idx\"\npath = \"{}\"",
            (*this / ".").lexically_normal().string()));
    write(config(), text);
  }

  // Refuses to run and names the file; answers with what it said.
  std::string refused(const std::string& file) {
    auto said = run(start("a"));
    EXPECT_TRUE(said.code == 1 || said.code == 2) << said.code << said.text();
    EXPECT_TRUE(holds(said.err, file)) << said.err;
    EXPECT_FALSE(std::filesystem::exists(*this / "a"));
    return said.err;
  }
};

TEST(bad_data_test, is_only_what_is_bad) {
  idx_study some;

  expect_code(run(some.start("a")), 0);
}

TEST(bad_data_test, says_which_package_brings_a_missing_file) {
  study some{replaced(quick_fedavg(3), "set = \"synthetic\"",
      "set = \"fashion-mnist\"\npath = \"/nowhere\"")};

  for (auto verb : {"run", "check"}) {
    auto said = run(troupe({verb, some.config(), "--out", some / "a"}));

    EXPECT_TRUE(said.code == 1 || said.code == 2) << said.code;
    EXPECT_TRUE(holds(said.err, "/nowhere")) << said.err;
    EXPECT_TRUE(holds(said.err, "dataset-fashion-mnist")) << said.err;
  }
  EXPECT_FALSE(std::filesystem::exists(some / "a"));
}

TEST(bad_data_test, names_a_missing_file_of_the_users_own) {
  idx_study some;
  std::filesystem::remove(some / "t10k-labels-idx1-ubyte");

  some.refused("t10k-labels");
}

TEST(bad_data_test, names_a_truncated_file) {
  idx_study some;
  auto file = some / "train-images-idx3-ubyte";
  std::filesystem::resize_file(file, 100);

  some.refused(file);
}

TEST(bad_data_test, names_a_file_that_is_no_idx) {
  idx_study some;
  auto file = some / "train-images-idx3-ubyte";
  write(file, "these are not images at all");

  some.refused(file);
}

TEST(bad_data_test, names_labels_that_do_not_fit_the_images) {
  idx_study some;
  auto file = some / "train-labels-idx1-ubyte";
  write(file, idx({59}, 0));

  EXPECT_TRUE(holds(some.refused(file), "59"));
}

TEST(bad_data_test, names_a_broken_archive) {
  idx_study some;
  std::filesystem::remove(some / "train-images-idx3-ubyte");
  auto file = some / "train-images-idx3-ubyte.gz";
  write(file, "\x1f\x8b\x08 but nothing behind it");

  some.refused(file);
}

// -- initial parameters -------------------------------------------------------

class initial_test : public testing::Test {
protected:
  initial_test() {
    expect_code(run(study_.start("a")), 0);
    write(init(), content(study_.of("a") / "model.safetensors"));
  }

  std::string init() const { return study_ / "init.safetensors"; }

  void expect_refused(const std::string& setting = "run.name=b") {
    auto said = run(
        study_.start("b", {"--set", "model.init=" + init(), "--set", setting}));
    EXPECT_TRUE(said.code == 1 || said.code == 2) << said.code << said.text();
    EXPECT_TRUE(holds(said.err, init())) << said.err;
    EXPECT_FALSE(std::filesystem::exists(study_ / "b"));
    said = run(troupe({"evaluate", init(), study_.config()}));
    if (setting == "run.name=b")
      EXPECT_TRUE(said.code == 1 || said.code == 2) << said.code << said.text();
  }

  study study_{quick_fedavg(3)};
};

TEST_F(initial_test, starts_from_a_stored_model) {
  expect_code(run(study_.start("b", {"--set", "model.init=" + init()})), 0);

  EXPECT_NE(study_.of("b").model_sha256(), study_.of("a").model_sha256());
}

TEST_F(initial_test, names_a_truncated_file) {
  std::filesystem::resize_file(init(), std::filesystem::file_size(init()) - 5);

  expect_refused();
}

TEST_F(initial_test, names_a_corrupt_header) {
  auto bytes = content(init());
  write(init(), bytes.replace(9, 4, "\"}{:"));

  expect_refused();
}

TEST_F(initial_test, names_a_header_that_is_longer_than_the_file) {
  auto bytes = content(init());
  write(init(), bytes.replace(0, 8, std::string(8, '\x7f')));

  expect_refused();
}

TEST_F(initial_test, names_a_file_of_another_model) {
  expect_refused("model.kind=mlp");
}

TEST_F(initial_test, names_a_file_that_is_not_there) {
  std::filesystem::remove(init());

  expect_refused();
}

// -- stored state -------------------------------------------------------------

class stored_state_test : public testing::Test {
protected:
  stored_state_test() {
    auto what = with_fault(study_.start("a", endless()), "kill@16:sync");
    EXPECT_EQ(run(what).signal, SIGKILL);
    goal_ = rounds(left().last_published() + 3);
  }

  void expect_resumable() {
    expect_code(run(study_.resume("a", goal_)), 0);
    expect_code(run(study_.start("whole", goal_)), 0);
    EXPECT_EQ(left().model_sha256(), study_.of("whole").model_sha256());
  }

  std::filesystem::path newest() const {
    return left().checkpoint(left().checkpoints().back());
  }

  record left() const { return study_.of("a"); }

  finished expect_refused(const std::string& file) {
    auto before = left().files();
    auto said = run(study_.resume("a"));
    EXPECT_TRUE(said.code == 1 || said.code == 2) << said.code << said.text();
    EXPECT_TRUE(holds(said.err, file)) << said.err;
    EXPECT_EQ(left().files(), before);
    return said;
  }

  void expect_advice(const std::string& file) {
    auto said = expect_refused(file);
    EXPECT_TRUE(
        holds(said.err, ". Remove the file to resume from the one before it\n"))
        << said.err;
  }

  study study_{quick_fedavg(8)};
  words goal_;
};

TEST_F(stored_state_test, names_a_truncated_checkpoint) {
  auto file = newest();
  for (auto size : {std::filesystem::file_size(file) - 1, std::uintmax_t{100},
           std::uintmax_t{5}, std::uintmax_t{0}}) {
    std::filesystem::resize_file(file, size);

    expect_advice(file);
  }
}

TEST_F(stored_state_test, names_a_checkpoint_with_one_other_bit) {
  auto file = newest();
  auto bytes = content(file);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  write(file, bytes);

  expect_advice(file);
}

TEST_F(stored_state_test, names_a_checkpoint_whose_rule_was_altered) {
  auto file = newest();
  auto bytes = content(file);
  auto at = bytes.find("troupe.rule.state") + 22;
  bytes[at] = bytes[at] == '0' ? '1' : '0';
  write(file, bytes);

  expect_refused(file);
}

TEST_F(stored_state_test, goes_back_to_the_checkpoint_before) {
  std::filesystem::remove(newest());
  ASSERT_FALSE(left().checkpoints().empty());

  expect_resumable();
}

TEST_F(stored_state_test, names_a_line_of_the_journal_that_is_none) {
  auto journal = left().journal();
  auto second = journal.find('\n') + 1;
  write(left() / "facts.jsonl",
      journal.substr(0, second) + "###\n" + journal.substr(second));

  expect_refused("facts.jsonl");
}

TEST_F(stored_state_test, names_a_journal_that_ends_before_its_checkpoint) {
  auto journal = left().journal();
  write(left() / "facts.jsonl", journal.substr(0, journal.find('\n') + 1));

  expect_refused("facts.jsonl");
}

TEST_F(stored_state_test, takes_a_torn_last_line_for_granted) {
  write(left() / "facts.jsonl", left().journal() + "{\"fact\":\"lea");

  expect_resumable();

  EXPECT_FALSE(holds(left().journal(), "\"lea{"));
}

TEST_F(stored_state_test, names_a_configuration_that_was_damaged) {
  write(left() / "config.toml", "[run\nname");

  expect_refused("config.toml");
}

// -- the machine --------------------------------------------------------------

class taken_port {
public:
  taken_port() : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    bind(socket_, reinterpret_cast<sockaddr*>(&at), size);
    listen(socket_, 1);
    getsockname(socket_, reinterpret_cast<sockaddr*>(&at), &size);
    endpoint_ = fmt::format("127.0.0.1:{}", ntohs(at.sin_port));
  }
  ~taken_port() { close(socket_); }
  taken_port(const taken_port&) = delete;
  taken_port& operator=(const taken_port&) = delete;

  const std::string& endpoint() const { return endpoint_; }

private:
  int socket_;
  std::string endpoint_;
};

TEST(bad_input_test, names_a_port_that_is_taken) {
  study some{quick_fedavg(3)};
  taken_port port;

  auto said = run(some.start("a", {"--metrics", port.endpoint()}));

  EXPECT_TRUE(said.code == 1 || said.code == 2) << said.code;
  EXPECT_TRUE(holds(said.err, port.endpoint())) << said.err;
  EXPECT_FALSE(std::filesystem::exists(some / "a"));
}

TEST(bad_input_test, names_an_endpoint_that_is_none) {
  study some{quick_fedavg(3)};

  for (auto wrong : {"here", "127.0.0.1:", "127.0.0.1:99999", ":x"}) {
    auto said = run(some.start("a", {"--metrics", wrong}));

    expect_code(said, 2);
    EXPECT_TRUE(holds(said.err, wrong)) << said.err;
  }
  EXPECT_FALSE(std::filesystem::exists(some / "a"));
}

TEST(bad_input_test, asks_for_no_more_clients_than_there_are_samples) {
  idx_study some;

  auto said = run(some.start("a", {"--set", "federation.clients=61"}));

  expect_code(said, 2);
  EXPECT_TRUE(holds(said.err, "federation.clients = 61")) << said.err;
  EXPECT_TRUE(holds(said.err, "60")) << said.err;
}

} // namespace

} // namespace troupe::tests
