// Directories that cannot be written, and disks that fill up.
#include <sys/mount.h>

#include <gtest/gtest.h>

#include "tests/integration/study.hpp"

namespace troupe::tests {

namespace {

class disk_test : public testing::TestWithParam<const char*> {
protected:
  void expect_refused(const finished& said, const std::string& named) {
    expect_code(said, 1);
    EXPECT_TRUE(holds(said.err, named)) << said.err;
  }

  // It was stopped by the disk: nothing of it looks like a result, and once
  // there is room it goes on to the bits that it would have had.
  void expect_resumable(const std::string& name) {
    auto left = study_.of(name);
    EXPECT_FALSE(left.has("summary.json"));
    auto goal = rounds(left.last_published() + 4);
    expect_code(run(study_.start("whole", goal)), 0);
    expect_code(run(left.has("config.toml") ? study_.resume(name, goal)
                                            : study_.start(name, goal)),
        0);
    EXPECT_EQ(left.model_sha256(), study_.of("whole").model_sha256());
    for (const auto& [file, bytes] : left.files())
      EXPECT_FALSE(file.ends_with(".tmp")) << file;
  }

  study study_{quick_fedavg(8)};
};

TEST_F(disk_test, names_a_file_in_the_way) {
  write(study_ / "file", "in the way");

  for (auto name : {"file", "file/below"}) {
    auto said = run(study_.start(name));

    EXPECT_TRUE(said.code == 1 || said.code == 2) << said.code;
    EXPECT_TRUE(holds(said.err, study_ / name)) << said.err;
  }
  EXPECT_EQ(content(study_ / "file"), "in the way");
}

TEST_F(disk_test, finds_a_file_in_the_way_before_the_run) {
  write(study_ / "file", "in the way");

  auto said =
      run(troupe({"check", study_.config(), "--out", study_ / "file/below"}));

  expect_code(said, 2);
  EXPECT_TRUE(holds(said.err, study_ / "file")) << said.err;
}

TEST_P(disk_test, says_so_when_it_is_full_and_goes_on_when_it_is_not) {
  auto said = run(with_fault(study_.start("a", endless()), GetParam()));

  expect_refused(said, "No space left on device");
  EXPECT_TRUE(holds(said.err, study_ / "a")) << said.err;
  EXPECT_TRUE(holds(said.err, "--resume")) << said.err;
  expect_resumable("a");
}

INSTANTIATE_TEST_SUITE_P(from, disk_test,
    testing::Values("fail@1+:write=ENOSPC", "fail@2+:write=ENOSPC",
        "fail@3+:write=ENOSPC", "fail@6+:write=ENOSPC", "fail@9:write=ENOSPC",
        "fail@13+:write=ENOSPC", "fail@2+:sync=ENOSPC", "fail@8+:sync=ENOSPC",
        "fail@11+:sync=ENOSPC", "fail@3+:rename=ENOSPC", "fail@11+=ENOSPC"));

// The last version alone is stored, so that these are the files at the end:
// checkpoint, drawing, model, summary.
TEST_F(disk_test, says_so_when_it_fails_at_the_very_end) {
  words sparing{"--set", "run.checkpoint_every=1000"};
  expect_code(run(study_.start("whole", sparing)), 0);
  for (auto fault : {"fail@4:rename=EIO", "fail@5:rename=EIO",
           "fail@6:rename=EIO", "fail@7:rename=EIO"}) {
    auto said = run(with_fault(study_.start(fault, sparing), fault));

    expect_refused(said, "Input/output error");
    EXPECT_FALSE(study_.of(fault).has("summary.json"));
    expect_code(run(study_.resume(fault)), 0);
    EXPECT_EQ(
        study_.of(fault).model_sha256(), study_.of("whole").model_sha256());
  }
}

/// A file system of so many bytes.
class small_disk {
public:
  explicit small_disk(std::filesystem::path where) : where_(std::move(where)) {
    std::filesystem::create_directory(where_);
    mounted_ = mount("troupe", where_.c_str(), "tmpfs", 0, "size=64k") == 0;
  }
  ~small_disk() {
    if (mounted_)
      umount2(where_.c_str(), MNT_DETACH);
  }
  small_disk(const small_disk&) = delete;
  small_disk& operator=(const small_disk&) = delete;

  bool mounted() const { return mounted_; }
  bool grow() const {
    return mount("troupe", where_.c_str(), "tmpfs", MS_REMOUNT, "size=16m") ==
           0;
  }

private:
  std::filesystem::path where_;
  bool mounted_ = false;
};

TEST_F(disk_test, runs_out_of_room_for_real) {
  small_disk disk{study_ / "small"};
  if (!disk.mounted())
    GTEST_SKIP() << "only root may mount a small file system";
  auto said = run(study_.start("small/a", endless()));

  expect_refused(said, "No space left on device");
  ASSERT_TRUE(disk.grow());
  expect_resumable("small/a");
}

} // namespace

} // namespace troupe::tests
