// Handlers from plain functions: what a parameter stands for, and what is refused before anything runs.
#include <gtest/gtest.h>

#include <numeric>
#include <wherry/exec/bind.hpp>

namespace wherry {
namespace {

call_value value(dtype type, const shape& dims) { return {{type, dims}, {}}; }

/// A call of two f32 operands and one f32 result of three elements, with the attribute by = 2.
custom_call scale_call() {
  custom_call call;
  call.target = "scale";
  call.operands = {value(dtype::f32, {3})};
  call.results = {value(dtype::f32, {3})};
  call.attributes = {{"by", attribute(2.0)}};
  return call;
}

call_handler scale() {
  return bind(
      [](std::span<const float> x, std::span<float> y, double by) {
        for (std::size_t k = 0; k < x.size(); ++k) y[k] = x[k] * static_cast<float>(by);
      },
      {"by"});
}

/// Runs `handler` on `x`; returns what it wrote.
std::array<float, 3> run(const call_handler& handler, const custom_call& call, std::array<float, 3> x) {
  std::array<float, 3> y{};
  std::byte* const memory[] = {reinterpret_cast<std::byte*>(x.data()),
                               reinterpret_cast<std::byte*>(y.data())};
  call_frame frame(call, memory);
  EXPECT_TRUE(handler.run(frame).ok());
  return y;
}

std::string refusal(const call_handler& handler, const custom_call& call) {
  try {
    handler.check(call);
    return "";
  } catch (const error& e) {
    EXPECT_EQ(e.code(), absl::StatusCode::kInvalidArgument);
    return e.what();
  }
}

TEST(bind, spans_are_operands_and_results_and_values_are_attributes) {
  EXPECT_EQ(refusal(scale(), scale_call()), "");
  EXPECT_EQ(run(scale(), scale_call(), {1, 2, 3}), (std::array<float, 3>{2, 4, 6}));
}

TEST(bind, an_integer_is_a_number_and_an_optional_attribute_may_be_missing) {
  custom_call call = scale_call();
  call.attributes = {{"by", attribute(3)}};
  EXPECT_EQ(run(scale(), call, {1, 2, 3}), (std::array<float, 3>{3, 6, 9}));
  const call_handler shift = bind(
      [](std::span<const float> x, std::span<float> y, std::optional<float> by) {
        for (std::size_t k = 0; k < x.size(); ++k) y[k] = x[k] + by.value_or(10);
      },
      {"by"});
  EXPECT_EQ(run(shift, call, {1, 2, 3}), (std::array<float, 3>{4, 5, 6}));
  call.attributes.clear();
  EXPECT_EQ(refusal(shift, call), "");
  EXPECT_EQ(run(shift, call, {1, 2, 3}), (std::array<float, 3>{11, 12, 13}));
}

TEST(bind, texts_lists_and_shapes_reach_the_function) {
  custom_call call;
  call.operands = {value(dtype::f32, {1, 3})};
  call.operands[0].minor_to_major = {0, 1};
  call.results = {value(dtype::f32, {3})};
  call.attributes = {{"name", attribute("abc")}, {"taps", attribute(attribute::list{1, 2, 4})}};
  std::string seen;
  const call_handler handler = bind(
      [&seen](call_array<const float> x, call_result y, std::string_view name,
              const std::vector<std::int64_t>& taps) {
        seen = std::string(name) + " " + std::to_string(x.dims[0]) + "x" + std::to_string(x.dims[1]) + " " +
               std::to_string(x.minor_to_major[0]) + " " + std::to_string(taps.back());
        std::iota(y.data<float>().begin(), y.data<float>().end(), x.data[2]);
      },
      {"name", "taps"});
  EXPECT_EQ(refusal(handler, call), "");
  EXPECT_EQ(run(handler, call, {1, 2, 3}), (std::array<float, 3>{3, 4, 5}));
  EXPECT_EQ(seen, "abc 1x3 0 4");
}

TEST(bind, a_function_may_return_a_status) {
  const call_handler handler = bind([](call_operand, call_result) { return absl::AbortedError("no"); });
  std::byte* const memory[] = {nullptr, nullptr};
  const custom_call call = scale_call();
  call_frame frame(call, memory);
  EXPECT_EQ(handler.run(frame).message(), "no");
}

TEST(bind, a_call_that_does_not_fit_is_refused_with_what_was_expected_and_what_came) {
  custom_call call = scale_call();
  call.operands.push_back(call.operands[0]);
  EXPECT_EQ(refusal(scale(), call), "expected 1 operands, got 2");
  call = scale_call();
  call.results.clear();
  EXPECT_EQ(refusal(scale(), call), "expected 1 results, got 0");
  call = scale_call();
  call.operands[0].type.element = dtype::f64;
  EXPECT_EQ(refusal(scale(), call), "operand 0: expected f32, got tensor<3xf64>");
  call = scale_call();
  call.results[0].type.element = dtype::i32;
  EXPECT_EQ(refusal(scale(), call), "result 0: expected f32, got tensor<3xi32>");
  call = scale_call();
  call.attributes.clear();
  EXPECT_EQ(refusal(scale(), call), "attribute 'by' is missing");
  call.attributes = {{"by", attribute("two")}};
  EXPECT_EQ(refusal(scale(), call), "attribute 'by': expected a number, got a string");
  call.attributes = {{"by", attribute(2.0)}, {"of", attribute(1)}};
  EXPECT_EQ(refusal(scale(), call), "attribute 'of' is not known");
}

TEST(bind, a_function_that_takes_the_frame_takes_any_further_operands) {
  const call_handler handler = bind([](call_frame& frame, std::span<const float>) {
    EXPECT_EQ(frame.operands(), 2u);
    EXPECT_THROW((void)frame.operand(2), error);
    EXPECT_THROW((void)frame.operand(1).data<double>(), error);
    EXPECT_THROW((void)frame.attribute<bool>("by"), error);
    EXPECT_EQ(frame.attribute<float>("by"), 2);
    EXPECT_EQ(frame.attribute<int>("missing", 7), 7);
  });
  custom_call call = scale_call();
  call.operands.push_back(call.operands[0]);
  EXPECT_EQ(refusal(handler, call), "");
  std::array<float, 3> x{};
  auto* const bytes = reinterpret_cast<std::byte*>(x.data());
  std::byte* const memory[] = {bytes, bytes, bytes};
  call_frame frame(call, memory);
  EXPECT_TRUE(handler.run(frame).ok());
}

TEST(bind, as_many_names_as_attributes_are_needed) {
  EXPECT_THROW((void)bind([](double) {}), error);
  EXPECT_THROW((void)bind([](std::span<const float>) {}, {"x"}), error);
}

TEST(attribute, numbers_must_fit_the_type_they_are_read_as) {
  EXPECT_EQ(attribute(200).as<std::int8_t>(), std::nullopt);
  EXPECT_EQ(attribute(200).as<std::uint8_t>(), 200);
  EXPECT_EQ(attribute(-1).as<std::uint32_t>(), std::nullopt);
  EXPECT_EQ(attribute(true).as<int>(), std::nullopt);
  EXPECT_EQ(attribute(1.5).as<int>(), std::nullopt);
  EXPECT_EQ((attribute(attribute::list{1, "x"}).as<std::vector<int>>()), std::nullopt);
  const auto nested = attribute(attribute::dictionary{{"a", attribute(1)}}).as<attribute::dictionary>();
  ASSERT_TRUE(nested);
  EXPECT_EQ(find(*nested, "a")->as<int>(), 1);
  EXPECT_EQ(find(*nested, "b"), nullptr);
}

}  // namespace
}  // namespace wherry
