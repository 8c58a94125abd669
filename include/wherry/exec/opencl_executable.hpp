// opencl_executable.hpp: executables as OpenCL C kernels, on queue devices and, on request, on `cpu:k`.
//
// The same plan as everywhere, its kernels built from `plan::opencl_source`. A run is a coroutine that
// enqueues the plan's commands in order, all at once; where a loop or a branch needs a value, it reads it
// back and suspends until the bytes are there. After the last command it is handed over to the driver. On
// PoCL's `basic` device commands run inside their enqueue call, so the run never suspends; there it holds a
// process-wide lock, because PoCL 3.1 aborts when two threads launch one kernel with different grids
// (measured, docs/architecture.md).
//
// The queue of a unit runs one execution at a time, so those in flight on one unit share one arena.
//
// A custom call is one more command if its target is a kernel. A handler needs the host: operands are read
// back, the handler runs on a worker (the loop has other units to look after), results are written.
//
// Threads: any; kernels' arguments are set under a lock of the executable.
#pragma once

#include <wherry/coro/move_to.hpp>
#include <wherry/coro/task.hpp>
#include <wherry/device/cpu_device.hpp>
#include <wherry/device/queue_device.hpp>
#include <wherry/exec/command_times.hpp>
#include <wherry/exec/device_kernel.hpp>
#include <wherry/exec/executable.hpp>
#include <wherry/exec/host_call.hpp>
#include <wherry/exec/opencl_programs.hpp>
#include <wherry/exec/plan_run.hpp>

namespace wherry {

class opencl_executable final : public executable_core {
 public:
  /// `programs` holds the plan's kernels, in their order (opencl_programs.hpp); kernels that
  /// custom calls name are built here, with the help of `cache`. Throws not_found if the
  /// target of a custom call is not registered, invalid_argument with the build log if the driver refuses its
  /// code.
  opencl_executable(std::shared_ptr<const plan> p, ref<device_core> where, opencl_place place,
                    std::vector<opencl_program> programs, const file_cache& cache = file_cache(""))
      : executable_core(p, std::move(where)),
        place_(std::move(place)),
        needs_host_(reads_back(*p)),
        programs_(std::move(programs)) {
    for (std::size_t k = 0; k < p->kernels.size(); ++k) {
      const std::string& name = p->kernels[k].name;
      cl_int code = CL_SUCCESS;
      kernels_.emplace_back(clCreateKernel(programs_[k]->get(), name.c_str(), &code));
      cl_check(code, "clCreateKernel", name);
    }
    for (const custom_call& call : p->calls) calls_.push_back(find(call, cache));
    if (place_.queues) {
      upload_constants();
    } else {
      constants_host_ =
          std::make_unique<array>(tensor_type{dtype::ui8, {static_cast<std::int64_t>(p->constants.size())}});
      if (!p->constants.empty())
        std::memcpy(constants_host_->bytes().data(), p->constants.data(), p->constants.size());
    }
  }

  ref<request> new_run(const run_arguments& a) override;

 private:
  class run;

  /// True if the host has to see a value before it knows the next command.
  static bool reads_back(const plan& p) noexcept {
    for (const auto& block : p.blocks) {
      for (const step& s : block) {
        if (s.what == step::kind::branch || (s.what == step::kind::loop && s.trips < 0)) return true;
      }
    }
    return false;
  }
  void upload_constants();

  /// A custom call: a handler, or a kernel with what does not change from run to run.
  struct target {
    std::optional<host_call> host;
    std::shared_ptr<const device_kernel> device;
    cl_handle<cl_program> program;
    cl_handle<cl_kernel> kernel;
    work_size size;
  };
  target find(const custom_call& call, const file_cache& cache);

  // constant after construction
  opencl_place place_;
  bool needs_host_;  // to go on, so a run is handed over only at its end
  std::vector<opencl_program> programs_;
  std::vector<cl_handle<cl_kernel>> kernels_;
  std::vector<target> calls_;
  cl_handle<cl_mem> constants_;
  std::unique_ptr<array> constants_host_;
  // any thread
  std::mutex arguments_;  // clSetKernelArg and the enqueue that follows
};

namespace detail {
inline std::mutex& pocl_basic_mutex() {
  static std::mutex& mutex = *new std::mutex;
  return mutex;
}
}  // namespace detail

class opencl_executable::run final : public plan_run, private detail::finish_hook {
 public:
  run(ref<opencl_executable> e, const run_arguments& a)
      : plan_run(*e, a),
        code_(std::move(e)),
        inputs_(a.inputs.begin(), a.inputs.end()),
        outputs_(a.outputs.begin(), a.outputs.end()) {
    if (code_->place_.queues && !code_->needs_host_ && !checks_numerics()) set_follows_on_device();
  }

