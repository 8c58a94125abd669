// The main job: an MLP trained on Fashion-MNIST, asynchronous end to end.
//
// The training step is one StableHLO program (step.mlir) whose parameters are donated from step to step.
// While the device computes one batch the host reads, decompresses, shuffles and normalises the next. The
// loop is written twice, with the same numbers: plain.hpp waits with value(), coroutine.hpp with co_await.
#include <cstdio>
#include <wherry/array/safetensors.hpp>
#include <wherry/wherry.hpp>

#include "coroutine.hpp"
#include "options.hpp"
#include "plain.hpp"
#include "programs.hpp"
#include "report.hpp"
#include "trainer.hpp"

namespace train {

/// Returns the share of the test images that are classified right; the last batch is padded and masked.
double accuracy(const wh::client& client, const wh::compile_options& where, const options& o,
                std::span<const wh::buffer> weights) {
  const wh::executable evaluate = client.compile(evaluation_program(o.batch), where);
  plain_reader reader(batch_stream(o.data, "t10k", o.batch, false, 0));
  std::vector<wh::array_promise> counts;
  std::size_t total = 0;
  for (batch b = reader.next(); b.filled != 0; b = reader.next()) {
    wh::array mask(b.labels.type());
    const auto flags = mask.mutable_data<std::int32_t>();
    for (std::size_t k = 0; k < flags.size(); ++k) flags[k] = k < b.filled;
    const wh::buffer images = client.buffer(b.images, where.device);
    const wh::buffer labels = client.buffer(b.labels, where.device);
    const auto run = evaluate(weights, images, labels, client.buffer(mask, where.device));
    counts.push_back(run[0].as_array());
    total += b.filled;
  }
  std::int64_t right = 0;
  for (const auto& count : counts) right += count.value().item<std::int32_t>();
  return total ? static_cast<double>(right) / static_cast<double>(total) : 0;
}

void save_weights(const std::string& path, std::span<const wh::buffer> weights) {
  constexpr const char* names[] = {"w1", "b1", "w2", "b2", "w3", "b3"};
  wh::safetensors file;
  for (std::size_t k = 0; k < std::size(names); ++k) file.tensors[names[k]] = weights[k].value();
  wh::save_safetensors(path, std::move(file));
}

void run(const options& o) {
  require_writable(o.save);
  require_writable(o.curve);
  const wh::client client;
  wh::compile_options where;
  where.device = client.device(o.device);
  std::printf("device %s: %s, carrier %s, %zu units\n", where.device.name().c_str(),
              where.device.description().model.c_str(), where.device.description().carrier.c_str(),
              where.device.units().size());
  trainer t(client, o, where.device, client.compile(training_program(o.batch), where));
  if (o.plain) {
    train_plain(t);
  } else {
    wh::loop loop;
    wh::sync_wait(loop, train_coroutine(loop, t));
  }
  save_weights(o.save, t.weights());
  write_curve(o.curve, t.losses());
  std::printf("parameters in %s, loss curve in %s\n", o.save.c_str(), o.curve.c_str());
  std::printf("test accuracy %.4f\n", accuracy(client, where, o, t.weights()));
}

/// 2: the input is wrong or asks for too much; 3: something failed while running.
int exit_code(const wh::error& e) {
  switch (e.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kDataLoss:
    case absl::StatusCode::kUnimplemented:
    case absl::StatusCode::kPermissionDenied:
      return 2;
    default:
      return 3;
  }
}

}  // namespace train

int main(int argc, char** argv) {
  train::options o;
  if (const int code = train::parse(argc, argv, o); code >= 0) return code;
  try {
    train::run(o);
    return 0;
  } catch (const wherry::error& e) {
    std::fprintf(stderr, "train_mlp: error: %s\n", e.what());
    return train::exit_code(e);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "train_mlp: error: %s\n", e.what());
    return 3;
  }
}
