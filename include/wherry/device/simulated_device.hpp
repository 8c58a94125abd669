// simulated_device.hpp: a device whose commands are host functions, completed by a loop in seeded order.
//
// It behaves like a device behind command queues (memory that the host cannot see, work that ends later and
// elsewhere), but every delay and every choice between units is drawn from a seed. On a loop with the
// simulated backend, with all submissions from that loop's thread, the same program with the same seed does
// the same things in the same order: a failure that a seed finds is found again.
//
// The commands of a unit are in an in-order queue. Each begins when the one before it and those that it waits
// for have ended, takes 0 to `longest` of the loop's time, and does its work at the end of it; its end is
// told 0 to `longest` later. `fails` may be told which commands fail; what a command behind a failed one does
// is what one of two drivers does (`drops_behind_failure`).
//
// Threads: submissions any; commands run on the loop's.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>
#include <wherry/device/device.hpp>
#include <wherry/device/transfer.hpp>
#include <wherry/loop/loop.hpp>

namespace wherry {

struct simulated_device_options {
  unsigned index = 0;
  std::uint64_t seed = 0;
  std::chrono::nanoseconds longest = std::chrono::microseconds(100);
  std::uint64_t requests_in_flight = 32;
  std::uint64_t transfer_bytes_in_flight = std::uint64_t{256} << 20;
  std::size_t memory_limit = SIZE_MAX;
  std::size_t compute_units = 2;
  std::function<failure(const request&)> fails;  // asked when a command ends; null: it succeeds
  bool drops_behind_failure =
      false;  // a command whose queue has failed does not run and fails: PoCL; else it runs
};

class simulated_device final : public device_core, public byte_mover {
 public:
  /// `keeps` is held as long as the device or one of its commands lives: what owns `home`, if that may end
  /// earlier.
  static ref<device_core> open(loop& home, simulated_device_options options,
                               std::shared_ptr<void> keeps = nullptr) {
    return ref<device_core>(new simulated_device(home, std::move(options), std::move(keeps)));
  }

  bool is_host() const noexcept override { return false; }
  memory_statistics statistics() const override { return pool_.statistics(); }
  void trim() override { pool_.trim(); }

  /// The memory of a storage of this device, or of one that the host sees.
  static std::byte* memory_of(const storage& s) noexcept {
    if (void* host = s.host()) return static_cast<std::byte*>(host);
    return static_cast<std::byte*>(static_cast<const hidden_storage&>(s).block());
  }

  /// An event that the caller ends, as OpenCL's user events. Loop thread only.
  class gate;

  /// Enqueues a command: `body(argument)`, on the loop, when its turn has come, and hands `r` over, which
  /// then finishes with what the body returns. `r` has been started by this device and says `in_flight`.
  /// `behind` is waited for as `r.waits()` are. Loop thread only.
  using command_body = failure (*)(void* argument) noexcept;
  void enqueue(request& r, command_body body, void* argument, device_event* behind = nullptr) noexcept;

  failure move_bytes(transfer& t) noexcept override {
    enqueue(
        t,
        [](void* argument) noexcept {
          const auto bytes_of = [](const transfer::end& e) {
            return e.memory ? memory_of(*e.memory) + e.offset : e.host;
          };
          for (const transfer::move& m : static_cast<const transfer*>(argument)->moves())
            move_on_host(m, bytes_of(m.to), bytes_of(m.from));
          return failure();
        },
        &t);
    return nullptr;
  }

 private:
  struct command;

  class command_end : public device_event {
   public:
    bool has_ended() const noexcept { return phase_ != phase::pending; }
    bool has_failed() const noexcept { return phase_ == phase::failed; }
    void add(command& later) { waiting_.push_back(&later); }
    void end(bool failed) noexcept;

   private:
    enum class phase : std::uint8_t { pending, good, failed };
    phase phase_ = phase::pending;
    absl::InlinedVector<command*, 2> waiting_;
  };

  /// Leads units on the loop, in an order drawn from the seed.
  class seeded_engine final : public engine, public ref_counted<seeded_engine>, work {
   public:
    seeded_engine(loop& home, std::uint64_t seed, std::shared_ptr<void> keeps)
        : home_(home), keeps_(std::move(keeps)), random_(seed) {
      run = [](work& w) noexcept {
        const auto self = ref<seeded_engine>::adopt(&static_cast<seeded_engine&>(w));
        self->lead_all();
      };
    }
    void schedule(unit& u) noexcept override {
      const auto is_u = [&u](const ref<unit>& other) { return other.get() == &u; };
      if (std::none_of(waiting_.begin(), waiting_.end(), is_u)) waiting_.emplace_back(&u);
    }
    void poke() noexcept override {
      if (posted_.exchange(true)) return;
      retain();
      home_.post(*this);
    }
    bool leads_anywhere() const noexcept override { return false; }

   private:
    void lead_all() noexcept {
      posted_.store(false);
      for (;;) {
        ref<unit> u;
        {
          detail::dispatch_lock lock;
          if (waiting_.empty()) return;
          std::swap(waiting_[random_() % waiting_.size()], waiting_.back());
          u = std::move(waiting_.back());
          waiting_.pop_back();
        }
        dispatcher::lead(*u, [] { return false; });
      }
    }

    loop& home_;
    std::shared_ptr<void> keeps_;
    // loop thread only
    std::mt19937_64 random_;
    // dispatch lock
    std::vector<ref<unit>> waiting_;
    // any thread
    std::atomic<bool> posted_{false};
  };

