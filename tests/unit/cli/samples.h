// A message with every field set, made from its descriptor: a new field shows itself in the golden
// files without anybody remembering it.
#pragma once

#include <string>

#include <google/protobuf/message.h>

namespace outflow::cli {

// Texts are the field's own name, numbers its own number; lists have two elements.
inline void fill(google::protobuf::Message& message) {
  using google::protobuf::FieldDescriptor;
  const auto& descriptor = *message.GetDescriptor();
  const auto& reflection = *message.GetReflection();
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const FieldDescriptor& field = *descriptor.field(i);
    const auto number = static_cast<std::uint32_t>(field.number());
    if (field.is_repeated()) {
      for (int j = 0; j < 2; ++j) {
        if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
          fill(*reflection.AddMessage(&message, &field));
        } else {
          reflection.AddString(&message, &field, field.name());
        }
      }
      continue;
    }
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_BOOL:
        reflection.SetBool(&message, &field, true);
        break;
      case FieldDescriptor::CPPTYPE_UINT32:
        reflection.SetUInt32(&message, &field, number);
        break;
      case FieldDescriptor::CPPTYPE_UINT64:
        // More than a double holds: a counter that is printed as one would change.
        reflection.SetUInt64(&message, &field, 18'446'744'073'709'551'600ULL + number);
        break;
      case FieldDescriptor::CPPTYPE_DOUBLE:
        reflection.SetDouble(&message, &field, 0.5);
        break;
      case FieldDescriptor::CPPTYPE_STRING:
        reflection.SetString(&message, &field, field.name());
        break;
      case FieldDescriptor::CPPTYPE_MESSAGE:
        fill(*reflection.MutableMessage(&message, &field));
        break;
      default:
        break;
    }
  }
}

}  // namespace outflow::cli
