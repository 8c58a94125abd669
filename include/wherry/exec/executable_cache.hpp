// executable_cache.hpp: executables by what a program is called with, compiled when first asked for.
//
// For code that makes programs out of the types and constants of a call, as a tracing front end does. The key
// is the program, the types of the arguments, the values of what is no array (its *statics*) and the device;
// two keys are one if all of that agrees bit for bit, so 0.0 and -0.0 differ. Each key compiles once, however
// many ask for it at the same time; a failure reaches all of them and is forgotten. The cache keeps as many
// executables as it is told to, and drops the one that was used longest ago. After r-xla's dispatcher.
//
// Threads: any; copies share one cache. The function that compiles may be called by several threads at once,
// for different keys.
#pragma once

#include <absl/container/inlined_vector.h>

#include <bit>
#include <cstring>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <variant>
#include <vector>
#include <wherry/coro/move_to.hpp>
#include <wherry/coro/task.hpp>
#include <wherry/exec/executable.hpp>

namespace wherry {

/// What a program is called with that is no array, and that is compiled into it.
using static_value = std::variant<bool, std::int64_t, double, std::string>;

/// What an executable is compiled for.
struct call_signature {
  std::string program;  // its name, or its text
  std::vector<tensor_type> arguments;
  std::vector<static_value> statics;
  wherry::device device;  // empty: up to who compiles
};

struct executable_cache_statistics {
  std::uint64_t hits = 0;    // found, or compiled by somebody else meanwhile
  std::uint64_t misses = 0;  // compiled for who asked
  std::uint64_t evictions = 0;
};

class executable_cache {
 public:
  using compile_function = std::function<executable(const call_signature&)>;

  /// Keeps at most `capacity` executables. Throws invalid_argument for 0.
  executable_cache(std::size_t capacity, compile_function compile)
      : state_(std::make_shared<state>(capacity, std::move(compile))) {
    if (capacity == 0) throw error(absl::StatusCode::kInvalidArgument, "executable_cache: the capacity is 0");
  }

  /// Returns the executable for `s`; compiles it on this thread, or waits for whoever does, if it is not
  /// there. Throws what compiling throws. On a loop's thread, which must do neither, throws
  /// deadlock_would_occur unless it is there.
  executable get(const call_signature& s) const;

  /// As `get`, without blocking: compiles on a worker, resumes where it was awaited.
  task<executable> get_async(call_signature s) const { return get_async(state_, std::move(s)); }

  /// Calls the executable for `args` and `statics`, which it finds as `get` does; the device is that of the
  /// arguments. Throws invalid_argument, before the cache is looked at, for an argument that is empty,
  /// deleted or on another device than the first.
  execution call(std::string_view program, std::span<const buffer> args,
                 std::span<const static_value> statics = {}, const execute_options& options = {}) const;

  /// How many executables are kept; what is being compiled is not counted.
  std::size_t size() const {
    std::lock_guard lock(state_->mutex);
    return state_->index.size();
  }
  std::size_t capacity() const noexcept { return state_->capacity; }
  bool contains(const call_signature& s) const {
    std::lock_guard lock(state_->mutex);
    return state_->index.count(view(key_of(s))) != 0;
  }
  executable_cache_statistics statistics() const {
    std::lock_guard lock(state_->mutex);
    return state_->counts;
  }

  /// Drops all. What is being compiled reaches those who wait for it and is not kept.
  void clear() const {
    std::list<entry> dropped;
    std::lock_guard lock(state_->mutex);
    state_->index.clear();
    state_->flights.clear();
    dropped.swap(state_->newest_first);
  }

 private:
  using key = absl::InlinedVector<char, 256>;

  struct entry {
    std::string name;
    executable made;
  };
  /// One compilation under way.
  struct flight {
    completion done;
    std::optional<executable> made;  // constant once done
    std::thread::id compiles;        // under the mutex
    call_signature signature;        // keeps the device, whose address is part of the key
  };
  struct state {
    state(std::size_t c, compile_function f) : capacity(c), compile(std::move(f)) {}

