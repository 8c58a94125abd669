// for_each_on_workers.hpp: long pieces of work (compilations) side by side, on this thread and on workers.
//
// Unlike shares of a kernel they may take long, so a worker looks after executions between two of them.
//
// Threads: any; on a worker, the calling one takes part as itself.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <wherry/device/worker_pool.hpp>

namespace wherry {

/// Calls `each(k)` once for each k below `count`, in no order, and returns when all have returned. `each`
/// must not throw.
inline void for_each_on_workers(std::size_t count, const std::function<void(std::size_t)>& each) {
  // Kept by helpers that come late, who find nothing left to take and touch nothing else of the caller's.
  struct crew {
    const std::function<void(std::size_t)>& each;
    const std::size_t count;
    std::atomic<std::size_t> next{0};
    std::atomic<std::size_t> done{0};

    bool take_one() noexcept {
      const std::size_t k = next.fetch_add(1);
      if (k >= count) return false;
      each(k);
      if (done.fetch_add(1) + 1 == count) done.notify_all();
      return true;
    }
  };
  struct helper final : work {
    explicit helper(std::shared_ptr<crew> c) : all(std::move(c)) {
      run = [](work& w) noexcept {
        auto& self = static_cast<helper&>(w);
        if (self.all->take_one()) {
          worker_pool::instance().as_scheduler().post(self);
        } else {
          delete &self;
        }
      };
    }
    std::shared_ptr<crew> all;
  };

  const auto all = std::make_shared<crew>(each, count);
  worker_pool& pool = worker_pool::instance();
  for (std::size_t k = 1; k < std::min<std::size_t>(count, pool.width()); ++k)
    pool.as_scheduler().post(*new helper(all));
  while (all->take_one()) {
  }
  for (std::size_t d = all->done.load(); d != count; d = all->done.load()) all->done.wait(d);
}

}  // namespace wherry
