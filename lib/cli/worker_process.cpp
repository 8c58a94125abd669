// worker_process.cpp: see worker_process.hpp.
#include "worker_process.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <string_view>
#include <system_error>
#include <thread>
#include <wherry/status/error.hpp>

namespace wherry::cli {
namespace {

[[noreturn]] void fail(const char* call, int code) {
  throw error(absl::StatusCode::kInternal,
              std::string("starting a worker: ") + call + ": " + std::generic_category().message(code));
}

/// The environment with `name` set to `value`.
std::vector<std::string> environment_with(const std::string& name, const std::string& value) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry; ++entry) {
    if (std::string_view(*entry).substr(0, name.size() + 1) != name + "=") all.emplace_back(*entry);
  }
  all.push_back(name + "=" + value);
  return all;
}

std::vector<char*> pointers_to(std::vector<std::string>& strings) {
  std::vector<char*> all;
  for (std::string& s : strings) all.push_back(s.data());
  all.push_back(nullptr);
  return all;
}

}  // namespace

worker_process::worker_process(const std::vector<std::string>& arguments, unsigned cores) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) fail("socketpair", errno);
  // Everything that allocates happens before the fork.
  std::vector<std::string> words = arguments;
  words.insert(words.begin(), "wherry");
  words.push_back(std::to_string(ends[1]));
  std::vector<std::string> variables = environment_with("WHERRY_CPU_WORKERS", std::to_string(cores));
  const std::vector<char*> argv = pointers_to(words);
  const std::vector<char*> envp = pointers_to(variables);
  const pid_t parent = ::getpid();
  child_ = ::fork();
  if (child_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);  // it died before the line above
    ::fcntl(ends[1], F_SETFD, 0);
    ::execve("/proc/self/exe", argv.data(), envp.data());
    ::_exit(127);
  }
  const int code = errno;
  ::close(ends[1]);
  if (child_ < 0) {
    ::close(ends[0]);
    fail("fork", code);
  }
  socket_ = ends[0];
}

worker_process::~worker_process() {
  ::close(socket_);
  for (int tries = 0; child_ > 0 && tries < 200; ++tries) {
    if (::waitpid(child_, nullptr, WNOHANG) != 0) {
      child_ = -1;
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  kill();
}

void worker_process::send(std::string_view line) noexcept {
  while (!line.empty()) {
    const ssize_t count = ::send(socket_, line.data(), line.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;
    line.remove_prefix(static_cast<std::size_t>(count));
  }
}

worker_process::reply worker_process::receive() {
  reply result;
  std::array<char, 4096> piece{};
  for (;;) {
    const ssize_t count = ::recv(socket_, piece.data(), piece.size(), MSG_DONTWAIT);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    if (count <= 0) {
      result.has_ended = true;
      break;
    }
    pending_.append(piece.data(), static_cast<std::size_t>(count));
  }
  if (const std::size_t end = pending_.find('\n'); end != std::string::npos) {
    result.line = pending_.substr(0, end);
    pending_.erase(0, end + 1);
  }
  return result;
}

void worker_process::kill() noexcept {
  if (child_ <= 0) return;
  ::kill(child_, SIGKILL);
  while (::waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
  }
  child_ = -1;
}

std::string worker_process::wait_for_end() {
  int status = 0;
  while (::waitpid(child_, &status, 0) < 0 && errno == EINTR) {
  }
  child_ = -1;
  if (!WIFSIGNALED(status)) return "exit code " + std::to_string(WEXITSTATUS(status));
  const char* name = sigabbrev_np(WTERMSIG(status));
  return name ? std::string("SIG") + name : "signal " + std::to_string(WTERMSIG(status));
}

}  // namespace wherry::cli
