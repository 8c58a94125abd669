// programs.hpp: small programs as plans, written by hand, that run on every kind of device.
//
// A plan made here has each kernel twice: as a native function in the kernel registry and as OpenCL C, so the
// same test runs on `cpu:k` and on command queues without a compiler.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>
#include <wherry/exec/native_executable.hpp>
#include <wherry/exec/opencl_executable.hpp>
#include <wherry/exec/simulated_executable.hpp>

#include "device/configurations.hpp"
#include "device/requests.hpp"

namespace wherry::testing_support {

namespace kernels {

/// slots[2] = slots[0] + slots[1], element by element.
inline void add(void* const* slots, std::int64_t lo, std::int64_t hi) {
  const auto* a = static_cast<const float*>(slots[0]);
  const auto* b = static_cast<const float*>(slots[1]);
  auto* c = static_cast<float*>(slots[2]);
  for (std::int64_t i = lo; i < hi; ++i) c[i] = a[i] + b[i];
}

/// slots[1] = slots[0] < 100, as a boolean.
inline void is_small(void* const* slots, std::int64_t, std::int64_t) {
  *static_cast<std::uint8_t*>(slots[1]) = *static_cast<const float*>(slots[0]) < 100;
}

/// slots[1] = slots[0] as a 32-bit integer.
inline void to_index(void* const* slots, std::int64_t, std::int64_t) {
  *static_cast<std::int32_t*>(slots[1]) = static_cast<std::int32_t>(*static_cast<const float*>(slots[0]));
}

inline constexpr const char* opencl = R"(
__kernel void add(__global uchar* a, ulong ao, __global uchar* b, ulong bo, __global uchar* c, ulong co, ulong units) {
  const size_t i = get_global_id(0);
  if (i >= units) return;
  ((__global float*)(c + co))[i] = ((__global float*)(a + ao))[i] + ((__global float*)(b + bo))[i];
}
__kernel void is_small(__global uchar* a, ulong ao, __global uchar* c, ulong co, ulong units) {
  *(c + co) = *(__global float*)(a + ao) < 100.0f;
}
__kernel void to_index(__global uchar* a, ulong ao, __global uchar* c, ulong co, ulong units) {
  *(__global int*)(c + co) = convert_int_rtz(*(__global float*)(a + ao));
}
)";

enum : std::uint32_t { k_add, k_is_small, k_to_index };

}  // namespace kernels

/// Fills in the kernels for the side that runs the plan.
inline void add_kernels(plan& p, bool on_queue) {
  if (!on_queue) {
    static const bool registered = [] {
      auto& all = kernel_registry::instance();
      return all.add({"test.add", kernels::add, "test"}) &&
             all.add({"test.is_small", kernels::is_small, "test"}) &&
             all.add({"test.to_index", kernels::to_index, "test"});
    }();
    EXPECT_TRUE(registered);
    for (const char* name : {"test.add", "test.is_small", "test.to_index"})
      p.kernels.push_back({name, kernel::origin::prebuilt, 0});
    return;
  }
  for (const char* name : {"add", "is_small", "to_index"})
    p.kernels.push_back({name, kernel::origin::opencl, 0});
  p.opencl_source = kernels::opencl;
  p.opencl = true;
}

inline tensor_type f32(const shape& dims = {}) { return {dtype::f32, dims}; }

inline step launch(std::uint32_t kernel, std::vector<std::uint32_t> slots, std::int64_t extent = 1,
                   double cost_ns = 1) {
  step s;
  s.kernel = kernel;
  s.slots = std::move(slots);
  s.extent = extent;
  s.cost_ns = cost_ns;
  return s;
}

inline slot input(std::uint32_t index, std::uint64_t bytes) { return {slot::region::input, index, 0, bytes}; }
inline slot output(std::uint32_t index, std::uint64_t bytes) {
  return {slot::region::output, index, 0, bytes};
}

/// (x, y) -> x + y. `donates` lets the result live in x.
inline plan add_program(const shape& dims = {}, bool donates = false) {
  plan p;
  p.name = "add";
  p.inputs = {f32(dims), f32(dims)};
  p.outputs = {f32(dims)};
  const std::uint64_t bytes = p.inputs[0].bytes();
  p.slots = {input(0, bytes), input(1, bytes), output(0, bytes)};
  p.blocks = {{launch(kernels::k_add, {0, 1, 2}, dims.elements())}};
  p.cost_ns = static_cast<double>(dims.elements());
  if (donates) p.aliases = {{0, 0}};
  return p;
}

