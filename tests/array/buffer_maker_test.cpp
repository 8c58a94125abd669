// Buffers out of what is on the host: types, shapes, one value for all, bytes, strides, checks; on every kind
// of device.
#include <array>
#include <limits>
#include <numeric>
#include <wherry/array/buffer_maker.hpp>
#include <wherry/array/element.hpp>
#include <wherry/array/print.hpp>

#include "device/configurations.hpp"
#include "device/requests.hpp"

namespace wherry {
namespace {

using namespace testing_support;

class makes_buffers_on : public buffer_maker {
 public:
  explicit makes_buffers_on(const ref<device_core>& d) : buffer_maker(device(d)) {}
};

template <class T>
std::vector<T> list(const buffer& b) {
  const array a = b.value();
  const auto data = a.data<T>();
  return {data.begin(), data.end()};
}

template <class Call>
std::string refusal(Call&& call, absl::StatusCode code = absl::StatusCode::kInvalidArgument) {
  try {
    call();
  } catch (const error& e) {
    EXPECT_EQ(e.code(), code) << e.what();
    return e.what();
  }
  return "it was accepted";
}

class buffer_maker_on : public on_every_device {
 protected:
  makes_buffers_on make() const { return makes_buffers_on(shared_device()); }
};

TEST_P(buffer_maker_on, each_c_plus_plus_type_has_a_dtype_and_comes_back_as_it_was) {
  const auto same = [&]<class T>(std::vector<T> values, dtype type) {
    const buffer b = make().buffer(values, {1, static_cast<std::int64_t>(values.size())});
    EXPECT_EQ(b.dtype(), type);
    EXPECT_EQ(list<T>(b), values) << name_of(type);
  };
  same(std::vector<std::int8_t>{-128, 127}, dtype::i8);
  same(std::vector<std::int16_t>{-3, 3}, dtype::i16);
  same(std::vector<std::int32_t>{INT32_MIN, INT32_MAX}, dtype::i32);
  same(std::vector<std::int64_t>{INT64_MIN, INT64_MAX}, dtype::i64);
  same(std::vector<std::uint8_t>{0, 255}, dtype::ui8);
  same(std::vector<std::uint16_t>{0, 65535}, dtype::ui16);
  same(std::vector<std::uint32_t>{0, UINT32_MAX}, dtype::ui32);
  same(std::vector<std::uint64_t>{0, UINT64_MAX}, dtype::ui64);
  same(std::vector<float>{0.1F, -1e30F}, dtype::f32);
  same(std::vector<double>{0.1, -1e300}, dtype::f64);
  same(std::vector<std::complex<float>>{{1, -2}}, dtype::c64);
  same(std::vector<std::complex<double>>{{1, -2}}, dtype::c128);
  const buffer flags = make().buffer(std::vector<bool>{true, false, true});
  EXPECT_EQ(flags.dtype(), dtype::boolean);
  EXPECT_EQ(list<bool>(flags), (std::vector<bool>{true, false, true}));
  EXPECT_EQ(make().buffer(std::vector<float16>(2)).dtype(), dtype::f16);
  EXPECT_EQ(make().buffer(std::vector<bfloat16>(2)).dtype(), dtype::bf16);
}

TEST_P(buffer_maker_on, without_a_shape_a_list_is_a_vector) {
  EXPECT_EQ(make().buffer({1.5, 2.5, 3.5}).type(), (tensor_type{dtype::f64, {3}}));
  EXPECT_EQ(make().buffer(std::array<std::int32_t, 2>{1, 2}).type(), (tensor_type{dtype::i32, {2}}));
  EXPECT_EQ(make().buffer(std::vector<float>{}).type(), (tensor_type{dtype::f32, {0}}));
  EXPECT_EQ(make().buffer(std::vector<float>{7}).dims(), (shape{1}));
}

TEST_P(buffer_maker_on, one_value_fills_any_shape_and_nothing_else_is_recycled) {
  EXPECT_EQ(list<float>(make().buffer({2.5F}, {2, 3})), std::vector<float>(6, 2.5F));
  EXPECT_EQ(list<std::int64_t>(make().buffer({-1}, {3}, {.dtype = dtype::i64})),
            std::vector<std::int64_t>(3, -1));
  EXPECT_EQ(make().buffer({2.5F}, {0, 3}).value().size(), 0);
  EXPECT_EQ(make().buffer({2.5F}, {}).value().item<float>(), 2.5F);
  EXPECT_EQ(make().buffer({std::complex<double>(1, 2)}, {2}).value().data<std::complex<double>>()[1],
            std::complex<double>(1, 2));
  EXPECT_EQ(refusal([&] { make().buffer({1.F, 2.F}, {4}); }),
            "buffer: tensor<4xf32> has 4 elements, got 2 values; expected as many, or 1 to fill it with");
  EXPECT_EQ(refusal([&] { make().buffer(std::vector<float>{}, {1, 4}); }),
            "buffer: tensor<1x4xf32> has 4 elements, got 0 values; expected as many, or 1 to fill it with");
}

TEST_P(buffer_maker_on, any_shape_of_as_many_elements_will_do) {
  std::vector<float> values(24);
  std::iota(values.begin(), values.end(), 0.F);
  const buffer b = make().buffer(values, {2, 3, 4});
  EXPECT_EQ(b.value().data<float>()[13], 13);
  EXPECT_EQ(make().buffer(std::vector<float>{}, {3, 0}).value().dims(), (shape{3, 0}));
}

TEST_P(buffer_maker_on, values_become_elements_of_the_type_that_is_asked_for) {
  EXPECT_EQ(list<bool>(make().buffer({2., -2., 0.}, {3}, {.dtype = dtype::boolean})),
            (std::vector<bool>{true, true, false}));
  EXPECT_EQ(list<std::int32_t>(make().buffer({1.9, -1.9}, {2}, {.dtype = dtype::i32})),
            (std::vector<std::int32_t>{1, -1}));
  EXPECT_EQ(list<float>(make().buffer({1, 2}, {2}, {.dtype = dtype::f32})), (std::vector<float>{1, 2}));
  const buffer half = make().scalar(0.1, {.dtype = dtype::f16});
  EXPECT_EQ(half.value().item<float16>().bits, 0x2E66);
  const buffer tiny = make().buffer({6., -0.5}, {2}, {.dtype = dtype::f4e2m1fn});
  EXPECT_EQ(element_double(tiny.value(), 0), 6);
  EXPECT_EQ(element_double(tiny.value(), 1), -0.5);
  const array doubles = array::of(std::span<const double>({1.5, 2.5}), {2});
  EXPECT_EQ(list<float>(make().buffer(doubles, {.dtype = dtype::f32})), (std::vector<float>{1.5F, 2.5F}));
}

TEST_P(buffer_maker_on, a_check_refuses_values_that_the_type_cannot_hold) {
  constexpr auto out_of_range = absl::StatusCode::kOutOfRange;
  EXPECT_EQ(
      refusal(
          [&] { make().buffer({1, 300}, {2}, {.dtype = dtype::ui8, .check = value_check::representable}); },
          out_of_range),
      "buffer: element 1 is 300, expected a value that ui8 can hold");
  EXPECT_EQ(
      refusal([&] { make().buffer({300}, {5}, {.dtype = dtype::ui8, .check = value_check::representable}); },
              out_of_range),
      "buffer: element 0 is 300, expected a value that ui8 can hold");
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(refusal([&] { make().buffer({1.F, nan}, {2}, {.check = value_check::finite}); }, out_of_range),
            "buffer: element 1 is nan, expected finite values");
  EXPECT_EQ(list<std::uint8_t>(make().buffer({1, 300}, {2}, {.dtype = dtype::ui8})),
            (std::vector<std::uint8_t>{1, 44}));
}

TEST_P(buffer_maker_on, the_caller_may_reuse_its_memory_on_return) {
  std::vector<float> values(20'000, 1);
  const buffer same = make().buffer(values, {20'000});
  const buffer other = make().buffer(values, {20'000}, {.dtype = dtype::f64});
  const buffer strided =
      make().from_strides(&values[0], {dtype::f32, {100}}, std::array<std::int64_t, 1>{400});
  std::fill(values.begin(), values.end(), 2.F);
  EXPECT_EQ(same.value().data<float>()[19'999], 1);
  EXPECT_EQ(other.value().data<double>()[19'999], 1);
  EXPECT_EQ(strided.value().data<float>()[99], 1);
}

TEST_P(buffer_maker_on, an_array_that_was_read_is_independent_of_the_buffer) {
  const buffer b = make().buffer({1.F, 2.F});
  array a = b.value();
  a.mutable_data<float>()[0] = 9;
  EXPECT_EQ(list<float>(b), (std::vector<float>{1, 2}));
}

TEST_P(buffer_maker_on, bytes_are_taken_in_either_order) {
  const std::vector<std::int32_t> values{1, 2, 3, 4, 5, 6};
  const auto bytes = std::as_bytes(std::span(values));
  const tensor_type type{dtype::i32, {2, 3}};
  EXPECT_EQ(list<std::int32_t>(make().from_bytes(bytes, type, element_order::row_major)), values);
  const buffer columns = make().from_bytes(bytes, type, element_order::column_major);
  EXPECT_EQ(list<std::int32_t>(columns), (std::vector<std::int32_t>{1, 3, 5, 2, 4, 6}));
  const auto back = raw_bytes(columns.value(), element_order::column_major);
  EXPECT_TRUE(std::equal(back.begin(), back.end(), bytes.begin(), bytes.end()));
  EXPECT_EQ(list<float>(make().from_bytes(bytes, type, element_order::column_major, {.dtype = dtype::f32})),
            (std::vector<float>{1, 3, 5, 2, 4, 6}));
  EXPECT_EQ(
      refusal([&] { make().from_bytes(bytes.first(10), {dtype::f32, {2, 3}}, element_order::row_major); }),
      "from_bytes: tensor<2x3xf32> requires 24 bytes, got 10");
  EXPECT_EQ(make().from_bytes({}, {dtype::f64, {0}}, element_order::column_major).value().size(), 0);
  EXPECT_EQ(make()
                .from_bytes(bytes.first(4), {dtype::i32, {}}, element_order::column_major)
                .value()
                .item<std::int32_t>(),
            1);
}

TEST_P(buffer_maker_on, bytes_that_are_no_value_of_a_small_type_become_one) {
  const std::vector<std::byte> bytes{std::byte{0}, std::byte{2}, std::byte{0xFF}, std::byte{1}};
  const auto made = [&](dtype type, element_order order) {
    std::vector<int> all;
    for (const std::byte b : make().from_bytes(bytes, {type, {2, 2}}, order).value().bytes())
      all.push_back(static_cast<int>(b));
    return all;
  };
  EXPECT_EQ(made(dtype::boolean, element_order::row_major), (std::vector<int>{0, 1, 1, 1}));
  EXPECT_EQ(made(dtype::boolean, element_order::column_major), (std::vector<int>{0, 1, 1, 1}));
  EXPECT_EQ(made(dtype::ui4, element_order::row_major), (std::vector<int>{0, 2, 15, 1}));
  EXPECT_EQ(made(dtype::i2, element_order::row_major), (std::vector<int>{0, 0xFE, 0xFF, 1}));
  EXPECT_EQ(made(dtype::f4e2m1fn, element_order::column_major), (std::vector<int>{0, 0xF, 2, 1}));
}

TEST_P(buffer_maker_on, strides_may_run_backwards_or_stand_still) {
  const std::vector<std::int16_t> values{1, 2, 3, 4};
  const std::array<std::int64_t, 2> back_and_still{-2, 0};
  const buffer b = make().from_strides(&values[3], {dtype::i16, {4, 2}}, back_and_still);
  EXPECT_EQ(list<std::int16_t>(b), (std::vector<std::int16_t>{4, 4, 3, 3, 2, 2, 1, 1}));
  const buffer c =
      make().from_strides(&values[3], {dtype::i16, {4, 2}}, back_and_still, {.dtype = dtype::f64});
  EXPECT_EQ(c.value().data<double>()[7], 1);
  EXPECT_EQ(refusal([&] { make().from_strides(&values[0], {dtype::i16, {4}}, back_and_still); }),
            "from_strides: tensor<4xi16> has 1 axes, got 2 strides");
}

TEST_P(buffer_maker_on, a_buffer_made_of_a_buffer_is_that_buffer_if_it_is_what_was_asked_for) {
  const buffer b = make().buffer({1.F, 2.F});
  EXPECT_TRUE(make().buffer(b) == b);
  EXPECT_TRUE(make().buffer(b, shape{2}, {.dtype = dtype::f32, .device = b.device()}) == b);
  EXPECT_EQ(refusal([&] { (void)make().buffer(b, {.dtype = dtype::f64}); }),
            "buffer: expected elements of f64, the buffer given is tensor<2xf32>; a buffer is not converted");
  EXPECT_EQ(
      refusal([&] { (void)make().buffer(b, shape{1, 2}); }),
      "buffer: expected tensor<1x2xf32>, the buffer given is tensor<2xf32> (reshape gives it another shape)");
  const device_under_test second = open_device(GetParam(), 1);
  EXPECT_NE(refusal([&] {
              (void)make().buffer(b, {.device = wherry::device(second.core)});
            }).find("copy_to moves it"),
            std::string::npos);
}

TEST_P(buffer_maker_on, absurd_shapes_are_refused) {
  const std::int64_t huge = std::int64_t{1} << 40;
  EXPECT_EQ(refusal([&] { make().empty({dtype::f32, {2, -3}}); }),
            "empty: axis 1 has the extent -3, expected 0 or more");
  EXPECT_NE(refusal([&] { make().empty({dtype::f32, {huge, huge}}); }).find("more than 2^63 bytes"),
            std::string::npos);
  EXPECT_NE(refusal([&] { make().buffer({1.F}, {huge, huge}); }).find("more than 2^63 bytes"),
            std::string::npos);
  EXPECT_NE(refusal([&] { make().buffer({1.F, 2.F}, {-2}); }).find("has the extent -2"), std::string::npos);
}

TEST_P(buffer_maker_on, a_request_that_is_stopped_before_it_began_makes_nothing) {
  std::stop_source stopped;
  stopped.request_stop();
  request_options options;
  options.stop = stopped.get_token();
  EXPECT_THROW(make().buffer(std::vector<float>{1}, {1}, options), error);
  EXPECT_THROW(make().buffer({1.F}, {3}, {}, options), error);
  EXPECT_THROW(make().from_bytes(std::as_bytes(std::span<const int>({1})), {dtype::i32, {1}},
                                 element_order::row_major, {}, options),
               error);
}

TEST_P(buffer_maker_on, metadata_never_waits) {
  const buffer source = make().buffer({1.F, 2.F});
  const auto gate = hold(device().pick(unit_kind::compute), "late", {writes(source.handle()->memory)});
  const array_promise promise = source.as_array();
  EXPECT_EQ(source.type(), (tensor_type{dtype::f32, {2}}));
  EXPECT_EQ(source.device().name(), device().name());
  EXPECT_EQ(source.reshape({2, 1}).dims(), (shape{2, 1}));
  EXPECT_FALSE(source.is_ready());
  EXPECT_FALSE(promise.is_ready());
  EXPECT_EQ(promise.type(), source.type());
  EXPECT_TRUE(promise.id());
  gate->end();
  promise.await();
}

TEST_P(buffer_maker_on, a_promise_keeps_its_value_and_a_failed_one_raises_every_time) {
  const buffer source = make().buffer({1.F, 2.F});
  const array_promise promise = source.as_array();
  const array first = promise.value();
  source.fill(9.F);
  EXPECT_EQ(promise.value().bytes().data(), first.bytes().data());
  EXPECT_EQ(first.data<float>()[0], 1);
  const auto gate = hold(device().pick(unit_kind::compute), "late", {writes(source.handle()->memory)});
  const array_promise failed = source.as_array();
  gate->end(fault("broken"));
  std::string message;
  for (int again = 0; again < 3; ++again) {
    try {
      (void)failed.value();
      ADD_FAILURE() << "it has a value";
    } catch (const error& e) {
      EXPECT_TRUE(again == 0 || message == e.what());
      message = e.what();
    }
  }
  EXPECT_NE(message.find("broken"), std::string::npos);
}

TEST_P(buffer_maker_on, a_buffer_prints_as_a_page_with_its_platform) {
  std::string platform = device().name().substr(0, device().name().find(':'));
  for (char& c : platform) c = static_cast<char>(std::toupper(c));
  std::ostringstream out;
  out << make().buffer({1.5F, -2.F}, {1, 2});
  EXPECT_EQ(out.str(), "buffer \n  1.5000 -2.0000\n[ " + platform + "f32{1x2} ] \n");
  std::ostringstream short_one;
  print(short_one, make().buffer(std::vector<bool>{true, false}),
        {.max_rows = 1, .header = false, .footer = ""});
  EXPECT_EQ(short_one.str(), " 1\n ... [output was truncated, set max_rows = -1 to see all]\n");
}

TEST_P(buffer_maker_on, printing_a_promise_never_waits) {
  const auto text = [](const array_promise& p) {
    std::ostringstream out;
    out << p;
    return out.str();
  };
  const buffer source = make().buffer({1.F, 2.F}, {1, 2});
  const auto gate = hold(device().pick(unit_kind::compute), "late", {writes(source.handle()->memory)});
  const array_promise promise = source.as_array();
  EXPECT_EQ(text(promise),
            "<array_promise>\nStatus: Not materialized\ndtype: f32\nshape: 1 x 2\n"
            "(Call value() to materialize the array)\n");
  gate->end();
  promise.await();
  EXPECT_EQ(text(promise), "<array_promise>\nStatus: Materialized\nValue:\n[[1, 2]]\n");
  const auto again = hold(device().pick(unit_kind::compute), "late", {writes(source.handle()->memory)});
  const array_promise failed = source.as_array();
  again->end(fault("broken"));
  EXPECT_FALSE(failed.status().ok());
  EXPECT_EQ(text(failed).rfind("<array_promise>\nStatus: Failed\n", 0), 0U);
}

INSTANTIATE_TEST_SUITE_P(devices, buffer_maker_on, all_devices, device_name);

}  // namespace
}  // namespace wherry
