// queue_events.hpp: how the loop learns that a command has ended, and how; the definitions behind
// `queue_device`.
//
// Drivers lie about failure in opposite ways (PoCL 3.1 never calls back, Intel's status says complete), so a
// command has failed if its callback's status or its event's status is negative, or clWaitForEvents on the
// finished event says so; a sweep every 20 ms finds callbacks that never came.
//
// Threads: the loop's; callbacks come on threads of the driver's and only post.
#pragma once

#include <wherry/device/queue_device.hpp>

namespace wherry {

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

}  // namespace wherry
