// opencl_call.hpp: custom calls in a run of OpenCL kernels; the definitions behind `opencl_executable::run`.
//
// Threads: the loop of the run's device; handlers run on a worker, on `cpu:k` where the run is.
#pragma once

#include <wherry/exec/opencl_executable.hpp>

namespace wherry {

/// Launches a kernel of the user's own.
inline void opencl_executable::run::launch_call(const step& s) {
  const plan& p = code_->code();
  const custom_call& call = p.calls[s.kernel];
  const target& to = code_->calls_[s.kernel];
  if (to.size.global[0] == 0 || to.size.global[1] == 0 || to.size.global[2] == 0) return;
  cl_kernel code = to.kernel.get();
  std::lock_guard lock(code_->arguments_);
  cl_uint argument = 0;
  std::size_t operand = 0, result = call.operands.size();
  for (const kernel_argument& a : to.device->arguments) {
    if (a.what == kernel_argument::role::scalar) {
      const detail::scalar_bytes value = detail::scalar_value(a, call);
      cl_check(clSetKernelArg(code, argument++, value.size, value.data.data()), "clSetKernelArg",
               call.target);
      continue;
    }
    const std::size_t k = a.what == kernel_argument::role::operand ? operand++ : result++;
    set_memory(code, argument, p.slots[s.slots[k]], call.target);
  }
  const bool is_split = to.size.local[0] != 0;
  enqueue("clEnqueueNDRangeKernel", call.target, [&](cl_uint n, const cl_event* waits, cl_event* event) {
    return clEnqueueNDRangeKernel(queue_, code, 3, nullptr, to.size.global.data(),
                                  is_split ? to.size.local.data() : nullptr, n, waits, event);
  });
}

/// Runs a handler on copies of the operands, after everything before it has ended.
inline task<void> opencl_executable::run::call_host(const step& s) {
  const plan& p = code_->code();
  const host_call& handler = *code_->calls_[s.kernel].host;
  const std::size_t operands = handler.what().operands.size();
  absl::InlinedVector<std::byte*, 16> memory;
  if (is_synchronous()) {
    for (const std::uint32_t index : s.slots)
      memory.push_back(host_memory_of(p.slots[index]) + p.slots[index].offset);
    alone_->unlock();  // the handler may run OpenCL C of its own
    const failure why = handler.run(memory.data());
    alone_->lock();
    if (why) raise(why);
    co_return;
  }
  // Operands and results that are one slot are one piece of memory for the handler, too.
  absl::InlinedVector<std::pair<std::uint32_t, std::size_t>, 8> places;
  std::size_t bytes = 0;
  for (const std::uint32_t index : s.slots) {
    const auto known = std::find_if(places.begin(), places.end(),
                                    [index](const auto& place) { return place.first == index; });
    if (known != places.end()) continue;
    places.emplace_back(index, bytes);
    bytes += (p.slots[index].bytes + 63) / 64 * 64;
  }
  // One block for each call of the program: in a loop its last use has ended, as the next one reads first.
  if (call_memory_.empty()) call_memory_.resize(p.calls.size());
  ref<host_block>& block = call_memory_[s.kernel];
  if (!block || block->bytes() < bytes) block = make_ref<host_block>(bytes);
  for (std::size_t k = 0; k < s.slots.size(); ++k) {
    const slot& where = p.slots[s.slots[k]];
    const auto place = std::find_if(places.begin(), places.end(),
                                    [&](const auto& other) { return other.first == s.slots[k]; });
    memory.push_back(block->data() + place->second);
    if (k >= operands || where.bytes == 0) continue;
    enqueue("clEnqueueReadBuffer", {}, [&](cl_uint n, const cl_event* waits, cl_event* event) {
      return clEnqueueReadBuffer(queue_, cl_memory_of(where), CL_FALSE, where.offset, where.bytes,
                                 memory.back(), n, waits, event);
    });
  }
  if (last_) {
    (void)clFlush(queue_);
    co_await code_->place_.queues->watch(last_);
  }
  scheduler& home = require_scheduler("a custom call");
  co_await move_to(worker_pool::instance().as_scheduler());
  const failure why = handler.run(memory.data());
  co_await move_to(home);
  if (why) raise(why);
  for (std::size_t k = operands; k < s.slots.size(); ++k) {
    const slot& where = p.slots[s.slots[k]];
    if (where.bytes == 0) continue;
    enqueue("clEnqueueWriteBuffer", {}, [&](cl_uint n, const cl_event* waits, cl_event* event) {
      return clEnqueueWriteBuffer(queue_, cl_memory_of(where), CL_FALSE, where.offset, where.bytes, memory[k],
                                  n, waits, event);
    });
  }
}

}  // namespace wherry
