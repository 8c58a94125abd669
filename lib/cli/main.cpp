// main.cpp: the `wherry` command.
#include <iostream>
#include <new>
#include <wherry/status/log.hpp>

#include "command.hpp"

namespace wherry::cli {
namespace {

int parse_and_run(int count, char** arguments) {
  command_line line;
  line.app.set_version_flag("--version", "wherry " + std::string(version));
  line.app.require_subcommand(1);
  add_devices(line);
  add_run(line);
  add_check(line);
  add_bench(line);
  add_compile(line);
  add_trace(line);
  line.app.failure_message([](const CLI::App* app, const CLI::Error& e) {
    const std::vector<std::string> unknown = app->remaining();
    const bool is_missing = e.get_exit_code() == static_cast<int>(CLI::ExitCodes::RequiredError);
    const std::string what = is_missing && !app->get_parent() && !unknown.empty()
                                 ? "there is no command '" + unknown.front() + "'"
                                 : std::string(e.what());
    return "wherry: error: " + what + "\nRun with --help for the usage.\n";
  });

  std::vector<std::string> all = with_json_values(count, arguments);
  std::vector<std::string> reversed(all.rbegin(), all.rend() - 1);
  try {
    line.app.parse(std::move(reversed));
  } catch (const CLI::ParseError& e) {
    return line.app.exit(e) == 0 ? fine : bad_input;
  }
  return line.chosen();
}

int guarded(int count, char** arguments) {
  try {
    (void)log_enabled(log_level::error);  // says now what is wrong with WHERRY_LOG
    return parse_and_run(count, arguments);
  } catch (const usage_error& e) {
    report(e.what());
    return bad_input;
  } catch (const error& e) {
    report(e.what());
    return exit_code_of(e);
  } catch (const std::bad_alloc&) {
    report("out of host memory");
  } catch (const std::exception& e) {
    report(e.what());
  }
  return broken;
}

}  // namespace
}  // namespace wherry::cli

int main(int count, char** arguments) {
  const int code = wherry::cli::guarded(count, arguments);
  if (!std::cout.flush() && code == wherry::cli::fine) {
    wherry::cli::report("standard output cannot be written");
    return wherry::cli::broken;
  }
  return code;
}
