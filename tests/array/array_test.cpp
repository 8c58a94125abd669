// Arrays on the host: typed access, sharing, copies, and what a wrong use says.
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>
#include <wherry/array/array.hpp>

namespace wherry {
namespace {

template <class T>
array array_of(const std::vector<T>& values, const shape& dims) {
  return array::of(std::span<const T>(values), dims);
}

TEST(array, has_the_elements_in_row_major_order) {
  const array a = array_of<float>({1, 2, 3, 4, 5, 6}, {2, 3});
  EXPECT_EQ(a.size(), 6);
  EXPECT_EQ(a.dims(), (shape{2, 3}));
  EXPECT_EQ(a.dtype(), dtype::f32);
  EXPECT_EQ(a.data<float>()[4], 5);
  EXPECT_EQ(a.bytes().size(), 24u);
}

TEST(array, copies_share_the_memory_and_copy_makes_its_own) {
  const array a = array_of<std::int32_t>({1, 2}, {2});
  array shared = a;
  array own = a.copy();
  EXPECT_EQ(shared.bytes().data(), a.bytes().data());
  own.mutable_data<std::int32_t>()[0] = 9;
  EXPECT_EQ(a.data<std::int32_t>()[0], 1);
}

TEST(array, is_aligned_for_the_widest_vector) {
  for (const std::int64_t n : {1, 3, 17, 1000}) {
    const array a(tensor_type{dtype::ui8, {n}});
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(a.bytes().data()) % 64, 0u);
  }
}

TEST(array, may_be_empty_or_a_scalar) {
  EXPECT_EQ(array().size(), 0);
  EXPECT_EQ(array_of<double>({}, {3, 0}).size(), 0);
  EXPECT_EQ(array_of<double>({2.5}, {}).item<double>(), 2.5);
}

TEST(array, says_what_was_expected_when_the_type_is_wrong) {
  const array a = array_of<float>({1}, {1});
  try {
    (void)a.data<double>();
    FAIL() << "floats were read as doubles";
  } catch (const error& e) {
    EXPECT_EQ(e.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_NE(std::string(e.what()).find("f64"), std::string::npos) << e.what();
    EXPECT_NE(std::string(e.what()).find("tensor<1xf32>"), std::string::npos) << e.what();
  }
}

TEST(array, refuses_values_that_do_not_fill_the_shape_and_items_of_many) {
  EXPECT_THROW(array_of<float>({1, 2, 3}, {2}), error);
  EXPECT_THROW((void)array_of<float>({1, 2}, {2}).item<float>(), error);
}

}  // namespace
}  // namespace wherry
