// idx.hpp: a gzip-compressed IDX file, decoded as its bytes arrive.
//
// Sans I/O: whoever reads the file, by whatever means, feeds the pieces in order. What is wrong with the file
// is an `error` (data_loss, corrupt_file) that names it.
//
// IDX format: http://yann.lecun.com/exdb/mnist (big-endian magic 0x00000803 for images, 0x00000801 for
// labels).
#pragma once

#include <zlib.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>
#include <wherry/status/error.hpp>

namespace train {

namespace wh = wherry;

inline constexpr std::size_t pixels = 28 * 28;
inline constexpr std::size_t piece_size = std::size_t{1} << 18;  // bytes that are read at a time

[[noreturn]] inline void bad_file(const std::string& path, const std::string& what) {
  throw wh::error(absl::StatusCode::kDataLoss, path + ": " + what, wh::reason::corrupt_file);
}

struct end_inflate {
  void operator()(z_stream* s) const noexcept {
    inflateEnd(s);
    delete s;
  }
};

/// A gzip-compressed IDX file, decoded as its bytes arrive.
class idx_stream {
 public:
  /// `record` is the size of one item in bytes: 784 for an image, 1 for a label.
  idx_stream(std::string path, std::size_t record) : path_(std::move(path)), record_(record) {
    if (inflateInit2(inflater_.get(), 16 + MAX_WBITS) != Z_OK) bad_file(path_, "zlib cannot start");
  }

  const std::string& path() const noexcept { return path_; }
  /// Number of bytes that were fed so far: where in the file the next piece begins.
  std::uint64_t fed() const noexcept { return fed_; }
  /// Number of items that are decoded and not taken.
  std::size_t available() const noexcept { return header_done_ ? (decoded_.size() - taken_) / record_ : 0; }
  bool at_end() const noexcept { return ended_ && available() == 0; }
  bool wants_bytes() const noexcept { return !ended_ && available() == 0; }

  /// Decodes the next piece of the file; an empty piece means that the file has ended.
  void feed(std::span<const std::byte> piece) {
    if (piece.empty()) {
      bad_file(path_, "cut off after " + std::to_string(fed_) + " bytes: the gzip stream does not end");
    }
    fed_ += piece.size();
    decoded_.erase(decoded_.begin(), decoded_.begin() + static_cast<std::ptrdiff_t>(taken_));
    taken_ = 0;
    inflater_->next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(piece.data()));
    inflater_->avail_in = static_cast<uInt>(piece.size());
    // A gzip trailer follows the data, so zlib holds no output back once it has taken the last piece.
    while (inflater_->avail_in != 0 && !ended_) {
      const std::size_t old = decoded_.size();
      decoded_.resize(old + (std::size_t{1} << 18));
      inflater_->next_out = decoded_.data() + old;
      inflater_->avail_out = 1 << 18;
      const int code = inflate(inflater_.get(), Z_NO_FLUSH);
      decoded_.resize(decoded_.size() - inflater_->avail_out);
      if (code == Z_STREAM_END) {
        ended_ = true;
      } else if (code != Z_OK && code != Z_BUF_ERROR) {
        bad_file(path_, std::string("damaged gzip data: ") + (inflater_->msg ? inflater_->msg : "unknown"));
      }
    }
    if (!header_done_) read_header();
    if (!ended_) return;
    const std::uint64_t promised = (count_ - seen_) * record_;
    const std::uint64_t held = decoded_.size() - taken_;
    if (promised != held) {
      bad_file(path_, "its header promises " + std::to_string(count_) + " items of " +
                          std::to_string(record_) + " bytes; it has " +
                          std::to_string(seen_ * record_ + held) + " bytes of them");
    }
  }

  /// Takes the next item. Precondition: available() > 0.
  std::span<const std::uint8_t> take() {
    const std::span<const std::uint8_t> item(decoded_.data() + taken_, record_);
    taken_ += record_;
    ++seen_;
    return item;
  }

 private:
  void read_header() {
    const std::size_t length = record_ == 1 ? 8 : 16;
    if (decoded_.size() < length) {
      if (ended_) bad_file(path_, "too short for an IDX header");
      return;
    }
    const auto word = [this](std::size_t at) {
      return static_cast<std::uint32_t>(decoded_[at]) << 24 |
             static_cast<std::uint32_t>(decoded_[at + 1]) << 16 |
             static_cast<std::uint32_t>(decoded_[at + 2]) << 8 | decoded_[at + 3];
    };
    const std::uint32_t magic = record_ == 1 ? 0x801 : 0x803;
    if (word(0) != magic)
      bad_file(path_, "not an IDX file: magic number " + std::to_string(word(0)) + ", expected " +
                          std::to_string(magic));
    if (record_ != 1 && (word(8) != 28 || word(12) != 28)) {
      bad_file(path_,
               "images of " + std::to_string(word(8)) + "x" + std::to_string(word(12)) + ", expected 28x28");
    }
    count_ = word(4);
    taken_ = length;
    header_done_ = true;
  }

  std::string path_;
  std::size_t record_;
  std::unique_ptr<z_stream, end_inflate> inflater_{new z_stream{}};  // zlib keeps its address
  std::vector<std::uint8_t> decoded_;
  std::size_t taken_ = 0;
  std::uint64_t fed_ = 0;
  std::uint64_t count_ = 0;
  std::uint64_t seen_ = 0;
  bool header_done_ = false;
  bool ended_ = false;
};

}  // namespace train
