// neuron.cpp: the lines of docs/reference/neuron.md, which compares with AWS Neuron's asynchronous API.
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <future>
#include <iostream>
#include <stdexcept>
#include <wherry/wherry.hpp>

namespace wh = wherry;

void require(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(what);
}

// Suspends instead of blocking; each await may be left early.
wh::task<float> awaits(const wh::client& client, const wh::executable& model, wh::unit& writes,
                       std::vector<float> values) {
  wh::place room = co_await wh::place_in(writes, values.size() * sizeof(float));
  const wh::buffer x = client.buffer(values, {4}, {.place = &room});
  const wh::execution run = co_await model.submit(x);
  const bool came = co_await wh::wait_for(run, std::chrono::seconds(10));
  require(came, "the run ends");
  co_await client.when(run.id());
  const auto both = co_await wh::when_all(run[0].as_array(), x.as_array());
  require(std::get<1>(both).data<float>()[0] == 1, "what was written");
  const wh::array y = co_await run[0].as_array();
  co_await client.drained();
  co_return y.data<float>()[0];
}

int main() {
  const wh::client client;
  const wh::executable model = client.compile(wh::program::from_text(R"(
      func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
        %0 = stablehlo.add %x, %x : tensor<4xf32>
        return %0 : tensor<4xf32>
      })",
                                                                     "model"));
  const std::vector<float> values{1, 2, 3, 4};

  // Units and tickets.
  for (const wh::unit* u : client.units()) {
    std::cout << u->device_name() << ' ' << name_of(u->kind()) << ' ' << u->queue() << ": unit " << u->id()
              << '\n';
  }
  wh::unit& compute = client.device().add_unit(wh::unit_kind::compute);
  wh::unit& writes = client.device().add_unit(wh::unit_kind::tensor_write);
  wh::execute_options options;
  options.unit = &compute;

  // Transfers and executions.
  wh::error_tracker errors;
  const wh::buffer x = client.buffer(values, {4}, {.unit = &writes, .errors = &errors, .name = "x"});
  const wh::execution run = model.call(std::vector<wh::buffer>{x}, options);
  const wh::array_promise read = run[0].as_array({.errors = &errors});
  const wh::buffer copy = x.copy_to(client.device());
  const wh::ticket t = run.id();
  require(t.unit() == compute.id() && t.number() == 1, "the first ticket of the unit");
  static_assert(wh::ticket::max_number == (std::uint64_t{1} << 48) - 1);

  // Completion.
  client.wait(t);
  require(client.is_completed(t), "completed");
  require(client.last_completed(t.unit()) >= t, "counted");
  const auto pending = compute.last_submitted().number() - compute.last_completed().number();
  require(pending == 0 && compute.depth() == 0, "nothing is pending");
  require(client.when(t).wait_for(std::chrono::milliseconds(100)), "in time");
  require(read.value().data<float>()[3] == 8, "4 + 4");

  // Callbacks.
  std::promise<bool> told;
  run.on_ready([&told](const absl::Status& how) { told.set_value(how.ok()); });
  require(told.get_future().get(), "called back");
  require(run[0].wait_for(std::chrono::microseconds(50)), "the output is there");

  // Descriptors.
  const wh::completion_fd fd = client.when(t).ready_fd();
  pollfd one{fd.get(), POLLIN, 0};
  require(::poll(&one, 1, 1000) == 1, "readable");
  const int mine = ::eventfd(0, EFD_CLOEXEC);
  {
    const wh::event_registration done = client.when(t).notify(mine);
    std::uint64_t count = 0;
    require(::read(mine, &count, sizeof count) == sizeof count && count == 1, "told at once");
    const wh::event_registration all(compute, mine);
    model.call(std::vector<wh::buffer>{x}, options).await();
    require(::read(mine, &count, sizeof count) == sizeof count && count == 1, "told of the next");
  }
  ::close(mine);
  const wh::unit_fd counter(compute);

  // Errors.
  try {
    (void)client.is_completed(wh::ticket(t.unit(), 1000));
    return 1;
  } catch (const wh::error& e) {
    require(e.code() == absl::StatusCode::kNotFound, "never given out");
  }
  try {
    (void)client.unit(60000);
    return 1;
  } catch (const wh::error& e) {
    require(std::string(e.what()).find("known:") != std::string::npos, "the message lists the units");
  }
  try {
    (void)client.compile(wh::program::from_text("WHRYPLAN of another version"));
    return 1;
  } catch (const wh::error& e) {
    require(e.reason() == wh::reason::corrupt_file, "no artifact of ours");
  }
  const std::vector<wh::error_tracker::entry> failed = errors.take();
  require(failed.empty(), "nothing failed");
  client.on_unobserved_error([](const wh::error& e) { std::cerr << e.what() << '\n'; });

  // A full queue.
  if (std::optional<wh::place> room = wh::try_place(writes, 16)) {
    client.buffer(values, {4}, {.place = &*room}).await();
  }
  const std::optional<wh::execution> tried = model.try_submit(x);
  require(tried.has_value(), "not full");

  // Stopping.
  std::stop_source source;
  options.stop = source.get_token();
  options.deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  const wh::execution stoppable = model.call(std::vector<wh::buffer>{x}, options);
  require(stoppable.status().ok(), "nobody stopped it");

  // Barriers.
  client.drain();
  client.device().drain();
  wh::dispatcher::drain(compute);
  require(client.drained().wait_for(std::chrono::seconds(10)), "all units");
  require(client.device().drained(compute).is_ready(), "one unit");

  // Parts of tensors, tensor sets, outputs of the caller's.
  const wh::buffer y = client.empty({wh::dtype::f32, {4}});
  const std::vector<float> two{5, 6};
  y.fill(0.0F);
  y.write(two, 2 * sizeof(float), {.errors = &errors});
  std::vector<float> host(2);
  y.read(host, 1 * sizeof(float)).await();
  require(host[0] == 0 && host[1] == 5, "at an offset");
  const wh::buffer half = y.slice(0, {2});
  half.copy_from(y.slice(2, {2}));
  wh::transfer_batch batch;
  batch.write(y, two).read(y, host, 0);
  batch.submit().await();
  require(host == two, "written, then read");
  const wh::tensor_set inputs{{model.input_names()[0], y}};
  require(model.call(inputs).value().data<float>()[0] == 10, "by name");
  wh::execute_options mine_out;
  mine_out.into = {client.empty({wh::dtype::f32, {4}})};
  mine_out.check_numerics = true;
  model.call(std::vector<wh::buffer>{y}, mine_out).await();
  require(mine_out.into[0].value().data<float>()[0] == 10, "into a buffer of ours");
  require(client.poll(t) == wh::request_state::completed, "known for ever");

  require(model.inputs().size() == 1 && model.input_names()[0] == "x" && model.outputs().size() == 1,
          "what the model takes and gives");
  client.start_trace();
  for (int k = 0; k < 3; ++k) (void)model(x);
  client.drain();
  require(client.stop_trace().requests().size() == 3, "three executions");
  require(client.statistics().devices[0].units.size() == client.device().units().size(), "all units");
  require(x.type().bytes() == 16, "four floats");
  alignas(64) float lent[16] = {1, 2};
  const wh::buffer attached =
      client.from_host(lent, {wh::dtype::f32, {16}}, wh::host_memory_use::mutable_zero_copy, [] {});
  attached.fill(3.0F).await();
  require(lent[15] == 3, "in place");
  y.delete_now();

  // Memory.
  const wh::memory_statistics memory = client.device().memory();
  require(memory.in_use > 0, "buffers live");

  wh::loop loop;
  require(wh::sync_wait(loop, awaits(client, model, writes, values)) == 2, "1 + 1");
  client.device().reset();
  std::cout << "all as docs/reference/neuron.md says\n";
}
