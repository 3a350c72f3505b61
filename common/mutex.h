// A mutex that clang's -Wthread-safety understands: members say GUARDED_BY(mutex_), and a build
// with clang refuses code that touches them without the lock. gcc sees plain std::mutex.
#pragma once

#include <mutex>

#if defined(__clang__)
#define OUTFLOW_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define OUTFLOW_THREAD_ANNOTATION(x)
#endif

// absl, which gRPC's headers bring along, defines the same.
#ifndef GUARDED_BY
#define GUARDED_BY(x) OUTFLOW_THREAD_ANNOTATION(guarded_by(x))
#endif
#define REQUIRES(...) OUTFLOW_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))

namespace outflow {

class OUTFLOW_THREAD_ANNOTATION(capability("mutex")) Mutex {
 public:
  void lock() OUTFLOW_THREAD_ANNOTATION(acquire_capability()) { mutex_.lock(); }
  void unlock() OUTFLOW_THREAD_ANNOTATION(release_capability()) { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

class OUTFLOW_THREAD_ANNOTATION(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) OUTFLOW_THREAD_ANNOTATION(acquire_capability(mutex))
      : mutex_(mutex) {
    mutex_.lock();
  }
  ~MutexLock() OUTFLOW_THREAD_ANNOTATION(release_capability()) { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace outflow
