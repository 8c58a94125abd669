#include "kernels/gemm.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <ostream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "guarded.hpp"
#include "kernels/variants.hpp"

namespace wherry::kernels {

void PrintTo(const gemm_problem& p, std::ostream* out) {
  const auto strides = [](const matrix_strides& s) {
    return "(" + std::to_string(s.row) + "," + std::to_string(s.column) + "," + std::to_string(s.batch) + ")";
  };
  *out << p.batch << "x" << p.m << "x" << p.n << "x" << p.k << " a" << strides(p.a) << " b" << strides(p.b)
       << " c" << strides(p.c);
}

void PrintTo(instruction_set set, std::ostream* out) { *out << name_of(set); }

namespace {

using index = std::int64_t;
using testing::guarded;

/// The order in which the units of a launch are done.
enum class split { whole, single_units_backwards, thirds };

kernel_function function_of(const char* name, instruction_set set) {
  const std::string_view text = name;
  const gemm_functions& family =
      text.starts_with("gemm_f32.") ? functions_of(set).f32 : functions_of(set).f64;
  if (text.ends_with(".pack")) return family.pack;
  if (text.ends_with(".dot")) return family.dot;
  EXPECT_TRUE(text.ends_with(".compute")) << name;
  return family.compute;
}

void run_split(kernel_function run, void* const* slots, index extent, split how) {
  switch (how) {
    case split::whole:
      run(slots, 0, extent);
      break;
    case split::single_units_backwards:
      for (index unit = extent; unit-- > 0;) run(slots, unit, unit + 1);
      break;
    case split::thirds:
      run(slots, extent / 3, extent);
      run(slots, 0, extent / 3);
      break;
  }
}

/// Runs the plan of `p`; scratch starts as NaN, because nothing may depend on it.
template <class T>
void multiply(const gemm_problem& p, instruction_set set, split how, T* a, T* b, T* c) {
  const gemm_plan plan = plan_gemm(p);
  guarded<T> scratch(static_cast<std::size_t>(plan.scratch_bytes) / sizeof(T),
                     std::numeric_limits<T>::quiet_NaN());
  for (const gemm_launch& launch : plan.launches) {
    std::vector<void*> slots;
    std::vector<index> parameters = launch.parameters;
    for (const gemm_slot& slot : launch.slots) {
      switch (slot.what) {
        case gemm_slot::operand::a:
          slots.push_back(a);
          break;
        case gemm_slot::operand::b:
          slots.push_back(b);
          break;
        case gemm_slot::operand::c:
          slots.push_back(c);
          break;
        case gemm_slot::operand::scratch:
          ASSERT_LE(slot.scratch_offset + slot.scratch_bytes, plan.scratch_bytes);
          slots.push_back(reinterpret_cast<std::byte*>(scratch.data()) + slot.scratch_offset);
          break;
        case gemm_slot::operand::parameters:
          slots.push_back(parameters.data());
          break;
      }
    }
    run_split(function_of(launch.kernel, set), slots.data(), launch.extent, how);
  }
}

/// Returns the elements from the first to the last one that the strides reach.
index span_of(index rows, index columns, index batch, const matrix_strides& s) {
  if (rows == 0 || columns == 0 || batch == 0) return 0;
  return (rows - 1) * s.row + (columns - 1) * s.column + (batch - 1) * s.batch + 1;
}

template <class T>
struct operands {
  explicit operands(const gemm_problem& p)
      : a(static_cast<std::size_t>(span_of(p.m, p.k, p.batch, p.a)), T{0}),
        b(static_cast<std::size_t>(span_of(p.k, p.n, p.batch, p.b)), T{0}) {
    std::mt19937 random(7);
    std::uniform_real_distribution<T> values(-1, 1);
    for (T& x : a) x = values(random);
    for (T& x : b) x = values(random);
  }
  guarded<T> a;
  guarded<T> b;
};

/// Checks C against sums in higher precision, and that memory between the elements of C is untouched.
template <class T>
void expect_product(const gemm_problem& p, instruction_set set, split how) {
  SCOPED_TRACE(::testing::PrintToString(p) + " " + name_of(set));
  const operands<T> in(p);
  const T untouched = std::numeric_limits<T>::infinity();
  const guarded<T> c(static_cast<std::size_t>(span_of(p.m, p.n, p.batch, p.c)), untouched);
  multiply<T>(p, set, how, in.a.data(), in.b.data(), c.data());

  std::vector<bool> written(c.size());
  for (index batch = 0; batch < p.batch; ++batch) {
    for (index i = 0; i < p.m; ++i) {
      for (index j = 0; j < p.n; ++j) {
        long double sum = 0;
        long double magnitude = 0;
        for (index k = 0; k < p.k; ++k) {
          const T x = in.a[static_cast<std::size_t>(batch * p.a.batch + i * p.a.row + k * p.a.column)];
          const T y = in.b[static_cast<std::size_t>(batch * p.b.batch + k * p.b.row + j * p.b.column)];
          const long double product = static_cast<long double>(x) * y;
          sum += product;
          magnitude += std::abs(product);
        }
        const auto at = static_cast<std::size_t>(batch * p.c.batch + i * p.c.row + j * p.c.column);
        const long double bound =
            magnitude * std::numeric_limits<T>::epsilon() * static_cast<long double>(p.k);
        written[at] = true;
        ASSERT_LE(std::abs(c[at] - sum), bound) << "batch " << batch << ", row " << i << ", column " << j;
      }
    }
  }
  for (std::size_t i = 0; i < c.size(); ++i) {
    if (!written[i]) ASSERT_EQ(c[i], untouched) << "element " << i << " does not belong to C";
  }
}

gemm_problem row_major(index m, index n, index k, index batch = 1) {
  gemm_problem p;
  p.m = m;
  p.n = n;
  p.k = k;
  p.batch = batch;
  p.a = {k, 1, m * k};
  p.b = {n, 1, k * n};
  p.c = {n, 1, m * n};
  return p;
}

/// Returns `p` with some operands column-major instead.
gemm_problem transposed(gemm_problem p, bool a, bool b, bool c) {
  if (a) p.a = {1, p.m, p.a.batch};
  if (b) p.b = {1, p.k, p.b.batch};
  if (c) p.c = {1, p.m, p.c.batch};
  return p;
}

class gemm : public ::testing::TestWithParam<instruction_set> {
 protected:
  void SetUp() override {
    if (GetParam() > best_instruction_set()) GTEST_SKIP() << "this processor has no " << name_of(GetParam());
  }