 protected:
  started start(failure& outcome) noexcept override {
    first_ = last_ = {};
    recorder_ = ref<trace_recorder>(kernel_recorder());
    if (recorder_) times_.begin();
    try {
      if (code_->place_.queues) waits_.emplace(*this);
      if (waits_ && (outcome = waits_->why_not())) return started::finished;
      const std::size_t bytes = code_->code().arena_bytes;
      if (bytes != 0) arena_ = arena_of_unit(bytes);
      walk_ = walk();
    } catch (...) {
      outcome = as_failure(std::current_exception());
      return started::finished;
    }
    if (code_->place_.queues) {
      queue_ = code_->place_.queues->queue_for(*this, recorder_ != nullptr);
      call = [](detail::finish_hook& hook) noexcept { static_cast<run&>(hook).ended(); };
      detail::start(walk_, *this);
      return started::in_flight;
    }
    std::unique_lock alone(detail::pocl_basic_mutex());
    alone_ = &alone;
    call = [](detail::finish_hook&) noexcept {};
    try {
      cl_int code = CL_SUCCESS;
      own_queue_ = cl_handle<cl_command_queue>(
          clCreateCommandQueueWithProperties(code_->place_.context, code_->place_.device, nullptr, &code));
      cl_check(code, "clCreateCommandQueueWithProperties");
      queue_ = own_queue_.get();
      detail::start(walk_, *this);
      detail::take_result(walk_);
    } catch (...) {
      outcome = as_failure(std::current_exception());
    }
    return started::finished;
  }

  void cleanup() noexcept override {
    if (recorder_) times_.report(*recorder_, id());
    recorder_ = nullptr;
    walk_ = {};
    arena_ = nullptr;
    call_memory_.clear();
    first_ = last_ = {};
    inputs_.clear();
    outputs_.clear();
    own_queue_ = {};
  }

 private:
  bool is_synchronous() const noexcept { return !code_->place_.queues; }

  void ended() noexcept {
    try {
      detail::take_result(walk_);
    } catch (...) {
      const failure why = as_failure(std::current_exception());
      code_->where().note(why);
      dispatcher::finish(*this, why);
      return;
    }
    code_->place_.queues->hand_over(*this, first_, last_);
  }

  task<void> walk() {
    failure why;
    try {
      co_await walk_block(0);
      if (checks_numerics()) co_await check_outputs_there();
    } catch (...) {
      why = as_failure(std::current_exception());
    }
    if (!is_synchronous() && !why && !last_) {
      enqueue("clEnqueueMarkerWithWaitList", {}, [this](cl_uint n, const cl_event* waits, cl_event* event) {
        return clEnqueueMarkerWithWaitList(queue_, n, waits, event);
      });
    }
    if (why && last_) {
      // What was enqueued still uses the memory.
      (void)clFlush(queue_);
      co_await code_->place_.queues->watch(last_);
    }
    if (why) raise(why);
  }

  /// Makes a command by `call(number of events to wait for, events, its event)`.
  template <class Call>
  void enqueue(std::string_view name, std::string_view detail, Call&& call) {
    const std::string_view what = detail.empty() ? name : detail;
    if (is_synchronous()) {
      const std::int64_t begin = recorder_ ? trace_recorder::now() : 0;
      cl_check(call(0, nullptr, nullptr), name, detail);
      if (recorder_) {
        recorder_->add_kernel({id(), 0, wherry::detail::thread_number(), begin, trace_recorder::now()}, what);
      }
      return;
    }
    cl_event event = nullptr;
    const bool waits = !first_;
    cl_check(call(waits ? waits_->size() : 0, waits ? waits_->data() : nullptr, &event), name, detail);
    last_ = cl_handle<cl_event>(event);
    if (!first_) first_ = last_;
    if (recorder_) times_.add(last_, what);
  }

