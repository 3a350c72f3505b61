#include "aggregator/feeds/load.h"

#include <array>

#include "aggregator/feeds/loaders.h"

namespace outflow::feeds {
namespace {

constexpr std::array<std::string_view, kFormats> kWords{
    "aws",    "google",        "azure",        "oracle",  "github",   "cloudflare",
    "fastly", "microsoft-365", "known-server", "geofeed", "cidr-list"};

struct Alias {
  std::string_view word;
  Format format;
};
constexpr std::array kAliases{Alias{"digitalocean", Format::Geofeed},
                              Alias{"linode", Format::Geofeed}};

bool is_json(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && text[first] == '{';
}

Result<void> read(Format format, const std::string& text, Draft& draft) {
  if (format == Format::Geofeed) {
    read_geofeed(text, draft);
    return {};
  }
  if (format == Format::CidrList || (format == Format::Cloudflare && !is_json(text))) {
    read_cidr_list(format, text, draft);
    return {};
  }
  return read_json(format, text, draft);
}

}  // namespace

std::string_view to_text(Format format) {
  return kWords[static_cast<std::size_t>(format)];
}

std::optional<Format> format_of(std::string_view word) {
  for (std::size_t i = 0; i < kWords.size(); ++i) {
    if (kWords[i] == word) return static_cast<Format>(i);
  }
  for (const Alias& alias : kAliases) {
    if (alias.word == word) return alias.format;
  }
  return std::nullopt;
}

std::string format_words() {
  std::string words;
  for (const std::string_view word : kWords) words.append(words.empty() ? "" : ", ").append(word);
  for (const Alias& alias : kAliases) words.append(", ").append(alias.word);
  return words;
}

Result<Loaded> load(Format format, std::span<const SourceText> texts, const Draft::Told& told) {
  Draft draft(told);
  std::string sources;
  for (const SourceText& one : texts) {
    if (auto done = read(format, one.text, draft); !done) {
      return fail(std::move(done).error().within(one.source));
    }
    sources.append(sources.empty() ? "" : ", ").append(one.source);
  }
  auto loaded = std::move(draft).finish();
  if (!loaded) return fail(std::move(loaded).error().within(sources));
  return loaded;
}

}  // namespace outflow::feeds
