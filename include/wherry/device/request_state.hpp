// request_state.hpp: the four answers to "what has become of it?".
//
//   pending -> running -> completed | failed
//   pending -> failed    cancelled in the queue, or what it reads failed
//
// Threads: any (values).
#pragma once

#include <cstdint>
#include <string_view>

namespace wherry {

enum class request_state : std::uint8_t { pending, running, completed, failed };

constexpr std::string_view name_of(request_state s) noexcept {
  constexpr std::string_view names[] = {"pending", "running", "completed", "failed"};
  return names[static_cast<std::size_t>(s)];
}

}  // namespace wherry
