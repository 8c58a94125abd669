// queue_device.hpp: an OpenCL device reached through command queues: GPUs, PoCL's `pthread` driver, and
// others.
//
// Every unit has an in-order command queue; the client's loop leads the units, so one thread enqueues and
// learns of completions. Within a unit, and from a producer to its readers on other units, the device keeps
// the order (hand_over.hpp): wait lists hold events of commands of this device and nothing else, and nothing
// whose failure is known reaches the driver, which might never end it (PoCL 3.1).
//
// Drivers lie about failure in opposite ways (PoCL 3.1 never calls back, Intel's status says complete), so a
// command has failed if its callback's status or its event's status is negative, or clWaitForEvents on the
// finished event says so; a sweep every 20 ms finds callbacks that never came. Blocking OpenCL calls are not
// used.
//
// Threads: units and memory any; events and queues the loop's.
#pragma once

#include <wherry/cl/handle.hpp>
#include <wherry/cl/platform.hpp>
#include <wherry/device/device.hpp>
#include <wherry/device/transfer.hpp>
#include <wherry/loop/loop_thread.hpp>

namespace wherry {

/// Leads units on a loop's thread. Keeps itself alive while it is posted there.
class loop_engine final : public engine, public ref_counted<loop_engine>, work {
 public:
  explicit loop_engine(std::shared_ptr<loop_thread> where) : where_(std::move(where)) {
    run = [](work& w) noexcept {
      const auto self = ref<loop_engine>::adopt(&static_cast<loop_engine&>(w));
      self->lead_all();
    };
  }
  void schedule(unit& u) noexcept override {
    if (u.scheduled_) return;
    u.retain();
    u.scheduled_ = true;
    u.next_scheduled_ = nullptr;
    (last_ ? last_->next_scheduled_ : first_) = &u;
    last_ = &u;
  }
  void poke() noexcept override {
    if (posted_.exchange(true)) return;
    retain();
    where_->get().post(*this);
  }
  bool leads_anywhere() const noexcept override { return false; }
  loop& home() { return where_->get(); }

 private:
  void lead_all() noexcept {
    posted_.store(false);
    for (;;) {
      ref<unit> u;
      {
        detail::dispatch_lock lock;
        if (!first_) return;
        u = ref<unit>::adopt(first_);
        first_ = u->next_scheduled_;
        if (!first_) last_ = nullptr;
        u->scheduled_ = false;
      }
      dispatcher::lead(*u, [] { return false; });
    }
  }

  std::shared_ptr<loop_thread> where_;
  // dispatch lock
  unit* first_ = nullptr;
  unit* last_ = nullptr;
  // any thread
  std::atomic<bool> posted_{false};
};

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

// ----------------------------------------------------------------------------------------- events

class queue_device::event_wait {
 public:
  event_wait(queue_device& d, cl_handle<cl_event> event) : device_(d), event_(std::move(event)) {}
  event_wait(const event_wait&) = delete;
  event_wait& operator=(const event_wait&) = delete;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> h) {
    handle_ = h;
    device_.track({}, std::move(event_), this, [](void* who, failure why, bool) noexcept {
      auto* self = static_cast<event_wait*>(who);
      self->why_ = std::move(why);
      resume(self->handle_);
    });
  }
  void await_resume() const {
    if (why_) raise(why_);
  }

 private:
  queue_device& device_;
  cl_handle<cl_event> event_;
  std::coroutine_handle<> handle_;
  failure why_;
};

inline queue_device::event_wait queue_device::watch(cl_handle<cl_event> event) {
  return event_wait(*this, std::move(event));
}

inline failure queue_device::verdict(cl_event event, cl_int reported) noexcept {
  cl_int status = CL_COMPLETE;
  const cl_int asked =
      clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, nullptr);
  const cl_int waited =
      asked == CL_SUCCESS && status <= CL_COMPLETE ? clWaitForEvents(1, &event) : CL_SUCCESS;
  for (const cl_int code : {reported, status, asked, waited}) {
    if (code < 0) return cl_failure(code, "OpenCL command");
  }
  return nullptr;
}

inline void queue_device::track(cl_handle<cl_event> first, cl_handle<cl_event> last, void* who,
                                void (*done)(void*, failure, bool) noexcept) {
  auto* w = new watched{};
  w->device = ref<queue_device>(this);
  w->event = std::move(last);
  w->first = std::move(first);
  w->who = who;
  w->done = done;
  w->run = [](work& item) noexcept {
    auto& self = static_cast<watched&>(item);
    if (!self.ended) self.device->end(self);
    self.drop();
  };
  w->next = first_;
  if (first_) first_->prev = w;
  first_ = w;
  const cl_int code = clSetEventCallback(
      w->event.get(), CL_COMPLETE,
      [](cl_event, cl_int status, void* user) {
        auto* self = static_cast<watched*>(user);
        self->reported.store(status);
        self->device->engine_->home().post(*self);
      },
      w);
  if (code != CL_SUCCESS) w->drop();  // no callback will come; the sweep sees the end
  if (!sweep_.device) arm_sweep();
}

inline void queue_device::end(watched& w) noexcept {
  w.ended = true;
  (w.prev ? w.prev->next : first_) = w.next;
  if (w.next) w.next->prev = w.prev;
  failure why = verdict(w.event.get(), w.reported.load());
  const bool ran_nothing = why && w.first && verdict(w.first.get(), CL_SUCCESS);
  if (why) {
    // PoCL 3.1 locks a failed event again after it has called back, on another thread: one that was released
    // meanwhile makes it abort. The events of failed commands stay for good.
    (void)clRetainEvent(w.event.get());
    if (w.first) (void)clRetainEvent(w.first.get());
  }
  note(why);
  w.done(w.who, std::move(why), ran_nothing);
  w.drop();
}

inline void queue_device::arm_sweep() noexcept {
  loop& home = engine_->home();
  sweep_.device = ref<queue_device>(this);
  sweep_.is = operation::state::idle;
  sweep_.deadline = home.now() + std::chrono::milliseconds(20);
  sweep_.run = [](work& w) noexcept {
    auto& self = static_cast<sweeper&>(w);
    const ref<queue_device> device = std::move(self.device);
    if (self.result == 0) device->sweep();
  };
  home.start(sweep_);
}

inline void queue_device::sweep() noexcept {
  const auto has_ended = [](const watched& w) {
    cl_int status = CL_QUEUED;
    const cl_int code =
        clGetEventInfo(w.event.get(), CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, nullptr);
    return code != CL_SUCCESS || status <= CL_COMPLETE;
  };
  std::vector<watched*> all;  // the newest first; `end` may add others, and is called from this thread only
  for (watched* w = first_; w; w = w->next) {
    if (has_ended(*w)) all.push_back(w);
  }
  for (auto at = all.rbegin(); at != all.rend(); ++at) end(**at);
  if (first_ && !sweep_.device) arm_sweep();
}

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