    // constant after construction
    const std::size_t capacity;
    const compile_function compile;
    // under the mutex
    std::mutex mutex;
    std::list<entry> newest_first;
    std::unordered_map<std::string_view, std::list<entry>::iterator> index;
    std::unordered_map<std::string, std::shared_ptr<flight>> flights;
    executable_cache_statistics counts;
  };

  /// What was found: an executable, or a compilation, which is the caller's to do if `is_mine`.
  struct finding {
    std::optional<executable> made;
    std::shared_ptr<flight> running;
    bool is_mine = false;
  };

  static std::string_view view(const key& k) noexcept { return {k.data(), k.size()}; }
  static void put(key& k, const void* bytes, std::size_t count) {
    const auto* from = static_cast<const char*>(bytes);
    k.insert(k.end(), from, from + count);
  }
  static void put_text(key& k, std::string_view text) {
    const std::uint64_t size = text.size();
    put(k, &size, sizeof size);
    put(k, text.data(), text.size());
  }
  static void put_type(key& k, const tensor_type& t) {
    k.push_back(static_cast<char>(t.element));
    k.push_back(static_cast<char>(t.dims.rank()));
    for (const std::int64_t extent : t.dims) put(k, &extent, sizeof extent);
  }
  static void put_statics(key& k, std::span<const static_value> statics) {
    for (const static_value& v : statics) {
      k.push_back(static_cast<char>(v.index()));
      if (const auto* text = std::get_if<std::string>(&v)) {
        put_text(k, *text);
      } else if (const auto* number = std::get_if<double>(&v)) {
        put(k, number, sizeof *number);
      } else if (const auto* integer = std::get_if<std::int64_t>(&v)) {
        put(k, integer, sizeof *integer);
      } else {
        k.push_back(std::get<bool>(v) ? 1 : 0);
      }
    }
  }
  static key begin_key(std::string_view program, const device_core* where, std::size_t arguments) {
    key k;
    put(k, &where, sizeof where);
    put(k, &arguments, sizeof arguments);
    put_text(k, program);
    return k;
  }
  static key key_of(const call_signature& s) {
    key k = begin_key(s.program, s.device.core(), s.arguments.size());
    for (const tensor_type& t : s.arguments) put_type(k, t);
    put_statics(k, s.statics);
    return k;
  }

  /// Looks `k` up. A new compilation is begun only if `may_begin`.
  static finding find(state& s, std::string_view k, bool may_begin);
  static void finish(state& s, const std::string& k, flight& f, std::optional<executable> made,
                     failure problem);
  static void compile(state& s, const std::string& k, flight& f);
  /// Returns what somebody else compiles. Waits.
  static executable wait_for(const flight& f);
  static task<executable> get_async(std::shared_ptr<state> s, call_signature signature);

