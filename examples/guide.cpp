// guide.cpp: the program of docs/guide.md in all its stages: the energy of signals that lie in files.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <wherry/wherry.hpp>

namespace wh = wherry;

using paths = std::vector<std::string>;

constexpr const char* energy_text = R"(
    func.func @main(%x: tensor<65536xf32>) -> tensor<f32> {
      %zero = stablehlo.constant dense<0.0> : tensor<f32>
      %squares = stablehlo.multiply %x, %x : tensor<65536xf32>
      %sum = stablehlo.reduce(%squares init: %zero) applies stablehlo.add across dimensions = [0]
          : (tensor<65536xf32>, tensor<f32>) -> tensor<f32>
      return %sum : tensor<f32>
    })";

std::vector<float> signal_from(const std::string& path) {
  std::vector<float> signal(65536);
  std::ifstream(path, std::ios::binary).read(reinterpret_cast<char*>(signal.data()), 65536 * sizeof(float));
  return signal;
}

float one_by_one(const wh::client& client, const wh::executable& energy, const paths& files) {
  float total = 0;
  for (const std::string& file : files) {
    const wh::buffer signal = client.buffer(signal_from(file), {65536});
    const wh::array sum = energy(signal).value();  // waits
    total += sum.item<float>();
  }
  return total;
}

float ahead(const wh::client& client, const wh::executable& energy, const paths& files) {
  std::vector<wh::array_promise> sums;
  for (const std::string& file : files) {
    const wh::buffer signal = client.buffer(signal_from(file), {65536});
    sums.push_back(energy(signal)[0].as_array());  // returns at once: the next file is read meanwhile
  }
  float total = 0;
  for (const wh::array_promise& sum : sums) total += sum.value().item<float>();
  return total;
}

wh::task<float> energy_of(const wh::client& client, const wh::executable& energy, wh::loop& loop,
                          std::string file) {
  const std::vector<std::byte> bytes = co_await wh::read_file(loop, file);
  const std::span<const float> signal(reinterpret_cast<const float*>(bytes.data()),
                                      bytes.size() / sizeof(float));
  const wh::buffer input = client.buffer(signal, {65536});
  const wh::execution run = co_await energy.submit(input);
  const wh::array sum = co_await run[0].as_array();
  co_return sum.item<float>();
}

wh::task<float> in_turn(const wh::client& client, const wh::executable& energy, wh::loop& loop,
                        const paths& files) {
  float total = 0;
  for (const std::string& file : files) {
    const float sum = co_await energy_of(client, energy, loop, file);
    total += sum;
  }
  co_return total;
}

wh::task<float> all_at_once(const wh::client& client, const wh::executable& energy, wh::loop& loop,
                            const paths& files) {
  std::vector<wh::task<float>> tasks;
  for (const std::string& file : files) tasks.push_back(energy_of(client, energy, loop, file));
  const std::vector<float> sums = co_await wh::when_all(std::move(tasks));
  float total = 0;
  for (const float sum : sums) total += sum;
  co_return total;
}

wh::task<std::string> outcome_of(const wh::client& client, const wh::executable& energy, wh::loop& loop,
                                 std::string file) {
  const absl::StatusOr<float> sum = co_await wh::as_status(energy_of(client, energy, loop, file));
  co_return sum.ok() ? std::to_string(*sum) : std::string(sum.status().message());
}

int main() {
  const wh::client client;
  const wh::executable energy = client.compile(wh::program::from_text(energy_text, "energy"));

  const auto folder = std::filesystem::temp_directory_path() / ("wherry-guide-" + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  paths files;
  for (int k = 0; k < 6; ++k) {
    files.push_back(folder / ("signal" + std::to_string(k)));
    const std::vector<float> signal(65536, static_cast<float>(k));
    std::ofstream(files.back(), std::ios::binary)
        .write(reinterpret_cast<const char*>(signal.data()), 65536 * sizeof(float));
  }

  wh::loop loop;
  const float totals[] = {one_by_one(client, energy, files), ahead(client, energy, files),
                          wh::sync_wait(loop, in_turn(client, energy, loop, files)),
                          wh::sync_wait(loop, all_at_once(client, energy, loop, files))};
  const std::string missing = wh::sync_wait(loop, outcome_of(client, energy, loop, folder / "missing"));
  std::filesystem::remove_all(folder);
  for (const float total : totals) std::cout << total << ' ';
  std::cout << '\n' << missing << '\n';
  const bool agree = std::ranges::all_of(totals, [](float t) { return t == 55 * 65536.0f; });
  return agree && missing.find("missing") != std::string::npos ? 0 : 1;
}
