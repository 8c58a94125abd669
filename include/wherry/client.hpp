// client.hpp: the front door: owns devices, the loop and the caches, makes buffers and executables.
//
// A client opens its CPU devices (`cpu:0`, ...) when it is made, other devices when they are asked for, its
// loop's thread when it is first needed. Handles that it gave out share what they need and may outlive it:
// they keep metadata and finished host values, and refuse new work with `client_closed`.
//
// Threads: any. The destructor refuses new submissions, waits (10 s by default) for what is in flight, and
// returns. On the client's own loop or a worker it hands the waiting over to a thread of its own.
#pragma once

#include <absl/status/statusor.h>

#include <chrono>
#include <future>
#include <map>
#include <span>
#include <wherry/array/buffer_maker.hpp>
#include <wherry/coro/move_to.hpp>
#include <wherry/device/barrier.hpp>
#include <wherry/device/ticket_promise.hpp>
#include <wherry/device/when.hpp>
#include <wherry/exec/compiler.hpp>
#include <wherry/exec/file_cache.hpp>
#include <wherry/exec/kernel_cache.hpp>
#include <wherry/exec/kernel_code_cache.hpp>
#include <wherry/exec/named_kernel.hpp>
#include <wherry/exec/native_executable.hpp>
#include <wherry/exec/open_executable.hpp>
#include <wherry/exec/opencl_executable.hpp>
#include <wherry/exec/program.hpp>
#include <wherry/loop/loop_thread.hpp>
#include <wherry/status/number_ranges.hpp>
#include <wherry/status/version.hpp>

namespace wherry {

struct client_options {
  unsigned cpu_devices = 0;  // 0: WHERRY_CPU_DEVICES, else 1
  unsigned workers = 0;      // compute threads of the process; 0: WHERRY_CPU_WORKERS, else the allowed cores
  bool direct = false;       // do not carry executions on cpu devices through OpenCL
  bool pin_workers = false;
  std::uint64_t requests_in_flight = 32;                              // per compute unit
  std::uint64_t transfer_bytes_in_flight = std::uint64_t{256} << 20;  // per transfer unit
  std::size_t memory_limit = SIZE_MAX;                                // bytes per device
  std::chrono::milliseconds shutdown_wait = std::chrono::seconds(10);
  bool latency_histograms = false;  // keep how long requests wait and run, for statistics(): 0.1 us a request
  bool cancel_on_shutdown = false;  // complete what is queued as cancelled instead of running it
  loop_options loop = {};
};

struct compile_options {
  wherry::device device = {};  // empty: the client's first
  std::string codegen = {};    // "native", "opencl"; empty: WHERRY_CODEGEN, else by device
  std::string cpu = "native";  // native code: "native", "x86-64-v3" or "x86-64-v4"
  bool cache = true;           // use the cache on disk
  // What a program of unknown sizes is compiled for; empty: for what each call brings.
  std::vector<known_argument> arguments = {};
};

/// Buffers are made by the members of `buffer_maker` (array/buffer_maker.hpp).
class client : public buffer_maker {
 public:
  explicit client(const client_options& options = {}) : core_(std::make_shared<core>(options)) {
    set_first(wherry::device(core_->cpu.front()));
  }
  client(const client&) = delete;
  client& operator=(const client&) = delete;
  ~client() { core::close(std::move(core_)); }

  /// The client's loop, on a thread of its own that starts now if it has not.
  wherry::loop& loop() const { return core_->home->get(); }

  /// The name of the platform of the first device: "cpu".
  std::string_view platform() const noexcept { return "cpu"; }
  /// Facts by name: `wherry_version`, `workers` and, with a compiler linked, what that says of itself, as
  /// `stablehlo_current_version`.
  std::map<std::string, std::string> attributes() const;

