// `outflow completion bash|zsh|fish`: written by walking the very tree of commands that parses.
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "aggregator/cli/program.h"

namespace outflow::cli {
namespace {

struct Flag {
  std::vector<std::string> spellings;  // "-o", "--output"
  std::string what;
  bool takes_value = false;
  std::vector<std::string> values;  // of a closed list
};

struct Node {
  std::string path;  // "import calico-log"; "" for the root
  std::string what;
  std::vector<Flag> flags;
  std::vector<std::string> words;  // subcommands, or the values of a closed positional
};

// The type of a closed list reads "TEXT:{table,wide}".
std::vector<std::string> values_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const std::size_t begin = type.find('{');
  const std::size_t end = type.rfind('}');
  if (begin == std::string::npos || end == std::string::npos) return {};
  return CLI::detail::split(type.substr(begin + 1, end - begin - 1), ',');
}

void walk(const CLI::App& app, const std::string& path, std::vector<Node>& nodes) {
  Node node{path, app.get_description(), {}, {}};
  for (const auto* option : app.get_options({})) {
    if (option->get_positional()) {
      for (const auto& value : values_of(*option)) node.words.push_back(value);
      continue;
    }
    Flag flag;
    for (const auto& name : option->get_snames()) flag.spellings.push_back("-" + name);
    for (const auto& name : option->get_lnames()) flag.spellings.push_back("--" + name);
    flag.what = option->get_description();
    flag.takes_value = option->get_items_expected_max() > 0;
    flag.values = values_of(*option);
    node.flags.push_back(std::move(flag));
  }
  const auto subs = app.get_subcommands({});
  for (const auto* sub : subs) node.words.push_back(sub->get_name());
  nodes.push_back(std::move(node));
  for (const auto* sub : subs) {
    walk(*sub, path.empty() ? sub->get_name() : path + " " + sub->get_name(), nodes);
  }
}

// In single quotes, for all three shells.
std::string shell_word(const std::string& text) {
  std::string inside;
  for (const char c : text) inside += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return "'" + inside + "'";
}

std::string words_of(const Node& node) {
  std::vector<std::string> words = node.words;
  for (const auto& flag : node.flags) {
    words.insert(words.end(), flag.spellings.begin(), flag.spellings.end());
  }
  return fmt::format("{}", fmt::join(words, " "));
}

// bash, and zsh through its bashcompinit: one case a command, one a flag with a closed list.
std::string for_bash(const std::vector<Node>& nodes) {
  std::string commands;
  std::string values;
  std::string plain;
  for (const auto& node : nodes) {
    commands +=
        fmt::format("    {}) words={} ;;\n", shell_word(node.path), shell_word(words_of(node)));
    for (const auto& flag : node.flags) {
      const std::string spellings = fmt::format("{}", fmt::join(flag.spellings, "|"));
      if (!flag.values.empty()) {
        values +=
            fmt::format("    {}) COMPREPLY=($(compgen -W {} -- \"$current\")); return ;;\n",
                        spellings, shell_word(fmt::format("{}", fmt::join(flag.values, " "))));
      } else if (flag.takes_value) {
        plain += (plain.empty() ? "" : "|") + spellings;
      }
    }
  }
  std::string known;
  for (const auto& node : nodes) {
    if (!node.path.empty()) known += (known.empty() ? "" : "|") + shell_word(node.path);
  }
  return fmt::format(R"(# bash completion of outflow: source <(outflow completion bash)
_outflow() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}} path= next word words
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    next=${{path:+$path }}$word
    case $next in {known}) path=$next ;; esac
  done
  case $previous in
{values}    {plain}) return ;;
  esac
  case $path in
{commands}  esac
  [ -z "$path" ] || words="$words {common}"
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  case $path in export|backup|'import calico-log') COMPREPLY+=($(compgen -f -- "$current")) ;; esac
}}
complete -F _outflow outflow
)",
                     fmt::arg("known", known), fmt::arg("values", values), fmt::arg("plain", plain),
                     fmt::arg("commands", commands), fmt::arg("common", [&nodes] {
                       Node flags = nodes.front();
                       flags.words.clear();
                       return words_of(flags);
                     }()));
}

std::string for_zsh(const std::vector<Node>& nodes) {
  return "#compdef outflow\n# zsh completion of outflow: source <(outflow completion zsh)\n"
         "autoload -U +X bashcompinit && bashcompinit\n" +
         for_bash(nodes);
}

std::string fish_flag(const Flag& flag, const std::string& condition) {
  std::string line = "complete -c outflow" + condition;
  for (const auto& spelling : flag.spellings) {
    const bool is_long = spelling.starts_with("--");
    line += fmt::format(" {} {}", is_long ? "-l" : "-s", spelling.substr(is_long ? 2 : 1));
  }
  if (flag.takes_value) line += " -x";
  if (!flag.values.empty())
    line += " -a " + shell_word(fmt::format("{}", fmt::join(flag.values, " ")));
  return line + " -d " + shell_word(flag.what) + "\n";
}

std::string for_fish(const std::vector<Node>& nodes) {
  std::string text = "# fish completion of outflow: outflow completion fish | source\n";
  for (const auto& node : nodes) {
    const std::size_t space = node.path.rfind(' ');
    const std::string last = node.path.substr(space == std::string::npos ? 0 : space + 1);
    const std::string condition =
        node.path.empty() ? "" : " -n " + shell_word("__fish_seen_subcommand_from " + last);
    for (const auto& flag : node.flags) text += fish_flag(flag, condition);
    for (const auto& word : node.words) {
      std::string what;
      const std::string path = node.path.empty() ? word : node.path + " " + word;
      for (const auto& other : nodes) {
        if (other.path == path) what = other.what;
      }
      text += fmt::format("complete -c outflow{} -f -a {} -d {}\n",
                          node.path.empty() ? " -n __fish_use_subcommand" : condition,
                          shell_word(word), shell_word(what));
    }
  }
  return text;
}

}  // namespace

void add_completion_command(Program& program) {
  const auto shell = std::make_shared<std::string>();
  CLI::App& app =
      add_command(program.root, "completion", "Completion for a shell, on stdout",
                  {"source <(outflow completion bash)",
                   "outflow completion fish > ~/.config/fish/completions/outflow.fish"});
  app.add_option("SHELL", *shell, "Which shell")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  CLI::App* const root = &program.root;
  program.commands.push_back({&app, false, false, [shell, root](Session& session) -> Outcome<int> {
                                std::vector<Node> nodes;
                                walk(*root, "", nodes);
                                session.terminal.out << (*shell == "bash"  ? for_bash(nodes)
                                                         : *shell == "zsh" ? for_zsh(nodes)
                                                                           : for_fish(nodes));
                                return kExitOk;
                              }});
}

}  // namespace outflow::cli
