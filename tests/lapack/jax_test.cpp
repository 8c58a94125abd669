// The calls that JAX writes: results as jaxlib's, `info` in a result.
#include <gtest/gtest.h>

#include "lapack/handlers.hpp"

namespace wherry {
namespace {

using namespace testing_support;

template <class T>
class jax_calls : public ::testing::Test {
 protected:
  static std::string name(const char* routine) {
    return std::string("lapack_") + (sizeof(T) == 8 ? "d" : "s") + routine + "_ffi";
  }
  static tensor<T> by_columns(tensor<T> t) {
    t.column_major = true;
    return t;
  }
};
using numbers = ::testing::Types<float, double>;
TYPED_TEST_SUITE(jax_calls, numbers);

TYPED_TEST(jax_calls, the_factor_of_potrf_gives_the_matrix_back) {
  using T = TypeParam;
  const tensor<T> half = random_tensor<T>({2, 4, 4});
  const tensor<double> square = product(half, transposed(half));
  tensor<T> a = this->by_columns(tensor<T>(shape{2, 4, 4}));
  for (std::size_t k = 0; k < a.data.size(); ++k) a.data[k] = static_cast<T>(square.data[k]);
  for (std::size_t b = 0; b < 2; ++b)
    for (std::size_t i = 0; i < 4; ++i) a.at(b, i, i) += 1;
  const tensor<std::int32_t> info(shape{2});
  handler_call call(this->name("potrf"));
  ASSERT_TRUE(call.operand(a).result(a).result(info).attribute("uplo", int{'L'}).run().ok());
  tensor<T> l = call.read(1, a);
  for (std::size_t b = 0; b < 2; ++b)
    for (std::size_t i = 0; i < 4; ++i)
      for (std::size_t j = i + 1; j < 4; ++j) l.at(b, i, j) = 0;
  EXPECT_LE(distance(product(l, transposed(l)), a), tolerance<T>() * 10);
  EXPECT_EQ(call.read(2, info).data, (std::vector<std::int32_t>{0, 0}));
}

TYPED_TEST(jax_calls, a_matrix_that_is_not_positive_leaves_its_info_and_no_error) {
  using T = TypeParam;
  tensor<T> a = this->by_columns(tensor<T>(shape{2, 2}));
  a.data = {1, 2, 2, 1};
  const tensor<std::int32_t> info(shape{});
  handler_call call(this->name("potrf"));
  ASSERT_TRUE(call.operand(a).result(a).result(info).attribute("uplo", int{'L'}).run().ok());
  EXPECT_EQ(call.read(2, info).data[0], 2);
}

TYPED_TEST(jax_calls, trsm_solves_from_both_sides) {
  using T = TypeParam;
  tensor<T> x = this->by_columns(random_tensor<T>({4, 4}));
  for (std::size_t i = 0; i < 4; ++i)
    for (std::size_t j = 0; j < 4; ++j) x.at(0, i, j) = i < j ? T(0) : i == j ? T(3) : x.at(0, i, j);
  for (const char side : {'L', 'R'})
    for (const char trans : {'N', 'T'}) {
      const tensor<T> y = this->by_columns(random_tensor<T>(side == 'L' ? shape{4, 3} : shape{3, 4}, 2));
      handler_call call(this->name("trsm"));
      ASSERT_TRUE(call.operand(x)
                      .operand(y)
                      .result(y)
                      .attribute("side", int{side})
                      .attribute("uplo", int{'L'})
                      .attribute("trans_x", int{trans})
                      .attribute("diag", int{'N'})
                      .run()
                      .ok());
      const tensor<T> solved = call.read(2, y), factor = trans == 'N' ? x : transposed(x);
      EXPECT_LE(distance(side == 'L' ? product(factor, solved) : product(solved, factor), y), tolerance<T>());
    }
}

TYPED_TEST(jax_calls, svd_gives_whole_bases_on_request) {
  using T = TypeParam;
  const tensor<T> a = this->by_columns(random_tensor<T>({5, 3}));
  tensor<T> s(shape{3}), u = this->by_columns(tensor<T>(shape{5, 5})),
                         vt = this->by_columns(tensor<T>(shape{3, 3}));
  const tensor<std::int32_t> info(shape{});
  handler_call call(this->name("gesdd"));
  ASSERT_TRUE(call.operand(a)
                  .result(a)
                  .result(s)
                  .result(u)
                  .result(vt)
                  .result(info)
                  .attribute("mode", int{'A'})
                  .run()
                  .ok());
  u = call.read(3, u), vt = call.read(4, vt), s = call.read(2, s);
  EXPECT_LE(skew(u), tolerance<T>());
  EXPECT_LE(skew(vt), tolerance<T>());
  tensor<T> us(shape{5, 3});
  for (std::size_t i = 0; i < 5; ++i)
    for (std::size_t j = 0; j < 3; ++j) us.at(0, i, j) = u.at(0, i, j) * s.data[j];
  EXPECT_LE(distance(product(us, vt), a), tolerance<T>());
  EXPECT_EQ(call.read(5, info).data[0], 0);
}

TYPED_TEST(jax_calls, a_choice_that_lapack_does_not_have_is_refused) {
  using T = TypeParam;
  const tensor<T> a(shape{2, 2}), w(shape{2});
  const tensor<std::int32_t> info(shape{});
  EXPECT_EQ(handler_call(this->name("syevd"))
                .operand(a)
                .result(a)
                .result(w)
                .result(info)
                .attribute("mode", int{'V'})
                .attribute("uplo", 7)
                .run()
                .message(),
            "attribute 'uplo': expected one of LU as a number, got 7");
}

}  // namespace
}  // namespace wherry
