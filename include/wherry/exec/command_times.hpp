// command_times.hpp: when the commands of one traced execution ran, as the driver's clock tells.
//
// A driver stamps commands with a clock of its own. The host's time just before the first command is enqueued
// and the driver's time of its entry into the queue are the same moment to within a microsecond or two, and
// give the difference of the clocks. Commands of a queue without profiling are left out, and so are those
// behind the first `most`, because each keeps an event of the driver alive.
//
// Threads: one at a time.
#pragma once

#include <string_view>
#include <utility>
#include <vector>
#include <wherry/cl/handle.hpp>
#include <wherry/device/thread_number.hpp>
#include <wherry/status/trace_recorder.hpp>

namespace wherry {

class command_times {
 public:
  /// Begins anew. Before the first command is enqueued.
  void begin() {
    commands_.clear();
    enqueued_ = trace_recorder::now();
    thread_ = detail::thread_number();
  }
  /// `name` must stay until `report`.
  void add(cl_handle<cl_event> event, std::string_view name) {
    if (commands_.size() < most) {
      commands_.push_back({std::move(event), name});
    } else {
      ++left_out_;
    }
  }

  /// Records the commands that have ended, for `request`, and forgets them.
  void report(trace_recorder& to, ticket request) {
    std::int64_t ahead = 0;  // of the driver's clock, to the host's
    bool known = false;
    for (const command& c : commands_) {
      cl_ulong queued = 0;
      cl_ulong begin = 0;
      cl_ulong end = 0;
      if (!read(c.event, CL_PROFILING_COMMAND_QUEUED, queued) ||
          !read(c.event, CL_PROFILING_COMMAND_START, begin) ||
          !read(c.event, CL_PROFILING_COMMAND_END, end)) {
        continue;
      }
      if (!std::exchange(known, true)) ahead = static_cast<std::int64_t>(queued) - enqueued_;
      to.add_kernel({request, 0, thread_, static_cast<std::int64_t>(begin) - ahead,
                     static_cast<std::int64_t>(end) - ahead},
                    c.name);
    }
    commands_.clear();
    if (left_out_ != 0) to.dropped(std::exchange(left_out_, 0));
  }

 private:
  static constexpr std::size_t most = 16384;

  struct command {
    cl_handle<cl_event> event;
    std::string_view name;
  };
  static bool read(const cl_handle<cl_event>& event, cl_profiling_info what, cl_ulong& value) noexcept {
    return clGetEventProfilingInfo(event.get(), what, sizeof value, &value, nullptr) == CL_SUCCESS;
  }

  std::vector<command> commands_;
  std::uint64_t left_out_ = 0;
  std::int64_t enqueued_ = 0;
  std::uint32_t thread_ = 0;
};

}  // namespace wherry
