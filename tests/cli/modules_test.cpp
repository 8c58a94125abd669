#include "cli/modules.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <wherry/status/error.hpp>

namespace wherry::cli {
namespace {

namespace fs = std::filesystem;

class module_folder : public testing::Test {
 protected:
  module_folder() {
    std::string pattern = (fs::temp_directory_path() / "wherry-modules-XXXXXX").string();
    if (!mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp");
    folder_ = pattern;
  }
  ~module_folder() override { fs::remove_all(folder_); }

  void write(const std::string& name, const std::string& text) {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name) << text;
  }
  std::string found(const std::vector<std::string>& paths) {
    std::string names;
    for (const module_name& m : find_modules(paths)) names += fs::relative(m.text(), folder_).string() + " ";
    return names;
  }
  fs::path folder_;
};

TEST(split_modules, a_file_without_separators_is_one_module) {
  EXPECT_EQ(split_modules("a\nb"), (std::vector<std::string>{"a\nb"}));
  EXPECT_EQ(split_modules(""), (std::vector<std::string>{""}));
}

TEST(split_modules, positions_in_every_part_are_those_in_the_file) {
  const auto parts = split_modules("one\n// -----\ntwo\n\n// -----\nthree\n");
  ASSERT_EQ(parts.size(), 3U);
  EXPECT_EQ(parts[0], "one\n");
  EXPECT_EQ(parts[1], "\n\ntwo\n\n");
  EXPECT_EQ(parts[2], "\n\n\n\n\nthree\n");
}

TEST(split_modules, a_separator_stands_at_the_start_of_a_line) {
  EXPECT_EQ(split_modules("x // -----\ny\n").size(), 1U);
  EXPECT_EQ(split_modules("// -----").size(), 2U);
}

TEST(split_modules, bytecode_is_not_split) {
  const std::string bytecode = "ML\xEFR\n// -----\nrest";
  EXPECT_EQ(split_modules(bytecode), std::vector<std::string>{bytecode});
}

TEST_F(module_folder, folders_are_searched_to_the_bottom_and_names_are_sorted) {
  write("b.mlir", "");
  write("a/z.mlir", "1\n// -----\n2\n");
  write("a/readme.txt", "");
  write("a/b/c.mlir.bc", "");
  EXPECT_EQ(found({folder_.string()}), "a/b/c.mlir.bc a/z.mlir#1 a/z.mlir#2 b.mlir ");
}

TEST_F(module_folder, a_file_that_is_named_twice_counts_once_and_needs_no_ending) {
  write("b.mlir", "");
  write("plain", "");
  const std::string b = (folder_ / "b.mlir").string();
  EXPECT_EQ(found({b, folder_.string(), b, (folder_ / "plain").string()}), "b.mlir plain ");
}

TEST_F(module_folder, a_missing_file_is_an_error_that_names_it) {
  try {
    (void)find_modules({(folder_ / "none.mlir").string()});
    FAIL();
  } catch (const error& e) {
    EXPECT_EQ(e.code(), absl::StatusCode::kNotFound);
    EXPECT_NE(std::string(e.what()).find("none.mlir"), std::string::npos);
  }
}

}  // namespace
}  // namespace wherry::cli
