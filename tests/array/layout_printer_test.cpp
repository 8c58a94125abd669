// Pages of columns: the layout to the character, which numbers share which form, and where it is cut.
#include <gtest/gtest.h>

#include <limits>
#include <numeric>
#include <sstream>
#include <wherry/array/layout_printer.hpp>

namespace wherry {
namespace {

constexpr float inf = std::numeric_limits<float>::infinity();
const float nan = std::nanf("");

template <class T>
array of(std::vector<T> values, shape dims) {
  return array::of(std::span<const T>(values), dims);
}

/// 1, 2, 3, ... laid out so that the first index runs fastest, as R does.
array counted(shape dims) {
  array a(tensor_type{dtype::i32, dims});
  const auto out = a.mutable_data<std::int32_t>();
  std::vector<std::int64_t> at(dims.rank());
  for (std::size_t k = 0; k < out.size(); ++k) {
    auto rest = static_cast<std::int64_t>(k);
    for (std::size_t axis = dims.rank(); axis-- > 0;) {
      at[axis] = rest % dims[axis];
      rest /= dims[axis];
    }
    std::int64_t value = 0;
    for (std::size_t axis = dims.rank(); axis-- > 0;) value = value * dims[axis] + at[axis];
    out[k] = static_cast<std::int32_t>(value + 1);
  }
  return a;
}

std::string page(const array& a, const print_options& options = {}) {
  std::ostringstream out;
  print(out, a, options);
  return out.str();
}

std::string body(const array& a, print_options options = {}) {
  options.header = false;
  options.footer = "";
  return page(a, options);
}

const std::string cut = " ... [output was truncated, set max_rows = -1 to see all]\n";

TEST(layout_printer, a_page_has_a_header_lines_that_begin_with_a_space_and_a_footer) {
  EXPECT_EQ(page(of<std::int8_t>({1}, {1})), "array \n 1\n[ i8{1} ] \n");
  EXPECT_EQ(page(counted({2, 5})), "array \n  1  3  5  7  9\n  2  4  6  8 10\n[ i32{2x5} ] \n");
  EXPECT_EQ(page(of<float>({1.5F}, {})), "array \n 1.5000\n[ f32{} ] \n");
}

TEST(layout_printer, header_and_footer_may_be_left_out_or_replaced) {
  print_options o;
  o.header = false;
  EXPECT_EQ(page(counted({2}), o), " 1\n 2\n[ i32{2} ] \n");
  o.footer = "";
  EXPECT_EQ(page(counted({2}), o), " 1\n 2\n");
  o.footer = "that is all";
  EXPECT_EQ(page(counted({2}), o), " 1\n 2\nthat is all \n");
}

TEST(layout_printer, an_array_without_elements_has_a_header_and_a_footer) {
  EXPECT_EQ(page(of<float>({}, {0, 3})), "array \n[ f32{0x3} ] \n");
}

TEST(layout_printer, a_vector_is_a_column) {
  EXPECT_EQ(body(of<float>({1, 2.5F}, {2})), " 1.0000\n 2.5000\n");
}

TEST(layout_printer, booleans_are_ones_and_zeros) {
  EXPECT_EQ(page(of<std::uint8_t>({1, 0}, {2})), "array \n 1\n 0\n[ ui8{2} ] \n");
  array flags(tensor_type{dtype::boolean, {2, 2}});
  std::memcpy(flags.bytes().data(), "\1\0\0\1", 4);
  EXPECT_EQ(page(flags), "array \n 1 0\n 0 1\n[ bool{2x2} ] \n");
}

TEST(layout_printer, integers_of_more_than_six_digits_have_an_exponent) {
  EXPECT_EQ(body(of<std::int32_t>({10'000'000, 20'000'000, 30'000'000, 1}, {2, 2})),
            " 1.0000e+07 2.0000e+07\n 3.0000e+07          1\n");
  EXPECT_EQ(body(of<std::int64_t>({123'456, 1'234'567, -123'456, -1'234'567}, {4})),
            "      123456\n  1.2346e+06\n     -123456\n -1.2346e+06\n");
}

TEST(layout_printer, floats_that_are_all_integral_print_as_integers) {
  EXPECT_EQ(body(of<float>({inf, -inf, nan, 1}, {4})), "  inf\n -inf\n  nan\n    1\n");
  EXPECT_EQ(body(of<float>({1e6F}, {})), " 1.0000e+06\n");
  EXPECT_EQ(body(of<float>({1e5F}, {})), " 100000\n");
  EXPECT_EQ(body(of<float>({1e10F}, {})), " 1.0000e+10\n");
}

TEST(layout_printer, floats_of_middling_size_have_four_decimals) {
  EXPECT_EQ(body(of<float>({inf, inf, nan, 100011.234567F}, {4})),
            "         inf\n         inf\n         nan\n 100011.2344\n");
  EXPECT_EQ(body(of<double>({-10.1213}, {})), " -10.1213\n");
}

TEST(layout_printer, a_single_small_number_and_numbers_far_apart_have_exponents) {
  EXPECT_EQ(body(of<float>({1e-10F}, {})), " 1.0000e-10\n");
  EXPECT_EQ(body(of<double>({1e10, 1e-10}, {2})), " 1.0000e+10\n 1.0000e-10\n");
}

TEST(layout_printer, numbers_of_one_magnitude_share_a_power_of_ten_with_its_sign) {
  EXPECT_EQ(body(of<double>({2e-7, 2.5e-7}, {1, 2})), "1e-07 *\n 2.0000 2.5000\n");
  EXPECT_EQ(body(of<double>({2.00000025e9, 3.5e9 + 0.5, -0.0}, {3})),
            "1e+09 *\n  2.0000\n  3.5000\n -0.0000\n");
}

TEST(layout_printer, each_matrix_chooses_its_own_form) {
  EXPECT_EQ(body(of<double>({2e-7, 3e-7, 1.5, 1e-10}, {2, 1, 2})),
            "(1,.,.) =\n1e-07 *\n 2.0000 3.0000\n\n(2,.,.) =\n 1.5000e+00 1.0000e-10\n");
}

TEST(layout_printer, more_than_two_axes_are_printed_a_matrix_at_a_time) {
  EXPECT_EQ(body(counted({2, 3, 4})),
            "(1,.,.) =\n  1  7 13 19\n  3  9 15 21\n  5 11 17 23\n\n"
            "(2,.,.) =\n  2  8 14 20\n  4 10 16 22\n  6 12 18 24\n");
  EXPECT_EQ(body(of<std::int8_t>({1, 2, 3, 4, 5, 6}, {2, 3, 1, 1})),
            "(1,1,.,.) =\n 1\n\n(1,2,.,.) =\n 2\n\n(1,3,.,.) =\n 3\n\n"
            "(2,1,.,.) =\n 4\n\n(2,2,.,.) =\n 5\n\n(2,3,.,.) =\n 6\n");
}

TEST(layout_printer, columns_that_do_not_fit_follow_in_blocks_each_as_wide_as_its_widest) {
  const std::string text = body(counted({2, 50}));
  EXPECT_EQ(text.substr(0, text.find('\n')), "Columns 1 to 28");
  EXPECT_NE(text.find(" 55\n"), std::string::npos);
  EXPECT_NE(text.find("\nColumns 29 to 49\n 57 59 "), std::string::npos);
  EXPECT_NE(text.find("\nColumns 50 to 50\n  99\n 100\n"), std::string::npos);
  EXPECT_EQ(text.find("truncated"), std::string::npos);
}

TEST(layout_printer, rows_are_counted_over_blocks_of_columns) {
  print_options o;
  o.max_rows = 1;
  o.max_width = 7;
  const array hundreds = of<std::int32_t>({100, 100, 100}, {1, 3});
  EXPECT_EQ(body(hundreds, o), "Columns 1 to 1\n 100\n" + cut);
  o.max_width = 8;
  EXPECT_EQ(body(hundreds, o), "Columns 1 to 2\n 100 100\n" + cut);
  o.max_width = 3;  // one column is always printed
  EXPECT_EQ(body(of<std::int32_t>({100}, {1, 1}), o), " 100\n");
}

TEST(layout_printer, rows_are_counted_over_matrices_and_no_name_stands_without_its_matrix) {
  print_options o;
  o.max_rows = 4;
  const std::string text = body(counted({3, 4, 5}), o);
  EXPECT_EQ(text.rfind("(1,.,.) =\n", 0), 0U);
  EXPECT_EQ(text.find("(2,"), std::string::npos);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 6);
  EXPECT_EQ(text.substr(text.size() - cut.size()), cut);
}

TEST(layout_printer, the_hint_names_the_limit_that_cut_and_minus_one_lifts_it) {
  print_options o;
  o.max_rows = 3;
  EXPECT_EQ(body(counted({5}), o), " 1\n 2\n 3\n" + cut);
  o.max_rows = -1;
  EXPECT_EQ(body(counted({5}), o), " 1\n 2\n 3\n 4\n 5\n");
  o.max_rows_slice = 1;
  EXPECT_EQ(
      body(counted({2, 2, 1}), o),
      "(1,.,.) =\n 1\n\n(2,.,.) =\n 2\n ... [output was truncated, set max_rows_slice = -1 to see all]\n");
  o.max_rows_slice = -1;
  EXPECT_EQ(body(counted({2, 2, 1}), o).find("truncated"), std::string::npos);
}

TEST(layout_printer, the_default_is_thirty_rows_of_eighty_five_characters) {
  const std::string text = body(counted({31}));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 31);
  EXPECT_EQ(text.substr(text.size() - cut.size()), cut);
  EXPECT_EQ(body(counted({30})).find("truncated"), std::string::npos);
}

