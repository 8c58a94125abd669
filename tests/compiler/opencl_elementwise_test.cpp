// The OpenCL C exit against the native one, operation by operation: the same bits from both.

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "compiler/elementwise.hpp"

namespace wherry::testing {
namespace {

class opencl_elementwise : public needs_opencl {};

const std::vector<std::string> float_ops = {
    "%r = arith.addf %a, %b : $V",
    "%r = arith.subf %a, %b : $V",
    "%t = arith.mulf %a, %b : $V\n%r = arith.addf %t, %c : $V",
    "%r = arith.divf %a, %b : $V",
    "%r = arith.negf %a : $V",
    "%r = arith.maximumf %a, %b : $V",
    "%r = arith.minimumf %a, %b : $V",
    "%r = math.fma %a, %b, %c : $V",
    "%r = math.sqrt %a : $V",
    "%r = math.absf %a : $V",
    "%r = math.copysign %a, %b : $V",
    "%r = math.floor %a : $V",
    "%r = math.ceil %a : $V",
    "%r = math.trunc %a : $V",
    "%r = math.roundeven %a : $V",
    "%t = arith.cmpf olt, %a, %b : $V\n%r = arith.select %t, %a, %c : $M, $V",
};

std::vector<std::string> float_comparisons() {
  std::vector<std::string> ops;
  for (const char* p : {"oeq", "ogt", "oge", "olt", "ole", "one", "ord", "ueq", "ugt", "uge", "ult", "ule",
                        "une", "uno", "true", "false"})
    ops.push_back("%t = arith.cmpf " + std::string(p) + ", %a, %b : $V\n%r = arith.extui %t : $M to $R");
  return ops;
}

TEST_F(opencl_elementwise, f32_arithmetic_agrees_with_the_native_exit) {
  expect_same<float, float>({{"v16", "f32", "f32", 16, float_ops},
                             {"v4", "f32", "f32", 4, float_ops},
                             {"s", "f32", "f32", 1, float_ops}});
}

TEST_F(opencl_elementwise, f64_arithmetic_agrees_with_the_native_exit) {
  expect_same<double, double>({{"v8", "f64", "f64", 8, float_ops}, {"s", "f64", "f64", 1, float_ops}});
}

TEST_F(opencl_elementwise, float_comparisons_agree_with_the_native_exit) {
  expect_same<float, std::uint8_t>(
      {{"v8", "f32", "i8", 8, float_comparisons()}, {"s", "f32", "i8", 1, float_comparisons()}});
  expect_same<double, std::uint8_t>({{"v2", "f64", "i8", 2, float_comparisons()}});
}

std::string splat(unsigned value, unsigned lanes, const std::string& type) {
  return lanes == 1 ? "arith.constant " + std::to_string(value) + " : " + type
                    : "arith.constant dense<" + std::to_string(value) + "> : vector<" +
                          std::to_string(lanes) + "x" + type + ">";
}

// Divisors are made odd and dividends even, so nothing is undefined; shift amounts are cut to the width.
std::vector<std::string> integer_ops(unsigned width, unsigned lanes) {
  const std::string type = "i" + std::to_string(width);
  const std::string odd = "%t1 = " + splat(1, lanes, type) +
                          "\n%tb = arith.ori %b, %t1 : $V\n%t2 = " + splat(2, lanes, type) +
                          "\n%ta = arith.divui %a, %t2 : $V\n";
  const std::string amount = "%tw = " + splat(width - 1, lanes, type) + "\n%tb = arith.andi %b, %tw : $V\n";
  std::vector<std::string> ops;
  for (const char* op : {"addi", "subi", "muli", "andi", "ori", "xori", "maxsi", "maxui", "minsi", "minui"})
    ops.push_back("%r = arith." + std::string(op) + " %a, %b : $V");
  for (const char* op : {"divsi", "divui", "remsi", "remui"})
    ops.push_back(odd + "%r = arith." + op + " %ta, %tb : $V");
  for (const char* op : {"shli", "shrsi", "shrui"})
    ops.push_back(amount + "%r = arith." + op + " %a, %tb : $V");
  for (const char* op : {"ctlz", "cttz", "ctpop", "absi"})
    ops.push_back("%r = math." + std::string(op) + " %a : $V");
  for (const char* p : {"eq", "ne", "slt", "sle", "sgt", "sge", "ult", "ule", "ugt", "uge"})
    ops.push_back("%t = arith.cmpi " + std::string(p) +
                  ", %a, %b : $V\n%r = arith.select %t, %b, %c : $M, $V");
  ops.push_back("%tl, %r = arith.mului_extended %a, %b : $V");
  ops.push_back("%tl, %r = arith.mulsi_extended %a, %b : $V");
  ops.push_back(
      "%ts, %tc = arith.addui_extended %a, %b : $V, $M\n%tx = arith.extui %tc : $M to $V\n%r = arith.addi "
      "%ts, %tx : $V");
  return ops;
}

TEST_F(opencl_elementwise, integers_of_every_width_agree_with_the_native_exit) {
  expect_same<std::int8_t, std::int8_t>(
      {{"v16", "i8", "i8", 16, integer_ops(8, 16)}, {"s", "i8", "i8", 1, integer_ops(8, 1)}});
  expect_same<std::int16_t, std::int16_t>(
      {{"v8", "i16", "i16", 8, integer_ops(16, 8)}, {"s", "i16", "i16", 1, integer_ops(16, 1)}});
  expect_same<std::int32_t, std::int32_t>(
      {{"v16", "i32", "i32", 16, integer_ops(32, 16)}, {"s", "i32", "i32", 1, integer_ops(32, 1)}});
  expect_same<std::int64_t, std::int64_t>(
      {{"v8", "i64", "i64", 8, integer_ops(64, 8)}, {"s", "i64", "i64", 1, integer_ops(64, 1)}});
}

TEST_F(opencl_elementwise, conversions_agree_with_the_native_exit) {
  for (unsigned lanes : {1u, 8u}) {
    auto from = [&](const std::string& t) { return lanes == 1 ? t : "vector<8x" + t + ">"; };
    const std::vector<std::string> widen = {
        "%r = arith.extsi %a : $V to $R", "%r = arith.extui %a : $V to $R",
        "%t = arith.trunci %a : $V to $M\n%r = arith.extsi %t : $M to $R",
        "%t = arith.trunci %a : $V to " + from("i8") + "\n%r = arith.extui %t : " + from("i8") + " to $R"};
    expect_same<std::int16_t, std::int64_t>({{"widen", "i16", "i64", lanes, widen}});
    expect_same<std::int64_t, std::int16_t>(
        {{"narrow", "i64", "i16", lanes, {"%r = arith.trunci %a : $V to $R"}}});
    const std::vector<std::string> to_float = {
        "%r = arith.sitofp %a : $V to $R", "%r = arith.uitofp %a : $V to $R",
        "%t = arith.cmpi slt, %a, %b : $V\n%r = arith.uitofp %t : $M to $R",
        "%t = arith.cmpi slt, %a, %b : $V\n%r = arith.sitofp %t : $M to $R"};
    expect_same<std::int64_t, float>({{"f", "i64", "f32", lanes, to_float}});
    expect_same<std::int32_t, double>({{"d", "i32", "f64", lanes, to_float}});
    // Scaled to (-64, 64): everything in range of every integer.
    const std::string bound = lanes == 1 ? "%tk = arith.constant 64.0 : f32\n"
                                         : "%tk = arith.constant dense<64.0> : vector<8xf32>\n";
    const std::string small =
        bound +
        "%tn = arith.negf %tk : $V\n%tm = arith.minimumf %a, %tk : $V\n%tx = arith.maximumf %tm, %tn : $V\n" +
        "%tq = arith.cmpf ord, %tx, %tx : $V\n%ts = arith.select %tq, %tx, %tk : $M, $V\n";
    const std::vector<std::string> to_integer = {
        small + "%r = arith.fptosi %ts : $V to $R",
        small + "%tp = math.absf %ts : $V\n%r = arith.fptoui %tp : $V to $R"};
    expect_same<float, std::int8_t>({{"i8", "f32", "i8", lanes, to_integer}});
    expect_same<float, std::int64_t>({{"i64", "f32", "i64", lanes, to_integer}});
    expect_same<float, double>({{"ext", "f32", "f64", lanes, {"%r = arith.extf %a : $V to $R"}}});
    expect_same<double, float>({{"cut", "f64", "f32", lanes, {"%r = arith.truncf %a : $V to $R"}}});
    expect_same<float, std::int32_t>({{"bits", "f32", "i32", lanes, {"%r = arith.bitcast %a : $V to $R"}}});
  }
}

// Half precision as the emitter does it: f16 bits to f32 and back by integer arithmetic.
TEST_F(opencl_elementwise, f16_by_integer_arithmetic_agrees_with_the_native_exit) {
  const std::string op = R"(
    %tw = arith.extui %a : $V to vector<16xi32>
    %t13 = arith.constant dense<13> : vector<16xi32>
    %t16 = arith.constant dense<16> : vector<16xi32>
    %tabs = arith.constant dense<0x7fff> : vector<16xi32>
    %tsig = arith.constant dense<0x8000> : vector<16xi32>
    %tmag = arith.andi %tw, %tabs : vector<16xi32>
    %tsh = arith.shli %tmag, %t13 : vector<16xi32>
    %tf = arith.bitcast %tsh : vector<16xi32> to vector<16xf32>
    %tscale = arith.constant dense<0x77800000> : vector<16xf32>
    %tv = arith.mulf %tf, %tscale : vector<16xf32>
    %tinf = arith.constant dense<0x7c00> : vector<16xi32>
    %tbig = arith.cmpi uge, %tmag, %tinf : vector<16xi32>
    %texp = arith.constant dense<0x7f800000> : vector<16xi32>
    %tb = arith.bitcast %tv : vector<16xf32> to vector<16xi32>
    %tspecial = arith.ori %tb, %texp : vector<16xi32>
    %tfull = arith.select %tbig, %tspecial, %tb : vector<16xi1>, vector<16xi32>
    %ts = arith.andi %tw, %tsig : vector<16xi32>
    %ts2 = arith.shli %ts, %t16 : vector<16xi32>
    %r = arith.ori %tfull, %ts2 : vector<16xi32>)";
  expect_same<std::int16_t, std::int32_t>({{"f16", "i16", "i32", 16, {op}}});
}

TEST_F(opencl_elementwise, masks_agree_with_the_native_exit) {
  for (unsigned lanes : {1u, 4u}) {
    std::vector<std::string> ops;
    for (const char* op : {"andi", "ori", "xori"})
      ops.push_back("%tp = arith.cmpi slt, %a, %b : $V\n%tq = arith.cmpi ult, %b, %c : $V\n%tm = arith." +
                    std::string(op) + " %tp, %tq : $M\n%r = arith.extui %tm : $M to $R");
    for (const char* p : {"eq", "ne", "slt", "ult", "sge", "ugt"})
      ops.push_back(
          "%tp = arith.cmpi slt, %a, %b : $V\n%tq = arith.cmpi ult, %b, %c : $V\n%tm = arith.cmpi " +
          std::string(p) +
          ", %tp, %tq : $M\n%tk = arith.select %tq, %tp, %tm : $M, $M\n%r = arith.extsi %tk : $M to $R");
    expect_same<std::int32_t, std::int8_t>({{"masks", "i32", "i8", lanes, ops}});
  }
}

}  // namespace
}  // namespace wherry::testing
