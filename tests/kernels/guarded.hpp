// guarded.hpp: memory that ends at a page nobody may touch, so that one element too far is a crash in
// every build, not only under a sanitizer.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <new>

namespace wherry::testing {

template <class T>
class guarded {
 public:
  /// Holds `count` elements, each a copy of `value`; the last one ends at the guard.
  guarded(std::size_t count, T value) : count_(count) {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    bytes_ = (count * sizeof(T) + page - 1) / page * page + page;
    mapping_ = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping_ == MAP_FAILED) throw std::bad_alloc();
    auto* const end = static_cast<std::byte*>(mapping_) + bytes_ - page;
    if (::mprotect(end, page, PROT_NONE) != 0) throw std::bad_alloc();
    data_ = reinterpret_cast<T*>(end) - count;
    for (std::size_t i = 0; i < count; ++i) data_[i] = value;
  }
  ~guarded() { ::munmap(mapping_, bytes_); }
  guarded(const guarded&) = delete;
  guarded& operator=(const guarded&) = delete;

  T* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return count_; }
  T& operator[](std::size_t i) const noexcept { return data_[i]; }
  T* begin() const noexcept { return data_; }
  T* end() const noexcept { return data_ + count_; }

 private:
  std::size_t count_;
  std::size_t bytes_ = 0;
  void* mapping_ = nullptr;
  T* data_ = nullptr;
};

}  // namespace wherry::testing
