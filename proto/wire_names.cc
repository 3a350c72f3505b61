#include "proto/wire_names.h"

#include <cassert>
#include <span>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "proto/wire.h"

namespace outflow::wire {
namespace {

using std::chrono::microseconds;

class Names {
 public:
  explicit Names(v1::Batch& batch) : batch_(batch) {}

  std::uint32_t index_of(const std::string& name) {
    const auto [entry, added] =
        indexes_.try_emplace(name, static_cast<std::uint32_t>(indexes_.size()));
    if (added) batch_.add_names(name);
    return entry->second;
  }
  // 0 stands for "".
  std::uint32_t one_more(const std::string& name) { return name.empty() ? 0 : index_of(name) + 1; }

 private:
  v1::Batch& batch_;
  std::unordered_map<std::string, std::uint32_t> indexes_;
};

using Columns = std::span<const std::pair<const char*, int>>;

Result<int> rows_of(const char* table, std::size_t rows_max, Columns columns) {
  const int rows = columns.front().second;
  if (static_cast<std::size_t>(rows) > rows_max) {
    return fail(fmt::format("{}: {} rows, at most {} allowed", table, rows, rows_max));
  }
  for (const auto& [name, size] : columns) {
    if (size != rows) {
      return fail(fmt::format("{}.{}: {} rows where {}.{} has {}", table, name, size, table,
                              columns.front().first, rows));
    }
  }
  return rows;
}

// What rows point into.
struct Tables {
  const v1::Batch& batch;
  const std::vector<net::Address>& addresses;
  const Report& report;
  [[nodiscard]] std::size_t names() const { return static_cast<std::size_t>(batch.names_size()); }
  [[nodiscard]] std::string name(std::uint32_t index) const {
    return batch.names(static_cast<int>(index));
  }
};

Result<NameAnswer> read_answer(const Tables& tables, int row) {
  const v1::NameAnswers& rows = tables.batch.answers();
  const auto bad = [row](const char* column) {
    return fail(fmt::format("answers.{}[{}]: out of range", column, row));
  };
  if (rows.interface(row) >= tables.report.interfaces.size()) return bad("interface");
  if (rows.name(row) >= tables.names()) return bad("name");
  if (rows.address(row) >= tables.addresses.size()) return bad("address");
  if (rows.resolver(row) >= tables.addresses.size()) return bad("resolver");
  if (rows.target(row) > tables.names()) return bad("target");
  if (rows.ttl_s(row) > kTtlMaxSeconds) return bad("ttl_s");
  if (rows.answers(row) == 0) return bad("answers");
  if (!in_range(rows.first_answered_us(row))) return bad("first_answered_us");
  if (!in_range(rows.last_answered_us(row)) ||
      rows.last_answered_us(row) < rows.first_answered_us(row)) {
    return bad("last_answered_us");
  }
  const TimePoint start = tables.report.interval.start;
  return NameAnswer{.interface_id = tables.report.interfaces[rows.interface(row)].id,
                    .name = tables.name(rows.name(row)),
                    .address = tables.addresses[rows.address(row)],
                    .resolver = tables.addresses[rows.resolver(row)],
                    .target = rows.target(row) == 0 ? "" : tables.name(rows.target(row) - 1),
                    .ttl_s = rows.ttl_s(row),
                    .flags = rows.flags(row),
                    .answers = rows.answers(row),
                    .first_answered = start + microseconds(rows.first_answered_us(row)),
                    .last_answered = start + microseconds(rows.last_answered_us(row))};
}

Result<SaidName> read_said(const Tables& tables, int row) {
  const v1::SaidNames& rows = tables.batch.said();
  const auto bad = [row](const char* column) {
    return fail(fmt::format("said.{}[{}]: out of range", column, row));
  };
  if (rows.interface(row) >= tables.report.interfaces.size()) return bad("interface");
  if (rows.destination(row) >= tables.addresses.size()) return bad("destination");
  if (rows.destination_port(row) < 1 || rows.destination_port(row) > 65535) {
    return bad("destination_port");
  }
  if (rows.name(row) > tables.names()) return bad("name");
  if (rows.count(row) == 0) return bad("count");
  if (!in_range(rows.first_said_us(row))) return bad("first_said_us");
  if (!in_range(rows.last_said_us(row)) || rows.last_said_us(row) < rows.first_said_us(row)) {
    return bad("last_said_us");
  }
  const TimePoint start = tables.report.interval.start;
  return SaidName{.interface_id = tables.report.interfaces[rows.interface(row)].id,
                  .destination = tables.addresses[rows.destination(row)],
                  .destination_port = static_cast<std::uint16_t>(rows.destination_port(row)),
                  .name = rows.name(row) == 0 ? "" : tables.name(rows.name(row) - 1),
                  .flags = rows.flags(row),
                  .count = rows.count(row),
                  .first_said = start + microseconds(rows.first_said_us(row)),
                  .last_said = start + microseconds(rows.last_said_us(row))};
}

Result<void> check_dictionary(const v1::Batch& batch) {
  if (static_cast<std::size_t>(batch.names_size()) > kNamesMax) {
    return fail(
        fmt::format("names: {} entries, at most {} allowed", batch.names_size(), kNamesMax));
  }
  for (int index = 0; index < batch.names_size(); ++index) {
    if (!is_dns_name_text(batch.names(index))) {
      return fail(
          fmt::format("names[{}]: not 1 to {} printable bytes in lower case", index, kDnsNameMax));
    }
  }
  return {};
}

Result<void> read_answers(const Tables& tables, std::vector<NameAnswer>& answers) {
  const v1::NameAnswers& rows = tables.batch.answers();
  const std::pair<const char*, int> columns[] = {
      {"interface", rows.interface_size()},
      {"name", rows.name_size()},
      {"address", rows.address_size()},
      {"resolver", rows.resolver_size()},
      {"target", rows.target_size()},
      {"ttl_s", rows.ttl_s_size()},
      {"flags", rows.flags_size()},
      {"answers", rows.answers_size()},
      {"first_answered_us", rows.first_answered_us_size()},
      {"last_answered_us", rows.last_answered_us_size()}};
  const auto count = rows_of("answers", kAnswersMax, columns);
  if (!count) return fail(Error(count.error()));
  answers.reserve(static_cast<std::size_t>(*count));
  for (int row = 0; row < *count; ++row) {
    auto answer = read_answer(tables, row);
    if (!answer) return fail(std::move(answer).error());
    answers.push_back(*std::move(answer));
  }
  return {};
}

Result<void> read_all_said(const Tables& tables, std::vector<SaidName>& said) {
  const v1::SaidNames& rows = tables.batch.said();
  const std::pair<const char*, int> columns[] = {{"interface", rows.interface_size()},
                                                 {"destination", rows.destination_size()},
                                                 {"destination_port", rows.destination_port_size()},
                                                 {"name", rows.name_size()},
                                                 {"flags", rows.flags_size()},
                                                 {"count", rows.count_size()},
                                                 {"first_said_us", rows.first_said_us_size()},
                                                 {"last_said_us", rows.last_said_us_size()}};
  const auto count = rows_of("said", kSaidMax, columns);
  if (!count) return fail(Error(count.error()));
  said.reserve(static_cast<std::size_t>(*count));
  for (int row = 0; row < *count; ++row) {
    auto one = read_said(tables, row);
    if (!one) return fail(std::move(one).error());
    said.push_back(*std::move(one));
  }
  return {};
}

}  // namespace

void add_names(const Report& report,
               const std::unordered_map<std::uint64_t, std::uint32_t>& interfaces,
               Addresses& addresses, v1::Batch& batch) {
  assert(report.answers.size() <= kAnswersMax && report.said.size() <= kSaidMax);
  Names names(batch);
  const TimePoint start = report.interval.start;
  v1::NameAnswers& answers = *batch.mutable_answers();
  for (const NameAnswer& one : report.answers) {
    answers.add_interface(interfaces.at(one.interface_id));
    answers.add_name(names.index_of(one.name));
    answers.add_address(addresses.index_of(one.address));
    answers.add_resolver(addresses.index_of(one.resolver));
    answers.add_target(names.one_more(one.target));
    answers.add_ttl_s(one.ttl_s);
    answers.add_flags(one.flags);
    answers.add_answers(one.answers);
    answers.add_first_answered_us(since_us(one.first_answered, start));
    answers.add_last_answered_us(since_us(one.last_answered, start));
  }
  v1::SaidNames& said = *batch.mutable_said();
  for (const SaidName& one : report.said) {
    said.add_interface(interfaces.at(one.interface_id));
    said.add_destination(addresses.index_of(one.destination));
    said.add_destination_port(one.destination_port);
    said.add_name(names.one_more(one.name));
    said.add_flags(one.flags);
    said.add_count(one.count);
    said.add_first_said_us(since_us(one.first_said, start));
    said.add_last_said_us(since_us(one.last_said, start));
  }
}

Result<void> read_names(const v1::Batch& batch, const std::vector<net::Address>& addresses,
                        Report& report) {
  if (auto checked = check_dictionary(batch); !checked) return checked;
  const Tables tables{batch, addresses, report};
  if (auto read = read_answers(tables, report.answers); !read) return read;
  return read_all_said(tables, report.said);
}

}  // namespace outflow::wire
