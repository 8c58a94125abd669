// The OpenCL C exit: control flow, memory and lanes agree with the native exit; what is refused.

#include <gtest/gtest.h>

#include <cmath>
#include <initializer_list>
#include <string>
#include <vector>

#include "compiler/kernel_module.hpp"
#include "compiler/opencl_module.hpp"

namespace wherry::testing {
namespace {

class opencl : public needs_opencl {};

// Runs one kernel through both exits on the same slots and returns the slots, which must agree.
std::vector<bytes> run_both(std::string_view text, const char* name, std::vector<bytes> slots,
                            std::int64_t units) {
  std::vector<bytes> other = slots;
  native_module(text).run(name, slots, 0, units);
  opencl_module(text).run(name, other, units);
  for (std::size_t i = 0; i < slots.size(); ++i) EXPECT_EQ(slots[i], other[i]) << "slot " << i;
  return slots;
}

TEST_F(opencl, loops_branches_and_scratch_agree_with_the_native_exit) {
  const auto slots = run_both(R"(
func.func @k(%x: memref<8xi64>, %r: memref<24xi64>, %lo: index, %hi: index) {
  %scratch = memref.alloca() : memref<2x4xi64>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %c4 = arith.constant 4 : index
  %c8 = arith.constant 8 : index
  %c16 = arith.constant 16 : index
  %l0 = arith.constant 0 : i64
  %l1 = arith.constant 1 : i64
  %l2 = arith.constant 2 : i64
  %l3 = arith.constant 3 : i64
  scf.for %unit = %lo to %hi step %c1 {
    %base = arith.muli %unit, %c4 : index
    scf.for %i = %c0 to %c4 step %c1 {
      %at = arith.addi %base, %i : index
      %start = memref.load %x[%at] : memref<8xi64>
      // Collatz steps and the largest number on the way.
      %end:3 = scf.while (%n = %start, %steps = %l0, %top = %start) : (i64, i64, i64) -> (i64, i64, i64) {
        %go = arith.cmpi ne, %n, %l1 : i64
        scf.condition(%go) %n, %steps, %top : i64, i64, i64
      } do {
      ^bb0(%n: i64, %steps: i64, %top: i64):
        %bit = arith.andi %n, %l1 : i64
        %odd = arith.cmpi eq, %bit, %l1 : i64
        %next, %more = scf.if %odd -> (i64, i64) {
          %m = arith.muli %n, %l3 : i64
          %p = arith.addi %m, %l1 : i64
          %t = arith.maxsi %p, %top : i64
          scf.yield %p, %t : i64, i64
        } else {
          %h = arith.divsi %n, %l2 : i64
          scf.yield %h, %top : i64, i64
        }
        %count = arith.addi %steps, %l1 : i64
        scf.yield %next, %count, %more : i64, i64, i64
      }
      memref.store %end#1, %scratch[%c1, %i] : memref<2x4xi64>
      memref.store %end#2, %scratch[%c0, %i] : memref<2x4xi64>
      // Fibonacci: the carried values swap.
      %steps = arith.index_cast %end#1 : i64 to index
      %fib:2 = scf.for %j = %c0 to %steps step %c1 iter_args(%f = %l0, %g = %l1) -> (i64, i64) {
        %s = arith.addi %f, %g : i64
        scf.yield %g, %s : i64, i64
      }
      %out = arith.addi %at, %c16 : index
      memref.store %fib#0, %r[%out] : memref<24xi64>
    }
    scf.for %i = %c0 to %c4 step %c1 {
      %j = arith.subi %c3, %i : index
      %at = arith.addi %base, %i : index
      %v = memref.load %scratch[%c1, %j] : memref<2x4xi64>
      %w = memref.load %scratch[%c0, %j] : memref<2x4xi64>
      memref.store %v, %r[%at] : memref<24xi64>
      %at8 = arith.addi %at, %c8 : index
      memref.store %w, %r[%at8] : memref<24xi64>
      %first = arith.cmpi eq, %i, %c0 : index
      scf.if %first {
        %neg = arith.subi %l0, %v : i64
        memref.store %neg, %r[%at] : memref<24xi64>
      }
    }
  } {wherry.units}
  return
})",
                              "k", {bytes_of<std::int64_t>({1, 2, 3, 27, 7, 9, 6, 97}), bytes(24 * 8)}, 2);
  const auto r = values_of<std::int64_t>(slots[1]);
  EXPECT_EQ(std::vector(r.begin(), r.begin() + 8),
            (std::vector<std::int64_t>{-111, 7, 1, 0, -118, 8, 19, 16}));
  EXPECT_EQ(std::vector(r.begin() + 8, r.begin() + 16),
            (std::vector<std::int64_t>{9232, 16, 2, 1, 9232, 16, 52, 52}));
  EXPECT_EQ(std::vector(r.begin() + 16, r.begin() + 19), (std::vector<std::int64_t>{0, 1, 13}));
}

TEST_F(opencl, a_loop_whose_values_swap_keeps_both) {
  const auto slots = run_both(R"(
func.func @k(%x: memref<2xi32>, %lo: index, %hi: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c5 = arith.constant 5 : index
  %a = memref.load %x[%c0] : memref<2xi32>
  %b = memref.load %x[%c1] : memref<2xi32>
  %s:2 = scf.for %i = %c0 to %c5 step %c1 iter_args(%p = %a, %q = %b) -> (i32, i32) {
    scf.yield %q, %p : i32, i32
  }
  memref.store %s#0, %x[%c0] : memref<2xi32>
  memref.store %s#1, %x[%c1] : memref<2xi32>
  return
})",
                              "k", {bytes_of<std::int32_t>({11, 22})}, 1);
  EXPECT_EQ(values_of<std::int32_t>(slots[0]), (std::vector<std::int32_t>{22, 11}));
}

