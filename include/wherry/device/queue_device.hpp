// queue_device.hpp: an OpenCL device reached through command queues: GPUs, PoCL's `pthread` driver, and
// others.
//
// Every unit has an in-order command queue; the client's loop leads the units, so one thread enqueues and
// learns of completions. Within a unit, and from a producer to its readers on other units, the device keeps
// the order (hand_over.hpp): wait lists hold events of commands of this device and nothing else, and nothing
// whose failure is known reaches the driver, which might never end it (PoCL 3.1).
//
// How the end of a command is learnt: queue_events.hpp. Blocking OpenCL calls are not used.
//
// Threads: units and memory any; events and queues the loop's.
#pragma once

#include <wherry/cl/handle.hpp>
#include <wherry/cl/platform.hpp>
#include <wherry/device/device.hpp>
#include <wherry/device/loop_engine.hpp>
#include <wherry/device/transfer.hpp>

namespace wherry {

class queue_device final : public device_core, public byte_mover {
 public:
  static ref<device_core> open(const cl_device_info_text& found, std::size_t index,
                               std::shared_ptr<loop_thread> home, std::uint64_t requests,
                               std::uint64_t transfer_bytes, std::size_t memory_limit = SIZE_MAX) {
    return ref<device_core>(
        new queue_device(found, index, std::move(home), requests, transfer_bytes, memory_limit));
  }

  bool is_host() const noexcept override { return false; }
  memory_statistics statistics() const override { return pool_.statistics(); }
  void trim() override { pool_.trim(); }

  cl_context context() const noexcept { return context_.get(); }
  cl_device_id cl_device() const noexcept { return device_; }
  /// What a unit has of its own.
  struct lane {
    cl_handle<cl_command_queue> queue;
    cl_handle<cl_command_queue> other;  // with profiling while `queue` is without, or the other way round
    bool profiles = false;              // `queue`; loop thread only
    std::weak_ptr<storage>
        arena;  // of the executions in flight, which use it one after the other; loop thread only
  };
  static lane& lane_of(const unit& u) noexcept { return *static_cast<lane*>(u.attachment); }
  static cl_command_queue queue_of(const unit& u) noexcept { return lane_of(u).queue.get(); }
  /// As `queue_of`, for the execution `r` that starts now. For a trace the unit changes over to a queue that
  /// stamps its commands with times, and back when the trace has ended, each time as soon as its queue is
  /// empty. (Stamps would cost every small command a twelfth of its time.) Loop thread only.
  cl_command_queue queue_for(const request& r, bool profiling);

  /// The memory of a storage of this device.
  static cl_mem memory_of(const storage& s) noexcept { return static_cast<const cl_storage&>(s).memory(); }

  /// Waits for one command; loop thread only. `co_await watch(event)` throws what the verdict is.
  class event_wait;
  event_wait watch(cl_handle<cl_event> event);

  /// What the first command of a request has to wait for. Empty it is as clEnqueue... wants it.
  class wait_list;

  /// Flushes the queue of `r`, hands `r` over, and finishes it when `last` has ended. `first` is the first of
  /// its commands, `last` the last one. Loop thread only.
  void hand_over(request& r, cl_handle<cl_event> first, cl_handle<cl_event> last);

  failure move_bytes(transfer& t) noexcept override;

 private:
  struct source {
    cl_context context = nullptr;
    cl_mem allocate(std::size_t bytes) {
      cl_int code = CL_SUCCESS;
      cl_mem memory = clCreateBuffer(context, CL_MEM_READ_WRITE, bytes, nullptr, &code);
      return code == CL_SUCCESS ? memory : nullptr;
    }
    void free(cl_mem memory, std::size_t) noexcept { (void)clReleaseMemObject(memory); }
  };
  using pool = memory_pool<cl_mem, source>;

  class cl_storage final : public storage {
   public:
    cl_storage(ref<device_core> owner, pool& p, cl_mem memory, std::size_t bytes)
        : storage(bytes), owner_(std::move(owner)), pool_(p), memory_(memory) {}
    ~cl_storage() override { pool_.deallocate(memory_, bytes()); }
    cl_mem memory() const noexcept { return memory_; }

   private:
    ref<device_core> owner_;
    pool& pool_;
    cl_mem memory_;
  };

  struct command_end final : device_event {
    explicit command_end(cl_handle<cl_event> e) : event(std::move(e)) {}
    cl_handle<cl_event> event;
  };

  // One command in flight. Two owners: the driver's callback (which may never come) and the list.
  struct watched : work {
    ref<queue_device> device;
    cl_handle<cl_event> event;
    cl_handle<cl_event> first;  // of the same request, or null
    std::atomic<cl_int> reported{0};
    std::atomic<int> owners{2};
    bool ended = false;  // loop thread only
    watched* next = nullptr;
    watched* prev = nullptr;
    void* who = nullptr;
    void (*done)(void* who, failure why, bool ran_nothing) noexcept = nullptr;
    void drop() noexcept {
      if (owners.fetch_sub(1) == 1) delete this;
    }
  };

