// cpu_device.hpp: `cpu:k`, PoCL `basic` devices whose requests are led by callers and workers.
//
// PoCL's `basic` driver runs a command inside the enqueue call, on the calling thread (0.3 us, against 20 to
// 65 of its `pthread` driver), so an execution is one OpenCL command, a native kernel whose body walks the
// plan. Rules that PoCL 3.1 forces (measured, docs/architecture.md): two threads never touch one in-order
// queue at a time (each compute unit has its own, and the run token guards it); the body never throws; the
// memory list is never used, the body takes raw pointers; wait lists are empty.
//
// Without a `basic` device (the user chose other devices, or OpenCL was initialised before us) the same
// bodies are called directly: `carrier: direct` and why.
//
// Threads: any.
#pragma once

#include <unistd.h>

#include <array>
#include <wherry/cl/handle.hpp>
#include <wherry/cl/platform.hpp>
#include <wherry/device/device.hpp>
#include <wherry/device/worker_pool.hpp>
#include <wherry/status/guarded_call.hpp>

namespace wherry {

/// Carries a host function to a CPU device: as one native kernel on an in-order queue, or as a plain call.
class native_carrier {
 public:
  native_carrier() = default;
  native_carrier(cl_context context, cl_device_id device) {
    cl_int code = CL_SUCCESS;
    queue_ = cl_handle<cl_command_queue>(clCreateCommandQueueWithProperties(context, device, nullptr, &code));
    cl_check(code, "clCreateCommandQueueWithProperties");
  }

  using body = void (*)(void* argument) noexcept;

  /// Runs `fn(argument)` before it returns; null, or why the command was refused (then `fn` did not run).
  /// One thread at a time.
  failure run(body fn, void* argument) noexcept {
    if (!queue_) {
      fn(argument);
      return nullptr;
    }
    packet p{fn, argument};
    const cl_int code =
        clEnqueueNativeKernel(queue_.get(), &unpack, &p, sizeof p, 0, nullptr, nullptr, 0, nullptr, nullptr);
    return code == CL_SUCCESS ? nullptr : cl_failure(code, "clEnqueueNativeKernel");
  }

 private:
  struct packet {
    body fn;
    void* argument;
  };
  static void CL_CALLBACK unpack(void* block) {
    const packet* p = static_cast<const packet*>(block);
    p->fn(p->argument);
  }
  cl_handle<cl_command_queue> queue_;
};

class cpu_storage final : public storage {
 public:
  cpu_storage(ref<device_core> owner, host_pool& pool, void* block, std::size_t bytes)
      : storage(bytes), owner_(std::move(owner)), pool_(pool), block_(block) {}
  ~cpu_storage() override { pool_.deallocate(block_, bytes()); }
  void* host() const noexcept override { return block_; }

  static void* operator new(std::size_t bytes) { return frame_pool::allocate(bytes); }
  static void operator delete(void* p, std::size_t bytes) noexcept { frame_pool::release(p, bytes); }

 private:
  ref<device_core> owner_;  // the pool lives there
  host_pool& pool_;
  void* block_;
};

/// Host memory that the caller lent: used in place, given back through `done` when the last use has
/// completed.
class borrowed_storage final : public storage {
 public:
  borrowed_storage(void* memory, std::size_t bytes, bool read_only, std::function<void()> done)
      : storage(bytes), memory_(memory), read_only_(read_only), done_(std::move(done)) {}
  ~borrowed_storage() override {
    if (done_) guarded_call("the deleter of host memory", done_);
  }
  void* host() const noexcept override { return memory_; }
  bool is_read_only() const noexcept override { return read_only_; }

 private:
  void* memory_;
  bool read_only_;
  std::function<void()> done_;
};

struct cpu_device_options {
  unsigned index = 0;
  unsigned devices = 1;  // cpu:0 to cpu:devices-1 exist in the process
  bool direct = false;   // do not carry executions through OpenCL
  bool pin_workers = false;
  std::uint64_t requests_in_flight = 32;
  std::uint64_t transfer_bytes_in_flight = std::uint64_t{256} << 20;
  std::size_t memory_limit = SIZE_MAX;
};

class cpu_device final : public device_core {
 public:
  static ref<device_core> open(const cpu_device_options& options) {
    return ref<device_core>(new cpu_device(options));
  }

