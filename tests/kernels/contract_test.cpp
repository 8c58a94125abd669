#include "kernels/contract.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "guarded.hpp"
#include "kernels/variants.hpp"

namespace wherry::kernels {
namespace {

using index = std::int64_t;
using loops = std::vector<contract_loop>;
using testing::guarded;

kernel_function function_of(std::string_view name, instruction_set set) {
  const gemm_functions& family =
      name.starts_with("contract_f32.") ? functions_of(set).f32 : functions_of(set).f64;
  EXPECT_TRUE(name.ends_with(".pack") || name.ends_with(".compute")) << name;
  return name.ends_with(".pack") ? family.contract_pack : family.contract;
}

/// Calls `body` with the offsets in A, B and C of every step of nested loops.
template <class Body>
void each(const loops& nest, Body body, std::size_t at = 0, contract_loop sum = {}) {
  if (at == nest.size()) return body(sum.a, sum.b, sum.c);
  for (index i = 0; i < nest[at].extent; ++i)
    each(nest, body, at + 1, {1, sum.a + i * nest[at].a, sum.b + i * nest[at].b, sum.c + i * nest[at].c});
}

/// Elements up to the last one that the loops reach.
index span_of(std::initializer_list<const loops*> nests, index contract_loop::* stride) {
  index last = 0;
  for (const loops* nest : nests)
    for (const contract_loop& loop : *nest) last += (loop.extent - 1) * loop.*stride;
  return last + 1;
}

class contract : public ::testing::TestWithParam<instruction_set> {
 protected:
  void SetUp() override {
    if (GetParam() > best_instruction_set()) GTEST_SKIP() << "this processor has no " << name_of(GetParam());
  }

  void expect(contract_problem p) const {
    p.element = dtype::f32;
    expect_product<float>(p);
    p.element = dtype::f64;
    expect_product<double>(p);
  }

  /// Scratch starts as NaN, and no memory around the operands may be touched. Units run backwards one by one
  /// and then all at once: C must be the same bits.
  template <class T>
  void expect_product(const contract_problem& p) const {
    ASSERT_TRUE(contract_supports(p));
    const auto count = [](index n) { return static_cast<std::size_t>(n); };
    guarded<T> a(count(span_of({&p.batch, &p.rows, &p.depth}, &contract_loop::a)), T{0}),
        b(count(span_of({&p.batch, &p.columns, &p.depth}, &contract_loop::b)), T{0});
    std::mt19937 random(5);
    std::uniform_real_distribution<T> values(-1, 1);
    for (T& x : a) x = values(random);
    for (T& x : b) x = values(random);
    const T untouched = std::numeric_limits<T>::infinity();
    const index elements = span_of({&p.batch, &p.rows, &p.columns}, &contract_loop::c);
    guarded<T> c(count(elements), untouched), whole(count(elements), untouched);
    run<T>(p, a.data(), b.data(), c.data(), true);
    run<T>(p, a.data(), b.data(), whole.data(), false);

    std::vector<bool> written(count(elements));
    each(p.batch, [&](index a0, index b0, index c0) {
      each(p.rows, [&](index a1, index, index c1) {
        each(p.columns, [&](index, index b2, index c2) {
          long double sum = 0, magnitude = 0;
          index terms = 0;
          each(p.depth, [&](index a3, index b3, index) {
            const long double x = a[count(a0 + a1 + a3)], y = b[count(b0 + b2 + b3)];
            sum += x * y;
            magnitude += std::abs(x * y);
            ++terms;
          });
          const std::size_t at = count(c0 + c1 + c2);
          written[at] = true;
          ASSERT_LE(std::abs(c[at] - sum), magnitude * std::numeric_limits<T>::epsilon() * terms) << at;
          ASSERT_EQ(c[at], whole[at]) << at;
        });
      });
    });
    for (std::size_t i = 0; i < written.size(); ++i) {
      if (!written[i]) ASSERT_EQ(c[i], untouched) << "element " << i << " does not belong to C";
    }
  }

