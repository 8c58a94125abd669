// coroutine.hpp: the training loop as a coroutine: files on the loop, waiting by `co_await`.
//
// The same steps in the same order as plain.hpp, and the same numbers; but no thread ever blocks.
//
// Threads: the loop's.
#pragma once

#include <optional>

#include "trainer.hpp"

namespace train {

/// Reads the files of one stream of batches, on a loop.
class loop_reader {
 public:
  loop_reader(wh::loop& loop, batch_stream data) : loop_(loop), data_(std::move(data)) {}

  /// Yields the next batch.
  wh::task<batch> next() {
    while (idx_stream* hungry = data_.hungry()) {
      wh::file& file = hungry == &data_.images() ? images_ : labels_;
      if (!file) file = co_await wh::open(loop_, hungry->path());
      const std::size_t count = co_await wh::read(loop_, file, piece_, hungry->fed());
      hungry->feed(std::span(piece_).first(count));
    }
    co_return data_.next();
  }

 private:
  wh::loop& loop_;
  batch_stream data_;
  wh::file images_;
  wh::file labels_;
  std::vector<std::byte> piece_ = std::vector<std::byte>(piece_size);
};

inline wh::task<void> train_coroutine(wh::loop& loop, trainer& t) {
  for (std::size_t epoch = 1; epoch <= t.epochs(); ++epoch) {
    loop_reader reader(loop, t.epoch_data(epoch));
    progress bar = t.epoch_bar(epoch);
    batch current = co_await reader.next();
    std::optional<wh::array_promise> previous;
    for (std::size_t k = 0; k < t.steps_per_epoch() && current.filled == t.batch_size(); ++k) {
      const wh::array_promise loss = t.start(current);
      current = co_await reader.next();  // while the device computes
      if (previous) {
        const wh::array value = co_await *previous;
        t.note(bar, value.item<float>());
      }
      previous = loss;
    }
    if (previous) {
      const wh::array value = co_await *previous;
      t.note(bar, value.item<float>());
    }
    bar.end();
  }
}

}  // namespace train
