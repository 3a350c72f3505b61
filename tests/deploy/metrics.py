"""Alerts and dashboard speak only of metrics and labels the programs have.

  metrics.py ROOT ALERTS DASHBOARD

What the programs have is read where they register it: counter(...), gauge(...) or .Name(...) with the name as a
literal, in C++ outside of tests. A label's value in a selector must be a literal of the programs, too.
Exit 1 and each that is unknown.
"""

import json
import pathlib
import re
import sys

import yaml

root, alerts_path, dashboard_path = sys.argv[1:]
sources = "\n".join(
    path.read_text(encoding="utf-8")
    for folder in ("agent", "aggregator", "common", "proto")
    for path in sorted(pathlib.Path(root, folder).rglob("*.cc"))
)
registered = set(re.findall(r'(?:counter|gauge|Name)\([^;"]*"(outflow_[a-z0-9_]+)"', sources))
histograms = set(re.findall(r'BuildHistogram\(\)\s*\.Name\("(outflow_[a-z0-9_]+)"\)', sources))
for name in histograms:
    registered.discard(name)
    registered |= {name + suffix for suffix in ("_bucket", "_sum", "_count")}
labels = set(re.findall(r'\{"([a-z_]+)", ', sources)) | set(re.findall(r'\? "([a-z_]+)" : "([a-z_]+)"', sources)[0])
literals = set(re.findall(r'"([a-z_]+)"', sources))
# Prometheus' own, and what the PodMonitors set.
own_metrics, own_labels, jobs = {"up"}, {"job", "node", "le"}, {"outflow-agent", "outflow-aggregator", "outflow-sets-writer"}


def faults(expression):
    names = set(re.findall(r"\b(outflow_[a-z0-9_]+|up)\b(?!-)", re.sub(r'"[^"]*"', '""', expression)))
    if not names:
        yield "no metric at all"
    for name in sorted(names - registered - own_metrics):
        yield f"no metric is called {name}"
    for label, text in re.findall(r'([a-z_]+)\s*=~?\s*"([^"]*)"', expression):
        if label not in labels | own_labels:
            yield f"no label is called {label}"
        if label == "job" and text not in jobs:
            yield f"no job is called {text}"
        if label not in own_labels:
            for value in sorted(set(text.split("|")) - literals):
                yield f"{label} is never {value}"
    for group in re.findall(r"by \(([^)]*)\)", expression):
        for label in re.split(r",\s*", group):
            if label not in labels | own_labels | {"table"}:
                yield f"no label is called {label}"


def expressions():
    with open(alerts_path, encoding="utf-8") as file:
        for group in yaml.safe_load(file)["groups"]:
            for rule in group["rules"]:
                yield rule["alert"], rule["expr"]
    with open(dashboard_path, encoding="utf-8") as file:
        dashboard = json.load(file)
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["name"], variable["query"]["query"]


seen = 0
bad = []
for where, expr in expressions():
    seen += 1
    bad += [f"{where}: {fault}" for fault in faults(expr)]
print(f"{seen} expressions, {len(registered)} metrics", *bad, sep="\n")
sys.exit(1 if bad or not registered or seen < 20 else 0)