TEST(layout_printer, the_width_may_be_without_limit) {
  print_options o;
  o.max_width = -1;
  const std::string text = body(counted({1, 1000}), o);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
}

TEST(layout_printer, options_that_allow_nothing_are_refused) {
  for (const auto& [rows, width, slice] :
       {std::array<std::int64_t, 3>{0, 85, 1}, {30, 0, 1}, {30, 1, 1}, {30, 85, 0}}) {
    print_options o;
    o.max_rows = rows;
    o.max_width = width;
    o.max_rows_slice = slice;
    EXPECT_THROW(page(counted({2}), o), error) << rows << ' ' << width << ' ' << slice;
  }
}

TEST(layout_printer, complex_numbers_share_a_form_for_both_parts) {
  EXPECT_EQ(body(of<std::complex<float>>({{1, -2}, {0.5F, 3}}, {2})), " 1.0000-2.0000i\n 0.5000+3.0000i\n");
  EXPECT_EQ(body(of<std::complex<double>>({{1, -2}}, {})), " 1-2i\n");
}

TEST(layout_printer, small_floats_print_as_the_numbers_they_are) {
  EXPECT_EQ(page(of<bfloat16>({to_bfloat16(0.5), to_bfloat16(-1)}, {2})),
            "array \n  0.5000\n -1.0000\n[ bf16{2} ] \n");
}

}  // namespace
}  // namespace wherry