  struct sweeper : timer {
    ref<queue_device> device;  // set while the timer runs
  };

  queue_device(const cl_device_info_text& found, std::size_t index, std::shared_ptr<loop_thread> home,
               std::uint64_t requests, std::uint64_t transfer_bytes, std::size_t memory_limit)
      : device_core(describe(found, index), requests, transfer_bytes),
        device_(found.device),
        context_(new_context(found.device)),
        engine_(make_ref<loop_engine>(std::move(home))),
        pool_(source{context_.get()}, memory_limit) {
    for (const unit_kind kind : {unit_kind::tensor_read, unit_kind::tensor_write, unit_kind::tensor_op,
                                 unit_kind::collectives, unit_kind::compute, unit_kind::compute}) {
      add_unit(kind);
    }
  }

  static device_description describe(const cl_device_info_text& found, std::size_t index);
  static cl_handle<cl_context> new_context(cl_device_id device) {
    cl_int code = CL_SUCCESS;
    cl_handle<cl_context> context(clCreateContext(nullptr, 1, &device, nullptr, nullptr, &code));
    cl_check(code, "clCreateContext");
    return context;
  }

  ref<storage> try_allocate(std::size_t bytes) override {
    cl_mem memory = pool_.allocate(bytes);
    if (!memory) return nullptr;
    return ref<storage>(new cl_storage(ref<device_core>(this), pool_, memory, bytes));
  }
  engine& new_engine(unit_kind) override { return *engine_; }
  cl_handle<cl_command_queue> new_queue() const {
    cl_int code = CL_SUCCESS;
    cl_handle<cl_command_queue> queue(
        clCreateCommandQueueWithProperties(context_.get(), device_, nullptr, &code));
    cl_check(code, "clCreateCommandQueueWithProperties");
    return queue;
  }
  void renew() override {
    for (unit* u : units()) {
      lane_of(*u).queue = new_queue();
      lane_of(*u).arena.reset();
    }
  }
  void prepare(unit& u) override {
    auto made = std::make_unique<lane>();
    made->queue = new_queue();
    u.attachment = made.get();
    lanes_.push_back(std::move(made));
  }

  static cl_int enqueue_move(cl_command_queue queue, const transfer::move& m, cl_uint count,
                             const cl_event* waits, cl_event* event, const char*& call) noexcept;
  void track(cl_handle<cl_event> first, cl_handle<cl_event> last, void* who,
             void (*done)(void* who, failure why, bool ran_nothing) noexcept);
  void end(watched& w) noexcept;
  void arm_sweep() noexcept;
  void sweep() noexcept;
  static failure verdict(cl_event event, cl_int reported) noexcept;

  // constant after construction
  cl_device_id device_;
  cl_handle<cl_context> context_;
  ref<loop_engine> engine_;
  std::vector<std::unique_ptr<lane>> lanes_;  // grows under the units' mutex
  // loop thread only
  watched* first_ = nullptr;
  sweeper sweep_;
  // any thread
  pool pool_;
};

// ----------------------------------------------------------------------------------- handing over

class queue_device::wait_list {
 public:
  explicit wait_list(const request& r) {
    for (const auto& e : r.waits()) events_.push_back(static_cast<const command_end&>(*e).event.get());
    if (r.after()) after_ = static_cast<const command_end&>(*r.after()).event.get();
  }
  cl_uint size() const noexcept { return static_cast<cl_uint>(events_.size()); }
  const cl_event* data() const noexcept { return events_.empty() ? nullptr : events_.data(); }

  /// Returns why the request must not be enqueued now, or null. PoCL 3.1 never ends what waits for an event
  /// that has failed.
  failure why_not() const noexcept {
    absl::InlinedVector<cl_event, 4> all = events_;
    if (after_) all.push_back(after_);
    for (cl_event event : all) {
      cl_int status = CL_COMPLETE;
      const cl_int asked =
          clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, nullptr);
      for (const cl_int code : {asked, status}) {
        if (code < 0) return cl_failure(code, "a command ahead");
      }
    }
    return nullptr;
  }

 private:
  absl::InlinedVector<cl_event, 4> events_;
  cl_event after_ = nullptr;
};

inline cl_command_queue queue_device::queue_for(const request& r, bool profiling) {
  lane& own = lane_of(*r.where());
  if (own.profiles == profiling || r.after()) return own.queue.get();
  if (!own.other) {
    const cl_queue_properties stamped[] = {CL_QUEUE_PROPERTIES, CL_QUEUE_PROFILING_ENABLE, 0};
    own.other = cl_handle<cl_command_queue>(
        clCreateCommandQueueWithProperties(context_.get(), device_, stamped, nullptr));
    if (!own.other) return own.queue.get();  // the trace does without
  }
  std::swap(own.queue, own.other);
  own.profiles = profiling;
  return own.queue.get();
}