TEST_F(opencl, gathers_agree_with_the_native_exit) {
  const auto slots = run_both(R"(
func.func @k(%x: memref<16xf32>, %i: memref<8xi32>, %r: memref<16xf32>, %lo: index, %hi: index) {
  %c0 = arith.constant 0 : index
  %c8 = arith.constant 8 : index
  %all = arith.constant dense<true> : vector<8xi1>
  %some = arith.constant dense<[true, false, true, true, false, false, true, true]> : vector<8xi1>
  %pass = arith.constant dense<[0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5]> : vector<8xf32>
  %at = vector.load %i[%c0] : memref<8xi32>, vector<8xi32>
  %g = vector.gather %x[%c8] [%at], %all, %pass : memref<16xf32>, vector<8xi32>, vector<8xi1>, vector<8xf32> into vector<8xf32>
  vector.store %g, %r[%c0] : memref<16xf32>, vector<8xf32>
  %h = vector.gather %x[%c8] [%at], %some, %pass : memref<16xf32>, vector<8xi32>, vector<8xi1>, vector<8xf32> into vector<8xf32>
  vector.store %h, %r[%c8] : memref<16xf32>, vector<8xf32>
  return
})",
                              "k",
                              {bytes_of<float>({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}),
                               bytes_of<std::int32_t>({0, -8, 7, 3, -1, -2, 2, 1}), bytes(16 * 4)},
                              1);
  EXPECT_EQ(values_of<float>(slots[2]),
            (std::vector<float>{8, 0, 15, 11, 7, 6, 10, 9, 8, 1.5f, 15, 11, 4.5f, 5.5f, 10, 9}));
}

