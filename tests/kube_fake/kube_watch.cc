// Watches an API server and prints what a Sink is told, a line a call; the tests drive it against a
// server that misbehaves on purpose, and a person against a real one. Ends when stdin does.
//
//   kube_watch --kubeconfig FILE [--http1] [--lists] [--page N] [--post PATH JSON]
#include <unistd.h>

#include <array>
#include <cstdio>
#include <string>
#include <thread>

#include "aggregator/kube/watcher.h"
#include "tests/support/kube_text.h"

namespace outflow::kube {
namespace {

using inventory::Object;

void print(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

class Printer final : public inventory::Sink {
 public:
  void begin_list(Kind kind) override { say("begin", kind); }
  void end_list(Kind kind, TimePoint /*at*/) override { say("end", kind); }
  void put(Object object, TimePoint /*at*/) override { say("put", object); }
  void remove(Object last, TimePoint /*at*/) override { say("remove", last); }
  void heard(Kind kind, TimePoint /*at*/) override { say("heard", kind); }
  void fail(Kind kind, std::string why) override { say("fail", kind, " " + why); }
  void absent(Kind kind, std::string why) override { say("absent", kind, " " + why); }

 private:
  static void say(const char* what, Kind kind, const std::string& rest = "") {
    print(std::string(what) + " [" + std::string(inventory::to_text(kind)) + "]" + rest);
  }
  static void say(const char* what, const Object& object) {
    print(std::string(what) + " " + test::text_of(object));
  }
};

struct Told {
  std::string kubeconfig;
  Watcher::Options options;
  std::string post_path;
  std::string post_body;
};

Told read_flags(int argc, char** argv) {
  Told told;
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    if (flag == "--http1") told.options.http1 = true;
    if (flag == "--lists") told.options.watch_list = false;
    if (i + 1 < argc && flag == "--kubeconfig") told.kubeconfig = argv[++i];
    if (i + 1 < argc && flag == "--page") {
      told.options.page_items = static_cast<unsigned>(std::stoul(argv[++i]));
    }
    if (i + 2 < argc && flag == "--post") {
      told.post_path = argv[++i];
      told.post_body = argv[++i];
    }
  }
  return told;
}

void print_metrics(const Metrics& metrics) {
  for (const Kind kind : kAllKinds) {
    const Counts& c = metrics.of(kind);
    print("counts [" + std::string(inventory::to_text(kind)) +
          "] requests=" + std::to_string(c.requests) + " lists=" + std::to_string(c.lists) +
          " relists=" + std::to_string(c.relists) + " watches=" + std::to_string(c.watches) +
          " events=" + std::to_string(c.events) + " objects=" + std::to_string(c.objects) +
          " bad=" + std::to_string(c.bad) + " bytes=" + std::to_string(c.bytes) +
          " failures=" + std::to_string(c.failures));
  }
  print("connections=" + std::to_string(metrics.connections));
}

int post(Access& access, const Told& told) {
  Poster poster(access);
  const auto reply = poster.post(told.post_path, told.post_body);
  print(reply ? std::to_string(reply->status) + " " + reply->body : "error " + reply.error().what);
  return reply ? 0 : 1;
}

int run(const Told& told) {
  auto access = Access::from_kubeconfig(told.kubeconfig, "");
  if (!access) {
    print("error " + access.error().what);
    return 1;
  }
  if (!told.post_path.empty()) return post(**access, told);
  Printer printer;
  const SystemClock clock;
  Watcher watcher(**access, printer, clock, told.options);
  std::jthread thread([&](const std::stop_token& stop) { watcher.run(stop); });
  std::array<char, 256> ignored{};
  while (::read(STDIN_FILENO, ignored.data(), ignored.size()) > 0) {
  }
  const auto asked = std::chrono::steady_clock::now();
  thread.request_stop();
  thread.join();
  const auto took = std::chrono::steady_clock::now() - asked;
  print_metrics(watcher.metrics());
  print("stopped ms=" +
        std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(took).count()));
  return 0;
}

}  // namespace
}  // namespace outflow::kube

int main(int argc, char** argv) {
  return outflow::kube::run(outflow::kube::read_flags(argc, argv));
}
