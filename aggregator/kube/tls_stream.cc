#include "aggregator/kube/tls_stream.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>

#include <openssl/err.h>

#include "aggregator/kube/client.h"
#include "aggregator/kube/tls_context.h"
#include "common/fd.h"

namespace outflow::kube {
namespace {

constexpr std::string_view kHttps = "https://";

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

// Filled by the thread that looks it up, which may outlive who asked.
struct Lookup {
  Fd ready{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  std::atomic<bool> done = false;  // then the others stand
  std::vector<Address> addresses;
  std::string error;
};

void look_up(Lookup& lookup, const std::string& host, const std::string& port, int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int code = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
  if (code != 0) lookup.error = ::gai_strerror(code);
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    Address address;
    address.size = one->ai_addrlen;
    std::memcpy(&address.storage, one->ai_addr, one->ai_addrlen);
    lookup.addresses.push_back(address);
  }
  if (found != nullptr) ::freeaddrinfo(found);
  lookup.done = true;
}

std::shared_ptr<Lookup> begin_lookup(const Authority& to) {
  auto lookup = std::make_shared<Lookup>();
  look_up(*lookup, to.host, to.port, AI_NUMERICHOST);
  if (!lookup->addresses.empty()) return lookup;
  lookup = std::make_shared<Lookup>();
  std::thread([lookup, host = to.host, port = to.port] {
    look_up(*lookup, host, port, AI_ADDRCONFIG);
    static_cast<void>(::eventfd_write(lookup->ready.get(), 1));
  }).detach();
  return lookup;
}

}  // namespace

Result<Authority> authority_of(const std::string& server) {
  if (!server.starts_with(kHttps)) return fail(server + ": is not an https:// address");
  const std::string rest = server.substr(kHttps.size());
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  Authority parts;
  parts.authority = rest.substr(0, slash);
  parts.prefix = rest.substr(slash);
  const std::string& whole = parts.authority;
  const std::size_t colon = whole.find_last_of(":]");
  const bool has_port = colon != std::string::npos && whole[colon] == ':';
  parts.host = has_port ? whole.substr(0, colon) : whole;
  parts.port = has_port ? whole.substr(colon + 1) : "443";
  if (parts.host.starts_with('[') && parts.host.ends_with(']')) {
    parts.host = parts.host.substr(1, parts.host.size() - 2);
  }
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const bool port_good =
      !parts.port.empty() && std::all_of(parts.port.begin(), parts.port.end(), is_digit);
  if (parts.host.empty() || !port_good || whole.find('@') != std::string::npos) {
    return fail(server + ": has no HOST or HOST:PORT in it");
  }
  return parts;
}

struct TlsStream::Parts {
  Parts(const Credentials& given, SteadyTime now)
      : credentials(given), deadline(now + kConnectTime), due(deadline) {}

  Result<bool> go_on(SteadyTime now);
  Result<bool> connect_next(SteadyTime now);
  Result<bool> finish_connect(SteadyTime now);
  Result<bool> finish_handshake();
  Result<std::size_t> outcome(int result, std::size_t bytes);

  const Credentials credentials;
  const SteadyTime deadline;
  SteadyTime due;  // of the address that is tried, or the deadline
  Authority to;
  std::shared_ptr<Lookup> lookup;
  std::size_t next = 0;  // address to be tried
  std::string last_error;
  Fd socket;
  bool connected = false;
  bool open = false;
  bool wants_write = false;
  Ssl ssl;  // after the socket, which it uses until it goes
};

Result<bool> TlsStream::Parts::connect_next(SteadyTime now) {
  while (next < lookup->addresses.size()) {
    const auto left = static_cast<std::int64_t>(lookup->addresses.size() - next);
    const Address& address = lookup->addresses[next++];
    due = now + (deadline - now) / left;
    socket = Fd(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket.valid()) {
      last_error = errno_text(errno);
      continue;
    }
    const int at_once = 1;  // a PING or a WINDOW_UPDATE waits for no more to be sent
    static_cast<void>(
        ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once));
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): as the call wants it
    const auto* to_address = reinterpret_cast<const sockaddr*>(&address.storage);
    if (::connect(socket.get(), to_address, address.size) == 0 || errno == EINPROGRESS) {
      wants_write = true;
      return false;
    }
    last_error = errno_text(errno);
  }
  socket.reset();
  return fail(last_error);
}