  /// The arena of the runs that are in flight on this unit, if it is large enough, or a new one.
  std::shared_ptr<storage> arena_of_unit(std::size_t bytes) {
    if (!code_->place_.queues) return shared(code_->where().allocate(bytes));
    auto& last = queue_device::lane_of(*where()).arena;
    std::shared_ptr<storage> found = last.lock();
    if (!found || found->bytes() < bytes) last = found = shared(code_->where().allocate(bytes));
    return found;
  }
  static std::shared_ptr<storage> shared(ref<storage> memory) {
    storage* const m = memory.get();
    return {m, [memory = std::move(memory)](storage*) {}};
  }

  task<void> walk_block(std::uint32_t index) {
    const plan& p = code_->code();
    for (const step& s : p.blocks[index]) {
      if (s.what == step::kind::launch) {
        launch(s);
      } else if (s.what == step::kind::copy) {
        copy(s);
      } else if (s.what == step::kind::loop && s.trips >= 0) {
        for (std::int64_t trip = 0; trip < s.trips; ++trip) co_await walk_block(s.blocks[1]);
      } else if (s.what == step::kind::loop) {
        for (;;) {
          co_await walk_block(s.blocks[0]);
          const std::int32_t go_on = co_await read_back(s.slots[0], 1);
          if (go_on == 0) break;
          co_await walk_block(s.blocks[1]);
        }
      } else if (s.what == step::kind::call) {
        if (code_->calls_[s.kernel].device)
          launch_call(s);
        else
          co_await call_host(s);
      } else {
        const std::int32_t asked = co_await read_back(s.slots[0], 4);
        const auto last = static_cast<std::int32_t>(s.blocks.size()) - 1;
        const std::int32_t chosen = asked < 0 || asked > last ? last : asked;
        co_await walk_block(s.blocks[static_cast<std::size_t>(chosen)]);
      }
    }
  }

  const storage* memory_of(const slot& s) const noexcept {
    switch (s.where) {
      case slot::region::input:
        return inputs_[s.index];
      case slot::region::output:
        return outputs_[s.index];
      case slot::region::arena:
        return arena_.get();
      case slot::region::constant:
        return nullptr;
    }
    return nullptr;
  }
  cl_mem cl_memory_of(const slot& s) const noexcept {
    const storage* m = memory_of(s);
    return m ? queue_device::memory_of(*m) : code_->constants_.get();
  }
  std::byte* host_memory_of(const slot& s) const noexcept {
    const storage* m = memory_of(s);
    return m ? static_cast<std::byte*>(m->host()) : code_->constants_host_->bytes().data();
  }

  void launch(const step& s) {
    if (s.extent == 0) return;
    const plan& p = code_->code();
    const kernel& k = p.kernels[s.kernel];
    cl_kernel code = code_->kernels_[s.kernel].get();
    std::lock_guard lock(code_->arguments_);
    cl_uint argument = 0;
    for (const std::uint32_t index : s.slots) set_memory(code, argument, p.slots[index], k.name);
    const cl_ulong units = static_cast<cl_ulong>(s.extent);
    cl_check(clSetKernelArg(code, argument, sizeof units, &units), "clSetKernelArg", k.name);
    // One local size per kind of device: PoCL compiles a kernel again for each.
    const std::size_t local = code_->where().description().gpu ? 64 : 1;
    const std::size_t global = (static_cast<std::size_t>(s.extent) + local - 1) / local * local;
    enqueue("clEnqueueNDRangeKernel", k.name, [&](cl_uint n, const cl_event* waits, cl_event* event) {
      return clEnqueueNDRangeKernel(queue_, code, 1, nullptr, &global, &local, n, waits, event);
    });
  }

  /// Sets the next two arguments of a kernel: where a slot is.
  void set_memory(cl_kernel code, cl_uint& argument, const slot& where, const std::string& name) {
    const cl_ulong offset = where.offset;
    if (is_synchronous()) {
      cl_check(clSetKernelArgSVMPointer(code, argument++, host_memory_of(where)), "clSetKernelArgSVMPointer",
               name);
    } else {
      cl_mem memory = cl_memory_of(where);
      cl_check(clSetKernelArg(code, argument++, sizeof memory, &memory), "clSetKernelArg", name);
    }
    cl_check(clSetKernelArg(code, argument++, sizeof offset, &offset), "clSetKernelArg", name);
  }

