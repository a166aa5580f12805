#include "runtime/record/checkpoint.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <numeric>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocols/state_name.hpp"
#include "runtime/record/checkpoint_parts.hpp"
#include "runtime/record/checkpoint_states.hpp"
#include "runtime/record/sha256.hpp"
#include "tests/runtime/scratch_directory.hpp"

namespace troupe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

gpu::shared_buffer counted_from(float first, std::size_t size = 7) {
  auto result = std::make_shared<gpu::buffer>(size);
  std::iota(result->span().begin(), result->span().end(), first);
  return result;
}

std::vector<float> values(const gpu::shared_buffer& of) {
  return {of->span().begin(), of->span().end()};
}

class checkpoint_test : public testing::Test {
protected:
  static checkpoint state(version_id version, bool with_blocks = true) {
    checkpoint result;
    result.version = version;
    result.parameters = counted_from(0.0f);
    if (with_blocks)
      result.blocks = {
          {"momentum", counted_from(10.0f)}, {"variance", counted_from(20.0f)}};
    result.rule = {caf::byte{1}, caf::byte{255}};
    result.rule_name = "fedavg";
    result.fact_number = 12;
    result.configuration = "[run]\n";
    return result;
  }

  // Of three clients, states of different lengths.
  static checkpoint with_states(version_id version, bool with_blocks = true) {
    auto result = state(version, with_blocks);
    const client_state some[] = {{0, counted_from(1.0f, 3)},
        {7, counted_from(5.0f, 1)}, {700, counted_from(9.0f, 20)}};
    result.states = state_table{some};
    return result;
  }

  std::map<std::string, std::string> digests() {
    std::map<std::string, std::string> result;
    for (const auto& name : disk.list(here.path()))
      result[name] = sha256_of(disk, here / name);
    return result;
  }

  std::string store(const checkpoint& what, std::size_t shards) {
    return write_checkpoint(disk, here.path(), layout, what, shards);
  }
  checkpoint read(version_id version) {
    return read_checkpoint(disk, checkpoint_path(here.path(), version), layout);
  }
  std::string refusal(version_id version) {
    try {
      read(version);
    } catch (const bad_file& error) {
      return error.what();
    }
    return "nothing";
  }
  // Changes a byte near the end of a file.
  void alter(const std::string& name) {
    auto bytes = disk.read_all(here / name);
    bytes[bytes.size() - 3] ^= 1;
    disk.write_atomically(here / name, bytes);
  }

  tests::scratch_directory here;
  files disk;
  gpu::layout layout{{"weight", {5}, 0}, {"bias", {2}, 5}};
};

TEST_F(checkpoint_test, has_one_file_where_there_is_one_shard_without_blocks) {
  store(state(3, false), 1);

  EXPECT_THAT(
      disk.list(here.path()), ElementsAre("version-00000003.safetensors"));
  EXPECT_EQ(values(read(3).parameters), values(counted_from(0.0f)));
}

TEST_F(checkpoint_test, keeps_its_bytes_where_clients_keep_nothing) {
  store(state(3, false), 1);
  const std::map<std::string, std::string> one{{"version-00000003.safetensors",
      "91e1f06c089eb613ea133fcfc2b6a03fca696e1bc5b5125efc522969418c1987"}};
  EXPECT_EQ(digests(), one);

  disk.remove(here / "version-00000003.safetensors");
  store(state(3), 2);
  const std::map<std::string, std::string> parts{
      {"version-00000003.json",
          "7fda303a2a8923930229e919293a8379bc5692451d7eda431a0e258ed7dca4fd"},
      {"version-00000003.shard-1-of-2.safetensors",
          "0d55d4bf3123aea18ba6b06bfc447e1249ae204dd6cbaf1b4d8205a74e48c14d"},
      {"version-00000003.shard-2-of-2.safetensors",
          "aa75932c950d801689de8ad99158885a2d5ad38176b5b8603ca4f7ef4939e226"}};
  EXPECT_EQ(digests(), parts);
}

TEST_F(checkpoint_test, has_the_states_of_clients_in_a_part_of_their_own) {
  for (std::size_t shards : {1, 2}) {
    for (const auto& name : disk.list(here.path()))
      disk.remove(here / name);
    auto digest = store(with_states(3, shards > 1), shards);

    EXPECT_EQ(disk.list(here.path()).size(), shards + 2);
    EXPECT_EQ(digest, sha256(std::as_bytes(counted_from(0.0f)->span())));
    const auto states = read(3).states;
    EXPECT_EQ(states.size(), 3u);
    EXPECT_EQ(values(states.of(0)), values(counted_from(1.0f, 3)));
    EXPECT_EQ(values(states.of(7)), values(counted_from(5.0f, 1)));
    EXPECT_EQ(values(states.of(700)), values(counted_from(9.0f, 20)));
  }
}

// Residents keep theirs; what is written of them is who they are, and names.
TEST_F(checkpoint_test, names_the_states_that_are_elsewhere) {
  auto what = state(3, false);
  const client_state some[] = {
      {10, state_elsewhere(431, 18)}, {11, state_elsewhere(417, 2)}};
  what.states.take(some);
  what.residents = {{10, "hospital-7", "key"}, {11, "hospital \"9\"", ""}};
  store(what, 1);
  EXPECT_THAT(
      disk.list(here.path()), ElementsAre("version-00000003.safetensors"));

  const auto back = read(3);

  EXPECT_EQ(back.states.size(), 2u);
  EXPECT_EQ(back.states.of(10), state_elsewhere(431, 18));
  EXPECT_EQ(back.states.of(11), state_elsewhere(417, 2));
  EXPECT_EQ(back.residents, what.residents);
}

