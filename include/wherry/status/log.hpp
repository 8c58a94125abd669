// log.hpp: the few lines the runtime says on its own.
//
// Four levels; `WHERRY_LOG` (error, warn, info or debug; default warn) is read at the first use. Lines go to
// stderr as `wherry: warning: ...`, or to the sink that the program has set.
//
// Threads: any. The sink is called under a lock, one line at a time, and must not log itself. The state is
// never destroyed, so that static objects may log while the program ends.
#pragma once

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <string_view>
#include <utility>

namespace wherry {

enum class log_level { error, warn, info, debug };

using log_sink = std::function<void(log_level, std::string_view)>;

/// Returns the level a word of `WHERRY_LOG` names; `warn` for any other text.
constexpr log_level parse_log_level(std::string_view text) noexcept {
  if (text == "error") return log_level::error;
  if (text == "info") return log_level::info;
  if (text == "debug") return log_level::debug;
  return log_level::warn;
}

/// Returns the word that begins a line of this level: `error`, `warning`, `info`, `debug`.
constexpr std::string_view name_of(log_level level) noexcept {
  constexpr std::string_view names[] = {"error", "warning", "info", "debug"};
  return names[static_cast<int>(level)];
}

namespace detail {

struct log_state {
  log_state() {
    const char* const text = std::getenv("WHERRY_LOG");
    if (!text || !*text) return;
    level = parse_log_level(text);
    if (level == log_level::warn && std::string_view(text) != "warn") {
      std::fprintf(stderr, "wherry: warning: WHERRY_LOG: expected error, warn, info or debug, got '%s'\n",
                   text);
    }
  }
  std::atomic<log_level> level = log_level::warn;
  std::mutex mutex;
  log_sink sink;  // guarded by mutex; empty: stderr
};

inline log_state& the_log() {
  static log_state& state = *new log_state;
  return state;
}

}  // namespace detail

/// True when lines of this level are written. Ask before building a costly message.
inline bool log_enabled(log_level level) {
  return level <= detail::the_log().level.load(std::memory_order_relaxed);
}

inline void set_log_level(log_level level) {
  detail::the_log().level.store(level, std::memory_order_relaxed);
}

/// Sends later lines to `sink` (empty: to stderr) and returns the sink before.
inline log_sink set_log_sink(log_sink sink) {
  auto& state = detail::the_log();
  const std::lock_guard lock(state.mutex);
  return std::exchange(state.sink, std::move(sink));
}

/// Writes one line if its level is enabled. `message` has no newline at its end.
inline void log(log_level level, std::string_view message) {
  if (!log_enabled(level)) return;
  auto& state = detail::the_log();
  const std::lock_guard lock(state.mutex);
  if (state.sink) {
    state.sink(level, message);
    return;
  }
  const std::string_view name = name_of(level);
  std::fprintf(stderr, "wherry: %.*s: %.*s\n", static_cast<int>(name.size()), name.data(),
               static_cast<int>(message.size()), message.data());
}

}  // namespace wherry
