// check.cpp: `wherry check`: runs modules that test themselves, each in a worker process.
//
// This process never calls OpenCL: it hands out modules, collects verdicts and replaces workers that die or
// take too long, so that one module cannot take the others with it. Where drivers build the code, a worker
// gets several modules at a time, which it compiles together; if it does not get through them, those that
// have no verdict yet are run again, each alone.
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <memory>
#include <vector>

#include "check_worker.hpp"
#include "worker_process.hpp"

namespace wherry::cli {
namespace {

using steady = std::chrono::steady_clock;

struct check_options {
  std::vector<std::string> paths;
  unsigned jobs = 0;  // 0: one for each core
  double timeout = 60;
  device_options place;
  json_option json;
  int worker_socket = -1;

  /// True if a driver will build the code.
  bool builds_opencl() const {
    if (!place.codegen.empty()) return place.codegen == "opencl";
    const char* set = std::getenv("WHERRY_CODEGEN");
    return place.device.rfind("cpu", 0) != 0 || (set && std::string_view(set) == "opencl");
  }
};

class checker {
 public:
  checker(const check_options& options, std::vector<module_name> modules)
      : options_(options), modules_(std::move(modules)), verdicts_(modules_.size()) {
    const unsigned cores = allowed_cores();
    const auto wanted = options.jobs == 0 ? cores : options.jobs;
    slots_.resize(std::min<std::size_t>(wanted, modules_.size()));
    cores_each_ = std::max(1U, cores / static_cast<unsigned>(slots_.size()));
  }

  /// Runs all modules and prints each line as soon as all lines before it are there.
  void run() {
    while (printed_ < modules_.size()) {
      for (slot& s : slots_) start_next(s);
      wait();
      for (slot& s : slots_) look_at(s);
      print_finished();
    }
  }

  const std::vector<module_name>& modules() const noexcept { return modules_; }
  const verdict& of(std::size_t index) const { return *verdicts_[index]; }
  std::size_t count(verdict::status s) const {
    return static_cast<std::size_t>(
        std::count_if(verdicts_.begin(), verdicts_.end(), [&](const auto& v) { return v->outcome == s; }));
  }

 private:
  struct slot {
    std::unique_ptr<worker_process> worker;
    std::deque<std::size_t> modules;  // what it runs, in the order of its answers
    bool has_one = false;             // it was given one module
    steady::time_point begin;         // of the first of `modules`
    steady::time_point deadline;
  };

  static constexpr std::size_t most_together = 16;

  /// Takes the modules that a worker gets next.
  std::deque<std::size_t> take_next() {
    if (!alone_.empty()) {
      const std::size_t module = alone_.front();
      alone_.pop_front();
      return {module};
    }
    const std::size_t left = modules_.size() - next_;
    const std::size_t share = (left + slots_.size() - 1) / slots_.size();
    const std::size_t count = options_.builds_opencl() ? std::min(most_together, share) : 1;
    std::deque<std::size_t> some;
    while (some.size() < std::min(count, left)) some.push_back(next_++);
    return some;
  }

  void start_next(slot& s) {
    if (!s.modules.empty()) return;
    s.modules = take_next();
    if (s.modules.empty()) return;
    if (!s.worker) {
      std::vector<std::string> words = {"check", "--device", options_.place.device};
      if (!options_.place.codegen.empty()) words.insert(words.end(), {"--codegen", options_.place.codegen});
      words.push_back("--worker");
      s.worker = std::make_unique<worker_process>(words, cores_each_);
    }
    s.has_one = s.modules.size() == 1;
    start_clock(s);
    std::vector<module_name> names;
    for (const std::size_t module : s.modules) names.push_back(modules_[module]);
    s.worker->send(request_line(names));
  }

  void start_clock(slot& s) const {
    s.begin = steady::now();
    s.deadline = s.begin + std::chrono::duration_cast<steady::duration>(
                               std::chrono::duration<double>(options_.timeout));
  }

  /// Until a worker has answered or died, or the next deadline.
  void wait() {
    std::vector<pollfd> all;
    auto until = steady::time_point::max();
    for (const slot& s : slots_) {
      if (s.modules.empty()) continue;
      all.push_back({s.worker->socket(), POLLIN, 0});
      until = std::min(until, s.deadline);
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - steady::now()).count();
    (void)::poll(all.data(), all.size(), static_cast<int>(std::clamp<std::int64_t>(left, 0, 1'000'000)));
  }

