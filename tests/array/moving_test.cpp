// Bytes into, out of and between buffers: offsets, bounds, order, views, batches; on every kind of device.
#include <array>
#include <numeric>
#include <wherry/array/buffer_maker.hpp>
#include <wherry/array/transfer_batch.hpp>
#include <wherry/coro/sync_wait.hpp>

#include "device/configurations.hpp"
#include "device/requests.hpp"

namespace wherry {
namespace {

using namespace testing_support;

class makes_buffers_on : public buffer_maker {
 public:
  explicit makes_buffers_on(const ref<device_core>& d) : buffer_maker(device(d)) {}
};

std::vector<float> counted(std::int64_t n, float first = 0) {
  std::vector<float> values(static_cast<std::size_t>(n));
  std::iota(values.begin(), values.end(), first);
  return values;
}

template <class T>
std::vector<T> list(const array& a) {
  const auto data = a.data<T>();
  return {data.begin(), data.end()};
}
std::vector<float> floats(const buffer& b) { return list<float>(b.value()); }

template <class Call>
std::string refusal(Call&& call, absl::StatusCode code = absl::StatusCode::kOutOfRange) {
  try {
    call();
  } catch (const error& e) {
    EXPECT_EQ(e.code(), code) << e.what();
    return e.what();
  }
  return "it was accepted";
}

class moving : public on_every_device {
 protected:
  makes_buffers_on make() const { return makes_buffers_on(shared_device()); }
  buffer of(const std::vector<float>& values) const { return make().buffer(values); }
  /// Holds `b` back: it is not ready until the returned request has ended.
  ref<held> hold_back(const buffer& b) const {
    return hold(device().pick(unit_kind::compute), "late", {writes(b.handle()->memory)});
  }
};

TEST_P(moving, writes_go_to_their_offset_and_reads_come_from_theirs) {
  const buffer b = of(counted(8));
  const transfer_promise written = b.write(std::vector<float>{50, 60}, 8);
  EXPECT_EQ(written.bytes(), 8U);
  EXPECT_EQ(written.value(), 8U);
  EXPECT_EQ(floats(b), (std::vector<float>{0, 1, 50, 60, 4, 5, 6, 7}));
  std::array<float, 3> part{};
  EXPECT_EQ(b.read(part, 12).value(), 12U);
  EXPECT_EQ(part, (std::array<float, 3>{60, 4, 5}));
}

TEST_P(moving, bytes_go_into_elements_of_any_type) {
  const buffer b = of({1, 2});
  const float seven = 7;
  b.write(std::as_bytes(std::span(&seven, 1)), 4).await();
  std::array<std::byte, 8> raw{};
  b.read(std::span(raw)).await();
  float last = 0;
  std::memcpy(&last, &raw[4], sizeof last);
  EXPECT_EQ(last, 7);
  EXPECT_EQ(
      refusal([&] { b.write(std::vector<double>{1}); }, absl::StatusCode::kInvalidArgument),
      "write: the buffer is tensor<2xf32>, got elements of f64; std::as_bytes says that bytes are meant");
}

TEST_P(moving, what_is_outside_is_refused_with_what_and_where) {
  const buffer b = of(counted(4));
  std::array<float, 4> four{};
  EXPECT_EQ(refusal([&] { b.write(four, 4); }),
            "write: 16 bytes at offset 4 of tensor<4xf32>, which has 16 bytes");
  EXPECT_EQ(refusal([&] { b.read(four, 20); }),
            "read: 16 bytes at offset 20 of tensor<4xf32>, which has 16 bytes");
  EXPECT_EQ(refusal([&] { b.fill_bytes(std::byte{1}, SIZE_MAX, 2); }),
            "fill: 2 bytes at offset 18446744073709551615 of tensor<4xf32>, which has 16 bytes");
  EXPECT_EQ(refusal([&] { copy(b, 0, b, 12, 8); }),
            "copy: target: 8 bytes at offset 12 of tensor<4xf32>, which has 16 bytes");
  EXPECT_EQ(floats(b), counted(4));
}

TEST_P(moving, nothing_may_be_moved_anywhere) {
  const buffer b = of(counted(2));
  EXPECT_EQ(b.write(std::vector<float>{}, 8).value(), 0U);
  EXPECT_EQ(copy(b, 8, b, 8, 0).value(), 0U);
  EXPECT_EQ(b.fill_bytes(std::byte{1}, 0, 0).value(), 0U);
  const buffer none = make().empty({dtype::f32, {0, 3}});
  EXPECT_EQ(none.write(std::vector<float>{}).value(), 0U);
  EXPECT_EQ(none.value().size(), 0);
}

TEST_P(moving, copies_go_between_buffers_and_within_one) {
  const buffer from = of(counted(6)), to = of(counted(6, 100));
  copy(from, 4, to, 12, 8).await();
  EXPECT_EQ(floats(to), (std::vector<float>{100, 101, 102, 1, 2, 105}));
  copy(to, 0, to, 12, 12).await();
  EXPECT_EQ(floats(to), (std::vector<float>{100, 101, 102, 100, 101, 102}));
  EXPECT_EQ(refusal([&] { copy(to, 0, to, 8, 12); }, absl::StatusCode::kInvalidArgument),
            "copy: 12 bytes at offset 0 overlap those at offset 8 of the same memory");
  from.copy_from(to);
  EXPECT_EQ(floats(from), floats(to));
  EXPECT_EQ(refusal([&] { from.copy_from(from.slice(0, {2})); }, absl::StatusCode::kInvalidArgument),
            "copy_from: expected tensor<6xf32>, got tensor<2xf32>");
}

TEST_P(moving, fills_repeat_a_byte_or_an_element_of_any_size) {
  const buffer b = of(counted(5));
  b.fill(2.5);
  EXPECT_EQ(floats(b), std::vector<float>(5, 2.5F));
  b.fill_bytes(std::byte{0}, 4, 12);
  EXPECT_EQ(floats(b), (std::vector<float>{2.5F, 0, 0, 0, 2.5F}));
  for (std::size_t k = 0; k < dtype_count; ++k) {
    const auto type = static_cast<dtype>(k);
    const buffer filled = make().empty({type, {1000}});
    filled.fill(1);
    const array a = filled.value(), one = convert(array::of(std::span<const int>({1}), {}), type);
    for (const std::size_t at : {0UL, 500UL, 999UL}) {
      EXPECT_EQ(std::memcmp(a.bytes().data() + at * size_of(type), one.bytes().data(), size_of(type)), 0)
          << name_of(type);
    }
  }
}

TEST_P(moving, a_read_sees_the_writes_before_it_and_not_those_after_it) {
  const buffer b = of({1});
  const auto gate = hold_back(b);
  std::array<float, 1> before{}, after{};
  const transfer_promise first = b.read(before);
  const transfer_promise change = b.write(std::vector<float>{2});
  const transfer_promise second = b.read(after);
  EXPECT_FALSE(first.is_ready());
  EXPECT_FALSE(change.is_ready());
  gate->end();
  second.await();
  first.await();
  EXPECT_EQ(before[0], 1);
  EXPECT_EQ(after[0], 2);
}

TEST_P(moving, a_write_waits_for_those_who_read_and_the_caller_may_reuse_its_memory) {
  const buffer b = of({1}), other = of({0});
  const auto gate = hold(device().pick(unit_kind::compute), "reader", {reads(b.handle()->memory)});
  std::vector<float> values{2};
  const transfer_promise change = b.write(values);
  values[0] = 3;
  EXPECT_FALSE(change.is_ready());
  EXPECT_FALSE(b.is_ready());
  gate->end();
  EXPECT_EQ(floats(b), std::vector<float>{2});
}

TEST_P(moving, many_writes_in_flight_arrive_in_order) {
  const buffer b = of(counted(16));
  const auto gate = hold_back(b);
  for (int k = 0; k < 200; ++k) b.write(std::vector<float>{static_cast<float>(k)}, 4 * (k % 16));
  gate->end();
  std::vector<float> expected(16);
  for (std::size_t k = 0; k < 200; ++k) expected[k % 16] = static_cast<float>(k);
  EXPECT_EQ(floats(b), expected);
}

TEST_P(moving, many_copies_return_without_waiting_for_one_another) {
  const buffer from = of(counted(1000));
  const auto gate = hold_back(from);
  std::vector<buffer> made;
  for (std::size_t k = 0; k + 1 < bound; ++k) {
    made.push_back(make().empty(from.type()));
    EXPECT_FALSE(made.back().copy_from(from).is_ready());
  }
  gate->end();
  for (const buffer& b : made) EXPECT_EQ(floats(b), counted(1000));
}

TEST_P(moving, a_failed_producer_fails_what_is_written_behind_it) {
  const buffer b = of(counted(4));
  const auto gate = hold_back(b);
  const transfer_promise change = b.write(std::vector<float>{1});
  std::array<float, 1> into{};
  const transfer_promise look = b.read(into);
  gate->end(fault("broken"));
  for (int again = 0; again < 2; ++again) {
    EXPECT_THROW(change.value(), error);
    EXPECT_THROW(look.value(), error);
  }
  EXPECT_FALSE(look.status().ok());
}

TEST_P(moving, writing_all_of_a_buffer_makes_it_good_again) {
  const buffer b = of(counted(4));
  const auto gate = hold_back(b);
  gate->end(fault("broken"));
  EXPECT_THROW(b.await(), error);
  EXPECT_THROW(b.write(std::vector<float>{1}).value(), error);
  b.write(counted(4, 5));
  EXPECT_EQ(floats(b), counted(4, 5));
  const auto again = hold_back(b);
  b.fill(3);
  again->end(fault("broken"));
  EXPECT_EQ(floats(b), std::vector<float>(4, 3));
}

TEST_P(moving, tickets_come_from_the_units_of_their_kind) {
  const buffer b = of(counted(4));
  std::array<float, 1> into{};
  const auto kind_of = [&](const transfer_promise& t) {
    for (const unit* u : device().units()) {
      if (u->id() == t.await().id().unit()) return u->kind();
    }
    return unit_kind::collectives;
  };
  EXPECT_EQ(kind_of(b.write(into)), unit_kind::tensor_write);
  EXPECT_EQ(kind_of(b.read(into)), unit_kind::tensor_read);
  EXPECT_EQ(kind_of(b.fill(1)), unit_kind::tensor_op);
  EXPECT_EQ(kind_of(copy(b, 0, b, 8, 4)), unit_kind::tensor_op);
  device().units();
}

TEST_P(moving, a_request_that_is_refused_changes_nothing) {
  const buffer b = of(counted(2));
  std::stop_source stopped;
  stopped.request_stop();
  request_options options;
  options.stop = stopped.get_token();
  EXPECT_THROW(b.write(std::vector<float>{9}, 0, options), error);
  EXPECT_THROW(b.fill(9, options), error);
  EXPECT_EQ(floats(b), counted(2));
}

TEST_P(moving, a_deleted_buffer_is_refused_and_named) {
  const buffer b = of(counted(2));
  b.delete_now();
  std::array<float, 1> into{};
  for (const auto& message : {refusal([&] { b.write(into); }, absl::StatusCode::kFailedPrecondition),
                              refusal([&] { b.read(into); }, absl::StatusCode::kFailedPrecondition),
                              refusal([&] { b.fill(1); }, absl::StatusCode::kFailedPrecondition),
                              refusal([&] { (void)b.slice(0, {1}); }, absl::StatusCode::kFailedPrecondition)})
    EXPECT_NE(message.find(": buffer was deleted"), std::string::npos) << message;
}

TEST_P(moving, a_view_shares_the_memory_in_both_directions) {
  const buffer b = of(counted(12));
  const buffer rows = b.reshape({4, 3}).slice(3, {2, 3});
  EXPECT_EQ(rows.type(), (tensor_type{dtype::f32, {2, 3}}));
  EXPECT_EQ(floats(rows), (std::vector<float>{3, 4, 5, 6, 7, 8}));
  b.write(std::vector<float>{-4}, 16);
  EXPECT_EQ(floats(rows), (std::vector<float>{3, -4, 5, 6, 7, 8}));
  rows.fill(0);
  EXPECT_EQ(floats(b), (std::vector<float>{0, 1, 2, 0, 0, 0, 0, 0, 0, 9, 10, 11}));
  std::array<float, 2> into{};
  rows.slice(5, {1}).write(std::vector<float>{5});
  rows.read(into, 16).await();
  EXPECT_EQ(into, (std::array<float, 2>{0, 5}));
}

TEST_P(moving, a_view_waits_for_writers_of_any_part_and_outlives_the_buffer) {
  buffer b = of(counted(4));
  const buffer last = b.slice(3, {});
  const auto gate = hold_back(b);
  b.write(std::vector<float>{9}, 12);
  b = buffer();
  EXPECT_FALSE(last.is_ready());
  EXPECT_EQ(last.dims().rank(), 0U);
  gate->end();
  EXPECT_EQ(last.value().item<float>(), 9);
}

TEST_P(moving, a_view_may_have_another_type_at_an_aligned_offset) {
  const buffer b = of({1, 2, 3});
  const buffer bits = b.view(4, {dtype::ui32, {2}});
  EXPECT_EQ(list<std::uint32_t>(bits.value()), (std::vector<std::uint32_t>{0x40000000, 0x40400000}));
  EXPECT_EQ(refusal([&] { (void)b.view(2, {dtype::f32, {1}}); }, absl::StatusCode::kInvalidArgument),
            "view: offset 2 is no multiple of the 4 bytes of an element of tensor<1xf32>");
  EXPECT_EQ(refusal([&] { (void)b.view(8, {dtype::f32, {2}}); }),
            "view: 8 bytes at offset 8 of tensor<3xf32>, which has 12 bytes");
  EXPECT_EQ(refusal([&] { (void)b.slice(2, {2}); }),
            "slice: tensor<2xf32> from element 2 of tensor<3xf32>, which has 3");
  EXPECT_EQ(refusal([&] { (void)b.slice(-1, {2}); }),
            "slice: tensor<2xf32> from element -1 of tensor<3xf32>, which has 3");
  EXPECT_EQ(refusal([&] { (void)b.reshape({2}); }, absl::StatusCode::kInvalidArgument),
            "reshape: tensor<3xf32> has 3 elements, tensor<2xf32> 2");
  EXPECT_EQ(refusal([&] { (void)b.slice(0, {-1}); }, absl::StatusCode::kInvalidArgument),
            "slice: axis 0 has the extent -1, expected 0 or more");
}

TEST_P(moving, views_of_one_memory_do_not_overlap_in_a_copy) {
  const buffer b = of(counted(4));
  const buffer head = b.slice(0, {2}), middle = b.slice(1, {2}), tail = b.slice(2, {2});
  EXPECT_THROW(middle.copy_from(head), error);
  tail.copy_from(head);
  EXPECT_EQ(floats(b), (std::vector<float>{0, 1, 0, 1}));
}

TEST_P(moving, a_batch_is_one_request_whose_transfers_are_done_in_order) {
  const buffer x = of(counted(4)), y = of(counted(4, 10));
  const std::vector<float> ones{1, 1}, nines{9};
  std::array<float, 4> seen_x{}, seen_y{};
  transfer_batch batch;
  batch.write(x, ones, 8).copy(x, 8, y, 0, 8).write(x, nines).fill_bytes(y, std::byte{0}, 12, 4);
  batch.read(x, seen_x).read(y, seen_y);
  EXPECT_EQ(batch.size(), 6U);
  const transfer_promise all = batch.submit();
  EXPECT_EQ(all.value(), 8U + 8 + 4 + 4 + 16 + 16);
  EXPECT_EQ(seen_x, (std::array<float, 4>{9, 1, 1, 1}));
  EXPECT_EQ(seen_y, (std::array<float, 4>{1, 1, 12, 0}));
}

TEST_P(moving, a_batch_can_be_submitted_again_with_what_is_in_the_memory_then) {
  const buffer x = of(counted(2));
  std::vector<float> values{5};
  transfer_batch batch;
  batch.write(x, values, 4);
  const auto gate = hold_back(x);
  batch.submit();
  const buffer kept = make().empty(x.type());
  kept.copy_from(x);
  values[0] = 6;
  batch.submit();
  values[0] = 7;
  gate->end();
  EXPECT_EQ(floats(kept), (std::vector<float>{0, 5}));
  EXPECT_EQ(floats(x), (std::vector<float>{0, 6}));
}

TEST_P(moving, a_batch_of_one_kind_joins_the_unit_of_that_kind) {
  const buffer x = of(counted(2));
  std::array<float, 1> value{};
  transfer_batch writes, reads, both;
  writes.write(x, value).write(x, value, 4);
  reads.read(x, value).read(x, value, 4);
  both.write(x, value).read(x, value);
  EXPECT_EQ(writes.submit().id().unit(), device().pick(unit_kind::tensor_write).id());
  const transfer_promise read = reads.submit();
  EXPECT_EQ(read.await().id().unit(), device().pick(unit_kind::tensor_read).id());
  const transfer_promise mixed = both.submit();
  EXPECT_EQ(mixed.await().id().unit(), device().pick(unit_kind::tensor_op).id());
}

TEST_P(moving, a_batch_refuses_what_its_transfers_would_and_being_empty) {
  const buffer x = of(counted(2)), y = of(counted(2));
  std::array<float, 3> three{};
  transfer_batch batch;
  EXPECT_EQ(refusal([&] { batch.submit(); }, absl::StatusCode::kFailedPrecondition), "batch: it is empty");
  EXPECT_THROW(batch.write(x, three), error);
  EXPECT_THROW(batch.copy(x, 0, x, 2, 4), error);
  EXPECT_EQ(batch.size(), 0U);
  batch.fill_bytes(x, std::byte{0}, 0, 4).fill_bytes(y, std::byte{0}, 0, 4);
  y.delete_now();
  EXPECT_EQ(refusal([&] { batch.submit(); }, absl::StatusCode::kFailedPrecondition),
            "batch: buffer was deleted");
  EXPECT_EQ(floats(x), counted(2));
}

TEST_P(moving, a_large_batch_moves_everything) {
  std::vector<buffer> all;
  std::vector<std::vector<float>> values;
  transfer_batch batch;
  for (int k = 0; k < 300; ++k) values.push_back(counted(50, static_cast<float>(k)));
  for (const auto& v : values) {
    all.push_back(make().empty({dtype::f32, {50}}));
    batch.write(all.back(), v);
  }
  batch.submit();
  for (std::size_t k = 0; k < all.size(); ++k) ASSERT_EQ(floats(all[k]), values[k]);
}

TEST_P(moving, a_promise_can_be_awaited_by_a_coroutine) {
  const buffer b = of(counted(4));
  const auto change = [](buffer target) -> task<std::size_t> {
    const std::vector<float> values{7};
    const std::size_t written = co_await target.write(values);
    std::array<float, 1> into{};
    const std::size_t seen = co_await target.read(into);
    co_return into[0] == 7 ? written + seen : 0;
  };
  EXPECT_EQ(sync_wait(change(b)), 8U);
}

TEST_P(moving, bytes_go_between_two_devices_of_a_kind) {
  const device_under_test second = open_device(GetParam(), 1, bound);
  const makes_buffers_on there(second.core);
  const buffer here = of(counted(6)), far = there.buffer(counted(6, 100));
  copy(here, 4, far, 8, 12).await();
  EXPECT_EQ(floats(far), (std::vector<float>{100, 101, 1, 2, 3, 105}));
  here.copy_from(far);
  EXPECT_EQ(floats(here), floats(far));
  EXPECT_EQ(floats(far.slice(2, {3}).copy_to(here.device())), (std::vector<float>{1, 2, 3}));
  transfer_batch batch;
  batch.fill_bytes(here, std::byte{0}, 0, 4);
  EXPECT_THROW(batch.fill_bytes(far, std::byte{0}, 0, 4), error);
  for (unit* u : second.core->units()) dispatcher::drain(*u);
}

INSTANTIATE_TEST_SUITE_P(devices, moving, all_devices, device_name);

}  // namespace
}  // namespace wherry
