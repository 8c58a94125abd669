// gemm_benchmark.cpp: the prebuilt matrix product on one core, against the peak of that core.
//
// The peak is measured in the same process: independent multiply-adds on registers, with the widest
// vectors that the kernels use. `of_peak` is the ratio; packing counts as part of the product.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>
#include <wherry/exec/kernel_registry.hpp>

#include "kernels/gemm.hpp"
#include "kernels/variants.hpp"

namespace {

using namespace wherry::kernels;

/// Runs 12 independent chains of multiply-adds; returns something that depends on all of them.
template <int Lanes>
[[gnu::always_inline]] inline float multiply_add_chains(std::int64_t rounds, float factor) {
  using vector = float __attribute__((ext_vector_type(Lanes)));
  vector sum[12];
#pragma clang loop unroll(full)
  for (int i = 0; i < 12; ++i) sum[i] = vector(static_cast<float>(i));
  const vector x = vector(factor);
  for (std::int64_t k = 0; k < rounds; ++k) {
#pragma clang loop unroll(full)
    for (int i = 0; i < 12; ++i) sum[i] = __builtin_elementwise_fma(sum[i], x, x);
  }
#pragma clang loop unroll(full)
  for (int i = 1; i < 12; ++i) sum[0] += sum[i];
  return sum[0][0];
}

[[gnu::target("avx512f,fma")]] float chains_of_16(std::int64_t rounds, float factor) {
  return multiply_add_chains<16>(rounds, factor);
}
[[gnu::target("avx2,fma")]] float chains_of_8(std::int64_t rounds, float factor) {
  return multiply_add_chains<8>(rounds, factor);
}

/// Returns the best of several runs in GF/s, or 0 on a processor without fused multiply-add.
double peak() {
  const instruction_set set = best_instruction_set();
  if (set == instruction_set::generic) return 0;
  const int lanes = set == instruction_set::avx512 ? 16 : 8;
  constexpr std::int64_t rounds = 2'000'000;
  double best = 0;
  for (int run = 0; run < 10; ++run) {
    const auto start = std::chrono::steady_clock::now();
    float result = lanes == 16 ? chains_of_16(rounds, 0.5F) : chains_of_8(rounds, 0.5F);
    benchmark::DoNotOptimize(result);
    const std::chrono::duration<double, std::nano> time = std::chrono::steady_clock::now() - start;
    best = std::max(best, 12.0 * 2 * lanes * rounds / time.count());
  }
  return best;
}

/// Arguments: m, n, k, whether A and B are column-major.
void gemm_f32(benchmark::State& state) {
  const std::int64_t m = state.range(0);
  const std::int64_t n = state.range(1);
  const std::int64_t k = state.range(2);
  gemm_problem problem;
  problem.m = m;
  problem.n = n;
  problem.k = k;
  problem.a = state.range(3) != 0 ? matrix_strides{1, m, 0} : matrix_strides{k, 1, 0};
  problem.b = state.range(4) != 0 ? matrix_strides{1, k, 0} : matrix_strides{n, 1, 0};
  problem.c = {n, 1, 0};
  gemm_plan plan = plan_gemm(problem);

  std::vector<float> a(static_cast<std::size_t>(m * k), 0.5F);
  std::vector<float> b(static_cast<std::size_t>(k * n), 0.25F);
  std::vector<float> c(static_cast<std::size_t>(m * n));
  std::vector<float> scratch(static_cast<std::size_t>(plan.scratch_bytes) / sizeof(float) + 16);

  struct call {
    wherry::native_kernel run;
    std::vector<void*> slots;
    std::int64_t extent;
  };
  std::vector<call> calls;
  for (gemm_launch& launch : plan.launches) {
    call next = {wherry::kernel_registry::instance().find(launch.kernel)->native, {}, launch.extent};
    for (const gemm_slot& slot : launch.slots) {
      void* const of_operand[] = {a.data(), b.data(), c.data(),
                                  reinterpret_cast<std::byte*>(scratch.data()) + slot.scratch_offset,
                                  launch.parameters.data()};
      next.slots.push_back(of_operand[static_cast<int>(slot.what)]);
    }
    calls.push_back(std::move(next));
  }

  for (auto iteration : state) {
    for (const call& next : calls) next.run(next.slots.data(), 0, next.extent);
    benchmark::ClobberMemory();
  }
  static const double reference = peak();
  const double flops = 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  const double done = flops * static_cast<double>(state.iterations());
  state.counters["GF/s"] = benchmark::Counter(done * 1e-9, benchmark::Counter::kIsRate);
  if (reference > 0) {
    state.counters["of_peak"] = benchmark::Counter(done * 1e-9 / reference, benchmark::Counter::kIsRate);
  }
}

BENCHMARK(gemm_f32)
    ->ArgNames({"m", "n", "k", "a_t", "b_t"})
    ->Args({64, 64, 64, 0, 0})
    ->Args({128, 128, 128, 0, 0})
    ->Args({128, 256, 784, 0, 0})
    ->Args({784, 256, 128, 1, 0})
    ->Args({128, 784, 256, 0, 1})
    ->Args({128, 10, 256, 0, 0})
    ->Args({256, 256, 256, 0, 0})
    ->Args({512, 512, 512, 0, 0})
    ->Args({1024, 1024, 1024, 0, 0})
    ->Args({1, 1024, 1024, 0, 0})
    ->Args({8, 1024, 1024, 0, 1})
    ->Unit(benchmark::kMicrosecond);

}  // namespace
