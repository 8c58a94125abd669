#include <gtest/gtest.h>

#include <algorithm>
#include <wherry/array/npy.hpp>
#include <wherry/array/npz.hpp>

#include "array/temporary_folder.hpp"

namespace wherry {
namespace {

using testing_support::read_bytes;
using testing_support::temporary_folder;
using testing_support::write_bytes;

std::string npy(const std::string& dictionary, const std::string& data, char version = 1) {
  std::string length(version == 1 ? 2 : 4, '\0');
  for (std::size_t k = 0; k < length.size(); ++k)
    length[k] = static_cast<char>(dictionary.size() >> (8 * k) & 0xFF);
  return std::string("\x93NUMPY") + version + '\0' + length + dictionary + data;
}
array parse(const std::string& bytes) { return npy_from_bytes(std::as_bytes(std::span(bytes)), "x.npy"); }
/// The message with which `bytes` are refused.
std::string refusal(const std::string& bytes, absl::StatusCode code = absl::StatusCode::kDataLoss) {
  try {
    (void)parse(bytes);
  } catch (const error& e) {
    EXPECT_EQ(e.code(), code) << e.what();
    EXPECT_EQ(std::string(e.what()).rfind("x.npy", 0), 0U) << e.what();
    return e.what();
  }
  ADD_FAILURE() << "accepted";
  return {};
}
array counting(const tensor_type& type) {
  array a(type);
  for (std::size_t k = 0; k < a.bytes().size(); ++k)
    a.bytes()[k] = static_cast<std::byte>(type.element == dtype::boolean ? k % 2 : k * 7 % 2);
  return a;
}

TEST(npy, every_dtype_and_shape_comes_back_as_it_was_saved) {
  for (std::size_t k = 0; k < dtype_count; ++k) {
    for (const shape& dims : {shape{}, shape{3}, shape{2, 3}, shape{0, 2}, shape{2, 1, 4}}) {
      const array saved = counting({static_cast<dtype>(k), dims});
      const array back = as_type(npy_from_bytes(npy_to_bytes(saved)), saved.type(), "x");
      EXPECT_EQ(back.type(), saved.type());
      EXPECT_TRUE(std::ranges::equal(back.bytes(), saved.bytes())) << to_string(saved.type());
    }
  }
}

TEST(npy, the_header_is_what_numpy_writes) {
  const std::vector<float> values = {1, 2, 3, 4, 5, 6};
  const auto header_of = [](const array& a) {
    const std::vector<std::byte> bytes = npy_to_bytes(a);
    const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    EXPECT_EQ((text.find('\n') + 1) % 64, 0U);
    return text.substr(10, text.find('}') - 9);
  };
  EXPECT_EQ(header_of(array::of(std::span(values), {2, 3})),
            "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }");
  EXPECT_EQ(header_of(array::of(std::span(values), {6})),
            "{'descr': '<f4', 'fortran_order': False, 'shape': (6,), }");
  EXPECT_EQ(header_of(array(tensor_type{dtype::boolean, {}})),
            "{'descr': '|b1', 'fortran_order': False, 'shape': (), }");
}

TEST(npy, column_major_and_big_endian_elements_are_turned_round) {
  // 2 x 3, column-major: 1 2 | 3 4 | 5 6 by columns.
  std::string data;
  for (const char value : {1, 2, 3, 4, 5, 6}) data += std::string("\0", 1) + value;
  const array a = parse(npy("{'descr': '>i2', 'fortran_order': True, 'shape': (2, 3)}", data));
  const std::vector<std::int16_t> expected = {1, 3, 5, 2, 4, 6};
  EXPECT_TRUE(std::ranges::equal(a.data<std::int16_t>(), expected));
  // The parts of a complex number are turned round each for itself.
  const std::string one("\x3f\x80\0\0", 4), two("\x40\0\0\0", 4);
  const array c = parse(npy("{'descr': '>c8', 'fortran_order': False, 'shape': (1,)}", one + two));
  EXPECT_EQ(c.item<std::complex<float>>(), (std::complex<float>(1, 2)));
}

TEST(npy, column_major_arrays_of_three_dimensions_are_turned_round) {
  std::string data;
  for (int k = 2; k >= 0; --k) {
    for (int j = 3; j >= 0; --j) {
      for (int i = 1; i >= 0; --i) data.insert(data.begin(), static_cast<char>(i * 12 + j * 3 + k));
    }
  }
  const array a = parse(npy("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 4, 3)}", data));
  for (std::uint8_t k = 0; k < 24; ++k) EXPECT_EQ(a.data<std::uint8_t>()[k], k);
}

TEST(npy, versions_two_and_three_and_headers_of_python_two_are_read) {
  for (const char version : {'\2', '\3'}) {
    EXPECT_EQ(parse(npy("{\"shape\": (1L,), 'descr': '|i1', 'fortran_order': False, }\n", "\x07", version))
                  .item<std::int8_t>(),
              7);
  }
}

TEST(npy, bad_files_are_refused_with_the_place) {
  const std::string good = npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", "abcd");
  for (std::size_t n = 0; n < good.size(); ++n) (void)refusal(good.substr(0, n));
  EXPECT_NE(refusal(good + "x").find("tensor<1xf32> takes 4 bytes, the file has 5"), std::string::npos);
  EXPECT_NE(refusal("\x93NUMPY\x09....................").find("version 9"), std::string::npos);
  EXPECT_NE(refusal(npy("{'descr': '<f4', 'shape': (1,)}", "abcd")).find("missing"), std::string::npos);
  EXPECT_NE(refusal(npy("{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}", "abcd"))
                .find("at byte 44: expected True or False"),
            std::string::npos);
  EXPECT_NE(refusal(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", "abcd"))
                .find("expected a size"),
            std::string::npos);
  EXPECT_NE(refusal(npy("{'descr': '|i1', 'fortran_order': False, 'shape': (4611686018427387904, 4)}", ""))
                .find("more elements than memory can hold"),
            std::string::npos);
  EXPECT_NE(refusal(npy("{'descr': '|b1', 'fortran_order': False, 'shape': (1,)}", "\x05"))
                .find("a boolean is stored as 5"),
            std::string::npos);
  EXPECT_NE(refusal(npy("{'descr': '<U8', 'fortran_order': False, 'shape': (1,)}", ""),
                    absl::StatusCode::kUnimplemented)
                .find("dtype '<U8' is not supported"),
            std::string::npos);
  EXPECT_NE(refusal(npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", ""),
                    absl::StatusCode::kUnimplemented)
                .find("structured dtype"),
            std::string::npos);
}

TEST(npy, files_are_saved_and_loaded_in_plain_code_and_on_a_loop) {
  const temporary_folder folder;
  const array saved = counting({dtype::f64, {5, 7}});
  save_npy(folder / "a.npy", saved);
  EXPECT_TRUE(std::ranges::equal(load_npy(folder / "a.npy").bytes(), saved.bytes()));
  loop here;
  sync_wait(here, save_npy(here, folder / "b.npy", saved));
  EXPECT_TRUE(std::ranges::equal(sync_wait(here, load_npy(here, folder / "b.npy")).bytes(), saved.bytes()));
  EXPECT_EQ(folder.files(), 2U);
  write_bytes(folder / "cut.npy", read_bytes(folder / "a.npy").substr(0, 200));
  EXPECT_THROW(load_npy(folder / "cut.npy"), error);
  EXPECT_THROW(save_npy(folder / "no/such.npy", saved), error);
  EXPECT_EQ(folder.files(), 3U);
}

TEST(npz, arrays_come_back_stored_and_deflated) {
  const temporary_folder folder;
  named_arrays saved;
  saved.emplace("weights", counting({dtype::f32, {100, 30}}));
  saved.emplace("", counting({dtype::i8, {3}}));
  saved.emplace("none", counting({dtype::i64, {0}}));
  for (const auto how : {npz_compression::none, npz_compression::deflate}) {
    save_npz(folder / "a.npz", saved, how);
    const named_arrays back = load_npz(folder / "a.npz");
    ASSERT_EQ(back.size(), saved.size());
    for (const auto& [name, values] : saved) {
      ASSERT_TRUE(back.contains(name)) << name;
      EXPECT_EQ(back.at(name).type(), values.type());
      EXPECT_TRUE(std::ranges::equal(back.at(name).bytes(), values.bytes())) << name;
    }
  }
  EXPECT_LT(read_bytes(folder / "a.npz").size(), 2000U);  // the deflated one
}

TEST(npz, damaged_archives_are_refused) {
  const temporary_folder folder;
  named_arrays saved;
  saved.emplace("x", counting({dtype::f32, {40}}));
  save_npz(folder / "a.npz", saved, npz_compression::deflate);
  const std::string good = read_bytes(folder / "a.npz");
  const auto is_refused = [&](const std::string& bytes) {
    write_bytes(folder / "b.npz", bytes);
    try {
      const named_arrays loaded = load_npz(folder / "b.npz");
      return !(loaded.size() == 1 &&
               std::ranges::equal(loaded.begin()->second.bytes(), saved.at("x").bytes()));
    } catch (const error& e) {
      EXPECT_NE(std::string(e.what()).find("b.npz"), std::string::npos) << e.what();
      return true;
    }
  };
  EXPECT_FALSE(is_refused(good));
  for (std::size_t n = 0; n < good.size(); ++n) EXPECT_TRUE(is_refused(good.substr(0, n))) << n;
  // A changed byte is noticed, or is one that says nothing about the contents (dates, versions, names).
  std::size_t accepted = 0;
  for (std::size_t k = 0; k < good.size(); ++k) {
    std::string changed = good;
    changed[k] = static_cast<char>(changed[k] ^ 0x41);
    accepted += !is_refused(changed);
  }
  EXPECT_LT(accepted, 60U);
  EXPECT_TRUE(is_refused(std::string("PK\5\6") + std::string(18, '\xff')));
}

TEST(npz, an_empty_archive_has_no_arrays) {
  const temporary_folder folder;
  save_npz(folder / "a.npz", {});
  EXPECT_TRUE(load_npz(folder / "a.npz").empty());
}

}  // namespace
}  // namespace wherry