  template <class T>
  void run(const contract_problem& p, T* a, T* b, T* c, bool backwards) const {
    const gemm_plan plan = plan_contract(p);
    guarded<T> scratch(static_cast<std::size_t>(plan.scratch_bytes) / sizeof(T),
                       std::numeric_limits<T>::quiet_NaN());
    for (const gemm_launch& launch : plan.launches) {
      std::vector<void*> slots;
      std::vector<index> parameters = launch.parameters;
      for (const gemm_slot& slot : launch.slots) {
        using operand = gemm_slot::operand;
        slots.push_back(slot.what == operand::a   ? static_cast<void*>(a)
                        : slot.what == operand::b ? static_cast<void*>(b)
                        : slot.what == operand::c ? static_cast<void*>(c)
                        : slot.what == operand::scratch
                            ? reinterpret_cast<std::byte*>(scratch.data()) + slot.scratch_offset
                            : static_cast<void*>(parameters.data()));
      }
      const kernel_function function = function_of(launch.kernel, GetParam());
      if (backwards) {
        for (index unit = launch.extent; unit-- > 0;) function(slots.data(), unit, unit + 1);
      } else {
        function(slots.data(), 0, launch.extent);
      }
    }
  }
};

/// A convolution of [images, height, width, inputs] by [window, window, inputs, outputs], features innermost.
contract_problem image(index images, index size, index inputs, index outputs, index window, index stride,
                       index dilation) {
  const index out = (size - (window - 1) * dilation - 1) / stride + 1;
  contract_problem p;
  p.rows = {{images, size * size * inputs, 0, out * out * outputs},
            {out, stride * size * inputs, 0, out * outputs},
            {out, stride * inputs, 0, outputs}};
  p.columns = {{outputs, 0, 1, 1}};
  p.depth = {{window, dilation * size * inputs, window * inputs * outputs, 0},
             {window, dilation * inputs, inputs * outputs, 0},
             {inputs, 1, outputs, 0}};
  return p;
}

TEST_P(contract, windows_that_overlap_are_read_where_they_lie) {
  for (const index inputs : {1, 3, 16})
    for (const index outputs : {4, 33})
      for (const index stride : {1, 2}) expect(image(2, 11, inputs, outputs, 3, stride, 1));
  expect(image(1, 17, 5, 40, 3, 1, 3));
}

TEST_P(contract, features_may_come_before_positions) {
  // [images, inputs, height, width] by [outputs, inputs, window, window]
  constexpr index images = 3, size = 13, inputs = 5, outputs = 11, window = 4, out = 10;
  contract_problem p;
  p.rows = {{images, inputs * size * size, 0, outputs * out * out}, {out, size, 0, out}, {out, 1, 0, 1}};
  p.columns = {{outputs, 0, inputs * window * window, out * out}};
  p.depth = {{inputs, size * size, window * window, 0}, {window, size, window, 0}, {window, 1, 1, 0}};
  expect(p);
}

TEST_P(contract, long_sums_are_taken_in_blocks) {
  expect(image(1, 9, 70, 20, 5, 1, 1));
  contract_problem p = image(1, 8, 24, 12, 3, 1, 1);  // as the gradient of a kernel: rows and depth exchanged
  std::swap(p.rows, p.depth);
  for (contract_loop& loop : p.rows) loop.c = 0;
  index step = 12;
  for (std::size_t i = p.rows.size(); i-- > 0; step *= p.rows[i].extent) p.rows[i].c = step;
  for (contract_loop& loop : p.rows) loop.b = 0;
  step = 12;
  for (std::size_t i = p.depth.size(); i-- > 0; step *= p.depth[i].extent) {
    p.depth[i].c = 0;
    p.depth[i].b = step;
  }
  expect(p);
}

TEST_P(contract, batches_of_several_loops_may_leave_out_an_operand) {
  // C[n, g, i, j] = sum of A[n, i, g, k] * B[g, k, j]
  constexpr index n = 2, g = 3, i = 70, j = 20, k = 9;
  contract_problem p;
  p.batch = {{n, i * g * k, 0, g * i * j}, {g, k, k * j, i * j}};
  p.rows = {{i, g * k, 0, j}};
  p.columns = {{j, 0, 1, 1}};
  p.depth = {{k, 1, j, 0}};
  expect(p);
}

TEST_P(contract, a_large_operand_is_gathered_and_not_packed) {
  expect(image(2, 40, 8, 72, 3, 1, 1));
  const gemm_plan plan = plan_contract(image(64, 56, 64, 64, 3, 1, 1));
  EXPECT_LE(plan.scratch_bytes, 1 << 20);
}

TEST(contract_problem, few_rows_or_columns_are_refused) {
  EXPECT_FALSE(contract_supports(image(1, 9, 4, 3, 3, 1, 1)));
  EXPECT_TRUE(contract_supports(image(1, 9, 4, 4, 3, 1, 1)));
  contract_problem p = image(1, 9, 4, 4, 3, 1, 1);
  p.element = dtype::f16;
  EXPECT_FALSE(contract_supports(p));
}

INSTANTIATE_TEST_SUITE_P(instruction_sets, contract,
                         ::testing::Values(instruction_set::generic, instruction_set::avx2,
                                           instruction_set::avx512),
                         [](const auto& info) {
                           return std::string(info.param == instruction_set::generic ? "generic"
                                              : info.param == instruction_set::avx2  ? "avx2"
                                                                                     : "avx512");
                         });

}  // namespace
}  // namespace wherry::kernels
