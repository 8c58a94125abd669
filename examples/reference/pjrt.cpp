// pjrt.cpp: every line of docs/reference/pjrt.md, run and checked.
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <functional>
#include <iostream>
#include <sstream>
#include <wherry/client_files.hpp>
#include <wherry/wherry.hpp>

namespace wh = wherry;

namespace {

int failures = 0;

void check(bool good, const char* what) {
  if (good) return;
  std::cerr << "not so: " << what << '\n';
  ++failures;
}

void refuses(const std::function<void()>& call, const std::string& message) {
  try {
    call();
    check(false, ("it was accepted, expected " + message).c_str());
  } catch (const wh::error& e) {
    if (std::string(e.what()).find(message) != std::string::npos) return;
    check(false, ("expected " + message + ", got " + e.what()).c_str());
  }
}

template <class... T>
void used(const T&...) {}

constexpr const char* scale_text = R"(
    func.func @main(%x: tensor<2xf32>, %factor: tensor<f32>) -> (tensor<2xf32>, tensor<i32>) {
      %all = stablehlo.broadcast_in_dim %factor, dims = [] : (tensor<f32>) -> tensor<2xf32>
      %product = stablehlo.multiply %x, %all : tensor<2xf32>
      %seven = stablehlo.constant dense<7> : tensor<i32>
      return %product, %seven : tensor<2xf32>, tensor<i32>
    })";

constexpr const char* add_text = R"(
    func.func @main(%x: tensor<2xf32> {tf.aliasing_output = 0 : i32}, %y: tensor<2xf32>) -> tensor<2xf32> {
      %sum = stablehlo.add %x, %y : tensor<2xf32>
      return %sum : tensor<2xf32>
    })";

void devices_and_clients(const wh::client& client) {
  const wh::client two(wh::client_options{.cpu_devices = 2});
  check(two.device("cpu:1").name() == "cpu:1", "the second CPU device has a name");
  check(client.device("cpu") == client.device("cpu:0"), "devices are interned");
  const wh::buffer x = client.buffer({1.0F, 2.0F});
  check(x.device() == client.device(), "a buffer knows its device");
  used(x.device().description().platform, client.devices(), client.platform(), client.attributes());
  const wh::client small(wh::client_options{.requests_in_flight = 8, .memory_limit = 1 << 20});
  refuses([&] { small.empty({wh::dtype::f32, {1 << 20}}); }, "the limit is 1048576");
  check(x.device().memory().in_use > 0, "memory is in use");
  std::ostringstream out;
  out << x.device() << ' ' << x.dtype() << ' ' << x.type();
  check(out.str() == "cpu:0 f32 tensor<2xf32>", "names are printed");
  refuses([&] { client.device("cpu:99"); },
          "no device 'cpu:99'; expected cpu[:K] or opencl:K|TEXT; known: cpu:0");
}

