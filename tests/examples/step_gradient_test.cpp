// The gradients that examples/train_mlp/step.mlir was written with, against differences of its own loss.
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <wherry/wherry.hpp>

#include "programs.hpp"

namespace wherry {
namespace {

constexpr std::size_t batch = 4;
const char* const names[] = {"w1", "b1", "w2", "b2", "w3", "b3"};

class step_program : public testing::Test {
 protected:
  step_program() : step_(client_.compile(train::training_program(batch))) {
    std::mt19937 random(3);
    std::normal_distribution<float> normal;
    for (std::size_t k = 0; k < 14; ++k) {
      array values(step_.inputs()[k]);
      if (values.dtype() == dtype::i32) {
        for (auto& v : values.mutable_data<std::int32_t>()) v = static_cast<std::int32_t>(random() % 10);
      } else {
        const float size = k == 12 ? 1.0f : k >= 6 ? 0.0f : 0.1f;
        for (auto& v : values.mutable_data<float>()) v = size * normal(random);
      }
      inputs_.push_back(values);
    }
  }

  std::vector<array> outputs(float rate) const {
    std::vector<buffer> arguments;
    for (const array& a : inputs_) arguments.push_back(client_.buffer(a.copy()));
    arguments.push_back(client_.scalar(rate));
    std::vector<array> results;
    const execution run = step_(arguments);
    for (const buffer& b : run.outputs()) results.push_back(b.value());
    return results;
  }
  double loss() const { return static_cast<double>(outputs(0)[12].item<float>()); }

  client client_;
  executable step_;
  std::vector<array> inputs_;
};

TEST_F(step_program, its_gradients_are_the_slopes_of_its_loss) {
  const std::vector<array> results = outputs(0.5f);
  std::mt19937 random(5);
  for (std::size_t p = 0; p < 6; ++p) {
    // With a velocity of 0 the new velocity is the gradient.
    const array gradient = results[6 + p];
    double largest = 0;
    for (const float g : gradient.data<float>())
      largest = std::max(largest, static_cast<double>(std::abs(g)));
    ASSERT_GT(largest, 0) << names[p];
    for (int probe = 0; probe < 4; ++probe) {
      const std::size_t at = random() % gradient.data<float>().size();
      float& parameter = inputs_[p].mutable_data<float>()[at];
      const float before = parameter;
      const float apart = 1e-2f;
      parameter = before + apart;
      const double above = loss();
      parameter = before - apart;
      const double below = loss();
      parameter = before;
      const double slope = (above - below) / (2.0 * static_cast<double>(apart));
      EXPECT_NEAR(static_cast<double>(gradient.data<float>()[at]), slope, 1e-3 + 0.02 * largest)
          << names[p] << " at " << at;
    }
  }
}

TEST_F(step_program, moves_against_the_velocity_and_keeps_nine_tenths_of_it) {
  for (std::size_t k = 6; k < 12; ++k) {
    for (float& v : inputs_[k].mutable_data<float>()) v = 1;
  }
  const std::vector<array> still = outputs(0);
  const std::vector<array> moved = outputs(0.5f);
  for (std::size_t p = 0; p < 6; ++p) {
    const auto before = inputs_[p].data<float>();
    const auto unchanged = still[p].data<float>(), after = moved[p].data<float>(),
               velocity = moved[6 + p].data<float>();
    for (std::size_t k = 0; k < before.size(); ++k) {
      ASSERT_EQ(unchanged[k], before[k]) << names[p] << " at " << k;
      ASSERT_NEAR(after[k], before[k] - 0.5f * velocity[k], 1e-6f) << names[p] << " at " << k;
    }
  }
}

TEST_F(step_program, a_uniform_guess_costs_the_logarithm_of_ten) {
  for (float& v : inputs_[4].mutable_data<float>()) v = 0;
  for (float& v : inputs_[5].mutable_data<float>()) v = 0;
  EXPECT_NEAR(loss(), std::log(10.0), 1e-6);
}

}  // namespace
}  // namespace wherry
