// The native exit: kernels to mapped machine code.

#include "compiler/native/Native.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <thread>

#include "compiler/kernel_module.hpp"
#include "llvm/AsmParser/Parser.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/SourceMgr.h"

namespace wherry::testing {
namespace {

constexpr std::string_view axpy_and_sum = R"(
func.func @axpy(%x: memref<64xf32>, %y: memref<64xf32>, %z: memref<64xf32>, %lo: index, %hi: index) {
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %a = arith.constant dense<2.5> : vector<16xf32>
  scf.for %unit = %lo to %hi step %c1 {
    %i = arith.muli %unit, %c16 : index
    %xs = vector.load %x[%i] : memref<64xf32>, vector<16xf32>
    %ys = vector.load %y[%i] : memref<64xf32>, vector<16xf32>
    %zs = math.fma %a, %xs, %ys : vector<16xf32>
    vector.store %zs, %z[%i] : memref<64xf32>, vector<16xf32>
  } {wherry.units}
  return
}
func.func @sum(%x: memref<64xf32>, %r: memref<4xf32>, %lo: index, %hi: index) {
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  scf.for %unit = %lo to %hi step %c1 {
    %i = arith.muli %unit, %c16 : index
    %xs = vector.load %x[%i] : memref<64xf32>, vector<16xf32>
    %s = vector.reduction <add>, %xs : vector<16xf32> into f32
    memref.store %s, %r[%unit] : memref<4xf32>
  }
  return
}
)";

std::vector<float> ramp(std::size_t n, float step) {
  std::vector<float> values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = static_cast<float>(i) * step;
  return values;
}

TEST(native, a_kernel_computes_the_units_of_its_range_and_no_others) {
  const native_module code(axpy_and_sum);
  const auto x = ramp(64, 0.1f), y = ramp(64, 7.3f);
  std::vector<bytes> slots = {bytes_of(x), bytes_of(y), bytes(64 * 4)};
  code.run("axpy", slots, 1, 3);
  const auto z = values_of<float>(slots[2]);
  for (std::size_t i = 0; i < 64; ++i)
    EXPECT_EQ(z[i], i >= 16 && i < 48 ? std::fma(2.5f, x[i], y[i]) : 0.0f) << i;
}

TEST(native, kernels_of_one_module_share_an_image) {
  const native_module code(axpy_and_sum);
  ASSERT_EQ(code.emitted().entries.size(), 2u);
  EXPECT_EQ(code.emitted().entries[0].first, "axpy");
  EXPECT_EQ(code.emitted().entries[1].first, "sum");
  std::vector<bytes> slots = {bytes_of(ramp(64, 1.0f)), bytes(4 * 4)};
  code.run("sum", slots, 0, 4);
  EXPECT_EQ(values_of<float>(slots[1]), (std::vector<float>{120.0f, 376.0f, 632.0f, 888.0f}));
}

TEST(native, code_runs_at_any_address) {
  const native_module code(axpy_and_sum);
  const auto& emitted = code.emitted();
  const image second(emitted.bytes, emitted.cpuFeatures);
  auto x = ramp(64, 0.5f), y = ramp(64, 1.5f);
  std::vector<float> z(64);
  void* slots[] = {x.data(), y.data(), z.data()};
  second.entry(emitted.entries[0].second)(slots, 0, 4);
  for (std::size_t i = 0; i < 64; ++i) EXPECT_EQ(z[i], std::fma(2.5f, x[i], y[i]));
}

TEST(native, every_level_up_to_the_hosts_gives_the_same_bits) {
  std::vector<bytes> results;
  for (const char* cpu : {"x86-64-v3", "x86-64-v4", "native"}) {
    if (std::string_view(cpu) == "x86-64-v4" && host_cpu_level() < cpu_level::v4) continue;
    for (unsigned level : {0u, 1u, 2u}) {
      const native_module code(axpy_and_sum, {.cpu = cpu, .optLevel = level});
      if (std::string_view(cpu) != "native") EXPECT_EQ(code.emitted().cpuFeatures, cpu);
      std::vector<bytes> slots = {bytes_of(ramp(64, 0.37f)), bytes(4 * 4)};
      code.run("sum", slots, 0, 4);
      results.push_back(slots[1]);
    }
  }
  for (const bytes& result : results) EXPECT_EQ(result, results.front());
}

TEST(native, code_for_the_host_names_the_hosts_level) {
  const native_module code(axpy_and_sum);
  EXPECT_EQ(code.emitted().cpuFeatures, name_of(host_cpu_level()));
}

TEST(native, a_floating_reduction_adds_halves) {
  const native_module code(axpy_and_sum);
  std::vector<float> x(64);
  for (std::size_t i = 0; i < 64; ++i)
    x[i] = std::ldexp(1.0f + 0.3f * static_cast<float>(i % 7), static_cast<int>(i % 23));
  std::vector<bytes> slots = {bytes_of(x), bytes(4 * 4)};
  code.run("sum", slots, 0, 4);
  const auto got = values_of<float>(slots[1]);
  for (std::size_t unit = 0; unit < 4; ++unit) {
    std::vector<float> lanes(x.begin() + static_cast<std::ptrdiff_t>(unit * 16),
                             x.begin() + static_cast<std::ptrdiff_t>(unit * 16 + 16));
    for (std::size_t n = 8; n >= 1; n /= 2)
      for (std::size_t i = 0; i < n; ++i) lanes[i] += lanes[i + n];
    EXPECT_EQ(got[unit], lanes[0]);
  }
}

TEST(native, a_product_and_a_sum_are_not_fused) {
  const native_module code(R"(
func.func @k(%x: memref<2xf32>, %r: memref<2xf32>, %lo: index, %hi: index) {
  %c1 = arith.constant 1 : index
  scf.for %u = %lo to %hi step %c1 {
    %a = memref.load %x[%u] : memref<2xf32>
    %c = arith.constant -1.0 : f32
    %m = arith.mulf %a, %a : f32
    %s = arith.addf %m, %c : f32
    memref.store %s, %r[%u] : memref<2xf32>
  }
  return
})");
  const float a = 1.0f + std::ldexp(1.0f, -12);  // a*a - 1 has a bit that only a fused operation keeps
  std::vector<bytes> slots = {bytes_of<float>({a, a}), bytes(8)};
  code.run("k", slots, 0, 2);
  const volatile float product = a * a;
  const float separate = product - 1.0f;
  ASSERT_NE(separate, std::fma(a, a, -1.0f));
  EXPECT_EQ(values_of<float>(slots[1])[0], separate);
}

TEST(native, a_vector_fma_is_fused) {
  const native_module code(R"(
func.func @k(%x: memref<4xf32>, %r: memref<4xf32>, %lo: index, %hi: index) {
  %c0 = arith.constant 0 : index
  %c = arith.constant dense<-1.0> : vector<4xf32>
  %a = vector.load %x[%c0] : memref<4xf32>, vector<4xf32>
  %s = vector.fma %a, %a, %c : vector<4xf32>
  vector.store %s, %r[%c0] : memref<4xf32>, vector<4xf32>
  return
})");
  const float a = 1.0f + std::ldexp(1.0f, -12);
  std::vector<bytes> slots = {bytes_of<float>({a, a, a, a}), bytes(16)};
  code.run("k", slots, 0, 1);
  EXPECT_EQ(values_of<float>(slots[1])[3], std::fma(a, a, -1.0f));
}

TEST(native, maximum_propagates_nan_and_orders_zeros) {
  const native_module code(R"(
func.func @k(%x: memref<4xf32>, %y: memref<4xf32>, %r: memref<4xf32>, %lo: index, %hi: index) {
  %c0 = arith.constant 0 : index
  %a = vector.load %x[%c0] : memref<4xf32>, vector<4xf32>
  %b = vector.load %y[%c0] : memref<4xf32>, vector<4xf32>
  %m = arith.maximumf %a, %b : vector<4xf32>
  vector.store %m, %r[%c0] : memref<4xf32>, vector<4xf32>
  return
})");
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<bytes> slots = {bytes_of<float>({nan, 1.0f, -0.0f, 2.0f}),
                              bytes_of<float>({1.0f, nan, 0.0f, 3.0f}), bytes(16)};
  code.run("k", slots, 0, 1);
  const auto m = values_of<float>(slots[2]);
  EXPECT_TRUE(std::isnan(m[0]));
  EXPECT_TRUE(std::isnan(m[1]));
  EXPECT_EQ(std::bit_cast<std::uint32_t>(m[2]), 0u);
  EXPECT_EQ(m[3], 3.0f);
}

TEST(native, scratch_loops_and_branches_work_together) {
  // Collatz step counts through scf.while, collected in a private array and reversed.
  const native_module code(R"(
func.func @collatz(%x: memref<8xi64>, %r: memref<8xi32>, %lo: index, %hi: index) {
  %scratch = memref.alloca() : memref<2x4xi32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %c4 = arith.constant 4 : index
  %zero = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  %l1 = arith.constant 1 : i64
  %l2 = arith.constant 2 : i64
  %l3 = arith.constant 3 : i64
  scf.for %unit = %lo to %hi step %c1 {
    %base = arith.muli %unit, %c4 : index
    scf.for %i = %c0 to %c4 step %c1 {
      %at = arith.addi %base, %i : index
      %start = memref.load %x[%at] : memref<8xi64>
      %end:2 = scf.while (%n = %start, %steps = %zero) : (i64, i32) -> (i64, i32) {
        %go = arith.cmpi ne, %n, %l1 : i64
        scf.condition(%go) %n, %steps : i64, i32
      } do {
      ^bb0(%n: i64, %steps: i32):
        %bit = arith.andi %n, %l1 : i64
        %odd = arith.cmpi eq, %bit, %l1 : i64
        %next = scf.if %odd -> (i64) {
          %m = arith.muli %n, %l3 : i64
          %p = arith.addi %m, %l1 : i64
          scf.yield %p : i64
        } else {
          %h = arith.divsi %n, %l2 : i64
          scf.yield %h : i64
        }
        %count = arith.addi %steps, %one : i32
        scf.yield %next, %count : i64, i32
      }
      memref.store %end#1, %scratch[%c1, %i] : memref<2x4xi32>
    }
    scf.for %i = %c0 to %c4 step %c1 {
      %j = arith.subi %c3, %i : index
      %v = memref.load %scratch[%c1, %j] : memref<2x4xi32>
      %at = arith.addi %base, %i : index
      memref.store %v, %r[%at] : memref<8xi32>
    }
  }
  return
})");
  std::vector<bytes> slots = {bytes_of<std::int64_t>({1, 2, 3, 27, 7, 9, 6, 97}), bytes(32)};
  code.run("collatz", slots, 0, 2);
  EXPECT_EQ(values_of<std::int32_t>(slots[1]), (std::vector<std::int32_t>{111, 7, 1, 0, 118, 8, 19, 16}));
}

TEST(native, modules_compile_in_parallel) {
  std::vector<int> good(4, 0);
  std::vector<std::thread> threads;
  for (int& result : good)
    threads.emplace_back([&result] {
      for (int i = 0; i < 5; ++i) {
        const native_module code(axpy_and_sum);
        std::vector<bytes> slots = {bytes_of(ramp(64, 1.0f)), bytes(4 * 4)};
        code.run("sum", slots, 0, 4);
        result += values_of<float>(slots[1])[3] == 888.0f;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, (std::vector<int>{5, 5, 5, 5}));
}

TEST(native, code_is_generated_away_from_the_thread_of_the_kernels) {
  kernel_module one(axpy_and_sum);
  auto lowered = compile::native::lower(one.get());
  ASSERT_TRUE(mlir::succeeded(lowered));
  EXPECT_EQ(lowered->names, (std::vector<std::string>{"axpy", "sum"}));
  compile::NativeImage emitted;
  std::thread([&] {
    for (const auto& image : llvm::cantFail(compile::native::generate(std::move(*lowered), {})))
      compile::native::appendImage(emitted, image);
  }).join();
  EXPECT_EQ(emitted.bytes, native_module(axpy_and_sum).emitted().bytes);
}

std::string refusal(std::string_view text, const compile::NativeOptions& options = {}) {
  kernel_module source(text);
  EXPECT_TRUE(mlir::failed(compile::emitNative(source.get(), options)));
  return source.diagnostics();
}

TEST(native, an_op_that_would_call_a_library_is_refused) {
  EXPECT_TRUE(mentions(refusal(R"(
func.func @k(%x: memref<1xf32>, %lo: index, %hi: index) {
  %a = memref.load %x[%lo] : memref<1xf32>
  %b = arith.remf %a, %a : f32
  memref.store %b, %x[%lo] : memref<1xf32>
  return
})"),
                       "'arith.remf' op is not allowed in a kernel"));
  EXPECT_TRUE(mentions(refusal(R"(
func.func @k(%x: memref<1xf32>, %lo: index, %hi: index) {
  %a = memref.load %x[%lo] : memref<1xf32>
  %b = math.exp %a : f32
  memref.store %b, %x[%lo] : memref<1xf32>
  return
})"),
                       "'math.exp' op must be expanded before code generation"));
}

TEST(native, scratch_inside_a_loop_is_refused) {
  EXPECT_TRUE(mentions(refusal(R"(
func.func @k(%x: memref<1xf32>, %lo: index, %hi: index) {
  %c1 = arith.constant 1 : index
  scf.for %u = %lo to %hi step %c1 {
    %s = memref.alloca() : memref<8xf32>
    %v = memref.load %s[%lo] : memref<8xf32>
    memref.store %v, %x[%lo] : memref<1xf32>
  }
  return
})"),
                       "'memref.alloca' op must be at the entry of its kernel"));
}

TEST(native, a_function_that_is_no_kernel_is_refused) {
  EXPECT_TRUE(mentions(refusal("func.func @k(%x: memref<?xf32>, %lo: index, %hi: index) { return }"),
                       "is not a kernel"));
  EXPECT_TRUE(mentions(refusal("func.func @k(%x: memref<4xf32>) { return }"), "is not a kernel"));
}

TEST(native, an_unknown_cpu_is_refused_by_name) {
  EXPECT_TRUE(mentions(refusal(axpy_and_sum, {.cpu = "pentium"}),
                       "native code for the CPU 'pentium': expected native, x86-64-v3 or x86-64-v4"));
}

llvm::Expected<compile::NativeImage> link(const char* ir, std::vector<std::string> names) {
  llvm::LLVMContext context;
  llvm::SMDiagnostic diagnostic;
  auto module = llvm::parseAssemblyString(ir, diagnostic, context);
  if (!module) throw std::runtime_error(diagnostic.getMessage().str());
  auto object = compile::native::emitObject(*module, {"x86-64-v3", "generic"}, 1);
  if (!object) return object.takeError();
  return compile::native::linkImage(*object, names);
}

std::string link_failure(const char* ir, std::vector<std::string> names) {
  auto linked = link(ir, std::move(names));
  EXPECT_FALSE(linked);
  return linked ? "" : llvm::toString(linked.takeError());
}

TEST(native, a_call_out_of_the_image_is_an_internal_error_with_the_symbols_name) {
  EXPECT_TRUE(mentions(link_failure(R"(
declare double @cbrt(double)
define void @k(ptr %slots, i64 %lo, i64 %hi) nounwind {
  %x = call double @cbrt(double 2.0)
  store double %x, ptr %slots
  ret void
})",
                                    {"k"}),
                       "internal error: generated code needs the external symbol 'cbrt'"));
}

TEST(native, a_variable_or_a_missing_function_is_an_internal_error) {
  EXPECT_TRUE(mentions(link_failure(R"(
@count = internal global i64 7
define void @k(ptr %slots, i64 %lo, i64 %hi) nounwind {
  store i64 %lo, ptr @count
  ret void
})",
                                    {"k"}),
                       "section .data"));
  EXPECT_TRUE(
      mentions(link_failure("define void @k(ptr %slots, i64 %lo, i64 %hi) nounwind { ret void }", {"other"}),
               "no function 'other'"));
}

TEST(native, an_image_holds_what_its_kernels_reach_and_no_more) {
  const char* const two = R"(
@table = private constant [64 x i64] zeroinitializer
define void @small(ptr %slots, i64 %lo, i64 %hi) nounwind {
  %out = load ptr, ptr %slots
  store double 0x400921FB54442D18, ptr %out
  ret void
}
define void @large(ptr %slots, i64 %lo, i64 %hi) nounwind {
  %out = load ptr, ptr %slots
  %p = getelementptr i64, ptr @table, i64 %lo
  %v = load i64, ptr %p
  store i64 %v, ptr %out
  ret void
})";
  auto small = link(two, {"small"}), large = link(two, {"large"}), both = link(two, {"small", "large"});
  ASSERT_TRUE(bool(small) && bool(large) && bool(both));
  EXPECT_LT(small->bytes.size(), 128u);
  EXPECT_GE(large->bytes.size(), 512u);
  EXPECT_GT(both->bytes.size(), large->bytes.size());
  double out = 0;
  void* slots[] = {&out};
  image(both->bytes, "x86-64-v3").entry(both->entries[0].second)(slots, 0, 1);
  EXPECT_EQ(out, 0x1.921fb54442d18p1);
  image(small->bytes, "x86-64-v3").entry(small->entries[0].second)(slots, 0, 1);
  EXPECT_EQ(out, 0x1.921fb54442d18p1);
}

