// Loading and saving safetensors, each next to what plain system calls do with the same bytes.
//
// The file has 256 MiB in 64 tensors and lies in the page cache. Floors: `read` into memory, a sum over
// mapped memory, `write` and `fsync` to a new file. Past the page cache: O_DIRECT into fresh memory.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <numeric>
#include <wherry/client_files.hpp>

namespace wh = wherry;

namespace {

constexpr std::int64_t tensors = 64;
constexpr std::int64_t floats = 1 << 20;  // of each
constexpr std::size_t bytes = static_cast<std::size_t>(tensors * floats) * sizeof(float);

const wh::safetensors& contents() {
  static const wh::safetensors made = [] {
    wh::safetensors s;
    for (std::int64_t k = 0; k < tensors; ++k) {
      wh::array a(wh::tensor_type{wh::dtype::f32, {floats}});
      std::iota(a.mutable_data<float>().begin(), a.mutable_data<float>().end(), static_cast<float>(k));
      s.tensors.emplace("layer" + std::to_string(k), a);
    }
    return s;
  }();
  return made;
}

/// A folder on the disk, with the file in it.
struct workplace {
  workplace() {
    std::string pattern = (std::filesystem::current_path() / "wherry-files-XXXXXX").string();
    if (!mkdtemp(pattern.data())) std::abort();
    folder = pattern;
    file = folder + "/a.safetensors";
    wh::save_safetensors(file, contents());
  }
  ~workplace() { std::filesystem::remove_all(folder); }
  std::string folder;
  std::string file;
};
workplace& here() {
  static workplace w;
  return w;
}
wh::client& the_client() {
  static wh::client c;
  return c;
}

void finish(benchmark::State& state) {
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
}
void require(bool holds) {
  if (!holds) {
    std::perror("files_benchmark");
    std::abort();
  }
}
float sum_of(std::span<const std::byte> values) {
  float sum = 0;
  for (std::size_t k = 0; k < values.size(); k += 4096) sum += static_cast<float>(values[k]);
  return sum;
}
struct free_memory {
  void operator()(std::byte* p) const noexcept { std::free(p); }
};
using memory = std::unique_ptr<std::byte, free_memory>;
memory allocate(std::size_t size) { return memory(static_cast<std::byte*>(std::aligned_alloc(4096, size))); }

void load_ours(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(wh::load_safetensors(here().file));
  finish(state);
}
void load_floor(benchmark::State& state) {
  const memory all = allocate(bytes);  // used again, as ours comes from a pool
  for (auto _ : state) {
    const int fd = ::open(here().file.c_str(), O_RDONLY | O_CLOEXEC);
    for (std::int64_t k = 0; k < tensors; ++k) {
      std::byte* const to = all.get() + static_cast<std::size_t>(k) * (bytes / tensors);
      require(::read(fd, to, bytes / tensors) == static_cast<ssize_t>(bytes / tensors));
    }
    benchmark::DoNotOptimize(all);
    ::close(fd);
  }
  finish(state);
}

void load_mapped_ours(benchmark::State& state) {
  for (auto _ : state) {
    const wh::safetensors_buffers loaded = wh::load_buffers(the_client(), here().file);
    float sum = 0;
    for (const auto& [name, b] : loaded.tensors)
      sum += sum_of({static_cast<const std::byte*>(b.handle()->memory->host()), b.type().bytes()});
    benchmark::DoNotOptimize(sum);
  }
  finish(state);
}
void load_mapped_floor(benchmark::State& state) {
  for (auto _ : state) {
    const int fd = ::open(here().file.c_str(), O_RDONLY | O_CLOEXEC);
    void* const at = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd, 0);
    require(at != MAP_FAILED);
    benchmark::DoNotOptimize(sum_of({static_cast<const std::byte*>(at), bytes}));
    ::munmap(at, bytes);
    ::close(fd);
  }
  finish(state);
}

void load_direct_ours(benchmark::State& state) {
  for (auto _ : state)
    benchmark::DoNotOptimize(wh::load_buffers(the_client(), here().file, {wh::file_use::read, {}}));
  finish(state);
}
void load_direct_floor(benchmark::State& state) {
  constexpr std::size_t piece = 8 << 20;
  for (auto _ : state) {
    int fd = ::open(here().file.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECT);
    if (fd < 0) fd = ::open(here().file.c_str(), O_RDONLY | O_CLOEXEC);
    const memory all = allocate(bytes);
    for (std::size_t k = 0; k < bytes; k += piece)
      require(::read(fd, all.get() + k, piece) == static_cast<ssize_t>(piece));
    benchmark::DoNotOptimize(all);
    ::close(fd);
  }
  finish(state);
}

void save_ours(benchmark::State& state) {
  for (auto _ : state) wh::save_safetensors(here().folder + "/ours", contents());
  finish(state);
}
void save_floor(benchmark::State& state) {
  for (auto _ : state) {
    const std::string path = here().folder + "/floor";
    const std::string beside = path + ".new";
    const int fd = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    for (const auto& [name, a] : contents().tensors)
      require(::write(fd, a.bytes().data(), a.bytes().size()) == static_cast<ssize_t>(a.bytes().size()));
    require(::fsync(fd) == 0);
    ::close(fd);
    require(::rename(beside.c_str(), path.c_str()) == 0);
  }
  finish(state);
}

#define MEASURE(name)                                                                                 \
  BENCHMARK(name##_ours)->Name("files_" #name "/ours")->UseRealTime()->Unit(benchmark::kMicrosecond); \
  BENCHMARK(name##_floor)->Name("files_" #name "/floor")->UseRealTime()->Unit(benchmark::kMicrosecond)
MEASURE(load);
MEASURE(load_mapped);
MEASURE(load_direct);
MEASURE(save);

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