inline void queue_device::hand_over(request& r, cl_handle<cl_event> first, cl_handle<cl_event> last) {
  (void)clFlush(queue_of(*r.where()));
  dispatcher::hand_over(r, make_ref<command_end>(last));
  track(std::move(first), std::move(last), &r, [](void* who, failure why, bool ran_nothing) noexcept {
    dispatcher::finish(*static_cast<request*>(who), std::move(why), ran_nothing);
  });
}

// -------------------------------------------------------------------------------------- transfers

inline failure queue_device::move_bytes(transfer& t) noexcept {
  cl_command_queue queue = queue_of(*t.where());
  const wait_list waits(t);
  if (failure why = waits.why_not()) return why;
  cl_handle<cl_event> first, last;
  cl_int code = CL_SUCCESS;
  const char* call = nullptr;
  for (const transfer::move& m : t.moves()) {
    if (m.bytes == 0) continue;
    const bool is_first = !first;
    cl_event event = nullptr;
    code =
        enqueue_move(queue, m, is_first ? waits.size() : 0, is_first ? waits.data() : nullptr, &event, call);
    if (code != CL_SUCCESS) break;
    last = cl_handle<cl_event>(event);
    if (is_first) first = last;
  }
  if (code == CL_SUCCESS && !first) {
    call = "clEnqueueMarkerWithWaitList";
    cl_event event = nullptr;
    code = clEnqueueMarkerWithWaitList(queue, waits.size(), waits.data(), &event);
    first = last = cl_handle<cl_event>(event);
  }
  if (code != CL_SUCCESS) {
    failure why = cl_failure(code, call);
    if (!first) return why;
    // What has been enqueued still uses the memory.
    t.refuse(std::move(why));
    (void)clFlush(queue);
    track({}, std::move(last), &t, [](void* who, failure, bool) noexcept {
      auto& refused = *static_cast<transfer*>(who);
      dispatcher::finish(refused, refused.refusal());
    });
    return nullptr;
  }
  hand_over(t, std::move(first), std::move(last));
  return nullptr;
}

inline cl_int queue_device::enqueue_move(cl_command_queue queue, const transfer::move& m, cl_uint count,
                                         const cl_event* waits, cl_event* event, const char*& call) noexcept {
  const auto on_device = [](const transfer::end& e) { return e.memory && !e.memory->host(); };
  if (m.pattern.size != 0) {
    call = "clEnqueueFillBuffer";
    return clEnqueueFillBuffer(queue, memory_of(*m.to.memory), m.pattern.bytes.data(), m.pattern.size,
                               m.to.offset, m.bytes, count, waits, event);
  }
  if (on_device(m.from) && on_device(m.to)) {
    call = "clEnqueueCopyBuffer";
    return clEnqueueCopyBuffer(queue, memory_of(*m.from.memory), memory_of(*m.to.memory), m.from.offset,
                               m.to.offset, m.bytes, count, waits, event);
  }
  if (on_device(m.to)) {
    call = "clEnqueueWriteBuffer";
    return clEnqueueWriteBuffer(queue, memory_of(*m.to.memory), CL_FALSE, m.to.offset, m.bytes, m.from.host,
                                count, waits, event);
  }
  call = "clEnqueueReadBuffer";
  return clEnqueueReadBuffer(queue, memory_of(*m.from.memory), CL_FALSE, m.from.offset, m.bytes, m.to.host,
                             count, waits, event);
}

inline device_description queue_device::describe(const cl_device_info_text& found, std::size_t index) {
  device_description d;
  d.name = "opencl:" + std::to_string(index);
  d.platform = found.platform_name;
  d.model = found.device_name;
  d.driver = found.driver_version;
  d.carrier = "queue";
  const std::string extensions = detail::cl_text(found.device, CL_DEVICE_EXTENSIONS);
  d.fp16 = extensions.find("cl_khr_fp16") != std::string::npos;
  d.fp64 = extensions.find("cl_khr_fp64") != std::string::npos;
  cl_device_type type = 0;
  cl_ulong bytes = 0;
  cl_check(clGetDeviceInfo(found.device, CL_DEVICE_TYPE, sizeof type, &type, nullptr), "clGetDeviceInfo");
  cl_check(clGetDeviceInfo(found.device, CL_DEVICE_GLOBAL_MEM_SIZE, sizeof bytes, &bytes, nullptr),
           "clGetDeviceInfo");
  d.gpu = (type & CL_DEVICE_TYPE_GPU) != 0;
  d.memory_bytes = bytes;
  return d;
}

}  // namespace wherry

#include <wherry/device/queue_events.hpp>