  std::shared_ptr<state> state_;
};

// ---------------------------------------------------------------------------------------- finding

inline executable_cache::finding executable_cache::find(state& s, std::string_view k, bool may_begin) {
  finding f;
  std::lock_guard lock(s.mutex);
  if (const auto at = s.index.find(k); at != s.index.end()) {
    s.newest_first.splice(s.newest_first.begin(), s.newest_first, at->second);
    ++s.counts.hits;
    f.made = at->second->made;
    return f;
  }
  const std::string name(k);
  if (const auto at = s.flights.find(name); at != s.flights.end()) {
    if (at->second->compiles == std::this_thread::get_id()) {
      throw error(absl::StatusCode::kFailedPrecondition,
                  "executable_cache: compiling '" + at->second->signature.program + "' asks for itself",
                  reason::deadlock_would_occur);
    }
    ++s.counts.hits;
    f.running = at->second;
    return f;
  }
  if (!may_begin) return f;
  ++s.counts.misses;
  f.running = s.flights[name] = std::make_shared<flight>();
  f.is_mine = true;
  return f;
}

inline void executable_cache::finish(state& s, const std::string& k, flight& f,
                                     std::optional<executable> made, failure problem) {
  std::list<entry> dropped;  // destroyed without the mutex
  {
    std::lock_guard lock(s.mutex);
    f.compiles = {};
    f.made = made;
    const auto at = s.flights.find(k);
    if (at != s.flights.end() && at->second.get() == &f) {  // else the cache was cleared
      s.flights.erase(at);
      if (made) {
        s.newest_first.push_front({k, *std::move(made)});
        s.index.emplace(s.newest_first.front().name, s.newest_first.begin());
      }
      while (s.index.size() > s.capacity) {
        s.index.erase(s.newest_first.back().name);
        dropped.splice(dropped.end(), s.newest_first, std::prev(s.newest_first.end()));
        ++s.counts.evictions;
      }
    }
  }
  if (problem) {
    f.done.fail(std::move(problem));
  } else {
    f.done.complete();
  }
}

/// Compiles and finishes; what goes wrong is in `f`.
inline void executable_cache::compile(state& s, const std::string& k, flight& f) {
  {
    std::lock_guard lock(s.mutex);
    f.compiles = std::this_thread::get_id();
  }
  std::optional<executable> made;
  failure problem;
  try {
    made.emplace(s.compile(f.signature));
  } catch (...) {
    problem = as_failure(std::current_exception());
  }
  finish(s, k, f, std::move(made), std::move(problem));
}

inline executable executable_cache::wait_for(const flight& f) {
  f.done.wait();
  if (f.done.has_failed()) raise(f.done.why());
  return *f.made;
}

inline executable executable_cache::get(const call_signature& s) const {
  const key k = key_of(s);
  const scheduler* here = scheduler::current();
  const bool may_compile = !here || here->what() != scheduler::kind::loop;
  finding f = find(*state_, view(k), may_compile);
  if (f.made) return *std::move(f.made);
  if (!f.running) require_may_block("executable_cache::get: compiling '" + s.program + "'");
  if (f.is_mine) {
    f.running->signature = s;
    compile(*state_, std::string(view(k)), *f.running);
  }
  return wait_for(*f.running);
}

inline task<executable> executable_cache::get_async(std::shared_ptr<state> s, call_signature signature) {
  const key k = key_of(signature);
  const std::string name(view(k));
  finding f = find(*s, name, true);
  if (f.made) co_return *std::move(f.made);
  if (f.is_mine) {
    // If the task is given up before it has compiled, those who wait for it are told.
    struct guard {
      state& cache;
      const std::string& name;
      std::shared_ptr<flight> running;
      ~guard() {
        if (!running) return;
        finish(
            cache, name, *running, std::nullopt,
            make_failure(absl::StatusCode::kCancelled,
                         "compiling '" + running->signature.program + "' was given up", reason::cancelled));
      }
    } unfinished{*s, name, f.running};
    f.running->signature = std::move(signature);
    scheduler* const home = scheduler::current();
    co_await move_to(worker_pool::instance().as_scheduler());
    unfinished.running = nullptr;
    compile(*s, name, *f.running);
    if (home) co_await move_to(*home);
  } else {
    co_await f.running->done;
  }
  if (f.running->done.has_failed()) raise(f.running->done.why());
  co_return *f.running->made;
}

inline execution executable_cache::call(std::string_view program, std::span<const buffer> args,
                                        std::span<const static_value> statics,
                                        const execute_options& options) const {
  const auto named = [&](std::size_t i) {
    return "call of " + std::string(program.substr(0, 64)) + ": argument " + std::to_string(i);
  };
  const device_core* const where = args.empty() || !args[0] ? nullptr : &args[0].place();
  key k = begin_key(program, where, args.size());
  for (std::size_t i = 0; i < args.size(); ++i) {
    if (!args[i]) throw error(absl::StatusCode::kInvalidArgument, named(i) + " is an empty buffer handle");
    (void)args[i].usable(named(i));
    if (&args[i].place() != where) {
      throw error(absl::StatusCode::kInvalidArgument, named(i) + " is on " + args[i].place().name() +
                                                          ", argument 0 on " + where->name() +
                                                          ": use copy_to");
    }
    put_type(k, args[i].type());
  }
  put_statics(k, statics);
  finding f = find(*state_, view(k), false);
  if (f.made) return f.made->call(args, options);
  call_signature s;
  s.program = program;
  for (const buffer& b : args) s.arguments.push_back(b.type());
  s.statics.assign(statics.begin(), statics.end());
  if (!args.empty()) s.device = args[0].device();
  return get(s).call(args, options);
}

}  // namespace wherry
