// The cache on disk: what was stored is found, what is damaged is a miss, several processes share one folder.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>
#include <wherry/exec/file_cache.hpp>

namespace wherry {
namespace {

namespace fs = std::filesystem;

std::vector<std::byte> blob_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text.data(), text.size()));
  return {bytes.begin(), bytes.end()};
}

class file_cache_test : public ::testing::Test {
 protected:
  void SetUp() override { fs::remove_all(folder_); }
  void TearDown() override { fs::remove_all(folder_); }

  std::vector<fs::path> files() const {
    std::vector<fs::path> all;
    for (const auto& e : fs::directory_iterator(folder_)) all.push_back(e.path());
    return all;
  }

  const std::string folder_ =
      (fs::temp_directory_path() / ("wherry-cache-test-" + std::to_string(getpid()))).string();
};

TEST_F(file_cache_test, finds_what_was_stored_and_nothing_else) {
  const file_cache cache(folder_);
  EXPECT_FALSE(cache.find("key"));
  cache.store("key", blob_of("value"));
  EXPECT_EQ(cache.find("key"), blob_of("value"));
  EXPECT_FALSE(cache.find("another key"));
  cache.store("key", blob_of("newer"));
  EXPECT_EQ(cache.find("key"), blob_of("newer"));
  cache.store("empty", {});
  EXPECT_EQ(cache.find("empty"), blob_of(""));
}

TEST_F(file_cache_test, without_a_folder_nothing_is_kept) {
  const file_cache cache("");
  EXPECT_FALSE(cache.is_enabled());
  cache.store("key", blob_of("value"));
  EXPECT_FALSE(cache.find("key"));
}

TEST_F(file_cache_test, a_damaged_entry_is_a_miss_and_is_removed) {
  const file_cache cache(folder_);
  cache.store("key", blob_of("value"));
  const fs::path entry = files().at(0);
  const auto size = static_cast<std::int64_t>(fs::file_size(entry));
  for (std::int64_t at = 0; at < size; ++at) {
    cache.store("key", blob_of("value"));
    std::fstream file(entry, std::ios::binary | std::ios::in | std::ios::out);
    file.seekg(at);
    const int byte = file.get();
    file.seekp(at);
    file.put(static_cast<char>(byte ^ 0x20));
    file.close();
    EXPECT_FALSE(cache.find("key")) << at;
    EXPECT_FALSE(fs::exists(entry)) << at;
  }
}

TEST_F(file_cache_test, an_entry_that_is_cut_off_is_a_miss_and_is_removed) {
  const file_cache cache(folder_);
  cache.store("key", blob_of("value"));
  const fs::path entry = files().at(0);
  for (std::uintmax_t size = fs::file_size(entry); size-- > 0;) {
    cache.store("key", blob_of("value"));
    fs::resize_file(entry, size);
    EXPECT_FALSE(cache.find("key")) << size;
    EXPECT_FALSE(fs::exists(entry)) << size;
  }
}

TEST_F(file_cache_test, an_entry_of_another_key_under_the_same_name_is_a_miss_and_stays) {
  const file_cache cache(folder_);
  cache.store("one", blob_of("first"));
  const fs::path name_of_one = files().at(0);
  fs::rename(name_of_one, folder_ + "/aside");
  cache.store("two", blob_of("second"));
  for (const auto& f : files()) {
    if (f.extension() == ".bin") fs::rename(f, name_of_one);
  }
  EXPECT_FALSE(cache.find("one"));
  EXPECT_TRUE(fs::exists(name_of_one));
}

TEST_F(file_cache_test, a_folder_in_the_place_of_an_entry_is_a_miss) {
  const file_cache cache(folder_);
  cache.store("key", blob_of("value"));
  const fs::path entry = files().at(0);
  fs::remove(entry);
  fs::create_directory(entry);
  EXPECT_FALSE(cache.find("key"));
}

TEST_F(file_cache_test, a_folder_that_cannot_be_written_is_a_warning_and_no_failure) {
  std::ofstream(folder_) << "a file where the folder should be";
  std::mutex mutex;
  std::string said;
  const log_sink before = set_log_sink([&](log_level level, std::string_view line) {
    const std::lock_guard lock(mutex);
    EXPECT_EQ(level, log_level::warn);
    said += line;
  });
  const file_cache cache(folder_);
  cache.store("key", blob_of("value"));
  cache.store("key", blob_of("value"));
  set_log_sink(before);
  EXPECT_FALSE(cache.find("key"));
  EXPECT_NE(said.find(folder_), std::string::npos) << said;
  EXPECT_EQ(said.find("cannot be written"), said.rfind("cannot be written")) << "said twice";
}

TEST_F(file_cache_test, least_recently_used_entries_go_when_the_folder_is_full) {
  const file_cache cache(folder_, 4000);
  const std::vector<std::byte> kilobyte(900, std::byte{1});
  for (int k = 0; k < 3; ++k) {
    cache.store(std::to_string(k), kilobyte);
    for (const auto& f : files()) fs::last_write_time(f, fs::last_write_time(f) - std::chrono::hours(1));
  }
  EXPECT_TRUE(cache.find("0"));  // used now
  cache.store("3", kilobyte);
  cache.store("4", kilobyte);
  EXPECT_TRUE(cache.find("0"));
  EXPECT_FALSE(cache.find("1"));
  EXPECT_TRUE(cache.find("4"));
}

TEST_F(file_cache_test, two_processes_and_four_threads_see_whole_entries_only) {
  const auto work = [this] {
    std::vector<std::thread> threads;
    for (int t = 0; t < 2; ++t) {
      threads.emplace_back([this, t] {
        const file_cache cache(folder_);
        for (int k = 0; k < 100; ++k) {
          const std::string key = std::to_string(k % 3);
          cache.store(key, std::vector<std::byte>(1000 + static_cast<std::size_t>(k) * 37,
                                                  static_cast<std::byte>(t + k)));
          const auto found = cache.find(key);
          if (!found) continue;  // replaced or removed between two system calls
          EXPECT_TRUE(
              std::all_of(found->begin(), found->end(), [&](std::byte b) { return b == found->front(); }));
        }
      });
    }
    for (auto& t : threads) t.join();
  };
  const pid_t child = ::fork();
  if (child == 0) {
    work();
    ::_exit(HasFailure() ? 1 : 0);
  }
  work();
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  for (const auto& f : files()) EXPECT_EQ(f.extension(), ".bin") << f;
}

}  // namespace
}  // namespace wherry