TEST_F(opencl, reductions_agree_with_the_native_exit) {
  std::string text, stores;
  auto add = [&](const char* type, const char* vector, const std::string& slot,
                 std::initializer_list<const char*> kinds) {
    for (const char* kind : kinds) {
      static int n = 0;
      const std::string id = std::to_string(n++), at = std::to_string(n % 32);
      text += "  %k" + id + " = arith.constant " + at + " : index\n  %s" + id + " = vector.reduction <" +
              kind + ">, %" + vector + " : vector<16x" + type + "> into " + type + "\n  %t" + id +
              " = vector.reduction <" + kind + ">, %" + vector + ", %s" + id + " : vector<16x" + type +
              "> into " + type + "\n  memref.store %t" + id + ", %" + slot + "[%k" + id + "] : memref<32x" +
              type + ">\n";
    }
  };
  add("f32", "x", "rx", {"add", "mul", "maximumf", "minimumf"});
  add("i16", "y", "ry", {"add", "mul", "and", "or", "xor", "maxsi", "minsi", "maxui", "minui"});
  const std::string kernel = R"(
func.func @k(%a: memref<16xf32>, %b: memref<16xi16>, %rx: memref<32xf32>, %ry: memref<32xi16>, %rz: memref<2xi8>, %lo: index, %hi: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %x = vector.load %a[%c0] : memref<16xf32>, vector<16xf32>
  %y = vector.load %b[%c0] : memref<16xi16>, vector<16xi16>
  %zero = arith.constant dense<0> : vector<16xi16>
  %m = arith.cmpi slt, %y, %zero : vector<16xi16>
  %any = vector.reduction <or>, %m : vector<16xi1> into i1
  %all = vector.reduction <and>, %m, %any : vector<16xi1> into i1
  %anyb = arith.extui %any : i1 to i8
  %allb = arith.extui %all : i1 to i8
  memref.store %anyb, %rz[%c0] : memref<2xi8>
  memref.store %allb, %rz[%c1] : memref<2xi8>
)" + text + "  return\n}";
  std::vector<float> x(16);
  std::vector<std::int16_t> y(16);
  for (int i = 0; i < 16; ++i) {
    x[static_cast<std::size_t>(i)] = std::ldexp(1.0f + 0.37f * static_cast<float>(i), (i * 7) % 11 - 5);
    y[static_cast<std::size_t>(i)] = static_cast<std::int16_t>(i * 3571 - 20000);
  }
  const auto slots =
      run_both(kernel, "k", {bytes_of(x), bytes_of(y), bytes(32 * 4), bytes(32 * 2), bytes(2)}, 1);
  EXPECT_EQ(values_of<std::uint8_t>(slots[4]), (std::vector<std::uint8_t>{1, 0}));
}

TEST_F(opencl, lanes_agree_with_the_native_exit) {
  run_both(
      R"(
func.func @k(%x: memref<8xf32>, %r: memref<64xf32>, %q: memref<8xi64>, %b: memref<8xi8>, %lo: index, %hi: index) {
  %c0 = arith.constant 0 : index
  %c4 = arith.constant 4 : index
  %c8 = arith.constant 8 : index
  %c16 = arith.constant 16 : index
  %c24 = arith.constant 24 : index
  %c32 = arith.constant 32 : index
  %c40 = arith.constant 40 : index
  %c41 = arith.constant 41 : index
  %c48 = arith.constant 48 : index
  %i5 = arith.constant 5 : index
  %v = vector.load %x[%c0] : memref<8xf32>, vector<8xf32>
  %s = vector.shuffle %v, %v [7, 8, 1, 14, 3, 12, 5, 10] : vector<8xf32>, vector<8xf32>
  vector.store %s, %r[%c0] : memref<64xf32>, vector<8xf32>
  %h = vector.shuffle %v, %s [0, 15] : vector<8xf32>, vector<8xf32>
  vector.store %h, %r[%c8] : memref<64xf32>, vector<2xf32>
  %e = vector.extract %v[3] : f32 from vector<8xf32>
  %d = vector.extract %v[%i5] : f32 from vector<8xf32>
  %i = vector.insert %e, %v[6] : f32 into vector<8xf32>
  %j = vector.insert %d, %i[%c4] : f32 into vector<8xf32>
  vector.store %j, %r[%c16] : memref<64xf32>, vector<8xf32>
  %p = vector.broadcast %d : f32 to vector<4xf32>
  vector.store %p, %r[%c24] : memref<64xf32>, vector<4xf32>
  %f = vector.from_elements %e, %d, %d, %e : vector<4xf32>
  vector.store %f, %r[%c32] : memref<64xf32>, vector<4xf32>
  %t:4 = vector.to_elements %f : vector<4xf32>
  memref.store %t#1, %r[%c40] : memref<64xf32>
  memref.store %t#3, %r[%c41] : memref<64xf32>
  %n = vector.step : vector<8xindex>
  %u = vector.broadcast %lo : index to vector<8xindex>
  %nu = arith.addi %n, %u : vector<8xindex>
  %w = arith.index_cast %nu : vector<8xindex> to vector<8xi64>
  vector.store %w, %q[%c0] : memref<8xi64>, vector<8xi64>
  %two = arith.constant dense<2.0> : vector<8xf32>
  %m = arith.cmpf olt, %v, %two : vector<8xf32>
  %m0 = vector.extract %m[0] : i1 from vector<8xi1>
  %m7 = vector.extract %m[%i5] : i1 from vector<8xi1>
  %mi = vector.insert %m0, %m[7] : i1 into vector<8xi1>
  %mb = vector.broadcast %m7 : i1 to vector<8xi1>
  %ms = vector.shuffle %mi, %mb [7, 8, 1, 14, 3, 12, 5, 10] : vector<8xi1>, vector<8xi1>
  %mz = arith.extsi %ms : vector<8xi1> to vector<8xi8>
  vector.store %mz, %b[%c0] : memref<8xi8>, vector<8xi8>
  %bits = vector.bitcast %v : vector<8xf32> to vector<16xi16>
  %back = vector.bitcast %bits : vector<16xi16> to vector<8xf32>
  vector.store %back, %r[%c48] : memref<64xf32>, vector<8xf32>
  return
})",
      "k",
      {bytes_of<float>({0.5f, 1.5f, 2.5f, 3.5f, 4.5f, 5.5f, 6.5f, 7.5f}), bytes(64 * 4), bytes(64), bytes(8)},
      1);
}

