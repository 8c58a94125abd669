// check_worker.cpp: see check_worker.hpp.
#include "check_worker.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

namespace wherry::cli {
namespace {

/// Waits for the next line; nothing at the end.
std::optional<std::string> read_line(int socket, std::string& pending) {
  for (;;) {
    if (const std::size_t end = pending.find('\n'); end != std::string::npos) {
      std::string line = pending.substr(0, end);
      pending.erase(0, end + 1);
      return line;
    }
    std::array<char, 4096> piece{};
    const ssize_t count = ::recv(socket, piece.data(), piece.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return std::nullopt;
    pending.append(piece.data(), static_cast<std::size_t>(count));
  }
}

bool send_all(int socket, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

/// Gives crashes back their default end. LLVM, which drivers bring along, puts handlers in their place that
/// swallow a signal sent by another process.
void die_of_crashes() {
  for (const int number : {SIGSEGV, SIGBUS, SIGILL, SIGABRT, SIGTRAP, SIGTERM}) std::signal(number, SIG_DFL);
}

int refuse(int socket, const std::string& message, int code) {
  check_answer answer;
  answer.fatal = message;
  answer.fatal_code = code;
  (void)send_all(socket, answer_line(answer));
  return code;
}

}  // namespace

std::string request_line(std::span<const module_name> modules) {
  nlohmann::json request = nlohmann::json::array();
  for (const module_name& m : modules)
    request.push_back({{"path", m.path}, {"number", m.number}, {"is_part", m.is_part}});
  return request.dump(-1, ' ', true, nlohmann::json::error_handler_t::strict) + "\n";
}

std::vector<module_name> parse_request(const std::string& line) {
  std::vector<module_name> modules;
  for (const auto& m : nlohmann::json::parse(line)) {
    modules.push_back(
        {m.at("path").get<std::string>(), m.at("number").get<std::size_t>(), m.at("is_part").get<bool>()});
  }
  return modules;
}

std::string answer_line(const check_answer& answer) {
  nlohmann::json line = {{"outcome", static_cast<int>(answer.of.outcome)},
                         {"reason", answer.of.reason},
                         {"seconds", answer.of.seconds}};
  if (answer.of.max_ulp) line["max_ulp"] = *answer.of.max_ulp;
  if (answer.fatal_code != fine) {
    line["fatal"] = answer.fatal;
    line["code"] = answer.fatal_code;
  }
  return line.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) + "\n";
}

check_answer parse_answer(const std::string& line) {
  const auto parsed = nlohmann::json::parse(line);
  check_answer answer;
  answer.of.outcome = static_cast<verdict::status>(parsed.at("outcome").get<int>());
  answer.of.reason = parsed.at("reason").get<std::string>();
  answer.of.seconds = parsed.at("seconds").get<double>();
  if (parsed.contains("max_ulp")) answer.of.max_ulp = parsed["max_ulp"].get<std::uint64_t>();
  answer.fatal = parsed.value("fatal", "");
  answer.fatal_code = parsed.value("code", static_cast<int>(fine));
  return answer;
}

int serve_checks(int socket, const device_options& place) {
  ::dup2(STDERR_FILENO, STDOUT_FILENO);
  std::optional<client> here;
  compile_options compiling;
  try {
    here.emplace();
    compiling = place.for_compiling(*here);
  } catch (const error& e) {
    return refuse(socket, e.what(), exit_code_of(e));
  } catch (const std::exception& e) {
    return refuse(socket, e.what(), broken);
  }
  if (compiling.codegen == "native" && !compiling.device.core()->is_host()) {
    return refuse(socket, "--codegen native: " + compiling.device.name() + " runs OpenCL C only", bad_input);
  }
  std::string pending;
  while (const auto line = read_line(socket, pending)) {
    die_of_crashes();
    bool heard = true;
    check_modules(*here, compiling, parse_request(*line), [&](const verdict& v) {
      check_answer answer;
      answer.of = v;
      heard = heard && send_all(socket, answer_line(answer));
    });
    if (!heard) break;
  }
  return fine;
}

}  // namespace wherry::cli
