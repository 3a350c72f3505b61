#include "tests/netns/neighbour.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>

#include "neighbour.skel.h"

namespace outflow::test {
namespace {

// linux/bpf.h of 6.6; the build machine's may be older.
constexpr std::uint32_t kTcxIngress = 46;
constexpr std::uint32_t kBefore = 1U << 3U;
constexpr int kLinkCreate = 28;
struct LinkCreate {
  std::uint32_t program;
  std::uint32_t ifindex;
  std::uint32_t attach_type;
  std::uint32_t flags;
  std::uint32_t relative;
  std::uint32_t padding;
  std::uint64_t expected_revision;
};

}  // namespace

Neighbour::Neighbour(const std::string& program, std::uint32_t redirect_to)
    : object_(neighbour_bpf::open()) {
  libbpf_set_print(nullptr);  // a qdisc that is there already is no news
  if (object_ == nullptr) throw std::runtime_error("cannot open the neighbour's object");
  object_->rodata->redirect_to = redirect_to;
  if (neighbour_bpf::load(object_) != 0) throw std::runtime_error("the neighbour is refused");
  const bpf_program* found = bpf_object__find_program_by_name(object_->obj, program.c_str());
  if (found == nullptr) throw std::runtime_error("no such neighbour: " + program);
  program_ = bpf_program__fd(found);
}

Neighbour::~Neighbour() {
  neighbour_bpf::destroy(object_);
}

void Neighbour::attach_tcx(const Node& node, const std::string& interface, bool at_head) {
  LinkCreate create{};
  create.program = static_cast<std::uint32_t>(program_);
  create.ifindex = node.index_of(interface);
  create.attach_type = kTcxIngress;
  create.flags = at_head ? kBefore : 0;
  node.space.run([&] {
    link_ = Fd(static_cast<int>(syscall(__NR_bpf, kLinkCreate, &create, sizeof create)));
  });
  if (!link_.valid()) throw std::runtime_error("the neighbour's tcx link is refused");
}

void Neighbour::attach_clsact(const Node& node, const std::string& interface,
                              std::uint32_t priority) {
  int error = 0;
  LIBBPF_OPTS(bpf_tc_hook, hook);
  hook.ifindex = static_cast<int>(node.index_of(interface));
  hook.attach_point = BPF_TC_INGRESS;
  LIBBPF_OPTS(bpf_tc_opts, options);
  options.prog_fd = program_;
  options.priority = priority;
  options.handle = static_cast<std::uint32_t>(program_);  // of its own
  node.space.run([&] {
    error = bpf_tc_hook_create(&hook);
    if (error == 0 || error == -EEXIST) error = bpf_tc_attach(&hook, &options);
  });
  if (error != 0) throw std::runtime_error("the neighbour's filter is refused");
}

std::uint64_t Neighbour::shown() const {
  return object_->bss->shown;
}

}  // namespace outflow::test
