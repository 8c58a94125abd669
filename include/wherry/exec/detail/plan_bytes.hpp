// plan_bytes.hpp: writing and reading what plans consist of, every count checked against the bytes left.
//
// Little-endian; strings, vectors and byte ranges are a u64 count and their elements.
//
// Threads: any.
#pragma once

#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <vector>
#include <wherry/status/error.hpp>

namespace wherry {

/// A 64-bit hash for checksums and file names: eight bytes a step, multiply and fold. Not cryptographic.
inline std::uint64_t hash64(std::span<const std::byte> bytes,
                            std::uint64_t seed = 0x9E3779B97F4A7C15u) noexcept {
  const auto mix = [](std::uint64_t a, std::uint64_t b) {
    const auto product = static_cast<unsigned __int128>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  };
  std::uint64_t h = seed ^ (bytes.size() * 0xD6E8FEB86659FD93u);
  while (bytes.size() >= 8) {
    std::uint64_t word;
    std::memcpy(&word, bytes.data(), 8);
    h = mix(h ^ word, 0xA0761D6478BD642Fu);
    bytes = bytes.subspan(8);
  }
  std::uint64_t tail = 0;
  if (!bytes.empty()) std::memcpy(&tail, bytes.data(), bytes.size());
  return mix(h ^ tail, 0xE7037ED1A0B428DBu);
}

namespace detail {

class plan_writer {
 public:
  std::vector<std::byte> out;

  template <class T>
    requires std::is_trivially_copyable_v<T>
  void put(const T& value) {
    const auto* p = reinterpret_cast<const std::byte*>(&value);
    out.insert(out.end(), p, p + sizeof value);
  }
  void put(const std::string& text) { bytes(std::as_bytes(std::span(text))); }
  void bytes(std::span<const std::byte> b) {
    put<std::uint64_t>(b.size());
    out.insert(out.end(), b.begin(), b.end());
  }
  template <class T, class Each>
  void list(const std::vector<T>& items, Each each) {
    put<std::uint64_t>(items.size());
    for (const T& item : items) each(item);
  }
};

class plan_reader {
 public:
  explicit plan_reader(std::span<const std::byte> in) : in_(in) {}

  template <class T>
    requires std::is_trivially_copyable_v<T>
  T get() {
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  std::uint64_t count(std::size_t least_bytes_each) {
    const auto n = get<std::uint64_t>();
    if (n > in_.size() / (least_bytes_each ? least_bytes_each : 1)) fail("a count larger than the file");
    return n;
  }
  std::span<const std::byte> bytes() { return take(count(1)); }
  std::string text() {
    const auto b = bytes();
    return {reinterpret_cast<const char*>(b.data()), b.size()};
  }
  template <class T, class Each>
  std::vector<T> list(std::size_t least_bytes_each, Each each) {
    std::vector<T> items(count(least_bytes_each));
    for (T& item : items) each(item);
    return items;
  }
  std::uint32_t index(std::size_t limit, const char* what) {
    const auto i = get<std::uint32_t>();
    if (i >= limit) fail(std::string("an index past the table of ") + what);
    return i;
  }
  template <class E>
  E choice(unsigned limit, const char* what) {
    const auto v = get<std::uint8_t>();
    if (v >= limit) fail(std::string("an unknown ") + what);
    return static_cast<E>(v);
  }
  bool at_end() const noexcept { return in_.empty(); }
  [[noreturn]] static void fail(const std::string& what) {
    throw error(absl::StatusCode::kDataLoss, "damaged plan: " + what, reason::corrupt_file);
  }

 private:
  std::span<const std::byte> take(std::uint64_t n) {
    if (n > in_.size()) fail("it ends early");
    const auto part = in_.first(n);
    in_ = in_.subspan(n);
    return part;
  }
  std::span<const std::byte> in_;
};

}  // namespace detail

}  // namespace wherry
