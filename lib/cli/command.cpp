// command.cpp: see command.hpp.
#include "command.hpp"

#include <cmath>
#include <iostream>
#include <wherry/loop/read_file.hpp>
#include <wherry/loop/sync_wait.hpp>

namespace wherry::cli {
namespace {

CLI::Validator number_flag(const char* name, const char* expected, bool (*accepts)(double)) {
  return {[expected, accepts](std::string& text) {
            double value = 0;
            const bool is_good = CLI::detail::lexical_cast(text, value) && accepts(value);
            return is_good ? std::string() : "expected " + std::string(expected) + ", got '" + text + "'";
          },
          name};
}

}  // namespace

CLI::Validator at_least_zero() {
  return number_flag(">=0", "a number from 0", [](double value) { return value >= 0; });
}

CLI::Validator above_zero() {
  return number_flag(">0", "a number above 0", [](double value) { return value > 0; });
}

CLI::Validator whole_above_zero() {
  return number_flag(">0", "a whole number above 0",
                     [](double value) { return value > 0 && value < 0x1p63 && value == std::floor(value); });
}

bool is_artifact(const program& source) { return detail::begins_as_plan(source.text()); }

void require_entry(const program& source, const plan& compiled) {
  if (!is_artifact(source) || source.function().empty() || source.function() == compiled.function) return;
  throw usage_error(source.name() + ": the artifact holds the function '" + compiled.function + "', not '" +
                    source.function() + "'");
}

CLI::App* add_command(command_line& line, const char* name, const char* summary) {
  CLI::App* command = line.app.add_subcommand(name, summary);
  command->set_version_flag("--version", "wherry " + std::string(version));
  return command;
}

void add_inputs(CLI::App& command, std::vector<std::string>& paths) {
  command
      .add_option(
          "--input", paths,
          "safetensors file with arg0, arg1, ...; or .npy files, one for each argument in their order")
      ->type_name("FILE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void json_option::add_to(CLI::App& command) {
  command.add_option("--json", path_, "Write the result as JSON, to standard output if no file is named")
      ->type_name("[=FILE]");
}

void json_option::write(const nlohmann::json& value) const {
  if (!path_) return;
  // Messages may quote a source that is not UTF-8.
  const std::string text = value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  if (is_standard_output()) {
    std::cout << text;
    return;
  }
  loop here;
  sync_wait(here, write_file_atomic(here, *path_, std::as_bytes(std::span(text))));
}

void device_options::add_to(CLI::App& command) {
  command.add_option("--device", device, "cpu:K, opencl:K, or opencl:TEXT, a part of platform/device")
      ->capture_default_str();
  command.add_option("--codegen", codegen, "Kernels as native code or as OpenCL C")
      ->check(CLI::IsMember({"native", "opencl"}));
}

compile_options device_options::for_compiling(const wherry::client& client) const {
  compile_options options;
  options.device = client.device(device);
  options.codegen = codegen;
  return options;
}

std::vector<std::string> with_json_values(int count, char** arguments) {
  std::vector<std::string> all(arguments, arguments + count);
  for (std::string& argument : all) {
    if (argument == "--") break;
    if (argument == "--json") argument = "--json=-";
  }
  return all;
}

int exit_code_of(const error& e) noexcept {
  switch (e.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kUnimplemented:
    case absl::StatusCode::kDataLoss:
      return bad_input;
    default:
      return broken;
  }
}

void report(const std::string& message) {
  const bool is_placed = message.find(": error: ") != std::string::npos;
  std::cerr << (is_placed ? "" : "wherry: error: ") << message << "\n";
}

}  // namespace wherry::cli
