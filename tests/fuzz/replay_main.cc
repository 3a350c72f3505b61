// Runs a fuzz target without libFuzzer: every file of the corpus folder, then a bounded number of
// random mutations of them with a fixed seed, so that each normal test run goes through the door
// once.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr int kMutationsPerFile = 500;

using Bytes = std::vector<std::uint8_t>;

Bytes read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(in), {});
}

void mutate(Bytes& bytes, std::mt19937& random) {
  const auto at = [&](std::size_t size) { return random() % size; };
  for (int edits = 1 + static_cast<int>(random() % 4); edits > 0 && !bytes.empty(); --edits) {
    switch (random() % 4) {
      case 0:
        bytes[at(bytes.size())] = static_cast<std::uint8_t>(random());
        break;
      case 1:
        bytes.resize(at(bytes.size() + 1));
        break;
      case 2:
        bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at(bytes.size() + 1)),
                     static_cast<std::uint8_t>(random()));
        break;
      default:
        bytes[at(bytes.size())] ^= static_cast<std::uint8_t>(1U << (random() % 8));
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::mt19937 random(20260518);
  int files = 0;
  for (int i = 1; i < argc; ++i) {
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      const Bytes original = read_file(entry.path());
      LLVMFuzzerTestOneInput(original.data(), original.size());
      for (int n = 0; n < kMutationsPerFile; ++n) {
        Bytes changed = original;
        mutate(changed, random);
        LLVMFuzzerTestOneInput(changed.data(), changed.size());
      }
      ++files;
    }
  }
  std::printf("replayed %d files, %d inputs\n", files, files * (kMutationsPerFile + 1));
  return files > 0 ? 0 : 1;
}
