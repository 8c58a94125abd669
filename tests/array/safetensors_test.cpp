#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <wherry/array/safetensors.hpp>

namespace wherry {
namespace {

class safetensors_file : public testing::Test {
 protected:
  safetensors_file() {
    std::string pattern = (std::filesystem::temp_directory_path() / "wherry-safetensors-XXXXXX").string();
    if (!mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp");
    folder_ = pattern;
    path_ = folder_ + "/a.safetensors";
  }
  ~safetensors_file() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& header, const std::string& data) {
    std::string length(8, '\0');
    for (std::size_t k = 0; k < 8; ++k) length[k] = static_cast<char>(header.size() >> (8 * k) & 0xFF);
    write_raw(length + header + data);
  }
  void write_raw(const std::string& bytes) { std::ofstream(path_, std::ios::binary) << bytes; }
  std::string read_raw() const {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  /// The message with which loading fails.
  std::string refusal(absl::StatusCode code = absl::StatusCode::kDataLoss) {
    try {
      (void)load_safetensors(path_);
    } catch (const error& e) {
      EXPECT_EQ(e.code(), code) << e.what();
      EXPECT_EQ(std::string(e.what()).rfind(path_, 0), 0U) << e.what();
      return e.what();
    }
    ADD_FAILURE() << "the file was accepted";
    return {};
  }
  std::size_t files_in_folder() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder_), {}));
  }

  std::string folder_;
  std::string path_;
};

TEST_F(safetensors_file, every_dtype_comes_back_as_it_was_saved_or_after_as_type) {
  safetensors saved;
  for (std::size_t k = 0; k < dtype_count; ++k) {
    array a(tensor_type{static_cast<dtype>(k), {2, 3}});
    for (std::size_t i = 0; i < a.bytes().size(); ++i) a.bytes()[i] = static_cast<std::byte>(i % 2);
    saved.tensors.emplace(name_of(static_cast<dtype>(k)), a);
  }
  saved.metadata["rtol"] = "1e-5";
  save_safetensors(path_, saved);
  const safetensors loaded = load_safetensors(path_);
  EXPECT_EQ(loaded.metadata.at("rtol"), "1e-5");
  EXPECT_EQ(loaded.metadata.at("dtype:f6E2M3FN"), "f6E2M3FN");
  ASSERT_EQ(loaded.tensors.size(), dtype_count);
  for (const auto& [name, a] : saved.tensors) {
    const array back = as_type(loaded.at(name), a.type(), name);
    EXPECT_EQ(back.type(), a.type());
    EXPECT_TRUE(std::equal(a.bytes().begin(), a.bytes().end(), back.bytes().begin())) << name;
  }
  EXPECT_EQ(loaded.at("complex<f64>").type(), (tensor_type{dtype::f64, {2, 3, 2}}));
  EXPECT_EQ(loaded.at("i4").dtype(), dtype::i8);
  EXPECT_EQ(loaded.at("f8E3M4").dtype(), dtype::f8e3m4);
}

TEST_F(safetensors_file, tensors_are_aligned_to_their_element_size) {
  safetensors saved;
  saved.tensors.emplace("a", array(tensor_type{dtype::i8, {3}}));
  saved.tensors.emplace("b", array(tensor_type{dtype::f64, {1}}));
  saved.tensors.emplace("c", array(tensor_type{dtype::f16, {1}}));
  for (auto& [name, a] : saved.tensors) std::memset(a.bytes().data(), 0, a.bytes().size());
  save_safetensors(path_, saved);
  const std::string file = read_raw();
  const auto length = static_cast<std::size_t>(static_cast<unsigned char>(file[0]));
  EXPECT_EQ((8 + length) % 8, 0U);
  EXPECT_NE(file.find(R"("b":{"data_offsets":[0,8])"), std::string::npos) << file;
  EXPECT_NE(file.find(R"("c":{"data_offsets":[8,10])"), std::string::npos) << file;
}

TEST_F(safetensors_file, scalars_and_empty_tensors_survive) {
  safetensors saved;
  const float value = 2.5F;
  saved.tensors.emplace("scalar", array::of(std::span<const float>(&value, 1), {}));
  saved.tensors.emplace("none", array(tensor_type{dtype::i64, {0, 4}}));
  save_safetensors(path_, saved);
  const safetensors loaded = load_safetensors(path_);
  EXPECT_EQ(loaded.at("scalar").item<float>(), 2.5F);
  EXPECT_EQ(loaded.at("none").dims(), (shape{0, 4}));
}

