// request_terms.hpp: what a request remembers of its caller's options, if there is anything.
//
// Threads: made by the submitter, told by whoever stops the request; see the members.
#pragma once

#include <string>
#include <wherry/coro/frame_pool.hpp>
#include <wherry/device/interruption.hpp>

namespace wherry {

class request;
class unit;
struct slot_waiter;

struct request_terms : interruption {
  request_terms(request& r, unit& u, const request_options& options, callback interrupted)
      : interruption(interrupted), who(r), joins(u), errors(options.errors), name(options.name) {}
  static void* operator new(std::size_t bytes) { return frame_pool::allocate(bytes); }
  static void operator delete(void* p, std::size_t bytes) noexcept { frame_pool::release(p, bytes); }

  // constant after construction
  request& who;
  unit& joins;
  error_tracker* const errors;
  const std::string name;
  // dispatch lock
  failure why;                    // set when it was stopped, until it is its outcome
  slot_waiter* asleep = nullptr;  // its submitter, while that waits for a place on its thread
};

}  // namespace wherry