Result<bool> TlsStream::Parts::finish_connect(SteadyTime now) {
  pollfd waiting{socket.get(), POLLOUT, 0};
  if (::poll(&waiting, 1, 0) == 0) {
    if (now < due) return false;
    last_error = "timed out";
    return connect_next(now);
  }
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) {
    last_error = errno_text(error);
    return connect_next(now);
  }
  connected = true;
  due = deadline;
  const std::string& name =
      credentials.tls_server_name.empty() ? to.host : credentials.tls_server_name;
  auto side = client_side(credentials, name, socket.get());
  if (!side) return fail(std::move(side).error());
  ssl = std::move(*side);
  return finish_handshake();
}

Result<bool> TlsStream::Parts::finish_handshake() {
  ERR_clear_error();
  errno = 0;
  const int result = SSL_do_handshake(ssl.get());
  if (result == 1) {
    wants_write = false;
    open = true;
    return true;
  }
  const int error = SSL_get_error(ssl.get(), result);
  wants_write = error == SSL_ERROR_WANT_WRITE;
  if (wants_write || error == SSL_ERROR_WANT_READ) return false;
  return fail(text_of_failure(ssl.get(), result));
}

Result<bool> TlsStream::Parts::go_on(SteadyTime now) {
  if (open) return true;
  if (!lookup) {
    auto parsed = authority_of(credentials.server);
    if (!parsed) return fail(std::move(parsed).error());
    to = std::move(*parsed);
    lookup = begin_lookup(to);
  }
  if (now >= deadline) return fail("no connection within the time for one");
  if (!lookup->done) return false;
  if (lookup->addresses.empty()) return fail(lookup->error);
  if (!socket.valid()) return connect_next(now);
  return connected ? finish_handshake() : finish_connect(now);
}

// What SSL_read_ex() or SSL_write_ex() came to.
Result<std::size_t> TlsStream::Parts::outcome(int result, std::size_t bytes) {
  if (result == 1) return bytes;
  const int error = SSL_get_error(ssl.get(), result);
  wants_write = wants_write || error == SSL_ERROR_WANT_WRITE;
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return std::size_t{0};
  return fail(text_of_failure(ssl.get(), result));
}

TlsStream::TlsStream(const Credentials& credentials, SteadyTime now)
    : parts_(std::make_unique<Parts>(credentials, now)) {}

TlsStream::~TlsStream() {
  if (parts_->open) SSL_shutdown(parts_->ssl.get());
  ERR_clear_error();
}

Result<bool> TlsStream::open(SteadyTime now) {
  auto opened = parts_->go_on(now);
  if (opened) return opened;
  return fail(std::move(opened).error().within(parts_->credentials.server));
}

bool TlsStream::has_h2() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(parts_->ssl.get(), &name, &size);
  return size == 2 && std::memcmp(name, "h2", size) == 0;
}

Result<std::size_t> TlsStream::read(std::span<char> bytes) {
  std::size_t got = 0;
  ERR_clear_error();
  errno = 0;
  const int result = SSL_read_ex(parts_->ssl.get(), bytes.data(), bytes.size(), &got);
  return parts_->outcome(result, got);
}

Result<std::size_t> TlsStream::write(std::string_view bytes) {
  std::size_t put = 0;
  ERR_clear_error();
  errno = 0;
  parts_->wants_write = false;
  const int result = SSL_write_ex(parts_->ssl.get(), bytes.data(), bytes.size(), &put);
  return parts_->outcome(result, put);
}

int TlsStream::fd() const {
  if (parts_->socket.valid()) return parts_->socket.get();
  return parts_->lookup ? parts_->lookup->ready.get() : -1;
}

bool TlsStream::wants_write() const {
  return parts_->wants_write;
}

SteadyTime TlsStream::due() const {
  return parts_->due;
}

}  // namespace outflow::kube
