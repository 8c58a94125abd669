// image.hpp: native code of a plan, mapped and callable.
//
// The compiler links every kernel of a plan into one image: code, then constants, position independent,
// calling nothing. So loading is a map, a copy and a change of protection: no linker, no `dlopen`, no
// LLVM at run time (0.1 ms for `dlopen`, 10 us this way). The pages are never writable and executable
// at the same time.
//
// Ownership: an image owns its pages; a `native_kernel` points into them and must not outlive it.
// Threads: any, once constructed.
#pragma once

#include <sys/mman.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <wherry/exec/plan.hpp>
#include <wherry/status/error.hpp>

namespace wherry {

/// The levels of the x86-64 psABI; each includes the ones before it. Anything else: no code runs.
enum class cpu_level : std::uint8_t { none = 0, v2 = 2, v3 = 3, v4 = 4 };

/// Returns "x86-64-v2" to "x86-64-v4", or "below x86-64-v2".
constexpr std::string_view name_of(cpu_level level) noexcept {
  switch (level) {
    case cpu_level::v2:
      return "x86-64-v2";
    case cpu_level::v3:
      return "x86-64-v3";
    case cpu_level::v4:
      return "x86-64-v4";
    case cpu_level::none:
      break;
  }
  return "below x86-64-v2";
}

/// Returns the instruction sets that `level` adds to baseline x86-64, for messages.
constexpr std::string_view features_of(cpu_level level) noexcept {
  switch (level) {
    case cpu_level::v2:
      return "sse3 ssse3 sse4.1 sse4.2 popcnt";
    case cpu_level::v3:
      return "sse3 ssse3 sse4.1 sse4.2 popcnt avx avx2 bmi bmi2 f16c fma lzcnt movbe";
    case cpu_level::v4:
      return "sse3 ssse3 sse4.1 sse4.2 popcnt avx avx2 bmi bmi2 f16c fma lzcnt movbe "
             "avx512f avx512bw avx512cd avx512dq avx512vl";
    case cpu_level::none:
      break;
  }
  return "none beyond baseline x86-64";
}

/// Returns the highest level whose instruction sets the CPU has and the kernel saves the registers of.
inline cpu_level host_cpu_level() noexcept {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("x86-64-v4")) return cpu_level::v4;
  if (__builtin_cpu_supports("x86-64-v3")) return cpu_level::v3;
  if (__builtin_cpu_supports("x86-64-v2")) return cpu_level::v2;
#endif
  return cpu_level::none;
}

class image {
 public:
  /// Maps `code`, which needs a CPU of level `features` ("x86-64-v3"). Throws failed_precondition when
  /// `host` is below it, naming both lists; invalid_argument for an unknown level or empty code;
  /// resource_exhausted when the pages cannot be mapped.
  image(std::span<const std::byte> code, std::string_view features, cpu_level host = host_cpu_level()) {
    require(features, host);
    if (code.empty()) throw error(absl::StatusCode::kInvalidArgument, "native image: no code");
    void* const pages =
        ::mmap(nullptr, code.size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) fail("mmap", code.size());
    pages_ = static_cast<std::byte*>(pages);
    size_ = code.size();
    std::memcpy(pages_, code.data(), size_);
    if (::mprotect(pages_, size_, PROT_READ | PROT_EXEC) != 0) {
      const int code_of_failure = errno;
      unmap();
      errno = code_of_failure;
      fail("mprotect", code.size());
    }
  }

  /// Maps the image of `from`. Throws as above.
  explicit image(const plan& from) : image(from.image, from.features) {}

  image(image&& other) noexcept
      : pages_(std::exchange(other.pages_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  image& operator=(image&& other) noexcept {
    std::swap(pages_, other.pages_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~image() { unmap(); }

  std::size_t size() const noexcept { return size_; }

  /// Returns the kernel at byte `offset` (`kernel::entry`). Throws invalid_argument past the end.
  native_kernel entry(std::uint64_t offset) const {
    if (offset >= size_)
      throw error(absl::StatusCode::kInvalidArgument, "native image: entry at byte " +
                                                          std::to_string(offset) + " of an image of " +
                                                          std::to_string(size_) + " bytes");
    return reinterpret_cast<native_kernel>(pages_ + offset);
  }

 private:
  static void require(std::string_view features, cpu_level host) {
    constexpr std::array<cpu_level, 3> levels = {cpu_level::v2, cpu_level::v3, cpu_level::v4};
    for (const cpu_level level : levels) {
      if (features != name_of(level)) continue;
      if (host >= level) return;
      throw error(absl::StatusCode::kFailedPrecondition,
                  "native image: the code needs " + std::string(features) + " (" +
                      std::string(features_of(level)) + "), this CPU is " + std::string(name_of(host)) +
                      " (" + std::string(features_of(host)) + ")",
                  reason::unsupported);
    }
    throw error(absl::StatusCode::kInvalidArgument,
                "native image: unknown CPU level '" + std::string(features) + "'");
  }

  [[noreturn]] static void fail(const char* call, std::size_t bytes) {
    throw error(absl::StatusCode::kResourceExhausted,
                "native image: " + std::string(call) + " of " + std::to_string(bytes) +
                    " bytes: " + std::generic_category().message(errno),
                reason::out_of_memory);
  }

  void unmap() noexcept {
    if (pages_ != nullptr) ::munmap(pages_, size_);
  }

  std::byte* pages_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace wherry
