// plain.hpp: the training loop in plain code: files by `std::ifstream`, waiting by `value()`.
//
// Threads: one that may block.
#pragma once

#include <fstream>
#include <optional>

#include "trainer.hpp"

namespace train {

/// Reads the files of one stream of batches.
class plain_reader {
 public:
  explicit plain_reader(batch_stream data) : data_(std::move(data)) {}

  /// Returns the next batch; blocks for the disk.
  batch next() {
    while (idx_stream* hungry = data_.hungry()) {
      std::ifstream& file = hungry == &data_.images() ? images_ : labels_;
      if (!file.is_open()) file.open(hungry->path(), std::ios::binary);
      if (!file.is_open()) bad_file(hungry->path(), "cannot be opened");
      file.read(reinterpret_cast<char*>(piece_.data()), static_cast<std::streamsize>(piece_.size()));
      if (file.bad()) bad_file(hungry->path(), "cannot be read");
      hungry->feed(std::span(piece_).first(static_cast<std::size_t>(file.gcount())));
    }
    return data_.next();
  }

 private:
  batch_stream data_;
  std::ifstream images_;
  std::ifstream labels_;
  std::vector<std::byte> piece_ = std::vector<std::byte>(piece_size);
};

inline void train_plain(trainer& t) {
  for (std::size_t epoch = 1; epoch <= t.epochs(); ++epoch) {
    plain_reader reader(t.epoch_data(epoch));
    progress bar = t.epoch_bar(epoch);
    batch current = reader.next();
    std::optional<wh::array_promise> previous;
    for (std::size_t k = 0; k < t.steps_per_epoch() && current.filled == t.batch_size(); ++k) {
      const wh::array_promise loss = t.start(current);
      current = reader.next();  // while the device computes
      if (previous) t.note(bar, previous->value().item<float>());
      previous = loss;
    }
    if (previous) t.note(bar, previous->value().item<float>());
    bar.end();
  }
}

}  // namespace train