/// (x) -> x + x + ... until it is at least 100: a loop of unknown length, with its state in the arena.
inline plan doubling_program() {
  plan p;
  p.name = "doubling";
  p.inputs = {f32()};
  p.outputs = {f32()};
  p.arena_bytes = 128;
  p.slots = {input(0, 4), output(0, 4), {slot::region::arena, 0, 64, 1}};
  step copy_in;
  copy_in.what = step::kind::copy;
  copy_in.slots = {0, 1};
  step loop;
  loop.what = step::kind::loop;
  loop.slots = {2};
  loop.blocks = {1, 2};
  p.blocks = {{copy_in, loop}, {launch(kernels::k_is_small, {1, 2})}, {launch(kernels::k_add, {1, 1, 1})}};
  p.bounded = false;
  return p;
}

/// (x, y) -> x + y if y rounds to 0, x + constant 10 if to 1, x + x otherwise.
inline plan choosing_program() {
  plan p;
  p.name = "choosing";
  p.inputs = {f32(), f32()};
  p.outputs = {f32()};
  p.arena_bytes = 64;
  p.constants.resize(64);
  const float ten = 10;
  std::memcpy(p.constants.data(), &ten, sizeof ten);
  p.slots = {input(0, 4),
             input(1, 4),
             output(0, 4),
             {slot::region::arena, 0, 0, 4},
             {slot::region::constant, 0, 0, 4}};
  step branch;
  branch.what = step::kind::branch;
  branch.slots = {3};
  branch.blocks = {1, 2, 3};
  p.blocks = {{launch(kernels::k_to_index, {1, 3}), branch},
              {launch(kernels::k_add, {0, 1, 2})},
              {launch(kernels::k_add, {0, 4, 2})},
              {launch(kernels::k_add, {0, 0, 2})}};
  return p;
}

/// The fixture of tests that run programs on every kind of device.
class programs_on_every_device : public on_every_device {
 protected:
  executable load(plan p) const { return load_on(shared_device(), std::move(p)); }

  static executable load_on(const ref<device_core>& where, plan p) {
    const bool is_simulated = dynamic_cast<simulated_device*>(where.get()) != nullptr;
    add_kernels(p, !where->is_host() && !is_simulated);
    auto shared = std::make_shared<const plan>(std::move(p));
    if (is_simulated) return executable(ref<executable_core>(new simulated_executable(shared, where)));
    if (where->is_host()) return executable(ref<executable_core>(new native_executable(shared, where)));
    return executable(new_opencl_executable(shared, where));
  }

  static ref<executable_core> new_opencl_executable(const std::shared_ptr<const plan>& p,
                                                    const ref<device_core>& where) {
    static opencl_programs& all = *new opencl_programs;
    const opencl_place place = opencl_place::of(*where);
    const plan* const plans[] = {p.get()};
    opencl_programs::built made = all.build(place, plans, file_cache("")).front();
    if (made.problem) raise(made.problem);
    return ref<executable_core>(
        new opencl_executable(p, where, place, std::move(made.kernels), file_cache("")));
  }

  buffer on_device(const std::vector<float>& values, const shape& dims) const {
    return on(shared_device(), values, dims);
  }
  buffer scalar(float value) const { return on_device({value}, {}); }

  /// A buffer with `values`, through a transfer as a client makes it.
  static buffer on(const ref<device_core>& where, const std::vector<float>& values, const shape& dims) {
    const tensor_type type = f32(dims);
    ref<host_block> block(new host_block(type.bytes()));
    if (type.bytes() != 0) std::memcpy(block->data(), values.data(), type.bytes());
    ref<storage> target = where->allocate(type.bytes());
    ref<request> write(new transfer("write", {nullptr, block->data(), 0}, {target, nullptr, 0}, type.bytes(),
                                    where->is_host() ? nullptr : where.get(), {block, {}}));
    dispatcher::submit(where->pick(unit_kind::tensor_write), *write, {.cheap = true});
    return buffer(make_ref<detail::buffer_core>(type, target, where));
  }

  /// Holds `b` back: it is not ready until the returned request has ended.
  ref<held> hold_back(const buffer& b) const {
    return hold(device().pick(unit_kind::tensor_op), "late", {writes(b.handle()->memory)});
  }
};

inline float item(const buffer& b) { return b.value().item<float>(); }

}  // namespace wherry::testing_support
