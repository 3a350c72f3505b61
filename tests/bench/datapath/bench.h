// The four parts of the bench. Each adds its rows to the table; a part that cannot go on throws.
#pragma once

#include "tests/bench/datapath/options.h"
#include "tests/bench/datapath/table.h"

namespace outflow::bench {

// Nanoseconds a packet in each program, by prog_test_run; then DNS answers.
void bench_hooks(const Options& options, Table& table);
void bench_dns_cost(const Options& options, Table& table);
void bench_dns_rate(const Options& options, Table& table);
// What --tls-names adds to them, and a hello in the agent.
void bench_said(const Options& options, Table& table);
// CPU time a packet on its way from one pod of a node to another.
void bench_live(const Options& options, Table& table);
// Kernel memory, load and verify, reading the tables.
void bench_tables(const Options& options, Table& table);
void bench_snapshot(const Options& options, Table& table);
// The agent as a process: memory, and how soon a new interface is hooked.
void bench_agent(const Options& options, Table& table);

}  // namespace outflow::bench
