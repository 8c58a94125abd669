#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <numeric>
#include <wherry/client_files.hpp>

#include "array/temporary_folder.hpp"

namespace wherry {
namespace {

using testing_support::temporary_folder;

array counting(std::int64_t count) {
  array a(tensor_type{dtype::f32, {count}});
  std::iota(a.mutable_data<float>().begin(), a.mutable_data<float>().end(), 0.0F);
  return a;
}

class stored_buffers : public ::testing::TestWithParam<file_use> {};

TEST_P(stored_buffers, come_back_as_they_were_saved) {
  const client here;
  const temporary_folder folder;
  safetensors_buffers saved;
  saved.tensors.emplace("large", here.buffer(counting(5'000'000)));
  saved.tensors.emplace("small", here.buffer(counting(3)));
  saved.tensors.emplace("scalar", here.scalar(2.5));
  saved.tensors.emplace("none", here.empty({dtype::i8, {0}}));
  saved.metadata["step"] = "7";
  save_buffers(folder / "a.safetensors", saved);
  EXPECT_EQ(folder.files(), 1U);
  const safetensors_buffers loaded = load_buffers(here, folder / "a.safetensors", {GetParam(), {}});
  EXPECT_EQ(loaded.metadata.at("step"), "7");
  ASSERT_EQ(loaded.tensors.size(), 4U);
  for (const auto& [name, b] : saved.tensors) {
    EXPECT_EQ(loaded.at(name).type(), b.type());
    EXPECT_TRUE(std::ranges::equal(loaded.at(name).value().bytes(), b.value().bytes())) << name;
  }
}

TEST_P(stored_buffers, are_the_file_s_image_and_not_copies_of_it) {
  const client here;
  const temporary_folder folder;
  safetensors_buffers saved;
  saved.tensors.emplace("a", here.buffer(counting(1024)));
  saved.tensors.emplace("b", here.buffer(counting(1024)));
  save_buffers(folder / "a.safetensors", saved);
  const safetensors_buffers loaded = load_buffers(here, folder / "a.safetensors", {GetParam(), {}});
  const auto at = [&](const char* name) {
    return static_cast<std::byte*>(loaded.at(name).handle()->memory->host());
  };
  EXPECT_EQ(at("b") - at("a"), 4096);
}

TEST_P(stored_buffers, live_longer_than_the_file) {
  const client here;
  std::optional<buffer> kept;
  {
    const temporary_folder folder;
    safetensors_buffers saved;
    saved.tensors.emplace("a", here.buffer(counting(4096)));
    save_buffers(folder / "a.safetensors", saved);
    kept = load_buffers(here, folder / "a.safetensors", {GetParam(), {}}).at("a");
  }
  EXPECT_EQ(kept->value().data<float>()[4095], 4095);
}

TEST_P(stored_buffers, files_of_others_that_align_nothing_are_copied) {
  const client here;
  const temporary_folder folder;
  const std::string header = R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}} )";
  std::string file(8, '\0');
  file[0] = static_cast<char>(header.size());
  const float values[] = {1.5F, -2};
  file += header + std::string(reinterpret_cast<const char*>(values), sizeof values);
  testing_support::write_bytes(folder / "a.safetensors", file);
  const array x = load_buffers(here, folder / "a.safetensors", {GetParam(), {}}).at("x").value();
  EXPECT_EQ(x.data<float>()[0], 1.5F);
  EXPECT_EQ(x.data<float>()[1], -2.0F);
}

