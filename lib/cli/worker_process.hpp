// worker_process.hpp: a child process that runs this program again and talks over a socket.
//
// The child dies with its parent. `end` and the destructor leave no process behind.
//
// Threads: one at a time.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace wherry::cli {

class worker_process {
 public:
  /// Starts this program with `arguments`, followed by the number of the child's end of the socket, and with
  /// WHERRY_CPU_WORKERS set to `cores`. Throws `error` when no process or socket can be made.
  worker_process(const std::vector<std::string>& arguments, unsigned cores);
  worker_process(const worker_process&) = delete;
  worker_process& operator=(const worker_process&) = delete;
  /// Closes the socket, gives the child two seconds to end by itself, then kills it.
  ~worker_process();

  /// Readable when the child has answered or died.
  int socket() const noexcept { return socket_; }

  /// Sends `line`, newline included. A child that has died shows at the next `receive`.
  void send(std::string_view line) noexcept;

  struct reply {
    std::optional<std::string> line;
    bool has_ended = false;  // the child closed its end
  };
  /// Takes what has arrived, without waiting: a whole line if there is one.
  reply receive();

  /// Kills the child and waits for it.
  void kill() noexcept;

  /// Waits for a child whose end is closed and says how it ended: `SIGSEGV`, `exit code 3`.
  std::string wait_for_end();

 private:
  pid_t child_ = -1;
  int socket_ = -1;
  std::string pending_;
};

}  // namespace wherry::cli