TEST_F(opencl, constants_of_every_kind_agree_with_the_native_exit) {
  run_both(R"(
func.func @k(%f: memref<8xf32>, %d: memref<2xf64>, %b: memref<4xi8>, %l: memref<2xi64>, %lo: index, %hi: index) {
  %c0 = arith.constant 0 : index
  %c4 = arith.constant 4 : index
  %v = arith.constant dense<[0x7fc00000, -0.0, 1.0e-45, 0xff800000]> : vector<4xf32>
  vector.store %v, %f[%c0] : memref<8xf32>, vector<4xf32>
  %w = arith.constant dense<0.1> : vector<4xf32>
  vector.store %w, %f[%c4] : memref<8xf32>, vector<4xf32>
  %x = arith.constant dense<[4.9e-324, -1.7976931348623157e308]> : vector<2xf64>
  vector.store %x, %d[%c0] : memref<2xf64>, vector<2xf64>
  %y = arith.constant dense<[-128, 127, -1, 0]> : vector<4xi8>
  vector.store %y, %b[%c0] : memref<4xi8>, vector<4xi8>
  %z = arith.constant dense<[-9223372036854775808, 9223372036854775807]> : vector<2xi64>
  vector.store %z, %l[%c0] : memref<2xi64>, vector<2xi64>
  return
})",
           "k", {bytes(32), bytes(16), bytes(4), bytes(16)}, 1);
}

// A kernel that combines four elements of `type` with themselves by `op`.
std::string self_combined(const std::string& type, const std::string& op) {
  const std::string vector = "vector<4x" + type + ">", memref = "memref<4x" + type + ">";
  return "func.func @k(%x: " + memref + ", %lo: index, %hi: index) {\n  %c0 = arith.constant 0 : index\n" +
         "  %v = vector.load %x[%c0] : " + memref + ", " + vector + "\n  %w = " + op + " %v, %v : " + vector +
         "\n  vector.store %w, %x[%c0] : " + memref + ", " + vector + "\n  return\n}\n";
}

TEST(opencl_text, doubles_are_enabled_only_where_they_occur) {
  const std::string f32 = print_opencl(self_combined("f32", "arith.addf"));
  EXPECT_FALSE(mentions(f32, "cl_khr_fp64"));
  EXPECT_TRUE(mentions(f32, "#pragma OPENCL FP_CONTRACT OFF"));
  EXPECT_TRUE(mentions(f32, "__kernel void k(__global uchar *b0, ulong o0, "));
  EXPECT_TRUE(mentions(print_opencl(self_combined("f64", "arith.addf")), "cl_khr_fp64 : enable"));
}

std::string refusal(std::string_view text, bool fp64 = true) {
  kernel_module source(text);
  EXPECT_TRUE(mlir::failed(compile::emitOpenCL(source.get(), fp64)));
  return source.diagnostics();
}

TEST(opencl_text, a_device_without_fp64_is_told_which_kernel_needs_it) {
  EXPECT_TRUE(mentions(refusal(self_combined("f64", "arith.addf"), /*fp64=*/false), "computes in f64"));
}

TEST(opencl_text, an_op_without_a_form_is_refused_by_name) {
  EXPECT_TRUE(mentions(refusal(self_combined("f32", "arith.remf")), "'arith.remf' op has no OpenCL C form"));
  EXPECT_TRUE(
      mentions(refusal("func.func @k(%x: memref<4xf16>, %lo: index, %hi: index) { return }"), "argument 0"));
  EXPECT_TRUE(mentions(refusal("func.func @\"a.b\"(%x: memref<4xf32>, %lo: index, %hi: index) { return }"),
                       "no C identifier"));
}

}  // namespace
}  // namespace wherry::testing