  void expect(gemm_problem p, split how = split::whole) const {
    p.element = dtype::f32;
    expect_product<float>(p, GetParam(), how);
    p.element = dtype::f64;
    expect_product<double>(p, GetParam(), how);
  }
};

TEST_P(gemm, every_small_shape_is_right_in_every_layout) {
  for (const index m : {1, 2, 3, 5, 8, 9}) {
    for (const index n : {1, 2, 7, 10, 17, 33}) {
      for (const index k : {0, 1, 3, 16, 21}) {
        for (int layout = 0; layout < 8; ++layout) {
          expect(transposed(row_major(m, n, k), layout & 1, layout & 2, layout & 4));
          if (HasFatalFailure()) return;
        }
      }
    }
  }
}

TEST_P(gemm, larger_shapes_with_ragged_edges_are_right_in_every_layout) {
  const gemm_problem shapes[] = {row_major(17, 97, 65),  row_major(128, 10, 256), row_major(10, 128, 256),
                                 row_major(65, 31, 700), row_major(70, 193, 130), row_major(4, 300, 333),
                                 row_major(300, 3, 90),  row_major(1, 500, 401),  row_major(500, 1, 401)};
  for (const gemm_problem& shape : shapes) {
    for (int layout = 0; layout < 8; ++layout) {
      expect(transposed(shape, layout & 1, layout & 2, layout & 4), split::thirds);
      if (HasFatalFailure()) return;
    }
  }
}

TEST_P(gemm, a_large_product_is_packed_and_summed_in_blocks) {
  expect(row_major(96, 200, 900));
  expect(transposed(row_major(120, 130, 1030), true, true, false));
}

TEST_P(gemm, batches_are_independent_and_may_share_an_operand) {
  expect(row_major(12, 40, 24, 5));
  expect(transposed(row_major(40, 12, 24, 3), true, true, false), split::single_units_backwards);
  gemm_problem shared_a = transposed(row_major(70, 65, 80, 3), true, true, false);
  shared_a.a.batch = 0;
  expect(shared_a);
  gemm_problem shared_b = transposed(row_major(33, 65, 80, 3), false, true, false);
  shared_b.b.batch = 0;
  expect(shared_b);
}

TEST_P(gemm, strides_may_be_anything) {
  gemm_problem p = row_major(19, 37, 23, 2);
  p.a = {3 * 23 + 5, 3, 19 * (3 * 23 + 5)};
  p.b = {2 * 37 + 1, 2, 23 * (2 * 37 + 1)};
  p.c = {4 * 37, 4, 19 * 4 * 37};
  expect(p);
  p.c = {2, 19 * 2 + 3, 37 * (19 * 2 + 3)};
  expect(p);
  p = row_major(5, 50, 40);
  p.a = {2, 10, 0};
  p.b = {1, 43, 0};
  expect(p);
  p = row_major(6, 8, 12);  // every row of A, every column of B the same memory
  p.a.row = 0;
  p.b.column = 0;
  expect(p);
}

TEST_P(gemm, nothing_is_launched_for_a_result_without_elements) {
  EXPECT_TRUE(plan_gemm(row_major(0, 5, 3)).launches.empty());
  EXPECT_TRUE(plan_gemm(row_major(5, 0, 3)).launches.empty());
  EXPECT_TRUE(plan_gemm(row_major(5, 3, 2, 0)).launches.empty());
}

template <class T>
void expect_same_bits(gemm_problem p, instruction_set set) {
  SCOPED_TRACE(::testing::PrintToString(p));
  p.element = dtype_of<T>;
  const operands<T> in(p);
  const auto size = static_cast<std::size_t>(span_of(p.m, p.n, p.batch, p.c));
  const guarded<T> whole(size, T{0});
  const guarded<T> single(size, T{0});
  const guarded<T> thirds(size, T{0});
  multiply<T>(p, set, split::whole, in.a.data(), in.b.data(), whole.data());
  multiply<T>(p, set, split::single_units_backwards, in.a.data(), in.b.data(), single.data());
  multiply<T>(p, set, split::thirds, in.a.data(), in.b.data(), thirds.data());
  using bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  for (std::size_t i = 0; i < size; ++i) {
    ASSERT_EQ(std::bit_cast<bits>(whole[i]), std::bit_cast<bits>(single[i])) << "element " << i;
    ASSERT_EQ(std::bit_cast<bits>(whole[i]), std::bit_cast<bits>(thirds[i])) << "element " << i;
  }
}

TEST_P(gemm, the_result_does_not_depend_on_the_split) {
  const gemm_problem shapes[] = {row_major(128, 256, 784), row_major(101, 203, 350), row_major(3, 700, 300),
                                 transposed(row_major(4, 700, 300), false, true, false),
                                 transposed(row_major(130, 70, 90, 2), true, true, true)};
  for (const gemm_problem& shape : shapes) {
    expect_same_bits<float>(shape, GetParam());
    expect_same_bits<double>(shape, GetParam());
  }
}

TEST_P(gemm, equal_rows_of_a_give_equal_rows_of_c_wherever_they_lie) {
  gemm_problem p = row_major(77, 150, 640);
  operands<float> in(p);
  for (index i = 1; i < p.m; ++i) {
    for (index k = 0; k < p.k; ++k)
      in.a[static_cast<std::size_t>(i * p.k + k)] = in.a[static_cast<std::size_t>(k)];
  }
  const guarded<float> c(static_cast<std::size_t>(p.m * p.n), 0.0F);
  multiply<float>(p, GetParam(), split::whole, in.a.data(), in.b.data(), c.data());
  for (index i = 1; i < p.m; ++i) {
    for (index j = 0; j < p.n; ++j) {
      ASSERT_EQ(c[static_cast<std::size_t>(i * p.n + j)], c[static_cast<std::size_t>(j)]) << i << " " << j;
    }
  }
}

TEST_P(gemm, infinity_and_nan_reach_their_own_row_and_column_only) {
  for (const bool b_transposed : {false, true}) {
    for (const index m : {5, 77}) {
      gemm_problem p = transposed(row_major(m, 101, 50), false, b_transposed, false);
      operands<float> in(p);
      in.a[static_cast<std::size_t>(3 * p.a.row)] = std::numeric_limits<float>::quiet_NaN();
      for (index k = 0; k < p.k; ++k) {  // the last column, next to the padding of a panel
        in.b[static_cast<std::size_t>(k * p.b.row + 100 * p.b.column)] =
            std::numeric_limits<float>::infinity();
      }
      const guarded<float> c(static_cast<std::size_t>(p.m * p.n), 0.0F);
      multiply<float>(p, GetParam(), split::whole, in.a.data(), in.b.data(), c.data());
      for (index i = 0; i < p.m; ++i) {
        for (index j = 0; j < p.n; ++j) {
          const float value = c[static_cast<std::size_t>(i * p.n + j)];
          if (i == 3) {
            ASSERT_TRUE(std::isnan(value)) << i << " " << j;
          } else {
            ASSERT_EQ(std::isfinite(value), j != 100) << i << " " << j << " " << value;
          }
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(instruction_sets, gemm,
                         ::testing::Values(instruction_set::generic, instruction_set::avx2,
                                           instruction_set::avx512),
                         [](const auto& parameter) {
                           std::string name = name_of(parameter.param);
                           for (char& c : name) {
                             if (c == '-') c = '_';
                           }
                           return name;
                         });

}  // namespace
}  // namespace wherry::kernels