  void launch_call(const step& s);
  task<void> call_host(const step& s);

  void copy(const step& s) {
    const plan& p = code_->code();
    const slot& from = p.slots[s.slots[0]];
    const slot& to = p.slots[s.slots[1]];
    if (to.bytes == 0) return;
    if (is_synchronous()) {
      std::memmove(host_memory_of(to) + to.offset, host_memory_of(from) + from.offset, to.bytes);
      return;
    }
    if (cl_memory_of(from) == cl_memory_of(to) && from.offset == to.offset) return;
    enqueue("clEnqueueCopyBuffer", {}, [&](cl_uint n, const cl_event* waits, cl_event* event) {
      return clEnqueueCopyBuffer(queue_, cl_memory_of(from), cl_memory_of(to), from.offset, to.offset,
                                 to.bytes, n, waits, event);
    });
  }

  /// Looks through the outputs part by part, and throws what is found.
  task<void> check_outputs_there() {
    const plan& p = code_->code();
    if (is_synchronous()) {
      const auto memory_of = [this](std::size_t k) { return static_cast<std::byte*>(outputs_[k]->host()); };
      if (const failure found = check_outputs(memory_of)) raise(found);
      co_return;
    }
    constexpr std::size_t part_bytes = std::size_t{1} << 20;
    host_block part(part_bytes);
    for (std::size_t k = 0; k < outputs_.size(); ++k) {
      const tensor_type& type = p.outputs[k];
      if (!may_be_non_finite(type.element)) continue;
      for (std::size_t offset = 0; offset < type.bytes(); offset += part_bytes) {
        const std::size_t bytes = std::min(part_bytes, type.bytes() - offset);
        enqueue("clEnqueueReadBuffer", {}, [&](cl_uint n, const cl_event* waits, cl_event* event) {
          return clEnqueueReadBuffer(queue_, queue_device::memory_of(*outputs_[k]), CL_FALSE, offset, bytes,
                                     part.data(), n, waits, event);
        });
        (void)clFlush(queue_);
        co_await code_->place_.queues->watch(last_);
        const auto first = static_cast<std::int64_t>(offset / size_of(type.element));
        if (const failure found = check_part(k, {part.data(), bytes}, first)) raise(found);
      }
    }
  }

  task<std::int32_t> read_back(std::uint32_t index, std::size_t bytes) {
    const slot& s = code_->code().slots[index];
    std::int32_t value = 0;
    if (is_synchronous()) {
      std::memcpy(&value, host_memory_of(s) + s.offset, bytes);
      co_return value;
    }
    enqueue("clEnqueueReadBuffer", {}, [&](cl_uint n, const cl_event* waits, cl_event* event) {
      return clEnqueueReadBuffer(queue_, cl_memory_of(s), CL_FALSE, s.offset, bytes, &value, n, waits, event);
    });
    (void)clFlush(queue_);
    co_await code_->place_.queues->watch(last_);
    co_return value;
  }

  ref<opencl_executable> code_;
  absl::InlinedVector<storage*, 4> inputs_;  // kept alive by the request's uses
  absl::InlinedVector<storage*, 4> outputs_;
  std::shared_ptr<storage> arena_;
  std::vector<ref<host_block>> call_memory_;       // by call
  std::unique_lock<std::mutex>* alone_ = nullptr;  // on `basic`, while it walks
  std::optional<queue_device::wait_list> waits_;
  cl_handle<cl_event> first_;  // of its commands
  cl_handle<cl_event> last_;
  cl_handle<cl_command_queue> own_queue_;
  cl_command_queue queue_ = nullptr;
  task<void> walk_;
  ref<trace_recorder> recorder_;  // of its commands; null: nobody wants to know
  command_times times_;
};

inline ref<request> opencl_executable::new_run(const run_arguments& a) {
  return ref<request>(new run(ref<opencl_executable>(this), a));
}

}  // namespace wherry

#include <wherry/exec/opencl_call.hpp>
#include <wherry/exec/opencl_loading.hpp>
