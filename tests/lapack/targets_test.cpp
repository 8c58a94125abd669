// Linear algebra as targets: the factors give back what was factored, in both layouts and in batches.
#include <gtest/gtest.h>

#include <algorithm>

#include "lapack/handlers.hpp"

namespace wherry {
namespace {

using namespace testing_support;

template <class T>
class linear_algebra : public ::testing::Test {
 protected:
  /// Calls `test(dims, column_major)` for wide, tall, square, empty matrices and batches in both layouts.
  template <class Test>
  static void for_all_shapes(Test&& test) {
    for (const bool column_major : {false, true})
      for (const shape& dims : {shape{4, 4}, shape{7, 3}, shape{3, 7}, shape{1, 5}, shape{5, 1},
                                shape{2, 3, 6, 4}, shape{0, 3}, shape{3, 0}, shape{2, 0, 0}}) {
        SCOPED_TRACE(to_string(tensor_type{dtype_of<T>, dims}) + (column_major ? " by columns" : " by rows"));
        test(dims, column_major);
      }
  }
  static shape with(const shape& dims, std::initializer_list<std::int64_t> last) {
    std::vector<std::int64_t> all(dims.begin(), dims.end() - 2);
    all.insert(all.end(), last);
    return shape(std::span<const std::int64_t>(all));
  }
  static std::int64_t rows(const shape& dims) { return dims[dims.rank() - 2]; }
  static std::int64_t columns(const shape& dims) { return dims[dims.rank() - 1]; }
  static tensor<T> make(const shape& dims, bool column_major) {
    tensor<T> t = random_tensor<T>(dims);
    t.column_major = column_major;
    return t;
  }
  static tensor<T> empty(const shape& dims, bool column_major = false) {
    tensor<T> t(dims);
    t.column_major = column_major;
    return t;
  }
};
using numbers = ::testing::Types<float, double>;
TYPED_TEST_SUITE(linear_algebra, numbers);

TYPED_TEST(linear_algebra, q_of_geqrf_and_orgqr_is_orthonormal_and_q_times_r_is_a) {
  using T = TypeParam;
  this->for_all_shapes([&](const shape& dims, bool by_columns) {
    const tensor<T> a = this->make(dims, by_columns);
    const std::int64_t m = this->rows(dims), n = this->columns(dims), k = std::min(m, n);
    const tensor<T> tau = this->empty(this->with(dims, {k}));
    handler_call qr("geqrf");
    ASSERT_TRUE(qr.operand(a).result(a).result(tau).run().ok());
    EXPECT_EQ(qr.read(0, a).data, a.data) << "the operand was changed";
    const tensor<T> packed = qr.read(1, a);
    tensor<T> q = this->empty(this->with(dims, {m, k}), by_columns);
    handler_call form("orgqr");
    ASSERT_TRUE(form.operand(packed).operand(qr.read(2, tau)).result(q).run().ok());
    if (k == 0) return;
    q = form.read(2, q);
    EXPECT_LE(skew(q), tolerance<T>());
    tensor<T> r(this->with(dims, {k, n}));
    for (std::size_t b = 0; b < r.matrices(); ++b)
      for (std::size_t i = 0; i < r.rows(); ++i)
        for (std::size_t j = i; j < r.columns(); ++j) r.at(b, i, j) = packed.at(b, i, j);
    EXPECT_LE(distance(product(q, r), a), tolerance<T>());
  });
}

TYPED_TEST(linear_algebra, l_times_u_is_a_with_its_rows_swapped) {
  using T = TypeParam;
  this->for_all_shapes([&](const shape& dims, bool by_columns) {
    const tensor<T> a = this->make(dims, by_columns);
    const std::int64_t m = this->rows(dims), n = this->columns(dims), k = std::min(m, n);
    const tensor<std::int32_t> pivots(this->with(dims, {k}));
    handler_call lu("lu");
    ASSERT_TRUE(lu.operand(a).result(a).result(pivots).run().ok());
    EXPECT_EQ(lu.read(0, a).data, a.data) << "the operand was changed";
    if (k == 0) return;
    const tensor<T> packed = lu.read(1, a);
    const std::vector<std::int32_t> swaps = lu.read(2, pivots).data;
    tensor<T> l(this->with(dims, {m, k})), u(this->with(dims, {k, n})), swapped = a;
    for (std::size_t b = 0; b < a.matrices(); ++b) {
      for (std::size_t i = 0; i < a.rows(); ++i)
        for (std::size_t j = 0; j < a.columns(); ++j) {
          if (i > j && j < l.columns()) l.at(b, i, j) = packed.at(b, i, j);
          if (i <= j && i < u.rows()) u.at(b, i, j) = packed.at(b, i, j);
          if (i == j) l.at(b, i, j) = 1;
        }
      for (std::size_t i = 0; i < static_cast<std::size_t>(k); ++i) {
        const std::int32_t row = swaps[b * static_cast<std::size_t>(k) + i];
        ASSERT_GE(row, 1);
        ASSERT_LE(row, m);
        for (std::size_t j = 0; j < a.columns(); ++j)
          std::swap(swapped.at(b, i, j), swapped.at(b, static_cast<std::size_t>(row - 1), j));
      }
    }
    EXPECT_LE(distance(product(l, u), swapped), tolerance<T>());
  });
}

TYPED_TEST(linear_algebra, u_times_s_times_vt_is_a) {
  using T = TypeParam;
  this->for_all_shapes([&](const shape& dims, bool by_columns) {
    const tensor<T> a = this->make(dims, by_columns);
    const std::int64_t m = this->rows(dims), n = this->columns(dims), k = std::min(m, n);
    tensor<T> u = this->empty(this->with(dims, {m, k}), by_columns), s = this->empty(this->with(dims, {k})),
              vt = this->empty(this->with(dims, {k, n}), by_columns);
    handler_call svd("svd");
    ASSERT_TRUE(svd.operand(a).result(u).result(s).result(vt).run().ok());
    EXPECT_EQ(svd.read(0, a).data, a.data) << "the operand was changed";
    if (k == 0) return;
    u = svd.read(1, u), s = svd.read(2, s), vt = svd.read(3, vt);
    EXPECT_LE(skew(u), tolerance<T>());
    EXPECT_LE(skew(transposed(vt)), tolerance<T>());
    tensor<T> us = u;
    for (std::size_t b = 0; b < u.matrices(); ++b)
      for (std::size_t j = 0; j < u.columns(); ++j) {
        const T value = s.data[b * u.columns() + j];
        EXPECT_GE(value, 0);
        if (j > 0) EXPECT_LE(value, s.data[b * u.columns() + j - 1]);
        for (std::size_t i = 0; i < u.rows(); ++i) us.at(b, i, j) *= value;
      }
    EXPECT_LE(distance(product(us, vt), a), tolerance<T>());
  });
}

TYPED_TEST(linear_algebra, eigh_reads_the_lower_triangle_and_its_values_ascend) {
  using T = TypeParam;
  for (const bool by_columns : {false, true})
    for (const shape& dims : {shape{1, 1}, shape{5, 5}, shape{2, 2, 4, 4}, shape{0, 0}}) {
      const tensor<T> a = this->make(dims, by_columns);
      tensor<T> symmetric = a;
      for (std::size_t b = 0; b < a.matrices(); ++b)
        for (std::size_t i = 0; i < a.rows(); ++i)
          for (std::size_t j = i + 1; j < a.rows(); ++j) symmetric.at(b, i, j) = a.at(b, j, i);
      tensor<T> v = a, w = this->empty(this->with(dims, {this->rows(dims)}));
      handler_call eigh("eigh");
      ASSERT_TRUE(eigh.operand(a).result(v).result(w).run().ok());
      EXPECT_EQ(eigh.read(0, a).data, a.data) << "the operand was changed";
      v = eigh.read(1, v), w = eigh.read(2, w);
      EXPECT_LE(skew(v), tolerance<T>());
      tensor<T> scaled = v;
      for (std::size_t b = 0; b < v.matrices(); ++b)
        for (std::size_t j = 0; j < v.rows(); ++j) {
          const T value = w.data[b * v.rows() + j];
          if (j > 0) EXPECT_GE(value, w.data[b * v.rows() + j - 1]);
          for (std::size_t i = 0; i < v.rows(); ++i) scaled.at(b, i, j) *= value;
        }
      EXPECT_LE(distance(product(scaled, transposed(v)), symmetric), tolerance<T>());
    }
}

TYPED_TEST(linear_algebra, a_singular_matrix_is_an_error_of_lu) {
  using T = TypeParam;
  tensor<T> a(shape{3, 3});
  a.data = {1, 2, 3, 2, 4, 6, 1, 0, 1};
  const absl::Status status =
      handler_call("lu").operand(a).result(a).result(tensor<std::int32_t>(shape{3})).run();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_EQ(status.message(), "lu failed with info = 3");
}

TEST(linear_algebra_errors, other_types_are_refused) {
  const tensor<std::int32_t> a(shape{2, 2});
  for (const char* target : {"geqrf", "orgqr", "lu", "svd", "eigh"})
    EXPECT_EQ(handler_call(target).operand(a).run().message(), "operation only supports f32 and f64");
}

TEST(linear_algebra_errors, eigh_refuses_a_matrix_that_is_not_square) {
  const tensor<float> a(shape{2, 3}), w(shape{2});
  const absl::Status status = handler_call("eigh").operand(a).result(a).result(w).run();
  EXPECT_EQ(status.message(), "eigh requires a square matrix, got tensor<2x3xf32>");
}

TEST(linear_algebra_errors, shapes_and_counts_that_do_not_fit_are_named) {
  const tensor<float> a(shape{4, 3}), tau(shape{3}), wrong(shape{4});
  EXPECT_EQ(handler_call("geqrf").operand(a).result(a).run().message(), "expected 2 results, got 1");
  EXPECT_EQ(handler_call("geqrf").operand(a).result(a).result(wrong).run().message(),
            "tau: expected tensor<3xf32>, got tensor<4xf32>");
  EXPECT_EQ(handler_call("geqrf").operand(tau).result(a).result(tau).run().message(),
            "A: expected a matrix, got tensor<3xf32>");
  EXPECT_EQ(handler_call("lu").operand(a).result(a).result(tau).run().message(),
            "result 1: expected i32, got tensor<3xf32>");
}

TEST(linear_algebra_errors, a_dimension_that_lapack_cannot_count_is_refused) {
  // No memory is touched: the shape is refused before.
  tensor<float> none(shape{0});
  struct huge : tensor<float> {
    huge() : tensor<float>(shape{0}) { dims = shape{std::int64_t{1} << 31, 1}; }
  };
  const huge a;
  EXPECT_EQ(handler_call("geqrf").operand(a).result(a).result(none).run().message(),
            "rows dimension out of int range");
}

}  // namespace
}  // namespace wherry