TEST_F(safetensors_file, coroutines_save_and_load_on_their_own_loop) {
  loop here;
  safetensors saved;
  const std::vector<std::int32_t> values = {1, 2, 3};
  saved.tensors.emplace("x", array::of(std::span<const std::int32_t>(values), {3}));
  sync_wait(here, save_safetensors(here, path_, saved));
  const safetensors loaded = sync_wait(here, load_safetensors(here, path_));
  EXPECT_EQ(loaded.at("x").data<std::int32_t>()[2], 3);
}

TEST_F(safetensors_file, the_blocking_form_is_refused_on_a_loop) {
  loop here;
  const auto wait_inside = [](const std::string& path) -> task<void> {
    (void)load_safetensors(path);
    co_return;
  };
  try {
    sync_wait(here, wait_inside(path_));
    FAIL() << "it waited";
  } catch (const error& e) {
    EXPECT_EQ(e.reason(), reason::deadlock_would_occur);
  }
}

TEST_F(safetensors_file, a_missing_file_is_named) {
  try {
    (void)load_safetensors(path_);
    FAIL();
  } catch (const error& e) {
    EXPECT_EQ(e.code(), absl::StatusCode::kNotFound);
    EXPECT_NE(std::string(e.what()).find(path_), std::string::npos);
  }
}

TEST_F(safetensors_file, every_truncation_of_a_good_file_is_refused) {
  safetensors saved;
  const std::vector<float> values = {1, 2, 3};
  saved.tensors.emplace("x", array::of(std::span<const float>(values), {3}));
  save_safetensors(path_, saved);
  const std::string whole = read_raw();
  for (std::size_t n = 0; n < whole.size(); ++n) {
    write_raw(whole.substr(0, n));
    EXPECT_NE(refusal().find("at byte "), std::string::npos) << n;
  }
}