TEST_F(checkpoint_test, names_them_beside_those_that_are_here) {
  auto what = with_states(3);
  const client_state one[] = {{701, state_elsewhere(431, 18)}};
  what.states.take(one);
  store(what, 2);

  const auto states = read(3).states;

  EXPECT_EQ(states.size(), 4u);
  EXPECT_EQ(values(states.of(700)), values(counted_from(9.0f, 20)));
  EXPECT_EQ(states.of(701), state_elsewhere(431, 18));
}

TEST_F(checkpoint_test, takes_no_other_text_for_names) {
  for (const auto* text : {"10", "10:4", "10:4:0", "10:0:4", "x:1:2", "1:2:3,"})
    EXPECT_FALSE([&] {
      state_table any;
      return take_names_elsewhere(text, any);
    }()) << text;
}

TEST_F(checkpoint_test, names_states_that_are_missing_or_altered) {
  auto part = std::string{"version-00000003.clients.safetensors"};
  store(with_states(3), 1);
  alter(part);
  EXPECT_THAT(refusal(3), HasSubstr(part));
  EXPECT_THAT(refusal(3), HasSubstr("checksum does not fit"));

  disk.remove(here / part);
  EXPECT_THAT(refusal(3), HasSubstr(part + " beside it, which is missing"));
}

TEST_F(checkpoint_test, comes_back_whole_from_any_number_of_parts) {
  std::string digest;
  for (std::size_t shards : {1, 2, 4, 7}) {
    for (const auto& name : disk.list(here.path()))
      disk.remove(here / name);
    auto told = store(state(3), shards);

    EXPECT_EQ(disk.list(here.path()).size(), shards + 1);
    auto again = read(3);
    EXPECT_EQ(again.version, 3u);
    EXPECT_EQ(again.fact_number, 12u);
    EXPECT_EQ(again.rule, state(3).rule);
    EXPECT_EQ(values(again.parameters), values(counted_from(0.0f)));
    ASSERT_EQ(again.blocks.size(), 2u);
    EXPECT_EQ(again.blocks[0].name, "momentum");
    EXPECT_EQ(values(again.blocks[1].values), values(counted_from(20.0f)));
    EXPECT_EQ(std::exchange(digest, told).size(), digest.empty() ? 0 : 64u);
    EXPECT_EQ(digest, told);
  }
}

TEST_F(checkpoint_test, names_the_part_that_is_missing_or_altered) {
  auto part = std::string{"version-00000003.shard-2-of-2.safetensors"};
  store(state(3), 2);
  alter(part);
  EXPECT_THAT(refusal(3), HasSubstr(part));
  EXPECT_THAT(refusal(3), HasSubstr("checksum does not fit"));
  EXPECT_THAT(refusal(3), HasSubstr("Remove version-00000003.json"));

  disk.remove(here / part);
  EXPECT_THAT(refusal(3), HasSubstr(part + " beside it, which is missing"));

  store(state(3), 2);
  alter("version-00000003.json");
  EXPECT_THAT(refusal(3), HasSubstr("version-00000003.json"));
}

// As many bytes, and sound by themselves.
TEST_F(checkpoint_test, notices_blocks_that_changed_places) {
  store(state(3), 1);
  auto part = here / "version-00000003.shard-1-of-1.safetensors";
  auto bytes = disk.read_all(part);
  auto momentum = bytes.find("momentum"), variance = bytes.find("variance");
  bytes.replace(momentum, 8, "variance").replace(variance, 8, "momentum");
  disk.write_atomically(part, bytes);

  EXPECT_THAT(refusal(3), HasSubstr("checksum does not fit"));
}

TEST_F(checkpoint_test, names_another_model) {
  store(state(3), 2);
  layout = {{"weight", {5}, 0}};

  EXPECT_THAT(refusal(3), HasSubstr("5 parameters, as the model has them"));
}

TEST_F(checkpoint_test, has_all_of_its_files_or_counts_for_nothing) {
  store(state(3), 2);
  files measured;
  write_checkpoint(measured, here / "", layout, with_states(4), 2);
  remove_checkpoint(disk, here.path(), 4);
  for (std::uint64_t n = 1; n <= measured.count(); ++n) {
    files faulty{parse_file_fault("fail@" + std::to_string(n) + "=EIO")};

    EXPECT_THROW(
        write_checkpoint(faulty, here.path(), layout, with_states(4), 2),
        file_error);

    auto all = stored_versions(disk, here.path());
    if (all.size() == 2)
      EXPECT_EQ(read(4).states.size(), 3u) << n; // the last sync alone failed
    else
      EXPECT_THAT(all, ElementsAre(3u)) << n;
    remove_checkpoint(disk, here.path(), 4);
    EXPECT_EQ(read(3).version, 3u);
  }
}

TEST_F(checkpoint_test, leaves_no_part_without_a_manifest) {
  store(with_states(3), 2);
  store(with_states(4), 2);
  disk.remove(here / manifest_name(4));

  remove_orphans(disk, here.path());

  EXPECT_THAT(stored_versions(disk, here.path()), ElementsAre(3u));
  EXPECT_EQ(disk.list(here.path()).size(), 4u);
  remove_checkpoint(disk, here.path(), 3);
  EXPECT_TRUE(disk.list(here.path()).empty());
}

} // namespace
} // namespace troupe
