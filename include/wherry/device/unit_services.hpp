// unit_services.hpp: what the units of one device have around them: its name, the client's loop, deadlines.
//
// Threads: any. Constant after the device has been set up, before its first request.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <wherry/device/deadline_queue.hpp>
#include <wherry/device/ref.hpp>
#include <wherry/device/unobserved_errors.hpp>

namespace wherry {

class unit_services : public ref_counted<unit_services> {
 public:
  explicit unit_services(std::string device_name) : device_name_(std::move(device_name)) {}

  const std::string& device_name() const noexcept { return device_name_; }

  void set_home(std::function<loop&()> home) { home_ = std::move(home); }
  /// The client's loop, which starts if it has not.
  loop& home() const { return home_(); }

  /// Where failures go that nobody looks at; null: nowhere.
  void set_unobserved(std::shared_ptr<unobserved_errors> to) { unobserved_ = std::move(to); }
  const std::shared_ptr<unobserved_errors>& unobserved() const noexcept { return unobserved_; }

  deadline_queue& deadlines() const noexcept { return *deadlines_; }

 private:
  std::string device_name_;
  std::function<loop&()> home_;
  std::shared_ptr<unobserved_errors> unobserved_;
  ref<deadline_queue> deadlines_ = make_ref<deadline_queue>();
};

}  // namespace wherry
