// options.hpp: the command line of the main job.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

namespace train {

struct options {
  std::string data = "/usr/share/datasets/fashion-mnist";
  std::string device = "cpu:0";
  std::string save = "train_mlp.safetensors";
  std::string curve = "train_mlp.svg";
  std::size_t batch = 128;
  std::size_t epochs = 5;
  std::size_t steps = 0;  // of each epoch; 0: all
  std::uint64_t seed = 1;
  float rate = 0.05f;
  bool plain = false;
};

/// Returns -1 if the job is to run, else the exit code (help, wrong usage).
inline int parse(int argc, char** argv, options& o) {
  CLI::App app{
      "Trains a 784-256-128-10 perceptron on Fashion-MNIST; the host prepares batches while the device "
      "computes."};
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app.add_option("--data", o.data, "folder with the four gzip-compressed IDX files")->capture_default_str();
  app.add_option("--device", o.device, "where to compute: cpu:0, opencl:0, ...")->capture_default_str();
  app.add_option("--batch", o.batch, "images per step")->check(CLI::Range(1, 10'000))->capture_default_str();
  app.add_option("--epochs", o.epochs, "passes over the training images")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
  app.add_option("--steps", o.steps, "steps per epoch; 0: as many as there are whole batches")
      ->capture_default_str();
  app.add_option("--seed", o.seed, "of the initial parameters and the order of the images")
      ->capture_default_str();
  app.add_option("--rate", o.rate, "learning rate")->capture_default_str();
  app.add_option("--save", o.save, "where the parameters go, as safetensors")->capture_default_str();
  app.add_option("--curve", o.curve, "where the loss curve goes, as SVG")->capture_default_str();
  app.add_flag("--plain", o.plain, "plain code with value() instead of coroutines; the numbers are the same");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  return -1;
}

}  // namespace train
