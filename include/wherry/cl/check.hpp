// check.hpp: OpenCL status codes as errors.
//
// Every OpenCL call goes through `cl_check`, so a failure names the call and the code:
// `clEnqueueNDRangeKernel: CL_OUT_OF_RESOURCES`. Codes map to status codes: out of memory to
// resource_exhausted, a lost device to unavailable (reason device_lost), a failed build and a bad argument
// to invalid_argument, everything else to internal.
//
// Threads: any.
#pragma once

#include <CL/cl.h>

#include <string>
#include <wherry/status/error.hpp>

namespace wherry {

/// Returns the name of an OpenCL status code, or the number for one that OpenCL 3.0 does not name.
inline std::string cl_code_name(cl_int code) {
  switch (code) {
#define WHERRY_CL_CODE(name) \
  case name:                 \
    return #name;
    WHERRY_CL_CODE(CL_SUCCESS)
    WHERRY_CL_CODE(CL_DEVICE_NOT_FOUND)
    WHERRY_CL_CODE(CL_DEVICE_NOT_AVAILABLE)
    WHERRY_CL_CODE(CL_COMPILER_NOT_AVAILABLE)
    WHERRY_CL_CODE(CL_MEM_OBJECT_ALLOCATION_FAILURE)
    WHERRY_CL_CODE(CL_OUT_OF_RESOURCES)
    WHERRY_CL_CODE(CL_OUT_OF_HOST_MEMORY)
    WHERRY_CL_CODE(CL_PROFILING_INFO_NOT_AVAILABLE)
    WHERRY_CL_CODE(CL_MEM_COPY_OVERLAP)
    WHERRY_CL_CODE(CL_BUILD_PROGRAM_FAILURE)
    WHERRY_CL_CODE(CL_MAP_FAILURE)
    WHERRY_CL_CODE(CL_MISALIGNED_SUB_BUFFER_OFFSET)
    WHERRY_CL_CODE(CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST)
    WHERRY_CL_CODE(CL_COMPILE_PROGRAM_FAILURE)
    WHERRY_CL_CODE(CL_LINKER_NOT_AVAILABLE)
    WHERRY_CL_CODE(CL_LINK_PROGRAM_FAILURE)
    WHERRY_CL_CODE(CL_INVALID_VALUE)
    WHERRY_CL_CODE(CL_INVALID_DEVICE_TYPE)
    WHERRY_CL_CODE(CL_INVALID_PLATFORM)
    WHERRY_CL_CODE(CL_INVALID_DEVICE)
    WHERRY_CL_CODE(CL_INVALID_CONTEXT)
    WHERRY_CL_CODE(CL_INVALID_QUEUE_PROPERTIES)
    WHERRY_CL_CODE(CL_INVALID_COMMAND_QUEUE)
    WHERRY_CL_CODE(CL_INVALID_HOST_PTR)
    WHERRY_CL_CODE(CL_INVALID_MEM_OBJECT)
    WHERRY_CL_CODE(CL_INVALID_BINARY)
    WHERRY_CL_CODE(CL_INVALID_BUILD_OPTIONS)
    WHERRY_CL_CODE(CL_INVALID_PROGRAM)
    WHERRY_CL_CODE(CL_INVALID_PROGRAM_EXECUTABLE)
    WHERRY_CL_CODE(CL_INVALID_KERNEL_NAME)
    WHERRY_CL_CODE(CL_INVALID_KERNEL_DEFINITION)
    WHERRY_CL_CODE(CL_INVALID_KERNEL)
    WHERRY_CL_CODE(CL_INVALID_ARG_INDEX)
    WHERRY_CL_CODE(CL_INVALID_ARG_VALUE)
    WHERRY_CL_CODE(CL_INVALID_ARG_SIZE)
    WHERRY_CL_CODE(CL_INVALID_KERNEL_ARGS)
    WHERRY_CL_CODE(CL_INVALID_WORK_DIMENSION)
    WHERRY_CL_CODE(CL_INVALID_WORK_GROUP_SIZE)
    WHERRY_CL_CODE(CL_INVALID_WORK_ITEM_SIZE)
    WHERRY_CL_CODE(CL_INVALID_GLOBAL_OFFSET)
    WHERRY_CL_CODE(CL_INVALID_EVENT_WAIT_LIST)
    WHERRY_CL_CODE(CL_INVALID_EVENT)
    WHERRY_CL_CODE(CL_INVALID_OPERATION)
    WHERRY_CL_CODE(CL_INVALID_BUFFER_SIZE)
    WHERRY_CL_CODE(CL_INVALID_GLOBAL_WORK_SIZE)
    WHERRY_CL_CODE(CL_INVALID_PROPERTY)
#undef WHERRY_CL_CODE
    default:
      return "OpenCL error " + std::to_string(code);
  }
}

/// True for codes after which nothing on the device can be trusted: it is gone, or an object that was
/// valid is not. Out of memory is not a loss.
constexpr bool is_device_loss(cl_int code) noexcept {
  switch (code) {
    case CL_SUCCESS:
    case CL_MEM_OBJECT_ALLOCATION_FAILURE:
    case CL_OUT_OF_RESOURCES:
    case CL_OUT_OF_HOST_MEMORY:
    case CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST:
      return false;
    case CL_DEVICE_NOT_AVAILABLE:
    case CL_INVALID_COMMAND_QUEUE:
    case CL_INVALID_CONTEXT:
      return true;
    default:
      return code < -9999 || (code < -72 && code > -1000);  // statuses that no specification defines
  }
}

/// Returns the failure that `code` from `call` means; `detail` is appended (a kernel's name, a build log).
inline failure cl_failure(cl_int code, std::string_view call, std::string_view detail = {}) {
  std::string message = std::string(call) + ": " + cl_code_name(code);
  if (!detail.empty()) message += ": " + std::string(detail);
  switch (code) {
    case CL_MEM_OBJECT_ALLOCATION_FAILURE:
    case CL_OUT_OF_RESOURCES:
    case CL_OUT_OF_HOST_MEMORY:
      return make_failure(absl::StatusCode::kResourceExhausted, std::move(message));
    case CL_BUILD_PROGRAM_FAILURE:
    case CL_INVALID_BINARY:
    case CL_INVALID_KERNEL_NAME:
      return make_failure(absl::StatusCode::kInvalidArgument, std::move(message));
    default:
      if (is_device_loss(code)) {
        return make_failure(absl::StatusCode::kUnavailable, std::move(message), reason::device_lost);
      }
      return make_failure(absl::StatusCode::kInternal, std::move(message));
  }
}

inline void cl_check(cl_int code, std::string_view call, std::string_view detail = {}) {
  if (code != CL_SUCCESS) raise(cl_failure(code, call, detail));
}

}  // namespace wherry