TEST_P(stored_buffers, lie_behind_a_hole_of_gibibytes) {
  const client here;
  const temporary_folder folder;
  const std::string path = folder / "a.safetensors";
  // 2.5 GiB where nothing is read; 40 MiB, several pieces, where all is.
  const std::uint64_t hole = std::uint64_t{5} << (GetParam() == file_use::map ? 29 : 23);
  std::string header = R"({"hole":{"dtype":"U8","shape":[)" + std::to_string(hole) +
                       R"(],"data_offsets":[0,)" + std::to_string(hole) +
                       R"(]},"x":{"dtype":"F32","shape":[16],"data_offsets":[)" + std::to_string(hole) + "," +
                       std::to_string(hole + 64) + "]}}";
  header.append((64 - (8 + header.size()) % 64) % 64, ' ');
  const std::uint64_t length = header.size();
  const int fd = ::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  ASSERT_GE(fd, 0);
  const array values = counting(16);
  ASSERT_EQ(::pwrite(fd, &length, 8, 0), 8);
  ASSERT_EQ(::pwrite(fd, header.data(), length, 8), static_cast<ssize_t>(length));
  ASSERT_EQ(::pwrite(fd, values.bytes().data(), 64, static_cast<off_t>(8 + length + hole)), 64);
  ::close(fd);
  const safetensors_buffers loaded = load_buffers(here, path, {GetParam(), {}});
  EXPECT_EQ(loaded.at("hole").type(), (tensor_type{dtype::ui8, {static_cast<std::int64_t>(hole)}}));
  EXPECT_EQ(loaded.at("x").value().data<float>()[15], 15);
}

TEST_P(stored_buffers, load_and_save_on_a_loop_among_other_tasks) {
  const client here;
  const temporary_folder folder;
  const auto both = [](loop& where, const client& c, std::string path, file_use use) -> task<float> {
    safetensors_buffers saved;
    saved.tensors.emplace("a", c.buffer(counting(100'000)));
    co_await save_buffers(where, path, saved);
    const safetensors_buffers loaded = co_await load_buffers(where, c, path, {use, {}});
    const array a = co_await loaded.at("a").as_array();
    co_return a.data<float>()[99'999];
  };
  loop where;
  std::vector<task<float>> tasks;
  for (int k = 0; k < 4; ++k)
    tasks.push_back(both(where, here, folder / (std::to_string(k) + ".safetensors"), GetParam()));
  for (const float last : sync_wait(where, when_all(std::move(tasks)))) EXPECT_EQ(last, 99'999);
}

TEST_P(stored_buffers, arrive_on_a_device_behind_a_driver) {
  const client here;
  device queue;
  try {
    queue = here.device("opencl:Portable Computing Language/pthread");
  } catch (const error& e) {
    GTEST_SKIP() << e.what();
  }
  const temporary_folder folder;
  safetensors_buffers saved;
  saved.tensors.emplace("a", here.buffer(counting(70'000), queue));
  saved.tensors.emplace("b", here.buffer(counting(3), queue));
  save_buffers(folder / "a.safetensors", saved);
  const safetensors_buffers loaded = load_buffers(here, folder / "a.safetensors", {GetParam(), queue});
  EXPECT_EQ(loaded.at("a").device(), queue);
  EXPECT_EQ(loaded.at("a").value().data<float>()[69'999], 69'999);
  EXPECT_EQ(loaded.at("b").value().data<float>()[2], 2);
}

TEST_P(stored_buffers, a_file_that_is_missing_or_damaged_is_named) {
  const client here;
  const temporary_folder folder;
  testing_support::write_bytes(folder / "bad.safetensors", "nonsense!");
  for (const char* name : {"missing.safetensors", "bad.safetensors"}) {
    try {
      (void)load_buffers(here, folder / name, {GetParam(), {}});
      ADD_FAILURE() << name;
    } catch (const error& e) {
      EXPECT_NE(std::string(e.what()).find(name), std::string::npos) << e.what();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(files, stored_buffers, ::testing::Values(file_use::map, file_use::read),
                         [](const auto& tested) { return tested.param == file_use::map ? "map" : "read"; });

TEST(stored_buffers_on_failure, saving_a_failed_buffer_leaves_no_file) {
  const client here;
  const temporary_folder folder;
  safetensors_buffers saved;
  const buffer gone = here.scalar(1.0F);
  gone.delete_now();
  saved.tensors.emplace("gone", gone);
  EXPECT_THROW(save_buffers(folder / "a.safetensors", saved), error);
  EXPECT_EQ(folder.files(), 0U);
}

}  // namespace
}  // namespace wherry
