// trainer.hpp: the state of a training run, and one step of it.
//
// Nothing here waits: a step is submitted with buffers that need not be ready, and its loss is on its way to
// the host when `start` returns. When to wait, and how, is the caller's: see plain.hpp and coroutine.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <vector>
#include <wherry/wherry.hpp>

#include "batches.hpp"
#include "options.hpp"
#include "report.hpp"

namespace train {

using parameters = std::vector<wh::buffer>;  // w1 b1 w2 b2 w3 b3, then their velocities

/// He initialisation: normal with variance 2 / inputs; biases and velocities are 0.
inline parameters initial_state(const wh::client& client, const wh::device& device,
                                const wh::executable& step, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  parameters state;
  const std::size_t count = step.inputs().size() - 3;
  for (std::size_t k = 0; k < count; ++k) {
    const wh::tensor_type& type = step.inputs()[k];
    wh::array values(type);
    const bool is_weight = k < count / 2 && type.dims.rank() == 2;
    std::normal_distribution<float> normal(
        0, is_weight ? std::sqrt(2.0f / static_cast<float>(type.dims[0])) : 1);
    for (float& v : values.mutable_data<float>()) v = is_weight ? normal(random) : 0;
    state.push_back(client.buffer(values, device));
  }
  return state;
}

class trainer {
 public:
  trainer(const wh::client& client, const options& o, wh::device device, wh::executable step)
      : client_(client),
        options_(o),
        device_(std::move(device)),
        step_(std::move(step)),
        state_(initial_state(client, device_, step_, o.seed)) {}

  std::size_t epochs() const noexcept { return options_.epochs; }
  std::size_t batch_size() const noexcept { return options_.batch; }
  std::size_t steps_per_epoch() const noexcept {
    const std::size_t whole = 60'000 / options_.batch;  // the partial batch is dropped
    return options_.steps != 0 ? std::min(options_.steps, whole) : whole;
  }
  /// The images of one epoch, numbered from 1, in an order of its own.
  batch_stream epoch_data(std::size_t epoch) const {
    return {options_.data, "train", options_.batch, true, options_.seed * 1000 + epoch};
  }
  progress epoch_bar(std::size_t epoch) const { return {epoch, epochs(), steps_per_epoch(), batch_size()}; }

  /// Starts one step and the read-back of its loss; returns at once. The parameters are donated to the step,
  /// and its results become the parameters. The learning rate falls to zero in a straight line.
  wh::array_promise start(const batch& b) {
    const auto total = static_cast<float>(steps_per_epoch() * epochs());
    const float rate = options_.rate * (1 - static_cast<float>(started_++) / total);
    const wh::buffer images = client_.buffer(b.images, device_);
    const wh::buffer labels = client_.buffer(b.labels, device_);
    const wh::execution run = step_(state_, images, labels, client_.scalar(rate, device_));
    state_.assign(run.outputs().begin(), run.outputs().end() - 1);
    return run[state_.size()].as_array();
  }

  /// Takes down the loss of the next step.
  void note(progress& bar, float loss) {
    losses_.push_back(loss);
    bar.step(loss);
  }

  /// The parameters, in the program's order, without their velocities.
  std::span<const wh::buffer> weights() const noexcept { return std::span(state_).first(state_.size() / 2); }
  const std::vector<float>& losses() const noexcept { return losses_; }

 private:
  const wh::client& client_;
  const options& options_;
  wh::device device_;
  wh::executable step_;
  parameters state_;
  std::size_t started_ = 0;
  std::vector<float> losses_;  // one a step
};

}  // namespace train
