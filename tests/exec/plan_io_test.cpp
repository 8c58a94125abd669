// Plans as bytes: what was written comes back, what was damaged is refused and never crashes.
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <wherry/exec/plan_io.hpp>

#include "exec/programs.hpp"

namespace wherry {
namespace {

using namespace testing_support;

constexpr std::size_t head_bytes = 28;

plan rich_plan() {
  plan p = choosing_program();
  p.is_named = true;
  p.function = "choose";
  p.aliases = {{0, 0}};
  p.kernels = {{"first", kernel::origin::image, 3},
               {"second", kernel::origin::prebuilt, 0},
               {"third", kernel::origin::opencl, 0}};
  p.image.assign(8, std::byte{0xC3});
  p.opencl_source = "__kernel void third() {}";
  p.features = "x86-64-v3";
  p.opencl = true;
  p.cost_ns = 12.5;
  p.input_names = {"x", "y"};
  p.output_names = {"sum"};
  step loop;
  loop.what = step::kind::loop;
  loop.slots = {3};
  loop.blocks = {1, 2};
  loop.trips = 5;
  p.blocks[3].push_back(loop);
  custom_call call;
  call.target = "target";
  call.operands = {{f32(), {}}, {{dtype::i8, {2, 2}}, {0, 1}}};
  call.results = {{f32(), {}}};
  call.attributes = {{"flag", attribute(true)},
                     {"list", attribute(attribute::list{1, 2.5, "three"})},
                     {"inner", attribute(attribute::dictionary{{"deep", attribute(-1)}})}};
  call.backend_config = "text";
  call.api_version = 4;
  call.has_side_effect = true;
  call.line = 7;
  p.calls.push_back(call);
  step made;
  made.what = step::kind::call;
  made.slots = {0, 3, 2};
  p.blocks[1].push_back(made);
  return p;
}

/// Makes the checksum and the length fit the body, as an attacker or a buggy writer would.
std::vector<std::byte> sealed(std::vector<std::byte> bytes) {
  const std::uint64_t length = bytes.size() - head_bytes;
  const std::uint64_t checksum = hash64(std::span(bytes).subspan(head_bytes));
  std::memcpy(bytes.data() + 12, &length, sizeof length);
  std::memcpy(bytes.data() + 20, &checksum, sizeof checksum);
  return bytes;
}

/// Reads `bytes`; true if they were refused with an error of this library.
bool is_refused(std::span<const std::byte> bytes) {
  try {
    (void)read_plan(bytes);
    return false;
  } catch (const error& e) {
    EXPECT_EQ(e.code(), absl::StatusCode::kDataLoss);
    EXPECT_EQ(e.reason(), reason::corrupt_file);
    return true;
  }
}

TEST(plan_io, a_plan_comes_back_as_it_was) {
  const plan p = rich_plan();
  const auto bytes = write_plan(p);
  const plan q = read_plan(bytes);
  EXPECT_EQ(q.name, p.name);
  EXPECT_TRUE(q.is_named);
  EXPECT_EQ(q.function, p.function);
  EXPECT_EQ(q.inputs, p.inputs);
  EXPECT_EQ(q.outputs, p.outputs);
  EXPECT_EQ(q.input_names, p.input_names);
  EXPECT_EQ(q.output_names, p.output_names);
  EXPECT_EQ(q.constants, p.constants);
  EXPECT_EQ(q.kernels[0].entry, 3u);
  EXPECT_EQ(q.kernels[1].name, "second");
  EXPECT_EQ(q.blocks[3].back().trips, 5);
  EXPECT_EQ(q.features, p.features);
  EXPECT_TRUE(q.opencl);
  ASSERT_EQ(q.calls.size(), 1u);
  EXPECT_EQ(q.calls[0].target, "target");
  EXPECT_EQ(q.calls[0].operands, p.calls[0].operands);
  EXPECT_EQ(q.calls[0].attributes, p.calls[0].attributes);
  EXPECT_EQ(q.calls[0].line, 7u);
  EXPECT_EQ(q.blocks[1].back().what, step::kind::call);
  EXPECT_EQ(q.cost_ns, 12.5);
  EXPECT_EQ(write_plan(q), bytes);
}

TEST(plan_io, a_plan_that_is_cut_off_anywhere_is_refused) {
  const auto bytes = write_plan(rich_plan());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_TRUE(is_refused(std::span(bytes).first(size))) << size;
    if (size > head_bytes) {
      EXPECT_TRUE(is_refused(sealed({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)})))
          << size;
    }
  }
}

TEST(plan_io, bytes_behind_the_end_are_refused) {
  auto bytes = write_plan(rich_plan());
  bytes.push_back(std::byte{0});
  EXPECT_TRUE(is_refused(bytes));
  EXPECT_TRUE(is_refused(sealed(bytes)));
}

TEST(plan_io, every_changed_byte_is_noticed) {
  const auto bytes = write_plan(rich_plan());
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    auto damaged = bytes;
    damaged[at] ^= std::byte{0x40};
    EXPECT_TRUE(is_refused(damaged)) << at;
  }
}

