// open_executable.hpp: a program whose arguments have unknown sizes, ready to be compiled for those of a
// call.
//
// A call finds the executable for the shapes of its arguments, and for the values of those that are sizes
// themselves, which it waits for and reads. Shapes that are new compile once, however many threads bring them
// at the same time; what was compiled is kept for as long as the open executable. Such a call takes as long
// as compiling does and is refused on a loop's thread.
//
// Threads: any.
#pragma once

#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <wherry/exec/compiler.hpp>
#include <wherry/exec/executable.hpp>

namespace wherry {

/// Returns the value of a scalar integer, an argument that is a size. Throws invalid_argument for another
/// type.
inline std::int64_t size_value(const array& a) {
  const auto as = [&]<class T>(T value) {
    std::memcpy(&value, a.bytes().data(), sizeof value);
    return static_cast<std::int64_t>(value);
  };
  if (a.type().dims.rank() == 0) {
    switch (a.dtype()) {
      case dtype::i8:
        return as(std::int8_t{});
      case dtype::i16:
        return as(std::int16_t{});
      case dtype::i32:
        return as(std::int32_t{});
      case dtype::i64:
      case dtype::ui64:
        return as(std::int64_t{});
      case dtype::boolean:
      case dtype::ui8:
        return as(std::uint8_t{});
      case dtype::ui16:
        return as(std::uint16_t{});
      case dtype::ui32:
        return as(std::uint32_t{});
      default:
        break;
    }
  }
  throw error(absl::StatusCode::kInvalidArgument, "a size cannot be a " + to_string(a.type()));
}

class open_executable final : public executable_core {
 public:
  /// Compiles for known arguments and returns an executable that is not open. Called by several threads at
  /// once.
  using make = std::function<ref<executable_core>(const std::vector<known_argument>&)>;

  open_executable(std::shared_ptr<const plan> p, ref<device_core> where, make how)
      : executable_core(std::move(p), std::move(where)), make_(std::move(how)) {}

  ref<request> new_run(const run_arguments&) override {
    throw error(absl::StatusCode::kInternal, name() + ": an open program cannot run");
  }

  ref<executable_core> specialised(std::span<const buffer* const> args) override {
    const std::vector<known_argument> known = describe(args);
    std::string key;
    for (const known_argument& k : known) {
      key += to_string(k.type);
      if (k.value) key += "=" + std::to_string(*k.value);
      key += ";";
    }
    {
      std::lock_guard lock(mutex_);
      if (const auto found = made_.find(key); found != made_.end()) return found->second;
    }
    // Whoever comes second waits inside for the first one's plan.
    ref<executable_core> ready = make_(known);
    std::lock_guard lock(mutex_);
    return made_.try_emplace(std::move(key), std::move(ready)).first->second;
  }

 private:
  [[noreturn]] void refuse(std::string what) const {
    throw error(absl::StatusCode::kInvalidArgument, "execution of " + name() + ": " + std::move(what));
  }

  std::vector<known_argument> describe(std::span<const buffer* const> args) const {
    const plan& p = code();
    if (args.size() != p.inputs.size()) {
      refuse("expected " + std::to_string(p.inputs.size()) + " arguments, got " +
             std::to_string(args.size()));
    }
    std::vector<known_argument> known;
    for (std::size_t i = 0; i < args.size(); ++i) {
      if (!*args[i]) refuse("argument " + std::to_string(i) + " is an empty buffer handle");
      const tensor_type &written = p.inputs[i], given = args[i]->type();
      bool fits = written.element == given.element && written.dims.rank() == given.dims.rank();
      for (std::size_t d = 0; fits && d < given.dims.rank(); ++d)
        fits = written.dims[d] < 0 || written.dims[d] == given.dims[d];
      if (!fits) {
        refuse("argument " + std::to_string(i) + ": expected " + to_string(written) + ", got " +
               to_string(given));
      }
      known.push_back({given, std::nullopt});
    }
    for (const std::uint32_t i : p.sizes) known[i].value = size_value(args[i]->value());
    return known;
  }

  const make make_;  // constant after construction
  std::mutex mutex_;
  std::map<std::string, ref<executable_core>> made_;  // guarded by mutex_
};

}  // namespace wherry
