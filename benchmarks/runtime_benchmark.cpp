// Dispatch, hand-off and overlap, each next to its floor in the same program.
//
// A measure NAME is two benchmarks, `NAME/ours` and `NAME/floor`; `benchmarks/run` pairs them and prints
// the ratio. Times are microseconds per operation.
#include <CL/cl.h>
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <thread>
#include <wherry/wherry.hpp>

namespace wh = wherry;

namespace {

std::atomic<bool> counting{false};  // off while times are taken: the counter is shared by all threads
std::atomic<std::int64_t> heap_allocations{0};

wh::client& the_client() {
  static wh::client c;
  return c;
}

const wh::executable& scalar_add() {
  static const wh::executable e = the_client().compile(
      wh::program::from_text("func.func @main(%a: tensor<f32>, %b: tensor<f32>) -> tensor<f32> {\n"
                             "  %0 = stablehlo.add %a, %b : tensor<f32>\n  return %0 : tensor<f32>\n}\n",
                             "scalar_add"));
  return e;
}

const wh::executable& matmul_1000() {
  static const wh::executable e = the_client().compile(wh::program::from_text(
      "func.func @main(%a: tensor<1000x1000xf32>, %b: tensor<1000x1000xf32>) -> tensor<1000x1000xf32> {\n"
      "  %0 = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0] : (tensor<1000x1000xf32>, "
      "tensor<1000x1000xf32>) -> tensor<1000x1000xf32>\n  return %0 : tensor<1000x1000xf32>\n}\n",
      "matmul_1000"));
  return e;
}

// PoCL's `basic` device without us: what a native kernel costs at least.
struct raw_queue {
  raw_queue() {
    auto& device = static_cast<wh::cpu_device&>(*the_client().device("cpu:0").core());
    if (!device.context()) return;
    cl_int code = CL_SUCCESS;
    queue = wh::cl_handle<cl_command_queue>(
        clCreateCommandQueueWithProperties(device.context(), device.cl_device(), nullptr, &code));
  }
  void enqueue(float* values) {
    (void)clEnqueueNativeKernel(
        queue.get(),
        [](void* p) {
          float* v = *static_cast<float**>(p);
          v[0] += v[1];
        },
        &values, sizeof values, 0, nullptr, nullptr, 0, nullptr, nullptr);
  }
  wh::cl_handle<cl_command_queue> queue;
};

void scalar_roundtrip_ours(benchmark::State& state) {
  const wh::executable& step = scalar_add();
  const wh::buffer a = the_client().scalar(1.0f);
  const wh::buffer b = the_client().scalar(1e-3f);
  for (auto _ : state) benchmark::DoNotOptimize(step(a, b).value().item<float>());
}

void scalar_roundtrip_floor(benchmark::State& state) {
  raw_queue raw;
  float values[2] = {1, 1e-3f};
  for (auto _ : state) {
    raw.enqueue(values);
    clFinish(raw.queue.get());
  }
}

void scalar_chain_ours(benchmark::State& state) {
  const wh::executable& step = scalar_add();
  const wh::buffer b = the_client().scalar(1e-3f);
  for (auto _ : state) {
    wh::buffer x = the_client().scalar(1.0f);
    for (int k = 0; k < 1000; ++k) x = step(x, b)[0];
    benchmark::DoNotOptimize(x.value().item<float>());
  }
  state.SetItemsProcessed(state.iterations() * 1000);
}

void scalar_chain_floor(benchmark::State& state) {
  raw_queue raw;
  float values[2] = {1, 1e-3f};
  for (auto _ : state) {
    for (int k = 0; k < 1000; ++k) raw.enqueue(values);
    clFinish(raw.queue.get());
  }
  state.SetItemsProcessed(state.iterations() * 1000);
}

// A launch on a command queue, awaited: the scalar program as OpenCL C on the first queue device, against the
// same addition enqueued and finished by hand.
void launch_ours(benchmark::State& state) {
  const wh::device device = the_client().device("opencl:0");
  wh::compile_options where;
  where.device = device;
  const wh::executable step = the_client().compile(
      wh::program::from_text("func.func @main(%a: tensor<f32>, %b: tensor<f32>) -> tensor<f32> {\n"
                             "  %0 = stablehlo.add %a, %b : tensor<f32>\n  return %0 : tensor<f32>\n}\n",
                             "scalar_add"),
      where);
  const wh::buffer a = the_client().scalar(1.0f, device);
  const wh::buffer b = the_client().scalar(1e-3f, device);
  step(a, b).await();
  for (auto _ : state) step(a, b).await();
}

void launch_floor(benchmark::State& state) {
  auto& device = static_cast<wh::queue_device&>(*the_client().device("opencl:0").core());
  const char* source = "__kernel void add(__global float* x) { x[0] += x[1]; }";
  cl_device_id id = device.cl_device();
  const wh::cl_handle<cl_program> program(
      clCreateProgramWithSource(device.context(), 1, &source, nullptr, nullptr));
  wh::cl_check(clBuildProgram(program.get(), 1, &id, "", nullptr, nullptr), "clBuildProgram");
  const wh::cl_handle<cl_kernel> kernel(clCreateKernel(program.get(), "add", nullptr));
  float values[2] = {1, 1e-3f};
  const wh::cl_handle<cl_mem> memory(clCreateBuffer(
      device.context(), CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR, sizeof values, values, nullptr));
  const wh::cl_handle<cl_command_queue> queue(
      clCreateCommandQueueWithProperties(device.context(), id, nullptr, nullptr));
  cl_mem argument = memory.get();
  wh::cl_check(clSetKernelArg(kernel.get(), 0, sizeof argument, &argument), "clSetKernelArg");
  const std::size_t one = 1;
  for (auto _ : state) {
    wh::cl_check(
        clEnqueueNDRangeKernel(queue.get(), kernel.get(), 1, nullptr, &one, &one, 0, nullptr, nullptr),
        "clEnqueueNDRangeKernel");
    clFinish(queue.get());
  }
}

// Heap allocations per execution of the chain; the counter is the result, not the time.
void steady_allocations_ours(benchmark::State& state) {
  const wh::executable& step = scalar_add();
  const wh::buffer b = the_client().scalar(1e-3f);
  wh::buffer x = the_client().scalar(1.0f);
  for (int k = 0; k < 1000; ++k) x = step(x, b)[0];
  std::int64_t count = 0;
  std::int64_t executions = 0;
  for (auto _ : state) {
    counting = true;
    const std::int64_t before = heap_allocations.load();
    for (int k = 0; k < 1000; ++k) x = step(x, b)[0];
    count += heap_allocations.load() - before;
    counting = false;
    executions += 1000;
  }
  state.counters["per_execution"] = static_cast<double>(count) / static_cast<double>(executions);
}

void steady_allocations_floor(benchmark::State& state) {
  raw_queue raw;
  float values[2] = {1, 1e-3f};
  std::int64_t count = 0;
  std::int64_t commands = 0;
  for (auto _ : state) {
    counting = true;
    const std::int64_t before = heap_allocations.load();
    for (int k = 0; k < 1000; ++k) raw.enqueue(values);
    count += heap_allocations.load() - before;
    counting = false;
    commands += 1000;
  }
  state.counters["per_execution"] = static_cast<double>(count) / static_cast<double>(commands);
}

void scalar_threads(benchmark::State& state, int threads) {
  const wh::executable& step = scalar_add();
  const wh::buffer a = the_client().scalar(1.0f);
  const wh::buffer b = the_client().scalar(1e-3f);
  for (auto _ : state) {
    std::vector<std::thread> crew;
    for (int t = 0; t < threads; ++t) {
      crew.emplace_back([&, each = 40'000 / threads] {
        for (int k = 0; k < each; ++k) benchmark::DoNotOptimize(step(a, b).value().item<float>());
      });
    }
    for (auto& t : crew) t.join();
  }
}

// A kernel of 200 us on one thread, in 64 units of work.
void spin_units(void* const*, std::int64_t lo, std::int64_t hi) {
  for (std::int64_t unit = lo; unit < hi; ++unit) {
    double x = 1;
    for (int k = 0; k < 2000; ++k) x = x * 1.0000001 + 1e-9;
    benchmark::DoNotOptimize(x);
  }
}

wh::executable split_kernel() {
  wh::kernel_registry::instance().add({"bench.spin", spin_units, "benchmark"});
  auto p = std::make_shared<wh::plan>();
  p->name = "split_200us";
  p->kernels = {{"bench.spin", wh::kernel::origin::prebuilt, 0}};
  wh::step launch;
  launch.extent = 64;
  launch.cost_ns = 3200;
  p->blocks = {{launch}};
  p->cost_ns = 64 * 3200;
  const wh::device cpu = the_client().device("cpu:0");
  return wh::executable(
      wh::ref<wh::executable_core>(new wh::native_executable(p, wh::ref<wh::device_core>(cpu.core()))));
}

void split_200us_ours(benchmark::State& state) {
  const wh::executable e = split_kernel();
  for (auto _ : state) e().await();
}

void split_200us_floor(benchmark::State& state) {
  for (auto _ : state) spin_units(nullptr, 0, 64);
}

// ------------------------------------------------------------------------------------- the loop

wh::task<void> nops(wh::loop& where, std::int64_t count) {
  for (std::int64_t k = 0; k < count; ++k) co_await wh::nop(where);
}

// 64 coroutines side by side: their operations of one turn go to the kernel together.
wh::task<void> nop_crowd(wh::loop& where, std::int64_t each) {
  wh::scope crowd;
  for (int k = 0; k < 64; ++k) crowd.spawn(nops(where, each));
  co_await crowd.join();
}

void loop_nop_ours(benchmark::State& state) {
  wh::loop l;
  for (auto _ : state) wh::sync_wait(l, nops(l, 1000));
  state.SetItemsProcessed(state.iterations() * 1000);
}

void loop_nop_batch64_ours(benchmark::State& state) {
  wh::loop l;
  for (auto _ : state) wh::sync_wait(l, nop_crowd(l, 100));
  state.SetItemsProcessed(state.iterations() * 6400);
}

void raw_nops(benchmark::State& state, unsigned batch, int rounds) {
  io_uring ring;
  io_uring_params parameters{};
  parameters.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
  if (io_uring_queue_init_params(256, &ring, &parameters) < 0) {
    state.SkipWithError("io_uring is not available");
    return;
  }
  io_uring_register_ring_fd(&ring);
  for (auto _ : state) {
    for (int k = 0; k < rounds; ++k) {
      for (unsigned j = 0; j < batch; ++j) io_uring_prep_nop(io_uring_get_sqe(&ring));
      io_uring_submit_and_wait(&ring, batch);
      io_uring_cq_advance(&ring, batch);
    }
  }
  state.SetItemsProcessed(state.iterations() * rounds * batch);
  io_uring_queue_exit(&ring);
}

wh::task<int> leaf() { co_return 1; }
wh::task<void> many_awaits(std::int64_t count) {
  std::int64_t sum = 0;
  for (std::int64_t k = 0; k < count; ++k) {
    const int one = co_await leaf();
    sum += one;
  }
  benchmark::DoNotOptimize(sum);
}
wh::task<void> nothing() { co_return; }
wh::task<void> many_spawns(std::int64_t count) {
  wh::scope s;
  for (std::int64_t k = 0; k < count; ++k) s.spawn(nothing());
  co_await s.join();
}

void await_ours(benchmark::State& state) {
  for (auto _ : state) wh::sync_wait(many_awaits(10'000));
  state.SetItemsProcessed(state.iterations() * 10'000);
}
void spawn_ours(benchmark::State& state) {
  for (auto _ : state) wh::sync_wait(many_spawns(10'000));
  state.SetItemsProcessed(state.iterations() * 10'000);
}
void frame_ours(benchmark::State& state) {
  for (auto _ : state) {
    void* p = wh::frame_pool::allocate(200);
    benchmark::DoNotOptimize(p);
    wh::frame_pool::release(p, 200);
  }
}
void frame_floor(benchmark::State& state) {
  for (auto _ : state) {
    void* p = std::malloc(200);
    benchmark::DoNotOptimize(p);
    std::free(p);
  }
}

// ---------------------------------------------------------------------------------------- overlap

enum class preparation { timer, file, compute };

struct prepare {
  explicit prepare(preparation k) : kind(k) {
    if (kind != preparation::file) return;
    path = std::filesystem::temp_directory_path() / ("wherry_bench_" + std::to_string(getpid()));
    const std::vector<char> bytes(std::size_t{8} << 20, 'w');
    std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
  ~prepare() {
    if (!path.empty()) std::filesystem::remove(path);
  }
  wh::task<void> run(wh::loop& where) const {
    if (kind == preparation::timer) {
      co_await wh::sleep_for(where, std::chrono::milliseconds(20));
    } else if (kind == preparation::file) {
      const auto bytes = co_await wh::read_file(where, path.string());
      benchmark::DoNotOptimize(bytes.data());
    } else {
      double x = 1;
      for (int k = 0; k < 4'000'000; ++k) x = x * 1.0000001 + 1e-9;
      benchmark::DoNotOptimize(x);
    }
  }
  preparation kind;
  std::filesystem::path path;
};

constexpr int overlap_steps = 16;

wh::buffer ones() {
  static const std::vector<float> values(1'000'000, 1e-3f);
  return the_client().buffer(values, {1000, 1000});
}

wh::task<void> overlapped(wh::loop& where, const wh::executable& step, const prepare& work) {
  const wh::buffer w = ones();
  wh::buffer x = ones();
  for (int k = 0; k < overlap_steps; ++k) {
    const auto run = co_await step.submit(x, w);
    co_await work.run(where);
    x = run[0];
  }
  co_await x;
}

void overlap_ours(benchmark::State& state, preparation kind) {
  const prepare work(kind);
  const wh::executable& step = matmul_1000();
  wh::loop here;
  for (auto _ : state) wh::sync_wait(here, overlapped(here, step, work));
  state.SetItemsProcessed(state.iterations() * overlap_steps);
}

// The two halves alone; `benchmarks/run` takes their maximum (for computing: half of their sum on one thread
// each).
void overlap_prepare(benchmark::State& state, preparation kind) {
  const prepare work(kind);
  wh::loop here;
  for (auto _ : state) wh::sync_wait(here, work.run(here));
}

void overlap_execute(benchmark::State& state) {
  const wh::executable& step = matmul_1000();
  const wh::buffer w = ones();
  wh::buffer x = ones();
  for (auto _ : state) {
    x = step(x, w)[0];
    x.await();
  }
}

void register_all() {
  const auto add = [](const char* name, auto fn) {
    benchmark::RegisterBenchmark(name, fn)->Unit(benchmark::kMicrosecond)->UseRealTime();
  };
  add("loop_nop/ours", loop_nop_ours);
  add("loop_nop/floor", [](benchmark::State& s) { raw_nops(s, 1, 1000); });
  add("loop_nop_batch64/ours", loop_nop_batch64_ours);
  add("loop_nop_batch64/floor", [](benchmark::State& s) { raw_nops(s, 64, 100); });
  add("await/ours", await_ours);
  add("spawn/ours", spawn_ours);
  add("frame/ours", frame_ours);
  add("frame/floor", frame_floor);
  add("scalar_roundtrip/ours", scalar_roundtrip_ours);
  add("scalar_roundtrip/floor", scalar_roundtrip_floor);
  add("scalar_chain/ours", scalar_chain_ours);
  add("scalar_chain/floor", scalar_chain_floor);
  add("launch/ours", launch_ours);
  add("launch/floor", launch_floor);
  add("steady_allocations/ours", steady_allocations_ours);
  add("steady_allocations/floor", steady_allocations_floor);
  add("scalar_threads/ours", [](benchmark::State& s) { scalar_threads(s, 4); });
  add("scalar_threads/floor", [](benchmark::State& s) { scalar_threads(s, 1); });
  add("split_200us/ours", split_200us_ours);
  add("split_200us/floor", split_200us_floor);
  for (const auto& [name, kind] : {std::pair{"timer", preparation::timer},
                                   {"file", preparation::file},
                                   {"compute", preparation::compute}}) {
    const std::string base = std::string("overlap_") + name;
    add((base + "/ours").c_str(), [kind = kind](benchmark::State& s) { overlap_ours(s, kind); });
    add((base + "/prepare").c_str(), [kind = kind](benchmark::State& s) { overlap_prepare(s, kind); });
    add((base + "/execute").c_str(), overlap_execute);
  }
}

}  // namespace

// Counts every heap allocation of the process, the drivers' included.
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* malloc(std::size_t bytes) {
  if (counting.load(std::memory_order_relaxed)) heap_allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_malloc(bytes);
}
void* calloc(std::size_t count, std::size_t bytes) {
  if (counting.load(std::memory_order_relaxed)) heap_allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_calloc(count, bytes);
}
void* realloc(void* p, std::size_t bytes) {
  if (counting.load(std::memory_order_relaxed)) heap_allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_realloc(p, bytes);
}
}

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  register_all();
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