void buffers(const wh::client& client) {
  const std::vector<double> values{1.5, -2, 0, 4, 5, 6};
  check(client.buffer(values).dims() == wh::shape{6}, "a list is a vector");
  check(client.buffer(values, {2, 3}).dtype() == wh::dtype::f64, "double is f64");
  const wh::buffer half = client.buffer(values, {2, 3}, {.dtype = wh::dtype::f16});
  const wh::buffer flags = client.buffer(values, {2, 3}, {.dtype = wh::dtype::boolean});
  check(half.type().bytes() == 12 && !flags.value().data<bool>()[2], "values are converted");
  check(client.buffer({2.5F}, {100, 100}).value().size() == 10000, "one value fills a shape");
  const wh::buffer far = client.buffer(values, {2, 3}, {.device = client.device("cpu:0")});
  const wh::buffer scalar = client.scalar(3, {.dtype = wh::dtype::i64});
  check(scalar.dims().rank() == 0 && scalar.value().item<std::int64_t>() == 3, "a scalar has rank 0");
  const wh::buffer storage = client.empty({wh::dtype::f32, {0, 3}});
  check(storage.value().size() == 0, "an extent may be 0");
  check(client.buffer(far, wh::shape{2, 3}, {.dtype = wh::dtype::f64}) == far,
        "a buffer of a buffer is itself");
  refuses([&] { client.buffer(far, {.dtype = wh::dtype::f32}); }, "a buffer is not converted");

  const std::vector<std::byte> columns = wh::raw_bytes(far.value(), wh::element_order::column_major);
  const wh::buffer again =
      client.from_bytes(columns, {wh::dtype::f64, {2, 3}}, wh::element_order::column_major);
  check(std::ranges::equal(again.value().bytes(), far.value().bytes()), "column-major bytes come back");
  const std::vector<std::int64_t> strides{8, 16};  // in bytes: the transpose of three rows of two
  check(client.from_strides(values.data(), {wh::dtype::f64, {2, 3}}, strides).value().data<double>()[1] == 0,
        "elements are taken as far apart as the strides say");

  refuses([&] { client.buffer({1.0, 2.0}, {1, 4}); },
          "buffer: tensor<1x4xf64> has 4 elements, got 2 values; expected as many, or 1 to fill it with");
  refuses(
      [&] {
        client.buffer({1.0, 1e300}, {2}, {.dtype = wh::dtype::f32, .check = wh::value_check::representable});
      },
      "buffer: element 1 is 1e+300, expected a value that f32 can hold");
  refuses(
      [&] {
        client.from_bytes(std::span(columns).first(10), {wh::dtype::f32, {2, 3}},
                          wh::element_order::row_major);
      },
      "from_bytes: tensor<2x3xf32> requires 24 bytes, got 10");
}

void reading(const wh::client& client) {
  const wh::buffer x = client.buffer({1.0F, 2.0F, 3.0F, 4.0F}, {2, 2});
  used(x.type(), x.dims(), x.dtype(), x.id());
  x.await();
  const wh::array a = x.value();
  const wh::array_promise promise = x.as_array();
  used(promise.is_ready());
  check(promise.value().bytes().data() == promise.value().bytes().data(), "a promise keeps its value");
  check(a.data<float>()[3] == 4, "elements have a type");
  check(wh::convert(a, wh::dtype::f64).data<double>()[3] == 4, "arrays are converted on the host");
  const wh::buffer copy = x.copy_to(client.device("cpu:0"));
  check(copy == x, "a copy to the same device is the buffer");
  check(wh::format(x).elements[1] == "2.00000000e+00", "elements as literals");
}

void parts_of_buffers(const wh::client& client) {
  const wh::buffer x = client.buffer({1.0F, 2.0F, 3.0F, 4.0F});
  x.write(std::vector<float>{30, 40}, 8);
  std::vector<float> last(2);
  x.read(last, 8).await();
  const wh::buffer rows = x.reshape({2, 2}), second = x.slice(2, {2});
  second.fill(0);
  check(last[1] == 40 && rows.value().data<float>()[3] == 0, "parts are written and read");
}