  class hidden_storage final : public storage {
   public:
    hidden_storage(ref<device_core> owner, host_pool& pool, void* block, std::size_t bytes)
        : storage(bytes), owner_(std::move(owner)), pool_(pool), block_(block) {}
    ~hidden_storage() override { pool_.deallocate(block_, bytes()); }
    void* block() const noexcept { return block_; }

   private:
    ref<device_core> owner_;  // the pool lives there
    host_pool& pool_;
    void* block_;
  };

  struct command : timer {
    ref<simulated_device> device;
    ref<request> who;
    command_body body = nullptr;
    void* argument = nullptr;
    ref<command_end> end;
    absl::InlinedVector<ref<command_end>, 2> waits;
    ref<command_end> before;  // in its queue
    std::size_t missing = 1;  // ends, and that it has been handed over
    failure outcome;
    bool dropped = false;
  };

  simulated_device(loop& home, simulated_device_options options, std::shared_ptr<void> keeps)
      : device_core(describe(options), options.requests_in_flight, options.transfer_bytes_in_flight),
        options_(std::move(options)),
        home_(home),
        keeps_(keeps),
        engine_(make_ref<seeded_engine>(home, options_.seed, std::move(keeps))),
        random_(~options_.seed),
        pool_({}, options_.memory_limit) {
    for (const unit_kind kind :
         {unit_kind::tensor_read, unit_kind::tensor_write, unit_kind::tensor_op, unit_kind::collectives}) {
      add_unit(kind);
    }
    for (std::size_t k = 0; k < options_.compute_units; ++k) add_unit(unit_kind::compute);
  }

  static device_description describe(const simulated_device_options& options) {
    device_description d;
    d.name = "simulated:" + std::to_string(options.index);
    d.carrier = "simulated";
    return d;
  }

  static void arrive(command& c) noexcept;
  static void after_a_while(command& c, void (*then)(work&) noexcept) noexcept;
  static void execute(command& c) noexcept;
  static void report(std::unique_ptr<command> c) noexcept;

  ref<storage> try_allocate(std::size_t bytes) override {
    void* block = pool_.allocate(bytes);
    if (!block) return nullptr;
    return ref<storage>(new hidden_storage(ref<device_core>(this), pool_, block, bytes));
  }
  engine& new_engine(unit_kind) override { return *engine_; }
  void prepare(unit&) override {}

  // constant after construction
  simulated_device_options options_;
  loop& home_;
  std::shared_ptr<void> keeps_;
  ref<seeded_engine> engine_;
  // loop thread only
  std::mt19937_64 random_;
  // any thread
  host_pool pool_;
};

class simulated_device::gate : public command_end {};

// --------------------------------------------------------------------------------------- commands

inline void simulated_device::command_end::end(bool failed) noexcept {
  phase_ = failed ? phase::failed : phase::good;
  for (command* c : std::exchange(waiting_, {})) arrive(*c);
}

inline void simulated_device::enqueue(request& r, command_body body, void* argument,
                                      device_event* behind) noexcept {
  auto* c = new command;
  c->device = ref<simulated_device>(this);
  c->who = ref<request>(&r);
  c->body = body;
  c->argument = argument;
  c->end = make_ref<command_end>();
  for (const auto& e : r.waits()) c->waits.emplace_back(static_cast<command_end*>(e.get()));
  if (behind) c->waits.emplace_back(static_cast<command_end*>(behind));
  c->before = ref<command_end>(static_cast<command_end*>(r.after()));
  const auto wait_for = [c](command_end& e) {
    if (e.has_ended()) return;
    ++c->missing;
    e.add(*c);
  };
  for (const auto& e : c->waits) wait_for(*e);
  if (c->before) wait_for(*c->before);
  dispatcher::hand_over(r, c->end);
  arrive(*c);
}

/// One of the things that `c` waits for has come.
inline void simulated_device::arrive(command& c) noexcept {
  if (--c.missing != 0) return;
  after_a_while(c, [](work& w) noexcept { execute(static_cast<command&>(w)); });
}

inline void simulated_device::after_a_while(command& c, void (*then)(work&) noexcept) noexcept {
  const auto range = static_cast<std::uint64_t>(c.device->options_.longest.count()) + 1;
  c.is = operation::state::idle;
  c.result = 0;
  c.deadline = c.device->home_.now() + std::chrono::nanoseconds(c.device->random_() % range);
  c.run = then;
  try {
    c.device->home_.start(c);
  } catch (...) {
    c.result = -ECANCELED;
    then(c);
  }
}

inline void simulated_device::execute(command& c) noexcept {
  const simulated_device_options& options = c.device->options_;
  const bool waits_failed =
      std::any_of(c.waits.begin(), c.waits.end(), [](const auto& e) { return e->has_failed(); });
  const bool queue_failed = c.before && c.before->has_failed();
  if (c.result < 0) {
    c.outcome = make_failure(absl::StatusCode::kCancelled, "the loop of " + c.device->name() + " has ended",
                             reason::cancelled);
  } else if (waits_failed || (queue_failed && options.drops_behind_failure)) {
    c.dropped = true;
    c.outcome = make_failure(absl::StatusCode::kInternal, "something that the command waited for has failed");
  } else {
    if (options.fails) c.outcome = options.fails(*c.who);
    if (!c.outcome) c.outcome = c.body(c.argument);
  }
  c.before = nullptr;
  c.waits.clear();
  c.end->end(c.outcome != nullptr);
  after_a_while(c, [](work& w) noexcept { report(std::unique_ptr<command>(&static_cast<command&>(w))); });
}

inline void simulated_device::report(std::unique_ptr<command> c) noexcept {
  c->device->note(c->outcome);
  dispatcher::finish(*c->who, std::move(c->outcome), c->dropped);
}

}  // namespace wherry
