// Numerical errors on request: found in every type, reported by the execution, the results left readable.
#include <cmath>
#include <limits>
#include <wherry/exec/executable.hpp>
#include <wherry/loop/sync_wait.hpp>

#include "exec/programs.hpp"

namespace wherry {
namespace {

using namespace testing_support;

constexpr float infinity = std::numeric_limits<float>::infinity();

class numerics : public programs_on_every_device {
 protected:
  static execute_options checked() {
    execute_options options;
    options.check_numerics = true;
    return options;
  }
};

TEST_P(numerics, a_nan_in_an_output_fails_the_execution_and_says_where) {
  const executable add = load(add_program({2, 3}));
  const std::vector<buffer> args{on_device({1, 1, 1, 1, infinity, 1}, {2, 3}),
                                 on_device({1, 1, 1, 1, -infinity, 1}, {2, 3})};
  const execution run = add.call(args, checked());
  try {
    run.await();
    FAIL() << "a NaN went unnoticed";
  } catch (const error& e) {
    EXPECT_EQ(e.code(), absl::StatusCode::kOutOfRange);
    EXPECT_EQ(e.reason(), reason::numerical_error);
    EXPECT_EQ(e.id(), run.id());
    EXPECT_NE(std::string(e.what()).find("output 0 (tensor<2x3xf32>) is nan at [1, 1]"), std::string::npos)
        << e.what();
  }
  EXPECT_THROW(run.value(), error);
}

TEST_P(numerics, the_results_stay_readable_and_are_good_inputs) {
  const executable add = load(add_program({2}));
  const std::vector<buffer> args{on_device({1, infinity}, {2}), on_device({1, 1}, {2})};
  const execution run = add.call(args, checked());
  EXPECT_EQ(run.status().code(), absl::StatusCode::kOutOfRange);
  const array result = run[0].value();
  EXPECT_EQ(result.data<float>()[0], 2);
  EXPECT_EQ(result.data<float>()[1], infinity);
  EXPECT_EQ(add(run[0], run[0]).value().data<float>()[0], 4);
  EXPECT_TRUE(run[0].status().ok());
}

TEST_P(numerics, finite_outputs_pass_and_nothing_is_checked_unless_asked) {
  const executable add = load(add_program());
  const std::vector<buffer> fine{scalar(1), scalar(std::numeric_limits<float>::max())};
  EXPECT_TRUE(add.call(fine, checked()).status().ok());
  const std::vector<buffer> wild{scalar(infinity), scalar(1)};
  EXPECT_TRUE(add.call(wild).status().ok());
}

TEST_P(numerics, the_last_element_of_a_long_output_is_looked_at) {
  const shape dims{600'001};
  plan p = add_program(dims);
  p.blocks[0][0].extent = 1;  // only the first is computed
  const executable add = load(std::move(p));
  std::vector<float> values(600'001, 1.0F);
  values.back() = -infinity;
  const buffer target = on_device(values, dims), one = on_device(std::vector<float>(600'001, 1.0F), dims);
  execute_options options = checked();
  options.into = {target};
  const std::vector<buffer> args{one, one};
  const absl::Status status = add.call(args, options).status();
  EXPECT_NE(status.message().find("-inf at [600000]"), absl::string_view::npos) << status;
}

TEST_P(numerics, a_loop_of_unknown_length_is_checked_too) {
  const executable doubling = load(doubling_program());
  const std::vector<buffer> args{scalar(infinity)};
  EXPECT_EQ(doubling.call(args, checked()).status().code(), absl::StatusCode::kOutOfRange);
}

TEST_P(numerics, an_upstream_failure_stays_what_it_was) {
  const executable add = load(add_program());
  const buffer late = scalar(infinity);
  const auto gate = hold_back(late);
  const std::vector<buffer> args{late, late};
  const execution run = add.call(args, checked());
  gate->end(fault("broken"));
  EXPECT_EQ(run.status().code(), absl::StatusCode::kInternal);
  EXPECT_EQ(run[0].status().code(), absl::StatusCode::kInternal);
}

INSTANTIATE_TEST_SUITE_P(devices, numerics, all_devices, device_name);

std::vector<std::byte> encoded(dtype type, double value, std::size_t count) {
  const dtype part = part_of(type);
  const std::uint64_t bits = encode_float(format_of(part), value);
  std::vector<std::byte> bytes(count * size_of(part));
  for (std::size_t i = 0; i < count; ++i) std::memcpy(bytes.data() + i * size_of(part), &bits, size_of(part));
  return bytes;
}

TEST(find_non_finite, finds_the_first_special_value_of_every_type_and_no_other) {
  for (std::size_t k = 0; k < dtype_count; ++k) {
    const auto type = static_cast<dtype>(k);
    if (!may_be_non_finite(type)) continue;
    const std::size_t parts = is_complex(type) ? 2 : 1;
    std::vector<std::byte> bytes = encoded(type, 1.0, 3000 * parts);
    EXPECT_FALSE(find_non_finite(type, bytes).has_value()) << name_of(type);
    const std::vector<std::byte> nan = encoded(type, std::nan(""), 1);
    for (const std::size_t at : {std::size_t{2999}, std::size_t{1500}, std::size_t{0}}) {
      std::memcpy(bytes.data() + (at * parts + parts - 1) * nan.size(), nan.data(), nan.size());
      const auto found = find_non_finite(type, bytes);
      ASSERT_TRUE(found.has_value()) << name_of(type);
      EXPECT_EQ(found->index, static_cast<std::int64_t>(at)) << name_of(type);
      EXPECT_EQ(found->text, is_complex(type) ? "1+nani" : "nan") << name_of(type);
    }
    if (format_of(part_of(type)).special != float_format::specials::ieee) continue;
    const auto negative = find_non_finite(type, encoded(type, -HUGE_VAL, parts));
    ASSERT_TRUE(negative.has_value()) << name_of(type);
    EXPECT_EQ(negative->text.substr(0, 4), "-inf") << name_of(type);
  }
}

TEST(find_non_finite, the_largest_and_smallest_numbers_of_every_type_are_finite) {
  for (std::size_t k = 0; k < dtype_count; ++k) {
    const auto type = static_cast<dtype>(k);
    if (!may_be_non_finite(type) || is_complex(type) || size_of(type) > 2) continue;
    const float_format f = format_of(type);
    for (std::uint64_t bits = 0; bits < (std::uint64_t{1} << f.bits()); ++bits) {
      std::vector<std::byte> bytes(size_of(type));
      std::memcpy(bytes.data(), &bits, bytes.size());
      ASSERT_EQ(find_non_finite(type, bytes).has_value(), !std::isfinite(decode_float(f, bits)))
          << name_of(type) << " " << bits;
    }
  }
}

TEST(find_non_finite, integers_and_empty_tensors_have_none) {
  const std::vector<std::byte> ones(64, std::byte{0xFF});
  EXPECT_FALSE(find_non_finite(dtype::i32, ones).has_value());
  EXPECT_FALSE(find_non_finite(dtype::f4e2m1fn, ones).has_value());
  EXPECT_FALSE(find_non_finite(dtype::f32, {}).has_value());
}

}  // namespace
}  // namespace wherry
