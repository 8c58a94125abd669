// What the loop promises about memory: once warm, an operation allocates nothing.
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <stop_token>
#include <wherry/coro/task.hpp>
#include <wherry/loop/file.hpp>
#include <wherry/loop/loop.hpp>
#include <wherry/loop/resume_on.hpp>
#include <wherry/loop/sleep.hpp>
#include <wherry/loop/sync_wait.hpp>

#include "loop/configurations.hpp"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WHERRY_COUNTS_BY_HOOK 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WHERRY_COUNTS_BY_HOOK 1
#endif
#endif

namespace {
thread_local volatile std::size_t allocations = 0;  // compilers know that operator new changes nothing
}  // namespace

#ifdef WHERRY_COUNTS_BY_HOOK
// The sanitizers define operator new themselves.
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void*, std::size_t),
                                                         void (*on_free)(const volatile void*));

namespace {
[[maybe_unused]] const int hooked = __sanitizer_install_malloc_and_free_hooks(
    [](const volatile void*, std::size_t) { allocations = allocations + 1; }, [](const volatile void*) {});
}  // namespace
#else
namespace {
void* counted(std::size_t bytes) {
  allocations = allocations + 1;
  if (void* const p = std::malloc(bytes != 0 ? bytes : 1)) return p;
  throw std::bad_alloc();
}
}  // namespace

void* operator new(std::size_t bytes) { return counted(bytes); }
void* operator new[](std::size_t bytes) { return counted(bytes); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
#endif

namespace wherry {
namespace {

class allocation_suite : public loop_suite {};

task<std::size_t> allocations_of_a_round(loop& where, const test_pipe& p, const file& f,
                                         std::stop_token token) {
  std::size_t before = 0;
  std::array<std::byte, 16> some{};
  const std::span<std::byte> into = some;
  const std::span<const std::byte> from = some;
  for (int round = 0; round != 20; ++round) {
    if (round == 10) before = allocations;  // the first rounds warm up
    co_await nop(where);
    co_await resume_on(where);
    co_await sleep_for(where, std::chrono::microseconds(10), token);
    co_await write(where, p.in(), from, operation::current_position, token);
    co_await poll(where, p.out(), POLLIN, token);
    co_await read(where, p.out(), into, operation::current_position, token);
    co_await write(where, f, from, 0, token);
    co_await read(where, f, into, 0, token);
    co_await fsync(where, f, true, token);
  }
  co_return allocations - before;
}

TEST_P(allocation_suite, allocations_are_counted) {
  const std::size_t before = allocations;
  auto* const volatile one = new int(1);
  EXPECT_GT(allocations, before);
  delete one;
}

TEST_P(allocation_suite, operations_allocate_nothing_once_warm) {
  const scratch_folder folder;
  const test_pipe p;
  const std::string path = folder / "f";
  const file f(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600), path);
  const std::stop_source stop;
  EXPECT_EQ(sync_wait(here(), allocations_of_a_round(here(), p, f, stop.get_token())), 0u);
}

WHERRY_ON_EVERY_BACKEND(allocation_suite);

}  // namespace
}  // namespace wherry
