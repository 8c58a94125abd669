// small_data_set.hpp: a folder with a data set like Fashion-MNIST, small enough for tests, that they can
// damage.
#pragma once

#include <unistd.h>
#include <zlib.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

namespace wherry {

using bytes = std::vector<std::uint8_t>;

inline void write_gzip(const std::filesystem::path& path, const bytes& content) {
  gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, content.data(), static_cast<unsigned>(content.size()));
  gzclose(file);
}

inline bytes raw_bytes_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_raw(const std::filesystem::path& path, const bytes& content) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(content.data()), static_cast<std::streamsize>(content.size()));
}

/// 640 training and 100 test images of noise in which a bright stripe tells the label. Removed with the
/// object.
class small_data_set {
 public:
  static constexpr std::uint32_t train_count = 640, test_count = 100;

  small_data_set() {
    std::string pattern = (std::filesystem::temp_directory_path() / "wherry-data-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    write_gzip(train_images(), images(train_count, 1));
    write_gzip(train_labels(), labels(train_count));
    write_gzip(folder_ / "t10k-images-idx3-ubyte.gz", images(test_count, 2));
    write_gzip(folder_ / "t10k-labels-idx1-ubyte.gz", labels(test_count));
  }
  small_data_set(const small_data_set&) = delete;
  small_data_set& operator=(const small_data_set&) = delete;
  ~small_data_set() { std::filesystem::remove_all(folder_); }

  const std::filesystem::path& folder() const { return folder_; }
  std::filesystem::path train_images() const { return folder_ / "train-images-idx3-ubyte.gz"; }
  std::filesystem::path train_labels() const { return folder_ / "train-labels-idx1-ubyte.gz"; }

  static void append_word(bytes& to, std::uint32_t word) {
    for (int shift = 24; shift >= 0; shift -= 8) to.push_back(static_cast<std::uint8_t>(word >> shift));
  }
  static bytes images(std::uint32_t count, unsigned seed, std::uint32_t magic = 0x803,
                      std::uint32_t rows = 28) {
    std::minstd_rand random(seed);
    bytes file;
    for (const std::uint32_t word : {magic, count, rows, 28u}) append_word(file, word);
    for (std::uint32_t k = 0; k < count; ++k) {
      for (std::uint32_t pixel = 0; pixel < 784; ++pixel) {
        const std::uint32_t light = pixel / 78 == k % 10 ? 200 : 0;
        file.push_back(static_cast<std::uint8_t>(light + random() % 40));
      }
    }
    return file;
  }
  static bytes labels(std::uint32_t count, std::uint32_t magic = 0x801) {
    bytes file;
    append_word(file, magic);
    append_word(file, count);
    for (std::uint32_t k = 0; k < count; ++k) file.push_back(static_cast<std::uint8_t>(k % 10));
    return file;
  }

 private:
  std::filesystem::path folder_;
};

}  // namespace wherry
