// overlap.cpp: a synchronous and an asynchronous loop around a 1000x1000 matrix product.
//
//   overlap timer|file|compute     how an input is prepared: a 20 ms timer, reading a file, computing on the
//   host
//
// The synchronous loop costs prepare + execute per iteration. The asynchronous loop prepares the next input
// while the device computes, and costs the larger of the two.
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <random>
#include <wherry/wherry.hpp>

namespace wh = wherry;

constexpr int iterations = 5;
const wh::tensor_type matrix{wh::dtype::f32, {1000, 1000}};

wh::array random_matrix(unsigned seed) {
  wh::array m(matrix);
  std::minstd_rand random(seed);
  for (float& v : m.mutable_data<float>()) v = static_cast<float>(random() % 1000) / 1000;
  return m;
}

wh::task<wh::array> prepare(wh::loop& loop, const std::string& how, const std::string& path, unsigned k) {
  if (how == "timer") co_await wh::sleep_for(loop, std::chrono::milliseconds(20));
  if (how != "file") co_return random_matrix(k);
  const std::vector<std::byte> bytes = co_await wh::read_file(loop, path);
  wh::array m(matrix);
  std::memcpy(m.bytes().data(), bytes.data(), m.bytes().size());
  co_return m;
}

wh::task<wh::array> asynchronous(const wh::client& client, const wh::executable& square, wh::loop& loop,
                                 const std::string& how, const std::string& path) {
  std::optional<wh::execution> run;
  for (unsigned k = 0; k < iterations; ++k) {
    const wh::array input = co_await prepare(loop, how, path, k);  // while the device computes the last one
    const wh::buffer x = client.buffer(input);
    run = co_await square.submit(x);
  }
  const wh::array result = co_await (*run)[0].as_array();
  co_return result;
}

int main(int argc, char** argv) {
  const std::string how = argc > 1 ? argv[1] : "timer";
  const std::string path =
      std::filesystem::temp_directory_path() / ("wherry-overlap-" + std::to_string(::getpid()));
  const wh::client client;
  const wh::executable square = client.compile(wh::program::from_text(R"(
      func.func @main(%x: tensor<1000x1000xf32>) -> tensor<1000x1000xf32> {
        %0 = stablehlo.dot_general %x, %x, contracting_dims = [1] x [0]
            : (tensor<1000x1000xf32>, tensor<1000x1000xf32>) -> tensor<1000x1000xf32>
        return %0 : tensor<1000x1000xf32>
      })"));
  wh::loop loop;
  const wh::array stored = random_matrix(9);
  wh::sync_wait(loop, wh::write_file_atomic(loop, path, stored.bytes()));

  const auto start = std::chrono::steady_clock::now();
  wh::array last;
  for (unsigned k = 0; k < iterations; ++k) {
    const wh::array input = wh::sync_wait(loop, prepare(loop, how, path, k));
    last = square(client.buffer(input)).value();
  }
  const auto middle = std::chrono::steady_clock::now();
  const wh::array overlapped = wh::sync_wait(loop, asynchronous(client, square, loop, how, path));
  const auto end = std::chrono::steady_clock::now();

  std::filesystem::remove(path);
  const auto ms = [](auto t) { return std::chrono::duration<double, std::milli>(t).count(); };
  std::cout << how << ": synchronous " << ms(middle - start) << " ms, asynchronous " << ms(end - middle)
            << " ms\n";
  return std::ranges::equal(last.bytes(), overlapped.bytes()) ? 0 : 1;
}
