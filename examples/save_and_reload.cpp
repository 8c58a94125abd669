// save_and_reload.cpp: buffers into a safetensors file and back.
#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <wherry/array/safetensors.hpp>
#include <wherry/wherry.hpp>

namespace wh = wherry;

int main() {
  const wh::client client;
  const wh::executable square = client.compile(wh::program::from_text(R"(
      func.func @main(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
        %0 = stablehlo.multiply %x, %x : tensor<2x3xf32>
        return %0 : tensor<2x3xf32>
      })"));
  const wh::buffer x = client.buffer(std::vector<float>{1, 2, 3, 4, 5, 6}, {2, 3});
  const wh::execution run = square(x);

  const auto path =
      std::filesystem::temp_directory_path() / ("wherry-" + std::to_string(::getpid()) + ".safetensors");
  wh::safetensors saved;
  saved.tensors["x"] = x.value();
  saved.tensors["square"] = run.value();
  saved.metadata["program"] = square.name();
  wh::save_safetensors(path, saved);  // appears by rename, never half-written

  const wh::safetensors reloaded = wh::load_safetensors(path);
  std::filesystem::remove(path);
  const wh::array again = square(client.buffer(reloaded.at("x"))).value();
  std::cout << again << '\n';
  return std::ranges::equal(again.data<float>(), reloaded.at("square").data<float>()) ? 0 : 1;
}
