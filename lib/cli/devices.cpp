// devices.cpp: `wherry devices`: every device of the machine and what it can do.
#include <iostream>
#include <map>

#include "command.hpp"

namespace wherry::cli {
namespace {

std::string units_text(const device& d) {
  std::map<std::string_view, int> counts;
  for (const unit* u : d.units()) ++counts[name_of(u->kind())];
  std::string text;
  for (const auto& [kind, count] : counts) {
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + std::string(kind);
  }
  return text;
}

std::string memory_text(std::uint64_t bytes) {
  constexpr std::uint64_t mib = std::uint64_t{1} << 20;
  return std::to_string(bytes / mib) + " MiB";
}

int show_devices(const json_option& json) {
  const client here;
  nlohmann::json list = nlohmann::json::array();
  for (const device& d : here.devices()) {
    const device_description& about = d.description();
    list.push_back({{"name", about.name},
                    {"platform", about.platform},
                    {"device", about.model},
                    {"driver", about.driver},
                    {"carrier", about.carrier},
                    {"units", d.units().size()},
                    {"fp16", about.fp16},
                    {"fp64", about.fp64},
                    {"memory_bytes", about.memory_bytes}});
    if (json.is_standard_output()) continue;
    const std::string features = std::string(about.fp64 ? "fp64" : "") +
                                 (about.fp64 && about.fp16 ? " " : "") + (about.fp16 ? "fp16" : "");
    std::cout << about.name << "\n"
              << "  platform  " << (about.platform.empty() ? "none" : about.platform) << "\n"
              << "  device    " << (about.model.empty() ? "host" : about.model) << "\n"
              << "  driver    " << (about.driver.empty() ? "none" : about.driver) << "\n"
              << "  units     " << units_text(d) << "\n"
              << "  features  " << (features.empty() ? "none" : features) << "\n"
              << "  memory    " << memory_text(about.memory_bytes) << "\n"
              << "  carrier   " << about.carrier << "\n";
  }
  json.write(list);
  return fine;
}

}  // namespace

void add_devices(command_line& line) {
  CLI::App* command =
      add_command(line, "devices", "Show platforms, devices, units, features, memory and carrier");
  const auto json = std::make_shared<json_option>();
  json->add_to(*command);
  command->callback([&line, json] { line.chosen = [json] { return show_devices(*json); }; });
}

}  // namespace wherry::cli