void printing(const wh::client& client) {
  const wh::buffer x = client.buffer({1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, {2, 5});
  std::ostringstream out;
  out << x;
  check(out.str() == "buffer \n  1  2  3  4  5\n  6  7  8  9 10\n[ CPUi32{2x5} ] \n", "a page");
  wh::print(out, x, {.max_rows = 20, .max_width = -1, .max_rows_slice = 5, .header = false, .footer = ""});
  out << x.as_array();
}

void programs(const wh::client& client) {
  const wh::program scale_program = wh::program::from_text(scale_text, "scale");
  refuses([&] { wh::program::from_file("missing.mlir"); }, "missing.mlir: cannot read");
  const wh::executable scale = client.compile(scale_program);
  const wh::executable add =
      client.compile(wh::program::from_text(add_text, "add"), {.device = client.device("cpu:0")});
  check(scale.device() == client.device() && scale.inputs().size() == 2 && scale.outputs().size() == 2,
        "executables remember");
  std::ostringstream out;
  out << scale_program << scale;
  wh::print(out, scale_program, 10);
  check(out.str().find(
            "executable scale(tensor<2xf32>, tensor<f32>) -> (tensor<2xf32>, tensor<i32>) on cpu:0") !=
            std::string::npos,
        "programs and executables are printed");

  const wh::buffer x = client.buffer({1.0F, 2.0F}), y = client.buffer({10.0F, 20.0F});
  const wh::execution run = scale(x, client.scalar(3.0F));
  const wh::buffer product = run[0];
  check(product.value().data<float>()[1] == 6 && run[1].value().item<std::int32_t>() == 7, "two results");
  refuses([&] { run.value(); }, "it has 2 outputs, not one");
  refuses([&] { scale(x); }, "expected 2 arguments, got 1");
  refuses([&] { scale(x, x); }, "argument 1: expected tensor<f32>, got tensor<2xf32>");
  const wh::client two(wh::client_options{.cpu_devices = 2});
  refuses([&] { add(x, y.copy_to(two.device("cpu:1"))); },
          "argument 1 is on cpu:1, the executable on cpu:0: use copy_to");

  wh::execute_options options;
  options.keep = {0};
  options.launch_id = 7;
  check(add.call(std::vector{x, y}, options).value().data<float>()[1] == 22, "an argument is kept");
  refuses([&] { add(x, x); }, "argument 0 is donated, and argument 1 is the same buffer");
  check(!x.is_deleted(), "nothing was donated");
  const wh::buffer sum = add(x, y)[0];  // x is donated
  check(sum.value().data<float>()[0] == 11 && x.is_deleted(), "an argument is donated");
  refuses([&] { x.value(); }, "buffer was donated to add, request ");

  wh::buffer w = client.buffer({0.0F}, {2});
  for (int k = 0; k < 20; ++k) w = add(w, y)[0];  // nobody waits
  check(w.value().data<float>()[1] == 400, "chains run on");
}

absl::Status negate(std::span<const float> x, std::span<float> y) {
  for (std::size_t k = 0; k < x.size(); ++k) y[k] = -x[k];
  return absl::OkStatus();
}

void around_programs(const wh::client& client) {
  const wh::executable scale = client.compile(wh::program::from_text(scale_text, "scale"));
  check(scale.stage("stablehlo").find("stablehlo.multiply") != std::string::npos, "a stage is text");

  const auto compile = [&](const wh::call_signature& s) {
    return client.compile(wh::program::from_text(s.program, "cached"));
  };
  const wh::executable_cache cache(16, compile);
  const std::vector<wh::buffer> args{client.buffer({1.0F, 2.0F}), client.scalar(3.0F)};
  check(cache.call(scale_text, args)[0].value().data<float>()[1] == 6, "a cached program runs");
  check(cache.size() == 1, "one is cached");

  wh::register_call("negate", wh::bind(negate));
  const wh::executable negates = client.compile(wh::program::from_text(R"(
      func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
        %0 = stablehlo.custom_call @negate(%x) {api_version = 4 : i32} : (tensor<2xf32>) -> tensor<2xf32>
        return %0 : tensor<2xf32>
      })"));
  check(negates(args[0]).value().data<float>()[1] == -2, "a custom call runs");
}

constexpr const char* print_text = R"(
  func.func @main(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
    stablehlo.custom_call @print_tensor(%x) {has_side_effect = true, api_version = 4 : i32,
        backend_config = {print_header = "x", print_footer = ""}} : (tensor<2x3xf32>) -> ()
    return %x : tensor<2x3xf32>
  })";