  /// Every device of the machine: cpu:0, ..., then opencl:0, ... Loads every OpenCL driver.
  std::vector<wherry::device> devices() const;
  /// The device called `name`: "cpu", "cpu:1", "opencl:0", or "opencl:TEXT" with a part of "platform/device"
  /// that matches exactly one. Throws not_found, naming the candidates.
  wherry::device device(std::string_view name = "cpu:0") const;

  /// Compiles now, for as long as it takes; refused on a loop's thread (use compile_async). One compilation
  /// per program runs at a time, others wait for it. Throws invalid_argument with `file:line:col: error:
  /// ...`, unimplemented for what is not supported or when no compiler is linked.
  executable compile(const program& source, const compile_options& options = {}) const;
  /// Returns what `compile` would ask the compiler for: which code, for which machine.
  target target_for(const compile_options& options = {}) const {
    device_core& d = place(options.device);
    return core::target_for(options, d, core::codegen_for(options, d, nullptr));
  }
  /// As `compile`, on a worker.
  task<executable> compile_async(program source, compile_options options = {}) const;

  /// Every kernel that can be called by name, with its inputs, output, parameters and defaults: named
  /// kernels, then kernels in OpenCL C that were registered for custom calls.
  std::vector<kernel_signature> kernels() const;
  /// The kernel called `name` for inputs of these types, compiled if it was not yet (see `compile` for what
  /// that means) and with `parameters` settled: its arguments are the inputs. Throws not_found for an unknown
  /// name, invalid_argument for inputs and parameters that the kernel does not take.
  executable kernel(std::string_view name, std::span<const tensor_type> inputs,
                    const kernel_parameters& parameters = {}, const compile_options& options = {}) const;
  executable kernel(std::string_view name, std::initializer_list<tensor_type> inputs,
                    const kernel_parameters& parameters = {}, const compile_options& options = {}) const {
    return kernel(name, std::span(inputs.begin(), inputs.size()), parameters, options);
  }
  /// As `kernel`, on a worker.
  task<executable> kernel_async(std::string name, std::vector<tensor_type> inputs,
                                kernel_parameters parameters = {}, compile_options options = {}) const;
  /// Runs the kernel called `name` on the device of its first input: `kernel`, then a call of it.
  execution run_kernel(std::string_view name, std::span<const wherry::buffer> inputs,
                       const kernel_parameters& parameters = {}, const execute_options& options = {}) const;
  execution run_kernel(std::string_view name, std::initializer_list<wherry::buffer> inputs,
                       const kernel_parameters& parameters = {}, const execute_options& options = {}) const {
    return run_kernel(name, std::span(inputs.begin(), inputs.size()), parameters, options);
  }
  /// Returns what has become of the request that `t` names, any time after it was submitted; never waits.
  /// Throws not_found if no unit of this client gave it out.
  request_state poll(ticket t) const { return dispatcher::poll(unit(t.unit()), t); }
  /// Returns the code that it failed with, `kOk` if it has not. Throws as `poll`.
  absl::StatusCode code_of(ticket t) const { return dispatcher::code_of(unit(t.unit()), t); }
  /// Compiles many programs together, which takes less than one after the other: on all workers, equal
  /// programs and equal kernels once, OpenCL C in few builds. Results are in the order of `sources`. Throws
  /// the first failure, naming the program by its place and its name.
  std::vector<executable> compile(std::span<const program> sources,
                                  const compile_options& options = {}) const;
  /// As above, but what fails leaves the others alone: a status says why (`reason_of` reads the rest).
  std::vector<absl::StatusOr<executable>> compile_each(std::span<const program> sources,
                                                       const compile_options& options = {}) const;
  /// As `compile` of many, on workers.
  task<std::vector<executable>> compile_async(std::vector<program> sources,
                                              compile_options options = {}) const;

  /// What the devices that are open, their memory and their units did so far. Never waits.
  client_statistics statistics() const {
    client_statistics now;
    for (const auto& d : core_->opened()) now.devices.push_back(wherry::device(d).statistics());
    return now;
  }

