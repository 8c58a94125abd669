// loop_engine.hpp: leads units on the thread of a loop.
//
// Units that can start something stand in a list; being poked, the engine posts itself to the loop and leads
// them one after the other there.
//
// Threads: any; requests start on the loop's.
#pragma once

#include <atomic>
#include <memory>
#include <utility>
#include <wherry/device/dispatcher.hpp>
#include <wherry/loop/loop_thread.hpp>

namespace wherry {

/// Leads units on a loop's thread. Keeps itself alive while it is posted there.
class loop_engine final : public engine, public ref_counted<loop_engine>, work {
 public:
  explicit loop_engine(std::shared_ptr<loop_thread> where) : where_(std::move(where)) {
    run = [](work& w) noexcept {
      const auto self = ref<loop_engine>::adopt(&static_cast<loop_engine&>(w));
      self->lead_all();
    };
  }
  void schedule(unit& u) noexcept override {
    if (u.scheduled_) return;
    u.retain();
    u.scheduled_ = true;
    u.next_scheduled_ = nullptr;
    (last_ ? last_->next_scheduled_ : first_) = &u;
    last_ = &u;
  }
  void poke() noexcept override {
    if (posted_.exchange(true)) return;
    retain();
    where_->get().post(*this);
  }
  bool leads_anywhere() const noexcept override { return false; }
  loop& home() { return where_->get(); }

 private:
  void lead_all() noexcept {
    posted_.store(false);
    for (;;) {
      ref<unit> u;
      {
        detail::dispatch_lock lock;
        if (!first_) return;
        u = ref<unit>::adopt(first_);
        first_ = u->next_scheduled_;
        if (!first_) last_ = nullptr;
        u->scheduled_ = false;
      }
      dispatcher::lead(*u, [] { return false; });
    }
  }

  std::shared_ptr<loop_thread> where_;
  // dispatch lock
  unit* first_ = nullptr;
  unit* last_ = nullptr;
  // any thread
  std::atomic<bool> posted_{false};
};

}  // namespace wherry