TEST(native, tables_and_addresses_inside_the_image_are_resolved) {
  // `@table` is preemptible, so its address is read from the global offset table; the switch becomes
  // a jump table of distances.
  auto linked = link(R"(
@table = constant [4 x i64] [i64 11, i64 22, i64 33, i64 44]
define void @k(ptr %slots, i64 %lo, i64 %hi) nounwind {
  %out = load ptr, ptr %slots
  switch i64 %lo, label %other [ i64 0, label %a i64 1, label %b i64 2, label %c i64 3, label %d i64 4, label %e ]
a:
  %p = getelementptr i64, ptr @table, i64 %hi
  %v = load i64, ptr %p
  store i64 %v, ptr %out
  ret void
b:
  store i64 100, ptr %out
  ret void
c:
  store i64 201, ptr %out
  ret void
d:
  store i64 305, ptr %out
  ret void
e:
  %f = load i64, ptr %out
  %g = mul i64 %f, 3
  store i64 %g, ptr %out
  ret void
other:
  store i64 -1, ptr %out
  ret void
})",
                     {"k"});
  ASSERT_TRUE(bool(linked)) << llvm::toString(linked.takeError());
  const image code(linked->bytes, "x86-64-v3");
  const native_kernel k = code.entry(linked->entries[0].second);
  std::int64_t out = 0;
  void* slots[] = {&out};
  std::vector<std::int64_t> seen;
  for (const auto [lo, hi] : {std::pair{0, 2}, {1, 0}, {2, 0}, {3, 0}, {4, 0}, {9, 0}}) {
    k(slots, lo, hi);
    seen.push_back(out);
  }
  EXPECT_EQ(seen, (std::vector<std::int64_t>{33, 100, 201, 305, 915, -1}));
}

