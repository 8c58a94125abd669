// handle.hpp: owning handles of OpenCL objects.
//
// `cl_handle<cl_mem>` is one pointer wide and counts through OpenCL's own reference counts, so it costs
// what clRetain and clRelease cost and nothing else.
//
// Threads: OpenCL's own rules (all calls but clSetKernelArg are thread-safe).
#pragma once

#include <CL/cl.h>

#include <utility>

namespace wherry {

template <class Object>
struct cl_traits;
#define WHERRY_CL_TRAITS(type, what)                                   \
  template <>                                                          \
  struct cl_traits<type> {                                             \
    static void retain(type o) noexcept { (void)clRetain##what(o); }   \
    static void release(type o) noexcept { (void)clRelease##what(o); } \
  };
WHERRY_CL_TRAITS(cl_context, Context)
WHERRY_CL_TRAITS(cl_command_queue, CommandQueue)
WHERRY_CL_TRAITS(cl_mem, MemObject)
WHERRY_CL_TRAITS(cl_program, Program)
WHERRY_CL_TRAITS(cl_kernel, Kernel)
WHERRY_CL_TRAITS(cl_event, Event)
#undef WHERRY_CL_TRAITS

template <class Object>
class cl_handle {
 public:
  cl_handle() = default;
  /// Takes over the caller's reference.
  explicit cl_handle(Object object) noexcept : object_(object) {}
  cl_handle(const cl_handle& other) noexcept : object_(other.object_) {
    if (object_) cl_traits<Object>::retain(object_);
  }
  cl_handle(cl_handle&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  cl_handle& operator=(cl_handle other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~cl_handle() {
    if (object_) cl_traits<Object>::release(object_);
  }

  Object get() const noexcept { return object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }

 private:
  Object object_ = nullptr;
};

}  // namespace wherry
