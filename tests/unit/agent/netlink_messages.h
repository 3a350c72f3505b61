// Netlink messages one after the other, as recv() gives them.
#pragma once

#include <libmnl/libmnl.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace outflow::test {

class Messages {
 public:
  nlmsghdr* begin(std::uint16_t type) {
    buffer_.resize(used_ + 1024);
    nlmsghdr* message = mnl_nlmsg_put_header(buffer_.data() + used_);
    message->nlmsg_type = type;
    return message;
  }
  void end(const nlmsghdr* message) {
    used_ += MNL_ALIGN(message->nlmsg_len);
    buffer_.resize(used_);
  }
  [[nodiscard]] std::span<const std::byte> bytes() const { return buffer_; }

 private:
  std::vector<std::byte> buffer_;
  std::size_t used_ = 0;
};

}  // namespace outflow::test
