// save_and_reload.cpp: buffers into a safetensors file and back.
#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <wherry/client_files.hpp>
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
  wh::safetensors_buffers saved;
  saved.tensors["x"] = x;
  saved.tensors["square"] = run[0];  // need not be ready
  saved.metadata["program"] = square.name();
  wh::save_buffers(path, saved);  // appears by rename, never half-written

  const wh::safetensors_buffers reloaded = wh::load_buffers(client, path);  // mapped, nothing is copied
  std::filesystem::remove(path);
  const wh::array again = square(reloaded.at("x")).value();
  std::cout << again << '\n';
  const wh::array before = reloaded.at("square").value();
  return std::ranges::equal(again.data<float>(), before.data<float>()) ? 0 : 1;
}