  /// Records from now on what every device of the client does, those included that are opened later. Throws
  /// failed_precondition if a trace is running.
  void start_trace(const trace_options& options = {}) const;
  /// Ends the trace and returns it. Requests that have not finished are not in it: drain() first to have all.
  /// Throws failed_precondition if no trace is running.
  wherry::trace stop_trace() const;

  /// Waits until everything submitted to any device before the call has completed.
  void drain() const {
    for (const auto& d : core_->opened()) wherry::device(d).drain();
  }
  /// The same to wait for in any of the ways of a promise.
  barrier drained() const { return {core_->cpu.front(), units()}; }

  /// The units of all devices that this client has opened, in the order of devices and of their ids.
  std::vector<wherry::unit*> units() const {
    std::vector<wherry::unit*> all;
    for (const auto& d : core_->opened()) {
      for (wherry::unit* u : d->units()) all.push_back(u);
    }
    return all;
  }
  /// The unit with this id. Throws not_found if it is none of an open device of this client.
  wherry::unit& unit(std::uint16_t id) const { return *unit_of(id).second; }

  /// The newest ticket of a unit, and the newest of which it and all before are done; never wait. Throw as
  /// `unit`.
  ticket last_submitted(std::uint16_t unit_id) const { return unit(unit_id).last_submitted(); }
  ticket last_completed(std::uint16_t unit_id) const { return unit(unit_id).last_completed(); }
  /// True once the request that `t` names, and all before it in its unit, are done, whatever came of them;
  /// never waits. Throws not_found if no unit of this client has given `t` out.
  bool is_completed(ticket t) const {
    const wherry::unit& u = unit(t.unit());
    dispatcher::require_given_out(u, t);
    return u.is_completed(t);
  }
  /// The request that `t` names, to wait for in any of the ways of a promise. Throws as `is_completed`.
  ticket_promise when(ticket t) const {
    const auto found = unit_of(t.unit());
    return {found.first, *found.second, t};
  }
  /// Waits for it, and throws its failure; `when(t)` waits in other ways.
  void wait(ticket t) const { (void)when(t).await(); }

  /// Has `hook` called, on the loop's thread, with each failure that nobody looks at: once, as it began, when
  /// the last handle to it and to what depends on it is gone. Without a hook they are logged.
  void on_unobserved_error(std::function<void(const error&)> hook) const {
    core_->unobserved->set_hook(std::move(hook));
  }

 private:
  std::pair<ref<device_core>, wherry::unit*> unit_of(std::uint16_t id) const {
    const auto all = core_->opened();
    std::string known;
    for (const auto& d : all) {
      std::vector<std::uint16_t> ids;
      for (wherry::unit* u : d->units()) {
        if (u->id() == id) return {d, u};
        ids.push_back(u->id());
      }
      known += " " + d->name() + ": " + number_ranges(std::move(ids));
    }
    throw error(absl::StatusCode::kNotFound,
                "no unit of this client's devices has the id " + std::to_string(id) + "; known:" + known);
  }

  struct core {
    explicit core(const client_options& o);
    std::vector<ref<device_core>> opened() const {
      std::lock_guard lock(mutex);
      std::vector<ref<device_core>> all = cpu;
      for (const auto& [index, d] : queues) all.push_back(d);
      return all;
    }
    ref<device_core> open_queue(std::size_t index);
    static void close(std::shared_ptr<core> self);
    void shut_down();

    client_options options;
    std::shared_ptr<loop_thread> home;  // shared with devices, which may outlive the client
    std::shared_ptr<unobserved_errors> unobserved =
        std::make_shared<unobserved_errors>([l = home]() -> wherry::loop& { return l->get(); });
    mutable std::mutex mutex;
    std::vector<ref<device_core>> cpu;
    std::map<std::size_t, ref<device_core>> queues;
    ref<trace_recorder> recorder;  // null: no trace is running
    std::optional<std::vector<cl_device_info_text>> found;
    file_cache cache = file_cache::from_environment();
    struct compilation {
      std::shared_future<std::shared_ptr<const plan>> running;
      std::weak_ptr<const plan> made;  // for as long as an executable uses it
    };
    std::map<std::string, compilation> compilations;
    kernel_cache kernels;