absl::StatusCode code_of(const std::function<void()>& call, std::string* message = nullptr) {
  try {
    call();
  } catch (const error& e) {
    if (message != nullptr) *message = e.what();
    return e.code();
  }
  return absl::StatusCode::kOk;
}

TEST(native, an_image_for_a_better_cpu_is_refused_with_both_lists) {
  const bytes code(16, std::byte{0xC3});
  std::string message;
  EXPECT_EQ(code_of([&] { image(code, "x86-64-v4", cpu_level::v3); }, &message),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(mentions(message, "needs x86-64-v4 (" + std::string(features_of(cpu_level::v4))));
  EXPECT_TRUE(mentions(message, "is x86-64-v3 (" + std::string(features_of(cpu_level::v3))));
  EXPECT_EQ(code_of([&] { image(code, "x86-64-v3", cpu_level::v3); }), absl::StatusCode::kOk);
}

TEST(native, an_image_checks_its_arguments) {
  const bytes code(16, std::byte{0xC3});
  EXPECT_EQ(code_of([&] { image(code, "riscv", cpu_level::v4); }), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code_of([&] { image({}, "x86-64-v2", cpu_level::v4); }), absl::StatusCode::kInvalidArgument);
  const image good(code, "x86-64-v2");
  EXPECT_EQ(code_of([&] { good.entry(16); }), absl::StatusCode::kInvalidArgument);
}

TEST(native, a_moved_image_keeps_its_code) {
  const bytes code(16, std::byte{0xC3});  // ret
  image first(code, "x86-64-v2");
  const native_kernel kernel = first.entry(3);
  image second(std::move(first));
  EXPECT_EQ(first.size(), 0u);
  EXPECT_EQ(second.entry(3), kernel);
  second.entry(3)(nullptr, 0, 0);
}

}  // namespace
}  // namespace wherry::testing