  bool is_host() const noexcept override { return true; }
  memory_statistics statistics() const override { return pool_.statistics(); }
  void trim() override { pool_.trim(); }
  host_pool& pool() noexcept { return pool_; }

  /// Returns the carrier of one of this device's compute units; whoever holds the unit's run token may use
  /// it.
  static native_carrier& carrier_of(unit& u) noexcept { return *static_cast<native_carrier*>(u.attachment); }

  /// The OpenCL side, for kernels in OpenCL C; null in direct mode.
  cl_context context() const noexcept { return sides_.empty() ? nullptr : sides_.front().context.get(); }
  cl_device_id cl_device() const noexcept { return sides_.empty() ? nullptr : sides_.front().device; }

 private:
  explicit cpu_device(const cpu_device_options& options)
      : device_core(describe(options), options.requests_in_flight, options.transfer_bytes_in_flight),
        pool_({}, options.memory_limit) {
    if (worker_pool::instance().is_forked()) {
      throw error(
          absl::StatusCode::kFailedPrecondition,
          name() +
              ": this process was forked after a client was made; neither its threads nor OpenCL came along",
          reason::forked);
    }
    open_opencl(options);
    if (options.pin_workers) worker_pool::instance().pin();
    for (const unit_kind kind :
         {unit_kind::tensor_read, unit_kind::tensor_write, unit_kind::tensor_op, unit_kind::collectives}) {
      add_unit(kind);
    }
    for (unsigned k = 0; k < worker_pool::instance().width(); ++k) add_unit(unit_kind::compute);
  }

  static device_description describe(const cpu_device_options& options) {
    device_description d;
    d.name = "cpu:" + std::to_string(options.index);
    d.memory_bytes = static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) *
                     static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
    return d;
  }

  void open_opencl(const cpu_device_options& options) {
    device_description& d = description_;
    const auto direct = [&d](std::string why) { d.carrier = "direct: " + std::move(why); };
    if (options.direct) return direct("asked for");
    cl_platform_id platform = pocl_platform(options.devices * worker_pool::instance().width());
    if (!platform) return direct("no PoCL platform (install pocl-opencl-icd)");
    std::vector<cl_device_id> basic;
    for (cl_device_id id : devices_of(platform)) {
      if (is_pocl_basic(id)) basic.push_back(id);
    }
    if (basic.empty())
      return direct("PoCL offers no `basic` device (POCL_DEVICES, or OpenCL was initialised earlier)");
    const std::size_t width = worker_pool::instance().width();
    for (std::size_t k = 0; k < width; ++k) {
      cl_device_id id = basic[(options.index * width + k) % basic.size()];
      cl_int code = CL_SUCCESS;
      sides_.push_back(
          {id, cl_handle<cl_context>(clCreateContext(nullptr, 1, &id, nullptr, nullptr, &code))});
      cl_check(code, "clCreateContext");
    }
    cl_device_id first = sides_.front().device;
    d.platform = detail::cl_text(platform, CL_PLATFORM_NAME);
    d.model = detail::cl_text(first, CL_DEVICE_NAME);
    d.driver = detail::cl_text(first, CL_DRIVER_VERSION);
    d.carrier = "native";
  }

  ref<storage> try_allocate(std::size_t bytes) override {
    void* block = pool_.allocate(bytes);
    if (!block) return nullptr;
    return make_ref<cpu_storage>(ref<device_core>(this), pool_, block, bytes);
  }
  engine& new_engine(unit_kind) override { return worker_pool::instance(); }
  void prepare(unit& u) override {
    if (u.kind() != unit_kind::compute) return;
    const side* s = sides_.empty() ? nullptr : &sides_[carriers_.size() % sides_.size()];
    carriers_.push_back(
        std::make_unique<native_carrier>(s ? native_carrier(s->context.get(), s->device) : native_carrier()));
    u.attachment = carriers_.back().get();
  }

  // constant after construction
  // One `basic` device for each compute unit: two threads that enqueue on one device pay 1.0 to 1.5 us a
  // command for its locks, on two 0.7.
  struct side {
    cl_device_id device;
    cl_handle<cl_context> context;
  };
  std::vector<side> sides_;
  std::vector<std::unique_ptr<native_carrier>> carriers_;  // grows under the units' mutex
  // any thread
  host_pool pool_;
};

}  // namespace wherry