TEST_F(safetensors_file, a_header_that_contradicts_itself_is_refused_with_the_place) {
  write("{\"x\": ", "");
  EXPECT_NE(refusal().find("at byte 14: the header is not JSON"), std::string::npos);
  write("[1]", "");
  EXPECT_NE(refusal().find("not a JSON object"), std::string::npos);
  write(R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", "0123");
  EXPECT_NE(refusal().find("do not hold the 8 bytes of tensor<2xf32>"), std::string::npos);
  write(R"({"x":{"dtype":"F32","shape":[-2],"data_offsets":[0,4]}})", "0123");
  EXPECT_NE(refusal().find("not a natural number"), std::string::npos);
  write(R"({"x":{"dtype":"F32","shape":[4611686018427387904,8],"data_offsets":[0,4]}})", "0123");
  EXPECT_NE(refusal().find("more elements than memory can hold"), std::string::npos);
  write(
      R"({"x":{"dtype":"I8","shape":[2],"data_offsets":[0,2]},"y":{"dtype":"I8","shape":[2],"data_offsets":[1,3]}})",
      "012");
  EXPECT_NE(refusal().find("tensor 'y' starts at byte"), std::string::npos);
  write(R"({"x":{"dtype":"I8","shape":[2],"data_offsets":[0,2]}})", "0123");
  EXPECT_NE(refusal().find("2 bytes at the end belong to no tensor"), std::string::npos);
  write(R"({"__metadata__":{"a":1}})", "");
  EXPECT_NE(refusal().find("'a' is not a string"), std::string::npos);
  write(R"({"x":{"dtype":"BOOL","shape":[2],"data_offsets":[0,2]}})", std::string("\1\2", 2));
  EXPECT_NE(refusal().find("is BOOL and holds 2"), std::string::npos);
  write(R"({"x":{"dtype":"Q7","shape":[2],"data_offsets":[0,2]}})", "01");
  EXPECT_NE(refusal(absl::StatusCode::kUnimplemented).find("dtype 'Q7'"), std::string::npos);
}

TEST_F(safetensors_file, a_header_nested_a_million_deep_is_refused) {
  write(std::string(1'000'000, '['), "");
  EXPECT_NE(refusal().find("the header is not JSON"), std::string::npos);
}

TEST_F(safetensors_file, numbers_that_a_small_type_cannot_hold_are_named) {
  const std::vector<std::int8_t> values = {-8, 7, 8};
  const array stored = array::of(std::span<const std::int8_t>(values), {1, 3});
  try {
    (void)as_type(stored, tensor_type{dtype::i4, {1, 3}}, "arg2");
    FAIL();
  } catch (const error& e) {
    EXPECT_STREQ(e.what(), "arg2: element [0, 2] is 8, which i4 cannot hold");
  }
  EXPECT_THROW((void)as_type(stored, tensor_type{dtype::i4, {3}}, "arg2"), error);
  EXPECT_THROW((void)as_type(stored, tensor_type{dtype::ui4, {1, 3}}, "arg2"), error);
}

TEST_F(safetensors_file, a_failed_save_leaves_the_old_file_and_nothing_else) {
  safetensors saved;
  saved.tensors.emplace("x", array(tensor_type{dtype::i8, {1}}));
  save_safetensors(path_, saved);
  const std::string before = read_raw();
  safetensors large;
  large.tensors.emplace("x", array(tensor_type{dtype::f64, {1 << 16}}));

  // A full disk, as far as a test can make one: files of this process end at 4 KiB.
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  getrlimit(RLIMIT_FSIZE, &old);
  const rlimit small{4096, old.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  EXPECT_THROW(save_safetensors(path_, large), error);
  setrlimit(RLIMIT_FSIZE, &old);

  EXPECT_EQ(read_raw(), before);
  EXPECT_EQ(files_in_folder(), 1U);
}

TEST_F(safetensors_file, a_folder_that_does_not_exist_is_an_error_naming_the_file) {
  try {
    save_safetensors(folder_ + "/none/a.safetensors", {});
    FAIL();
  } catch (const error& e) {
    EXPECT_NE(std::string(e.what()).find("none/a.safetensors"), std::string::npos);
  }
}

TEST_F(safetensors_file, a_name_that_is_there_twice_is_refused) {
  write(
      R"({"x":{"dtype":"I8","shape":[1],"data_offsets":[0,1]},"x":{"dtype":"I8","shape":[1],"data_offsets":[1,2]}})",
      "ab");
  EXPECT_NE(refusal().find("the name 'x' is there twice"), std::string::npos);
  write(R"({"__metadata__":{"k":"1","k":"2"}})", "");
  EXPECT_NE(refusal().find("the name 'k' is there twice"), std::string::npos);
}

TEST_F(safetensors_file, an_empty_name_is_a_name) {
  safetensors saved;
  saved.tensors.emplace("", array::of(std::span<const float>(std::vector<float>{4}), {1}));
  save_safetensors(path_, saved);
  EXPECT_EQ(load_safetensors(path_).at("").item<float>(), 4);
}

TEST_F(safetensors_file, tensors_of_whole_cache_lines_lie_on_cache_lines) {
  safetensors saved;
  saved.tensors.emplace("odd", array(tensor_type{dtype::f64, {3}}));
  saved.tensors.emplace("bytes", array(tensor_type{dtype::i8, {128}}));
  saved.tensors.emplace("floats", array(tensor_type{dtype::f32, {16, 3}}));
  for (auto& [name, a] : saved.tensors) std::memset(a.bytes().data(), 0, a.bytes().size());
  const std::vector<std::byte> file = safetensors_to_bytes(saved);
  const std::uint64_t length = detail::safetensors_header_length(file, file.size(), "x");
  for (const auto& e :
       detail::parse_safetensors_header(std::span(file).subspan(8, length), file.size(), "x").entries) {
    EXPECT_EQ(e.offset % (e.name == "odd" ? 8 : 64), 0U) << e.name;
  }
}

TEST_F(safetensors_file, thousands_of_small_tensors_between_large_ones_come_back) {
  safetensors saved;
  for (std::int32_t k = 0; k < 3000; ++k) {
    array a(tensor_type{dtype::i32, {k % 700 == 0 ? 100'000 : k % 50}});
    std::fill_n(a.mutable_data<std::int32_t>().begin(), a.size(), k);
    saved.tensors.emplace("t" + std::to_string(k), a);
  }
  save_safetensors(path_, saved);
  const safetensors loaded = load_safetensors(path_);
  ASSERT_EQ(loaded.tensors.size(), saved.tensors.size());
  for (const auto& [name, a] : saved.tensors) {
    EXPECT_EQ(loaded.at(name).type(), a.type());
    EXPECT_TRUE(std::equal(a.bytes().begin(), a.bytes().end(), loaded.at(name).bytes().begin())) << name;
  }
}

TEST_F(safetensors_file, bytes_are_a_file_without_a_disk) {
  safetensors saved;
  saved.tensors.emplace("x", array::of(std::span<const float>(std::vector<float>{1, 2}), {2}));
  saved.metadata["k"] = "v";
  const std::vector<std::byte> bytes = safetensors_to_bytes(saved);
  save_safetensors(path_, saved);
  const std::string file = read_raw();
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()), file);
  const safetensors loaded = safetensors_from_bytes(bytes);
  EXPECT_EQ(loaded.metadata.at("k"), "v");
  EXPECT_EQ(loaded.at("x").data<float>()[1], 2);
  EXPECT_THROW(safetensors_from_bytes(std::span(bytes).first(bytes.size() - 1)), error);
  EXPECT_THROW(safetensors_from_bytes(std::span(bytes).first(5)), error);
}

}  // namespace
}  // namespace wherry
