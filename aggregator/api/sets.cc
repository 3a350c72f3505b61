// `outflow sets`: what stands for the names a namespace dials, where a policy cannot say names.
#include <fmt/format.h>

#include "aggregator/api/answers.h"
#include "aggregator/api/convert.h"
#include "aggregator/export/yaml.h"
#include "aggregator/synthesis/describe.h"
#include "aggregator/synthesis/names.h"
#include "common/text.h"

namespace outflow::api {
namespace {

void put_nets(const analysis::NameSet& set, v1::NetworkSet& item) {
  for (const auto& [address, told] : set.pool.addresses) {
    v1::SetNet& net = *item.add_nets();
    net.set_net(net::Prefix::host(address).to_string());
    net.set_first_answered(time_text(told.first_answered));
    net.set_last_answered(time_text(told.last_answered));
    net.set_expires(time_text(told.expires));
    const auto also = set.also.find(address);
    if (also == set.also.end()) continue;
    for (const auto& name : also->second) net.add_also(name);
  }
}

void put_set(const synthesis::Names& names, const analysis::NameSet& set, const std::string& why,
             v1::NetworkSet& item) {
  const auto made = synthesis::network_set(names.namespace_name, set, synthesis::SetsMode::Inline);
  item.set_namespace_(names.namespace_name);
  item.set_name(made.name);
  item.mutable_labels()->insert(made.labels.begin(), made.labels.end());
  item.mutable_annotations()->insert(made.annotations.begin(), made.annotations.end());
  item.set_class_(set.class_name);
  for (const auto& name : set.pool.names) item.add_names(name);
  put_nets(set, item);
  item.set_coverage(set.pool.coverage);
  item.set_pool_estimate(set.pool.estimate);
  item.set_answers(set.pool.answers);
  item.set_usable(why.empty());
  item.set_reason(why);
  item.set_content(exporting::to_yaml(made));
}

}  // namespace

grpc::Status answer(const Backend& backend, const v1::SetsRequest& request,
                    v1::SetsAnswer& answer) {
  const auto question = Question::ask(backend, request.scope());
  if (!question) return question.error();
  *answer.mutable_context() = question->context();
  const analysis::GeneraliseOptions options{.names = request.wildcard_names(),
                                            .days = request.wildcard_days()};
  for (const auto& name : question->judged_with_data()) {
    // No policy can select it, so none has sets.
    if (!synthesis::is_kubernetes_name(name, false)) continue;
    const auto finding = question->finding(name, options);
    if (!finding) return finding.error();
    const auto sets = question->name_sets(*finding);
    if (!sets) return sets.error();
    const synthesis::Names names{.namespace_name = name, .sets = *sets};
    for (const auto& set : *sets) {
      put_set(names, set, synthesis::why_unused(set.class_name, finding->needs, names),
              *answer.add_items());
    }
  }
  return grpc::Status::OK;
}

}  // namespace outflow::api
