// elementwise.hpp: kernels that try many operations on awkward values, through both exits.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "compiler/kernel_module.hpp"
#include "compiler/opencl_module.hpp"

namespace wherry::testing {

// One elementwise kernel over 64 elements of `type` in vectors of `lanes`: for each of `ops`, a
// fragment that computes `%r` from `%a`, `%b` and `%c`, 64 results of `result` type. In a fragment, $V, $R
// and $M stand for the types of operands, results and masks, and names that start with %r or %t are its own.
struct group {
  std::string name, type, result;
  unsigned lanes;
  std::vector<std::string> ops;

  std::string vector_of(const std::string& t) const {
    return lanes == 1 ? t : "vector<" + std::to_string(lanes) + "x" + t + ">";
  }
  std::string text() const {
    const std::string count = std::to_string(64 * ops.size()), in = "memref<64x" + type + ">",
                      out = "memref<" + count + "x" + result + ">";
    std::string body =
        "func.func @" + name + "(%x: " + in + ", %y: " + in + ", %z: " + in + ", %o: " + out +
        ", %lo: index, %hi: index) {\n  %c1 = arith.constant 1 : index\n  %cl = arith.constant " +
        std::to_string(lanes) + " : index\n  scf.for %u = %lo to %hi step %c1 {\n" +
        "    %i = arith.muli %u, %cl : index\n";
    for (const char* pair : {"ax", "by", "cz"})
      body += std::string("    %") + pair[0] + (lanes == 1 ? " = memref.load %" : " = vector.load %") +
              pair[1] + "[%i] : " + in + (lanes == 1 ? "" : ", " + vector_of(type)) + "\n";
    for (std::size_t k = 0; k < ops.size(); ++k) {
      const std::string suffix = std::to_string(k);
      std::string op = ops[k];
      const std::pair<std::string, std::string> names[] = {{"$V", vector_of(type)},
                                                           {"$R", vector_of(result)},
                                                           {"$M", vector_of("i1")},
                                                           {"%r", "%r" + suffix},
                                                           {"%t", "%t" + suffix + "_"}};
      for (const auto& [from, to] : names)
        for (std::size_t at = 0; (at = op.find(from, at)) != std::string::npos; at += to.size())
          op.replace(at, 2, to);
      body += op + "\n    %k" + suffix + " = arith.constant " + std::to_string(64 * k) + " : index\n    %j" +
              suffix + " = arith.addi %i, %k" + suffix + " : index\n    " +
              (lanes == 1 ? "memref.store %r" : "vector.store %r") + suffix + ", %o[%j" + suffix +
              "] : " + out + (lanes == 1 ? "" : ", " + vector_of(result)) + "\n";
    }
    return body + "  } {wherry.units}\n  return\n}\n";
  }
};

// Random bits of T, with the values that usually go wrong in front.
template <class T>
std::vector<T> samples(unsigned seed) {
  std::vector<T> values;
  if constexpr (std::is_floating_point_v<T>) {
    using limits = std::numeric_limits<T>;
    for (T v : {T(0), -T(0), T(1), T(-1), limits::infinity(), -limits::infinity(), limits::quiet_NaN(),
                limits::denorm_min(), -limits::denorm_min(), limits::min(), limits::max(), T(0.5), T(1.5),
                T(2.5), T(-0.5), T(-2.5)})
      values.push_back(v);
  } else {
    for (T v : {T(0), T(1), T(-1), std::numeric_limits<T>::min(), std::numeric_limits<T>::max(), T(2), T(-2),
                T(127)})
      values.push_back(v);
  }
  std::mt19937_64 random(seed);
  std::shuffle(values.begin(), values.end(), random);
  while (values.size() < 64) {
    if constexpr (std::is_floating_point_v<T>) {
      const T v = static_cast<T>(std::ldexp(static_cast<double>(random() >> 11) * 0x1p-53 - 0.5,
                                            static_cast<int>(random() % 80) - 40));
      values.push_back(v);
    } else {
      values.push_back(static_cast<T>(random()));
    }
  }
  return values;
}

template <class T>
bool same(T a, T b) {
  if constexpr (std::is_floating_point_v<T>)
    if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);  // payloads are the device's
  return std::memcmp(&a, &b, sizeof(T)) == 0;
}

// Runs the groups through both exits, the native one for two instruction sets, and compares. In and Out are
// the C++ types of the elements.
template <class In, class Out>
void expect_same(const std::vector<group>& groups) {
  std::string text;
  for (const group& g : groups) text += g.text();
  const native_module native(text), narrow(text, {.cpu = "x86-64-v3"});
  const opencl_module device(text);
  for (const group& g : groups) {
    std::vector<bytes> mine = {bytes_of(samples<In>(1)), bytes_of(samples<In>(2)), bytes_of(samples<In>(3)),
                               bytes(64 * g.ops.size() * sizeof(Out))};
    std::vector<bytes> theirs = mine, third = mine;
    native.run(g.name, mine, 0, 64 / g.lanes);
    narrow.run(g.name, third, 0, 64 / g.lanes);
    device.run(g.name.c_str(), theirs, 64 / g.lanes);
    const auto a = values_of<Out>(mine[3]), b = values_of<Out>(theirs[3]), c = values_of<Out>(third[3]);
    const auto x = values_of<In>(mine[0]), y = values_of<In>(mine[1]);
    for (std::size_t i = 0; i < a.size(); ++i)
      ASSERT_TRUE(same(a[i], b[i])) << g.name << ": " << g.ops[i / 64] << "\nof " << +x[i % 64] << ", "
                                    << +y[i % 64] << ": native " << +a[i] << ", OpenCL " << +b[i];
    for (std::size_t i = 0; i < a.size(); ++i)
      ASSERT_TRUE(same(a[i], c[i])) << g.name << ": " << g.ops[i / 64] << ": native " << +a[i]
                                    << ", x86-64-v3 " << +c[i];
  }
}

}  // namespace wherry::testing
