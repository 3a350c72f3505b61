#include "tests/bench/datapath/links.h"

#include <bpf/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "common/result.h"
#include "tests/bench/datapath/measure.h"

namespace outflow::bench {
namespace {

// linux/bpf.h of 6.6; the build machine's may be older.
constexpr std::uint32_t kTcxIngress = 46;
constexpr std::uint32_t kTcxEgress = 47;
constexpr std::uint32_t kBefore = 1U << 3U;  // without a relative program: the head of the chain
constexpr int kLinkCreate = 28;
struct LinkCreate {
  std::uint32_t program = 0;
  std::uint32_t ifindex = 0;
  std::uint32_t attach_type = 0;
  std::uint32_t flags = kBefore;
  std::uint32_t relative = 0;
  std::uint32_t padding = 0;
  std::uint64_t expected_revision = 0;
};

// In the namespace of the calling thread. Invalid, with errno, when it fails.
Fd create(const Hook& hook) {
  LinkCreate create;
  create.program = static_cast<std::uint32_t>(hook.program);
  create.ifindex = hook.ifindex;
  create.attach_type = hook.to_pod ? kTcxEgress : kTcxIngress;
  return Fd(static_cast<int>(syscall(__NR_bpf, kLinkCreate, &create, sizeof create)));
}

}  // namespace

Link::~Link() {
  // Dropping the last reference detaches too, but some time later; detaching is done on return.
  if (fd_.valid()) bpf_link_detach(fd_.get());
}

bool has_tcx() {
  // No program has this descriptor and no interface this index: a kernel with tcx says which of
  // them it misses, one without refuses the type.
  return create({.ifindex = 0x7fff'fffe}).valid() || errno != EINVAL;
}

std::vector<Link> attach(const test::Namespace& space, const std::vector<Hook>& hooks) {
  std::vector<Link> links;
  space.run([&] {
    for (const Hook& hook : hooks) {
      Fd fd = create(hook);
      require(fd.valid(), "tcx: " + errno_text(errno));
      links.emplace_back(std::move(fd));
    }
  });
  return links;
}

}  // namespace outflow::bench
