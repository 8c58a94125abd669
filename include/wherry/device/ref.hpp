// ref.hpp: intrusive reference counting for the runtime's shared objects.
//
// `ref<T>` is a shared pointer whose count lives in the object: one pointer wide, and a raw pointer in a
// queue or a driver's callback can be turned back into a reference, by who knows that one exists meanwhile.
// The last reference deletes the object. Counting is an atomic operation, a large part of what a small
// execution costs, so the first reference and the last do without.
//
// Threads: as std::shared_ptr; one `ref` object belongs to one thread at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace wherry {

template <class T>
class ref_counted {
 public:
  void retain() const noexcept { count_.fetch_add(1, std::memory_order_relaxed); }
  void release() const noexcept {
    // Nobody can take another reference while the only one is given up.
    if (is_unique() || count_.fetch_sub(1, std::memory_order_acq_rel) == 1)
      delete static_cast<const T*>(this);
  }
  /// As `retain`, before any other thread knows the object.
  void retain_fresh() const noexcept {
    count_.store(count_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  /// Returns true if the caller's reference is the only one.
  bool is_unique() const noexcept { return count_.load(std::memory_order_acquire) == 1; }

 protected:
  ref_counted() = default;
  ~ref_counted() = default;
  ref_counted(const ref_counted&) = delete;
  ref_counted& operator=(const ref_counted&) = delete;

 private:
  mutable std::atomic<std::uint32_t> count_{0};
};

template <class T>
class ref {
 public:
  ref() = default;
  ref(std::nullptr_t) noexcept {}
  explicit ref(T* object) noexcept : object_(object) {
    if (object_) object_->retain();
  }
  ref(const ref& other) noexcept : ref(other.object_) {}
  ref(ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  template <class U>
    requires std::is_convertible_v<U*, T*>
  ref(const ref<U>& other) noexcept : ref(other.get()) {}
  template <class U>
    requires std::is_convertible_v<U*, T*>
  ref(ref<U>&& other) noexcept : object_(other.detach()) {}
  ref& operator=(ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~ref() {
    if (object_) object_->release();
  }

  T* get() const noexcept { return object_; }
  T& operator*() const noexcept { return *object_; }
  T* operator->() const noexcept { return object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }
  friend bool operator==(const ref&, const ref&) = default;

  /// Gives up the reference without releasing it; pair with `adopt`.
  T* detach() noexcept { return std::exchange(object_, nullptr); }
  static ref adopt(T* object) noexcept {
    ref r;
    r.object_ = object;
    return r;
  }

 private:
  T* object_ = nullptr;
};

template <class T, class... Args>
ref<T> make_ref(Args&&... args) {
  T* const object = new T(std::forward<Args>(args)...);
  if constexpr (requires { object->retain_fresh(); }) {
    object->retain_fresh();
    return ref<T>::adopt(object);
  } else {
    return ref<T>(object);
  }
}

}  // namespace wherry
