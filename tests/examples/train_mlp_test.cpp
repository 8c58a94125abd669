// The main job as a process: what it prints, writes and returns, for good and for bad input.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>

#include "small_data_set.hpp"

namespace wherry {
namespace {

struct outcome {
  int code = -1;
  std::string output;  // both streams
};

outcome run_command(const std::string& command) {
  outcome result;
  std::FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  char piece[4096];
  for (std::size_t n; (n = std::fread(piece, 1, sizeof piece, pipe)) != 0;) result.output.append(piece, n);
  const int status = ::pclose(pipe);
  result.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

class train_mlp : public testing::Test {
 protected:
  std::filesystem::path saved() const { return data_.folder() / "out.safetensors"; }
  std::filesystem::path curve() const { return data_.folder() / "out.svg"; }
  std::string command(const std::string& flags) const {
    return std::string(TRAIN_MLP) + " --data " + data_.folder().string() +
           " --batch 64 --steps 4 --epochs 2 --save " + saved().string() + " --curve " + curve().string() +
           " " + flags;
  }
  outcome run(const std::string& flags = "") const { return run_command(command(flags)); }

  /// Both loops refuse the data with exit code 2 and a message with the path and `what`, and write nothing.
  void expect_refusal(const std::filesystem::path& path, const std::string& what) const {
    for (const char* way : {"", "--plain"}) {
      const outcome result = run(way);
      EXPECT_EQ(result.code, 2) << way << result.output;
      EXPECT_NE(result.output.find("train_mlp: error: " + path.string() + ": "), std::string::npos)
          << result.output;
      EXPECT_NE(result.output.find(what), std::string::npos) << result.output;
      EXPECT_FALSE(std::filesystem::exists(saved()));
    }
  }

  small_data_set data_;
};

TEST_F(train_mlp, the_loop_with_value_and_the_loop_with_co_await_have_the_same_numbers) {
  const outcome coroutines = run();
  ASSERT_EQ(coroutines.code, 0) << coroutines.output;
  const bytes parameters = raw_bytes_of(saved()), picture = raw_bytes_of(curve());
  EXPECT_GT(parameters.size(), 4u * 784 * 256);
  const outcome plain = run("--plain");
  ASSERT_EQ(plain.code, 0) << plain.output;
  EXPECT_EQ(raw_bytes_of(saved()), parameters);
  EXPECT_EQ(raw_bytes_of(curve()), picture);
}

TEST_F(train_mlp, the_numbers_do_not_depend_on_how_many_threads_compute) {
  ASSERT_EQ(run_command("WHERRY_CPU_WORKERS=1 " + command("")).code, 0);
  const bytes alone = raw_bytes_of(saved());
  ASSERT_EQ(run_command("WHERRY_CPU_WORKERS=4 " + command("")).code, 0);
  EXPECT_EQ(raw_bytes_of(saved()), alone);
}

TEST_F(train_mlp, another_seed_gives_other_parameters) {
  ASSERT_EQ(run("--seed 1").code, 0);
  const bytes first = raw_bytes_of(saved());
  ASSERT_EQ(run("--seed 2").code, 0);
  EXPECT_NE(raw_bytes_of(saved()), first);
}

TEST_F(train_mlp, prints_device_and_epochs_and_the_accuracy_last) {
  const outcome result = run();
  EXPECT_EQ(result.output.rfind("device cpu:0: ", 0), 0u) << result.output;
  EXPECT_NE(result.output.find("\nepoch 2/2 [##############################] loss "), std::string::npos)
      << result.output;
  const std::size_t last = result.output.rfind("\ntest accuracy ");
  ASSERT_NE(last, std::string::npos) << result.output;
  EXPECT_EQ(result.output.size() - last, std::string("\ntest accuracy 0.1234\n").size()) << result.output;
}

TEST_F(train_mlp, learns_to_tell_the_images_apart_and_evaluates_a_padded_batch) {
  const outcome result = run("--steps 10 --epochs 30 --batch 63");
  EXPECT_NE(result.output.find("\ntest accuracy 1.0000\n"), std::string::npos) << result.output;
}

TEST_F(train_mlp, the_loop_on_poll_has_the_same_numbers) {
  ASSERT_EQ(run().code, 0);
  const bytes parameters = raw_bytes_of(saved());
  ASSERT_EQ(run_command("WHERRY_LOOP=poll " + command("")).code, 0);
  EXPECT_EQ(raw_bytes_of(saved()), parameters);
}

TEST_F(train_mlp, a_missing_file_is_named) {
  std::filesystem::remove(data_.train_labels());
  for (const char* way : {"", "--plain"}) {
    const outcome result = run(way);
    EXPECT_EQ(result.code, 2) << result.output;
    EXPECT_NE(result.output.find(data_.train_labels().string()), std::string::npos) << result.output;
  }
}

TEST_F(train_mlp, a_truncated_file_is_named) {
  bytes file = raw_bytes_of(data_.train_images());
  file.resize(file.size() / 2);
  write_raw(data_.train_images(), file);
  expect_refusal(data_.train_images(), "cut off after " + std::to_string(file.size()) + " bytes");
}

TEST_F(train_mlp, an_empty_file_is_named) {
  write_raw(data_.train_labels(), {});
  expect_refusal(data_.train_labels(), "cut off after 0 bytes");
}

TEST_F(train_mlp, a_damaged_byte_is_noticed) {
  bytes file = raw_bytes_of(data_.train_images());
  for (std::size_t k = 0; k < 64; ++k) file[file.size() / 2 + k] ^= 0xff;
  write_raw(data_.train_images(), file);
  expect_refusal(data_.train_images(), "damaged gzip data");
}

TEST_F(train_mlp, a_file_that_is_no_gzip_is_named) {
  write_raw(data_.train_labels(), small_data_set::labels(640));
  expect_refusal(data_.train_labels(), "damaged gzip data");
}

TEST_F(train_mlp, a_wrong_magic_number_is_named) {
  write_gzip(data_.train_images(), small_data_set::images(640, 1, 0x903));
  expect_refusal(data_.train_images(), "not an IDX file: magic number 2307, expected 2051");
}

TEST_F(train_mlp, images_of_another_size_are_refused) {
  write_gzip(data_.train_images(), small_data_set::images(640, 1, 0x803, 27));
  expect_refusal(data_.train_images(), "images of 27x28, expected 28x28");
}

TEST_F(train_mlp, a_header_that_promises_too_much_is_refused) {
  bytes file = small_data_set::labels(640);
  file.pop_back();
  write_gzip(data_.train_labels(), file);
  expect_refusal(data_.train_labels(), "its header promises 640 items");
}

TEST_F(train_mlp, a_file_too_short_for_its_header_is_refused) {
  write_gzip(data_.train_images(), {0, 0, 8, 3, 0});
  expect_refusal(data_.train_images(), "too short for an IDX header");
}

TEST_F(train_mlp, a_label_that_is_no_class_is_refused) {
  bytes file = small_data_set::labels(640);
  file.back() = 10;
  write_gzip(data_.train_labels(), file);
  expect_refusal(data_.train_labels(), "label 10, expected 0 to 9");
}

TEST_F(train_mlp, fewer_labels_than_images_are_refused) {
  write_gzip(data_.train_labels(), small_data_set::labels(639));
  expect_refusal(data_.train_labels(), "fewer items than " + data_.train_images().string());
}

TEST_F(train_mlp, an_unknown_device_is_refused_with_those_that_exist) {
  for (const char* name : {"cpu:7", "tpu"}) {
    const outcome result = run(std::string("--device ") + name);
    EXPECT_EQ(result.code, 2) << result.output;
    EXPECT_NE(result.output.find(std::string("no device '") + name + "'"), std::string::npos)
        << result.output;
    EXPECT_NE(result.output.find("expected cpu[:K] or opencl:K|TEXT"), std::string::npos) << result.output;
  }
}

TEST_F(train_mlp, wrong_usage_ends_with_2_and_help_with_0) {
  EXPECT_EQ(run("--batch 0").code, 2);
  EXPECT_EQ(run("--epochs many").code, 2);
  EXPECT_EQ(run("--no-such-option").code, 2);
  const outcome help = run("--help");
  EXPECT_EQ(help.code, 0);
  for (const char* option : {"--steps", "--epochs", "--batch", "--device", "--seed", "--plain"}) {
    EXPECT_NE(help.output.find(option), std::string::npos) << option;
  }
}

TEST_F(train_mlp, a_folder_that_does_not_exist_is_noticed_before_the_training) {
  const std::string path = (data_.folder() / "nowhere" / "x.safetensors").string();
  const outcome result = run("--save " + path);
  EXPECT_EQ(result.code, 2) << result.output;
  EXPECT_NE(result.output.find(path + ": cannot be written"), std::string::npos) << result.output;
  EXPECT_EQ(result.output.find("epoch"), std::string::npos) << result.output;
}

TEST_F(train_mlp, a_full_disk_leaves_no_half_written_file) {
  // A limit on the size of files, its signal ignored, fails in the middle of a write as a full disk does.
  const outcome result = run_command("trap '' XFSZ; ulimit -f 200; WHERRY_CACHE_DIR= " + command(""));
  EXPECT_EQ(result.code, 3) << result.output;
  EXPECT_NE(result.output.find(saved().string()), std::string::npos) << result.output;
  for (const auto& entry : std::filesystem::directory_iterator(data_.folder())) {
    EXPECT_EQ(entry.path().extension(), ".gz") << entry.path();
  }
}

}  // namespace
}  // namespace wherry