TEST(plan_io, damage_that_fits_its_checksum_never_crashes_the_reader) {
  const auto bytes = write_plan(rich_plan());
  std::mt19937_64 random(7);
  int read = 0;
  for (int round = 0; round < 20'000; ++round) {
    auto damaged = bytes;
    for (std::uint64_t n = 1 + random() % 4; n != 0; --n) {
      std::byte& byte = damaged[head_bytes + random() % (damaged.size() - head_bytes)];
      byte = random() % 2 == 0 ? static_cast<std::byte>(random()) : std::byte{0xFF};
    }
    damaged = sealed(std::move(damaged));
    if (is_refused(damaged)) continue;
    ++read;
    EXPECT_EQ(write_plan(read_plan(damaged)), damaged);  // whatever it means, it is a plan
  }
  EXPECT_GT(read, 0);  // names and costs may be anything
  EXPECT_LT(read, 20'000);
}

TEST(plan_io, plans_that_would_reach_outside_their_memory_are_refused) {
  const auto refused = [](auto change) {
    plan p = rich_plan();
    change(p);
    return is_refused(write_plan(p));
  };
  EXPECT_FALSE(refused([](plan&) {}));
  EXPECT_TRUE(refused([](plan& p) { p.slots[0].index = 9; }));
  EXPECT_TRUE(refused([](plan& p) { p.slots[0].offset = 1; }));
  EXPECT_TRUE(refused([](plan& p) { p.slots[3].bytes = ~std::uint64_t{0}; }));
  EXPECT_TRUE(refused([](plan& p) { p.arena_bytes = ~std::uint64_t{0}; }));
  EXPECT_TRUE(refused([](plan& p) { p.kernels[0].entry = 8; }));
  EXPECT_TRUE(refused([](plan& p) { p.blocks.clear(); }));
  EXPECT_TRUE(refused([](plan& p) { p.blocks[1][0].slots[0] = 77; }));
  EXPECT_TRUE(refused([](plan& p) { p.blocks[1][0].extent = -1; }));
  EXPECT_TRUE(refused([](plan& p) { p.blocks[0][1].blocks[0] = 77; }));
  EXPECT_TRUE(refused([](plan& p) { p.blocks[0][1].blocks[0] = 0; }));  // itself
  EXPECT_TRUE(refused([](plan& p) { p.blocks[0][1].blocks.clear(); }));
  EXPECT_TRUE(refused([](plan& p) { p.blocks[1].back().kernel = 1; }));
  EXPECT_TRUE(refused([](plan& p) { p.blocks[1].back().slots.pop_back(); }));
  EXPECT_TRUE(refused([](plan& p) { p.calls[0].operands[1].type.dims = shape{3, 2}; }));
  EXPECT_TRUE(refused([](plan& p) { p.calls[0].operands[1].minor_to_major = {1, 1}; }));
  EXPECT_TRUE(refused([](plan& p) { p.calls[0].operands[1].minor_to_major = {0, 2}; }));
  EXPECT_TRUE(refused([](plan& p) { p.calls[0].operands[1].minor_to_major = {0}; }));
  EXPECT_TRUE(refused([](plan& p) {
    attribute deep = 1;
    for (int k = 0; k < 100; ++k) deep = attribute(attribute::list{deep});
    p.calls[0].attributes[0].value = deep;
  }));
  EXPECT_TRUE(refused([](plan& p) { p.slots[3].bytes = 2; }));  // a branch reads four bytes
  EXPECT_TRUE(refused([](plan& p) { p.blocks[1][0].extent = std::int64_t{1} << 62; }));
  EXPECT_TRUE(refused([](plan& p) { p.blocks[1][0].cost_ns = -1; }));
  EXPECT_TRUE(refused([](plan& p) { p.blocks[1][0].cost_ns = std::nan(""); }));
  EXPECT_TRUE(refused([](plan& p) {
    step loop;
    loop.what = step::kind::loop;
    loop.slots = {3};
    loop.trips = 1;
    for (std::uint32_t k = 4; k < 5000; ++k) {  // each block in the one before
      loop.blocks = {1, k + 1};
      p.blocks.push_back({loop});
    }
    p.blocks.push_back({});
  }));
  EXPECT_TRUE(refused([](plan& p) { p.aliases = {{0, 7}}; }));
  EXPECT_TRUE(refused([](plan& p) { p.aliases = {{0, 0}, {0, 1}}; }));
  EXPECT_TRUE(refused([](plan& p) { p.inputs[0].dims = {std::int64_t{1} << 40, std::int64_t{1} << 40}; }));
  EXPECT_TRUE(refused([](plan& p) { p.inputs[0].dims = {-1}; }));
}

TEST(hash64, every_bit_matters_and_so_does_the_length) {
  std::vector<std::byte> bytes(37, std::byte{0x5A});
  const std::uint64_t whole = hash64(bytes);
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    bytes[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    EXPECT_NE(hash64(bytes), whole) << bit;
    bytes[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
  }
  bytes.push_back(std::byte{0});
  EXPECT_NE(hash64(bytes), whole);
  EXPECT_NE(hash64(bytes, 1), hash64(bytes, 2));
}

}  // namespace
}  // namespace wherry