constexpr const char* linear_algebra_text = R"(
  func.func @main(%a: tensor<2x2xf64>)
      -> (tensor<2x2xf64>, tensor<2x2xf64>, tensor<2x2xf64>, tensor<2xf64>, tensor<2xf64>) {
    %packed, %tau = stablehlo.custom_call @geqrf(%a) : (tensor<2x2xf64>) -> (tensor<2x2xf64>, tensor<2xf64>)
    %q = stablehlo.custom_call @orgqr(%packed, %tau) : (tensor<2x2xf64>, tensor<2xf64>) -> tensor<2x2xf64>
    %lu, %pivots = stablehlo.custom_call @lu(%a) : (tensor<2x2xf64>) -> (tensor<2x2xf64>, tensor<2xi32>)
    %u, %s, %vt = stablehlo.custom_call @svd(%a)
        : (tensor<2x2xf64>) -> (tensor<2x2xf64>, tensor<2xf64>, tensor<2x2xf64>)
    %v, %w = stablehlo.custom_call @eigh(%a) : (tensor<2x2xf64>) -> (tensor<2x2xf64>, tensor<2xf64>)
    return %packed, %q, %lu, %s, %w : tensor<2x2xf64>, tensor<2x2xf64>, tensor<2x2xf64>, tensor<2xf64>, tensor<2xf64>
  })";

void targets_that_are_there(const wh::client& client) {
  std::string page;
  wh::set_print_sink([&](std::string_view text) { page += text; });
  client.compile(wh::program::from_text(print_text, "print"))(client.buffer({1.0F}, {2, 3})).await();
  wh::set_print_sink({});
  check(page == "x \n 1 1 1\n 1 1 1\n", "a tensor is printed");

  // wherry::lapack is there where liblapacke was when wherry was built.
  if (!wh::kernel_registry::instance().find_target("geqrf").host) return;
  const wh::executable factors = client.compile(wh::program::from_text(linear_algebra_text, "factors"));
  const auto [packed, q, lu, s, w] = factors(client.buffer({2.0, 1.0, 1.0, 2.0}, {2, 2})).unpack<5>();
  const auto near = [](const wh::buffer& b, std::size_t k, double wanted) {
    return std::abs(std::abs(b.value().data<double>()[k]) - wanted) < 1e-12;
  };
  check(near(packed, 0, std::sqrt(5.0)) && near(q, 0, 2 / std::sqrt(5.0)), "an orthogonal factor");
  check(near(lu, 2, 0.5) && near(lu, 3, 1.5), "triangular factors");
  check(near(s, 0, 3) && near(s, 1, 1), "singular values");
  check(near(w, 0, 1) && near(w, 1, 3), "eigenvalues");
}

void files(const wh::client& client, const std::string& path) {
  wh::safetensors_buffers tensors;
  tensors.tensors["x"] = client.buffer({1.0F, 2.0F});
  tensors.metadata["made by"] = "this program";
  wh::save_buffers(path, tensors);
  const wh::safetensors_buffers loaded = wh::load_buffers(client, path);
  check(loaded.at("x").value().data<float>()[1] == 2, "a tensor comes back");
  refuses([&] { loaded.at("y"); }, "there is no tensor 'y'");
  wh::safetensors on_host;
  on_host.tensors.emplace("x", loaded.at("x").value());
  const std::vector<std::byte> bytes = wh::safetensors_to_bytes(on_host);
  check(wh::safetensors_from_bytes(bytes).at("x").data<float>()[1] == 2, "bytes are a file");
}

}  // namespace

int main() {
  const wh::client client;
  devices_and_clients(client);
  buffers(client);
  reading(client);
  parts_of_buffers(client);
  printing(client);
  programs(client);
  around_programs(client);
  targets_that_are_there(client);
  const auto path =
      std::filesystem::temp_directory_path() / ("wherry-pjrt-" + std::to_string(::getpid()) + ".safetensors");
  files(client, path);
  std::filesystem::remove(path);
  return failures == 0 ? 0 : 1;
}
