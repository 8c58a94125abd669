// guarded_call.hpp: functions of the program's that are called where nobody could catch what they throw.
//
// A callback runs on a thread of the library's, a deleter wherever the last handle goes. What they throw is
// logged as an error and goes no further.
//
// Threads: any.
#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <wherry/status/log.hpp>

namespace wherry {

/// Calls `f`, which `what` names in the log if it throws.
template <class F>
void guarded_call(std::string_view what, F&& f) noexcept {
  try {
    std::forward<F>(f)();
  } catch (const std::exception& thrown) {
    log(log_level::error, std::string(what) + " threw: " + thrown.what());
  } catch (...) {
    log(log_level::error, std::string(what) + " threw");
  }
}

}  // namespace wherry
