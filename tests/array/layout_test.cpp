// Elements in any order in memory: strides of all signs, both dense orders, and back.
#include <gtest/gtest.h>

#include <numeric>
#include <wherry/array/layout.hpp>

namespace wherry {
namespace {

template <class T>
array counted(const shape& dims) {
  array a(tensor_type{dtype_of<T>, dims});
  const auto data = a.mutable_data<T>();
  for (std::size_t k = 0; k < data.size(); ++k) data[k] = static_cast<T>(k);
  return a;
}

template <class T>
std::vector<T> gathered(const void* first, const shape& dims, std::vector<std::int64_t> strides) {
  const array a = gather(first, {dtype_of<T>, dims}, strides);
  const auto data = a.data<T>();
  return {data.begin(), data.end()};
}

TEST(layout, dense_strides_run_from_either_end) {
  const tensor_type type{dtype::f64, {2, 3, 4}};
  EXPECT_EQ(byte_strides(type), (stride_list{96, 32, 8}));
  EXPECT_EQ(byte_strides(type, element_order::column_major), (stride_list{8, 16, 48}));
  EXPECT_EQ(byte_strides({dtype::f32, {}}), stride_list{});
}

TEST(layout, column_major_bytes_have_the_first_index_run_fastest) {
  const array a = counted<std::int16_t>({2, 3});
  std::vector<std::int16_t> columns(6);
  const auto raw = raw_bytes(a, element_order::column_major);
  std::memcpy(columns.data(), raw.data(), raw.size());
  EXPECT_EQ(columns, (std::vector<std::int16_t>{0, 3, 1, 4, 2, 5}));
  const auto rows = raw_bytes(a, element_order::row_major);
  EXPECT_TRUE(std::equal(rows.begin(), rows.end(), a.bytes().begin()));
}

TEST(layout, strides_may_be_wide_negative_or_zero) {
  const std::vector<std::int32_t> memory = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  EXPECT_EQ(gathered<std::int32_t>(&memory[0], {3}, {12}), (std::vector<std::int32_t>{0, 3, 6}));
  EXPECT_EQ(gathered<std::int32_t>(&memory[9], {4}, {-4}), (std::vector<std::int32_t>{9, 8, 7, 6}));
  EXPECT_EQ(gathered<std::int32_t>(&memory[5], {2, 3}, {4, 0}),
            (std::vector<std::int32_t>{5, 5, 5, 6, 6, 6}));
  EXPECT_EQ(gathered<std::int32_t>(&memory[7], {2, 2}, {-16, 4}), (std::vector<std::int32_t>{7, 8, 3, 4}));
}

TEST(layout, elements_need_not_be_aligned) {
  std::vector<std::byte> memory(64);
  const double value = 2.5;
  std::memcpy(&memory[3], &value, sizeof value);
  std::memcpy(&memory[14], &value, sizeof value);
  EXPECT_EQ(gathered<double>(&memory[3], {2}, {11}), (std::vector<double>{2.5, 2.5}));
}

TEST(layout, scalars_and_arrays_without_elements_are_layouts_too) {
  const float one = 1;
  EXPECT_EQ(gathered<float>(&one, {}, {}), (std::vector<float>{1}));
  EXPECT_TRUE(gathered<float>(nullptr, {3, 0}, {4, 4}).empty());
  EXPECT_TRUE(raw_bytes(counted<float>({0, 2}), element_order::column_major).empty());
}

TEST(layout, a_wrong_number_of_strides_is_refused) {
  const float one = 1;
  try {
    (void)gathered<float>(&one, {1, 1}, {4});
    FAIL() << "it was accepted";
  } catch (const error& e) {
    EXPECT_STREQ(e.what(), "gather: tensor<1x1xf32> has 2 axes, got 1 strides");
  }
}

/// What `copy_strided` does, one element at a time.
template <class T>
std::vector<T> slowly(const T* first, const shape& dims, const std::vector<std::int64_t>& strides) {
  std::vector<T> all;
  for (std::int64_t k = 0; k < dims.elements(); ++k) {
    std::int64_t rest = k, place = 0;
    for (std::size_t axis = dims.rank(); axis-- > 0;) {
      place += rest % dims[axis] * strides[axis];
      rest /= dims[axis];
    }
    all.push_back(*reinterpret_cast<const T*>(reinterpret_cast<const std::byte*>(first) + place));
  }
  return all;
}

template <class T>
void agrees_with_one_element_at_a_time() {
  const array source = counted<T>({40, 50, 60});
  const T* const first = source.template data<T>().data();
  const auto size = static_cast<std::int64_t>(sizeof(T));
  const std::int64_t a = 3000 * size, b = 60 * size, c = size;
  const std::vector<std::pair<shape, std::vector<std::int64_t>>> all = {
      {{40, 50, 60}, {a, b, c}}, {{60, 50, 40}, {c, b, a}},  {{50, 60, 40}, {b, c, a}},
      {{60, 40, 50}, {c, a, b}}, {{20, 30}, {2 * a, 2 * c}}, {{1, 60, 1, 40}, {7, c, 9, a}},
      {{40, 3000}, {a, c}},      {{3000, 40}, {c, a}},       {{2, 3, 2, 3, 2}, {a, b, 2 * a, 3 * b, c}}};
  for (const auto& [dims, strides] : all)
    EXPECT_EQ(gathered<T>(first, dims, strides), slowly(first, dims, strides))
        << to_string(tensor_type{dtype_of<T>, dims});
  const T* const last = first + 40 * 50 * 60 - 1;
  EXPECT_EQ(gathered<T>(last, {40, 50, 60}, {-a, -b, -c}), slowly(last, {40, 50, 60}, {-a, -b, -c}));
}

TEST(layout, any_order_of_axes_agrees_with_one_element_at_a_time) {
  agrees_with_one_element_at_a_time<std::uint8_t>();
  agrees_with_one_element_at_a_time<std::int16_t>();
  agrees_with_one_element_at_a_time<float>();
  agrees_with_one_element_at_a_time<double>();
}

TEST(layout, storing_undoes_gathering) {
  const array a = counted<float>({7, 5, 3});
  std::vector<float> memory(7 * 5 * 3 * 2, -1);
  const std::vector<std::int64_t> strides = {-8, 56, 280};
  store(a, &memory[12], strides);
  const array back = gather(&memory[12], a.type(), strides);
  EXPECT_TRUE(std::equal(back.bytes().begin(), back.bytes().end(), a.bytes().begin()));
  EXPECT_EQ(std::count(memory.begin(), memory.end(), -1.0F), 7 * 5 * 3);
}

}  // namespace
}  // namespace wherry
