// tensor_set.hpp: buffers by name, to call programs by the names of their arguments and results.
//
// A set owns handles and nothing else: a buffer may be in several sets, and lives as long as any handle. A
// program says what its arguments and results are called (`executable::input_names`): what its source calls
// them. After Neuron's tensor sets (nrt.h).
//
// Threads: as any container.
#pragma once

#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <wherry/array/buffer.hpp>

namespace wherry {

class tensor_set {
 public:
  using map = std::map<std::string, buffer, std::less<>>;

  tensor_set() = default;
  tensor_set(std::initializer_list<map::value_type> buffers) : buffers_(buffers) {}

  /// Adds `b`, in place of what was called so before.
  tensor_set& set(std::string name, buffer b) {
    buffers_.insert_or_assign(std::move(name), std::move(b));
    return *this;
  }
  /// Returns true if there was one.
  bool remove(std::string_view name) {
    const auto at = buffers_.find(name);
    if (at == buffers_.end()) return false;
    buffers_.erase(at);
    return true;
  }

  /// Returns null if there is none.
  const buffer* find(std::string_view name) const noexcept {
    const auto at = buffers_.find(name);
    return at == buffers_.end() ? nullptr : &at->second;
  }
  /// Throws not_found, naming those that are there.
  const buffer& operator[](std::string_view name) const {
    if (const buffer* b = find(name)) return *b;
    throw error(absl::StatusCode::kNotFound,
                "no buffer called '" + std::string(name) + "' in the set; it has " + names());
  }

  /// The names, for messages: `a, b`, or `none`.
  std::string names() const {
    std::string text;
    for (const auto& [name, b] : buffers_) text += (text.empty() ? "" : ", ") + name;
    return text.empty() ? "none" : text;
  }

  std::size_t size() const noexcept { return buffers_.size(); }
  bool empty() const noexcept { return buffers_.empty(); }
  /// Pairs of name and buffer, by name.
  map::const_iterator begin() const noexcept { return buffers_.begin(); }
  map::const_iterator end() const noexcept { return buffers_.end(); }

 private:
  map buffers_;
};

}  // namespace wherry
