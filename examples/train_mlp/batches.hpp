// batches.hpp: Fashion-MNIST as a stream of shuffled, normalised batches.
//
// Sans I/O: the caller reads the two files in pieces, by whatever means, and feeds the bytes; out come
// batches. Images are drawn at random from a window that the stream refills (a shuffle buffer), so an epoch
// never holds more than the window. The order depends on the seed alone.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>
#include <wherry/array/array.hpp>

#include "idx.hpp"

namespace train {

struct batch {
  wh::array images;  // f32 [size, 784], normalised to mean 0 and deviation 1 over the data set
  wh::array labels;  // i32 [size]
  std::size_t filled = 0;
};

/// One pass over a data set.
class batch_stream {
 public:
  static constexpr std::size_t window = 12'000;

  batch_stream(const std::string& folder, const std::string& prefix, std::size_t size, bool shuffle,
               std::uint64_t seed)
      : images_(folder + "/" + prefix + "-images-idx3-ubyte.gz", pixels),
        labels_(folder + "/" + prefix + "-labels-idx1-ubyte.gz", 1),
        size_(size),
        shuffle_(shuffle),
        random_(seed) {}

  const idx_stream& images() const noexcept { return images_; }
  const idx_stream& labels() const noexcept { return labels_; }

  /// The stream that must be fed before `next` can go on, or null when `next` has a batch or the data has
  /// ended.
  idx_stream* hungry() {
    fill_window();
    if (ready_to_draw()) return nullptr;
    if (labels_.wants_bytes()) return &labels_;
    if (images_.wants_bytes()) return &images_;
    return nullptr;
  }

  /// Makes the next batch; `filled` is below the size for the last one and 0 at the end. Precondition:
  /// hungry() is null.
  batch next() {
    batch b{
        wh::array({wh::dtype::f32, {static_cast<std::int64_t>(size_), static_cast<std::int64_t>(pixels)}}),
        wh::array({wh::dtype::i32, {static_cast<std::int64_t>(size_)}}), 0};
    const auto x = b.images.mutable_data<float>();
    const auto y = b.labels.mutable_data<std::int32_t>();
    while (b.filled < size_ && !window_.empty()) {
      const std::size_t chosen = shuffle_ ? random_() % window_.size() : head_;
      const item& picked = *window_[chosen];
      for (std::size_t k = 0; k < pixels; ++k) x[b.filled * pixels + k] = scaled()[picked.pixels[k]];
      y[b.filled++] = picked.label;
      if (shuffle_) {
        spare_.push_back(std::move(window_[chosen]));
        window_[chosen] = std::move(window_.back());
        window_.pop_back();
      } else if (++head_ == window_.size()) {
        for (auto& used : window_) spare_.push_back(std::move(used));
        window_.clear();
        head_ = 0;
      }
    }
    for (std::size_t k = b.filled; k < size_; ++k) {  // padding of the last batch
      std::fill_n(x.begin() + static_cast<std::ptrdiff_t>(k * pixels), pixels, 0.0f);
      y[k] = 0;
    }
    return b;
  }

 private:
  struct item {
    std::array<std::uint8_t, pixels> pixels;
    std::uint8_t label;
  };

  // Mean 0.2860 and deviation 0.3530 are those of the training images, in units of full brightness.
  static const std::array<float, 256>& scaled() {
    static const auto table = [] {
      std::array<float, 256> t{};
      for (int v = 0; v < 256; ++v)
        t[static_cast<std::size_t>(v)] = (static_cast<float>(v) / 255.0f - 0.2860f) / 0.3530f;
      return t;
    }();
    return table;
  }

  std::size_t held() const { return window_.size() - head_; }
  bool ended() const { return images_.at_end() && labels_.at_end(); }
  bool ready_to_draw() const { return ended() || held() >= (shuffle_ ? window : size_); }

  void fill_window() {
    while (held() < (shuffle_ ? window : size_) && images_.available() != 0 && labels_.available() != 0) {
      if (spare_.empty()) spare_.push_back(std::make_unique<item>());
      auto fresh = std::move(spare_.back());
      spare_.pop_back();
      const auto picture = images_.take();
      std::copy(picture.begin(), picture.end(), fresh->pixels.begin());
      fresh->label = labels_.take()[0];
      if (fresh->label > 9)
        bad_file(labels_.path(), "label " + std::to_string(fresh->label) + ", expected 0 to 9");
      window_.push_back(std::move(fresh));
    }
    if (images_.at_end() && labels_.available() != 0)
      bad_file(images_.path(), "fewer items than " + labels_.path());
    if (labels_.at_end() && images_.available() != 0)
      bad_file(labels_.path(), "fewer items than " + images_.path());
  }

  idx_stream images_;
  idx_stream labels_;
  std::size_t size_;
  bool shuffle_;
  std::mt19937_64 random_;
  std::vector<std::unique_ptr<item>> window_;
  std::vector<std::unique_ptr<item>> spare_;
  std::size_t head_ = 0;
};

}  // namespace train