  void look_at(slot& s) {
    while (!s.modules.empty()) {
      const worker_process::reply reply = s.worker->receive();
      if (reply.line) {
        const check_answer answer = parse_answer(*reply.line);
        if (answer.fatal_code == bad_input) throw usage_error(answer.fatal);
        if (answer.fatal_code != fine) throw run_error(answer.fatal);
        finish(s, answer.of);
        start_clock(s);
        continue;
      }
      if (reply.has_ended) {
        const std::string how = s.worker->wait_for_end();
        give_up(s, "crashed: " + how);
      } else if (steady::now() >= s.deadline) {
        s.worker->kill();
        give_up(s, "timed out");
      }
      return;
    }
  }

  /// The worker is gone. One module was its only one, or any of them is to blame.
  void give_up(slot& s, const std::string& why) {
    s.worker.reset();
    if (s.has_one) return finish(s, {verdict::status::fail, why, {}, elapsed(s)});
    alone_.insert(alone_.end(), s.modules.begin(), s.modules.end());
    s.modules.clear();
  }

  static double elapsed(const slot& s) {
    return std::chrono::duration<double>(steady::now() - s.begin).count();
  }

  void finish(slot& s, verdict v) {
    verdicts_[s.modules.front()] = std::move(v);
    s.modules.pop_front();
  }

  void print_finished() {
    for (; printed_ < modules_.size() && verdicts_[printed_]; ++printed_) {
      if (options_.json.is_standard_output()) continue;
      const verdict& v = *verdicts_[printed_];
      std::cout << name_of(v.outcome) << " " << modules_[printed_].text() << ": " << v.reason << std::endl;
    }
  }

  // constant after construction
  const check_options& options_;
  std::vector<module_name> modules_;
  unsigned cores_each_ = 1;

  std::vector<std::optional<verdict>> verdicts_;
  std::vector<slot> slots_;
  std::size_t next_ = 0;           // the first module that was not handed out
  std::deque<std::size_t> alone_;  // to be run again, each alone
  std::size_t printed_ = 0;        // modules whose line has been written
};

nlohmann::json as_json(const checker& all) {
  nlohmann::json list = nlohmann::json::array();
  for (std::size_t k = 0; k < all.modules().size(); ++k) {
    const verdict& v = all.of(k);
    nlohmann::json entry = {{"path", all.modules()[k].path},
                            {"module", all.modules()[k].number},
                            {"status", name_of(v.outcome)},
                            {"reason", v.reason},
                            {"max_ulp", nullptr},
                            {"seconds", v.seconds}};
    if (v.max_ulp) entry["max_ulp"] = *v.max_ulp;
    list.push_back(std::move(entry));
  }
  return list;
}

int check_modules(const check_options& options) {
  if (options.worker_socket >= 0) return serve_checks(options.worker_socket, options.place);
  if (options.paths.empty()) throw usage_error("check: at least one file or folder is needed");
  std::vector<module_name> modules = find_modules(options.paths);
  if (modules.empty()) throw usage_error("check: there is no module in " + options.paths.front());
  checker all(options, std::move(modules));
  all.run();
  const std::size_t failed = all.count(verdict::status::fail);
  if (!options.json.is_standard_output()) {
    std::cout << all.count(verdict::status::pass) << " passed, " << failed << " failed, "
              << all.count(verdict::status::skip) << " skipped\n";
  }
  options.json.write(as_json(all));
  return failed == 0 ? fine : difference;
}

}  // namespace

void add_check(command_line& line) {
  CLI::App* command = add_command(line, "check", "Run modules that check themselves, in worker processes");
  const auto options = std::make_shared<check_options>();
  command->add_option("path", options->paths, "Files, or folders with .mlir files")->type_name("PATH");
  command->add_option("--jobs", options->jobs, "Worker processes; default: one for each core")
      ->check(CLI::Range(1U, 1024U));
  command->add_option("--timeout", options->timeout, "Seconds for one module")
      ->check(above_zero())
      ->capture_default_str();
  options->place.add_to(*command);
  options->json.add_to(*command);
  command->add_option("--worker", options->worker_socket)->group("");
  command->callback([&line, options] { line.chosen = [options] { return check_modules(*options); }; });
}

}  // namespace wherry::cli
