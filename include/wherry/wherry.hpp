// wherry.hpp: everything.
#pragma once

#include <wherry/array/convert.hpp>
#include <wherry/array/format.hpp>
#include <wherry/array/layout.hpp>
#include <wherry/array/literal.hpp>
#include <wherry/array/print.hpp>
#include <wherry/array/transfer_batch.hpp>
#include <wherry/client.hpp>
#include <wherry/coro/as_status.hpp>
#include <wherry/coro/scope.hpp>
#include <wherry/coro/sync_wait.hpp>
#include <wherry/coro/task.hpp>
#include <wherry/coro/when_all.hpp>
#include <wherry/coro/when_any.hpp>
#include <wherry/exec/artifact.hpp>
#include <wherry/exec/bind.hpp>
#include <wherry/exec/call_program.hpp>
#include <wherry/exec/executable_cache.hpp>
#include <wherry/exec/kernel_registry.hpp>
#include <wherry/exec/pipeline.hpp>
#include <wherry/exec/print_program.hpp>
#include <wherry/loop/file.hpp>
#include <wherry/loop/loop.hpp>
#include <wherry/loop/read_file.hpp>
#include <wherry/loop/sleep.hpp>
#include <wherry/loop/sync_wait.hpp>