    opencl_programs built;  // of OpenCL C, by kernel

    // A program on its way to an executable; see client_compile.hpp.
    struct compiling;
    std::shared_ptr<const plan> plan_of(const program& source, const target& t,
                                        const compile_options& options, kernel_code_cache& code,
                                        bool among_others);
    void make_plan(compiling& one, kernel_code_cache& code, bool among_others);
    static bool is_artifact(const program& source) noexcept;
    void build(std::span<compiling> all);
    static void finish(const std::shared_ptr<core>& self, compiling& one);
    static std::vector<compiling> compile(const std::shared_ptr<core>& self, std::span<const program> sources,
                                          const compile_options& options, const ref<device_core>& where);
    static std::string codegen_for(const compile_options& options, device_core& d, const plan* artifact);
    static target target_for(const compile_options& options, device_core& d, const std::string& codegen);
  };

  std::shared_ptr<core> core_;
};

// ---------------------------------------------------------------------------------------- devices

inline std::map<std::string, std::string> client::attributes() const {
  std::map<std::string, std::string> all;
  if (const compiler* c = compiler::installed()) all = c->attributes();
  all.emplace("wherry_version", version);
  all.emplace("workers", std::to_string(worker_pool::instance().width()));
  return all;
}

inline client::core::core(const client_options& o) : options(o), home(loop_thread::shared(o.loop)) {
  (void)worker_pool::instance(o.workers);
  unsigned count = o.cpu_devices;
  if (count == 0) {
    count = number_from_environment("WHERRY_CPU_DEVICES", 1024);
  }
  if (count == 0) count = 1;
  for (unsigned k = 0; k < count; ++k) {
    cpu_device_options d;
    d.index = k;
    d.devices = count;
    d.direct = o.direct;
    d.pin_workers = o.pin_workers;
    d.requests_in_flight = o.requests_in_flight;
    d.transfer_bytes_in_flight = o.transfer_bytes_in_flight;
    d.memory_limit = o.memory_limit;
    cpu.push_back(cpu_device::open(d));
    cpu.back()->set_home([l = home]() -> wherry::loop& { return l->get(); });
    cpu.back()->set_unobserved(unobserved);
    if (o.latency_histograms) cpu.back()->keep_latencies();
  }
}

inline ref<device_core> client::core::open_queue(std::size_t index) {
  std::lock_guard lock(mutex);
  if (!found) found = queue_devices(static_cast<unsigned>(cpu.size()) * worker_pool::instance().width());
  if (index >= found->size()) return nullptr;
  ref<device_core>& slot = queues[index];
  if (!slot) {
    slot = queue_device::open((*found)[index], index, home, options.requests_in_flight,
                              options.transfer_bytes_in_flight, options.memory_limit);
    slot->set_home([l = home]() -> wherry::loop& { return l->get(); });
    slot->set_unobserved(unobserved);
    if (options.latency_histograms) slot->keep_latencies();
    if (recorder) slot->trace_into(recorder);
  }
  return slot;
}

inline std::vector<device> client::devices() const {
  std::vector<wherry::device> all;
  for (const auto& d : core_->cpu) all.emplace_back(d);
  for (std::size_t k = 0;; ++k) {
    ref<device_core> d = core_->open_queue(k);
    if (!d) return all;
    all.emplace_back(std::move(d));
  }
}

inline device client::device(std::string_view name) const {
  const std::size_t colon = name.find(':');
  const std::string_view platform = name.substr(0, colon);
  const std::string_view rest = colon == std::string_view::npos ? "0" : name.substr(colon + 1);
  const bool numeric =
      !rest.empty() && rest.size() < 6 && rest.find_first_not_of("0123456789") == std::string_view::npos;
  std::string known;
  if (platform == "cpu") {
    if (numeric) {
      const auto k = static_cast<std::size_t>(std::stoul(std::string(rest)));
      if (k < core_->cpu.size()) return wherry::device(core_->cpu[k]);
    }
    for (const auto& d : core_->cpu) known += " " + d->name();
  } else if (platform == "opencl") {
    if (numeric) {
      if (ref<device_core> d = core_->open_queue(std::stoul(std::string(rest))))
        return wherry::device(std::move(d));
    }
    (void)core_->open_queue(0);
    std::vector<std::size_t> matches;
    for (std::size_t k = 0; k < core_->found->size(); ++k) {
      const auto& f = (*core_->found)[k];
      const std::string full = f.platform_name + "/" + f.device_name;
      known += " opencl:" + std::to_string(k) + " (" + full + ")";
      if (!numeric && full.find(rest) != std::string::npos) matches.push_back(k);
    }
    if (matches.size() == 1) return wherry::device(core_->open_queue(matches.front()));
    if (matches.size() > 1) {
      throw error(absl::StatusCode::kInvalidArgument, "device '" + std::string(name) + "' matches " +
                                                          std::to_string(matches.size()) +
                                                          " devices; known:" + known);
    }
  }
  if (platform != "cpu" && platform != "opencl") {
    for (const auto& d : core_->opened()) known += " " + d->name();
  }
  throw error(absl::StatusCode::kNotFound,
              "no device '" + std::string(name) +
                  "'; expected cpu[:K] or opencl:K|TEXT; known:" + (known.empty() ? " none" : known));
}

// ------------------------------------------------------------------------------------------ trace

inline void client::start_trace(const trace_options& options) const {
  std::lock_guard lock(core_->mutex);
  if (core_->recorder)
    throw error(absl::StatusCode::kFailedPrecondition, "start_trace: a trace of this client is running");
  core_->recorder = make_ref<trace_recorder>(options);
  for (const auto& d : core_->cpu) d->trace_into(core_->recorder);
  for (const auto& [index, d] : core_->queues) d->trace_into(core_->recorder);
}

inline trace client::stop_trace() const {
  std::lock_guard lock(core_->mutex);
  if (!core_->recorder)
    throw error(absl::StatusCode::kFailedPrecondition, "stop_trace: no trace of this client is running");
  const ref<trace_recorder> recorder = std::exchange(core_->recorder, nullptr);
  for (const auto& d : core_->cpu) d->trace_into(nullptr);
  for (const auto& [index, d] : core_->queues) d->trace_into(nullptr);
  return recorder->stop();
}

// --------------------------------------------------------------------------------------- shutdown

inline void client::core::shut_down() {
  const failure closed = make_failure(absl::StatusCode::kFailedPrecondition, "the client has been closed",
                                      reason::client_closed);
  const auto all = opened();
  const auto end = std::chrono::steady_clock::now() + options.shutdown_wait;
  const failure cancelled =
      make_failure(absl::StatusCode::kCancelled, "cancelled in its queue: the client has been closed",
                   reason::client_closed);
  for (const auto& d : all) d->refuse(closed, options.cancel_on_shutdown ? cancelled : nullptr);
  for (const auto& d : all) {
    for (wherry::unit* u : d->units()) {
      if (dispatcher::drain_until(*u, end)) continue;
      log(log_level::error, "client shutdown: unit " + std::to_string(u->id()) + " of " + d->name() +
                                " did not finish in time; what it runs is left behind");
      ref<device_core>(d).detach();  // leaked on purpose: the device still works on its memory
    }
  }
  unobserved->close();
}

inline void client::core::close(std::shared_ptr<core> self) {
  const scheduler* here = scheduler::current();
  if (!here || here->what() == scheduler::kind::waiter) {
    self->shut_down();
    return;
  }
  std::thread([self = std::move(self)]() mutable {
    self->shut_down();
    self.reset();
  }).detach();
}

}  // namespace wherry

#include <wherry/client_compile.hpp>
#include <wherry/client_kernels.hpp>
