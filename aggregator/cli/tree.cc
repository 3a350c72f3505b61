#include "aggregator/cli/tree.h"

#include <cassert>
#include <map>
#include <string>

#include "aggregator/cli/writer.h"

namespace outflow::cli {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// The kinds of field query.proto uses; another one is a change of the contract that comes here
// first.
Tree single(const Message& message, const FieldDescriptor& field) {
  const auto& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection.GetBool(message, &field);
    case FieldDescriptor::CPPTYPE_UINT32:
      return reflection.GetUInt32(message, &field);
    case FieldDescriptor::CPPTYPE_UINT64:
      return reflection.GetUInt64(message, &field);
    case FieldDescriptor::CPPTYPE_INT64:
      return reflection.GetInt64(message, &field);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return reflection.GetDouble(message, &field);
    case FieldDescriptor::CPPTYPE_STRING:
      return reflection.GetString(message, &field);
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return to_tree(reflection.GetMessage(message, &field));
    default:
      assert(!"a field type no answer has");
      return {};
  }
}

Tree repeated(const Message& message, const FieldDescriptor& field) {
  const auto& reflection = *message.GetReflection();
  Tree list = Tree::array();
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      list.push_back(to_tree(reflection.GetRepeatedMessage(message, &field, i)));
    } else {
      assert(field.cpp_type() == FieldDescriptor::CPPTYPE_STRING);
      list.push_back(reflection.GetRepeatedString(message, &field, i));
    }
  }
  return list;
}

// An object with its keys in order: a message's map has none, and the same answer is the same text.
Tree map_of(const Message& message, const FieldDescriptor& field) {
  const auto& reflection = *message.GetReflection();
  const auto& key = *field.message_type()->map_key();
  const auto& value = *field.message_type()->map_value();
  std::map<std::string, std::string> sorted;
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    const Message& entry = reflection.GetRepeatedMessage(message, &field, i);
    const auto& of_entry = *entry.GetReflection();
    sorted[of_entry.GetString(entry, &key)] = of_entry.GetString(entry, &value);
  }
  Tree object = Tree::object();
  for (const auto& [name, text] : sorted) object[name] = text;
  return object;
}

Tree value_of(const Message& message, const FieldDescriptor& field) {
  if (field.is_map()) return map_of(message, field);
  return field.is_repeated() ? repeated(message, field) : single(message, field);
}

}  // namespace

Tree to_tree(const Message& message) {
  Tree tree = Tree::object();
  const auto& descriptor = *message.GetDescriptor();
  for (int i = 0; i < descriptor.field_count(); ++i) {
    tree[descriptor.field(i)->name()] = value_of(message, *descriptor.field(i));
  }
  return tree;
}

Tree head_of(const Message& answer, const std::string& kind) {
  Tree tree = Tree::object();
  tree["apiVersion"] = kApiVersion;
  tree["kind"] = kind;
  const auto& descriptor = *answer.GetDescriptor();
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const auto& field = *descriptor.field(i);
    if (field.name() != kItems) tree[field.name()] = value_of(answer, field);
  }
  return tree;
}

Tree items_of(const Message& answer) {
  const auto* const field = answer.GetDescriptor()->FindFieldByName(std::string(kItems));
  assert(field != nullptr && field->is_repeated());
  return repeated(answer, *field);
}

}  // namespace outflow::cli
