// OpenCL's status codes as errors, and handles that count through OpenCL.
#include <gtest/gtest.h>

#include <wherry/cl/check.hpp>
#include <wherry/cl/handle.hpp>
#include <wherry/cl/platform.hpp>

namespace wherry {
namespace {

TEST(cl_check, names_the_call_the_code_and_the_detail) {
  try {
    cl_check(CL_OUT_OF_RESOURCES, "clEnqueueNDRangeKernel", "step");
    FAIL() << "a failing call went unnoticed";
  } catch (const error& e) {
    EXPECT_STREQ(e.what(), "clEnqueueNDRangeKernel: CL_OUT_OF_RESOURCES: step");
    EXPECT_EQ(e.code(), absl::StatusCode::kResourceExhausted);
  }
  EXPECT_NO_THROW(cl_check(CL_SUCCESS, "clFlush"));
}

TEST(cl_check, a_lost_device_is_told_from_a_mistake_and_from_a_full_one) {
  for (const cl_int lost :
       {CL_DEVICE_NOT_AVAILABLE, CL_INVALID_COMMAND_QUEUE, CL_INVALID_CONTEXT, -9999 - 1}) {
    EXPECT_TRUE(is_device_loss(lost)) << lost;
    EXPECT_EQ(cl_failure(lost, "call")->reason(), reason::device_lost);
    EXPECT_EQ(cl_failure(lost, "call")->code(), absl::StatusCode::kUnavailable);
  }
  for (const cl_int other :
       {CL_SUCCESS, CL_OUT_OF_HOST_MEMORY, CL_MEM_OBJECT_ALLOCATION_FAILURE, CL_OUT_OF_RESOURCES,
        CL_INVALID_KERNEL_ARGS, CL_BUILD_PROGRAM_FAILURE, CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST}) {
    EXPECT_FALSE(is_device_loss(other)) << other;
  }
}

TEST(cl_check, a_code_without_a_name_is_shown_as_its_number) {
  EXPECT_EQ(cl_code_name(CL_INVALID_VALUE), "CL_INVALID_VALUE");
  EXPECT_EQ(cl_code_name(-12345), "OpenCL error -12345");
}

TEST(cl_platform, lists_no_basic_device_among_those_behind_queues) {
  for (const auto& found : queue_devices(1)) {
    EXPECT_FALSE(is_pocl_basic(found.device));
    EXPECT_FALSE(found.platform_name.empty());
    EXPECT_FALSE(found.device_name.empty());
  }
}

TEST(cl_handle, keeps_its_object_until_the_last_handle_goes) {
  const auto devices = queue_devices(1);
  if (devices.empty()) GTEST_SKIP() << "no OpenCL device behind command queues";
  cl_int code = CL_SUCCESS;
  cl_handle<cl_context> first(clCreateContext(nullptr, 1, &devices.front().device, nullptr, nullptr, &code));
  ASSERT_EQ(code, CL_SUCCESS);
  const auto count = [&] {
    cl_uint n = 0;
    EXPECT_EQ(clGetContextInfo(first.get(), CL_CONTEXT_REFERENCE_COUNT, sizeof n, &n, nullptr), CL_SUCCESS);
    return n;
  };
  const cl_uint alone = count();
  {
    const cl_handle<cl_context> second = first;
    EXPECT_EQ(count(), alone + 1);
    cl_handle<cl_context> third = second;
    const cl_handle<cl_context> moved = std::move(third);
    EXPECT_EQ(count(), alone + 2);
    EXPECT_FALSE(third);
  }
  EXPECT_EQ(count(), alone);
}

}  // namespace
}  // namespace wherry
