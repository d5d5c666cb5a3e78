#include "child_process.hpp"

#include "orrery/core/error.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace orrery::report {
namespace {

[[noreturn]] void fail(int error, const std::string& program) {
  errno = error;
  throw core::system_error("a program can't be run", program, "see to the machine's limits");
}

/// The environment of this process with those variables in place of its own.
std::vector<std::string> environment_with(const std::map<std::string, std::string>& variables) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (!variables.contains(text.substr(0, text.find('=')))) all.push_back(text);
  }
  for (const auto& [name, value] : variables) all.push_back(name + "=" + value);
  return all;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

/// What a child does before it is the program.
class Actions {
 public:
  Actions(const std::filesystem::path& folder, int errors) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, errors, STDERR_FILENO);
    posix_spawn_file_actions_addchdir_np(&actions_, folder.c_str());
  }
  ~Actions() { posix_spawn_file_actions_destroy(&actions_); }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

std::string read_to_end(int descriptor) {
  std::string text;
  std::array<char, 4096> buffer;
  for (;;) {
    const ssize_t count = ::read(descriptor, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

}  // namespace

ChildOutcome run_child(const std::vector<std::string>& words, const std::filesystem::path& folder,
                       const std::map<std::string, std::string>& variables) {
  std::vector<std::string> arguments = words, environment = environment_with(variables);
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail(errno, words[0]);
  pid_t child = 0;
  const int error = ::posix_spawnp(&child, words[0].c_str(), Actions(folder, ends[1]).get(), nullptr,
                                   pointers_to(arguments).data(), pointers_to(environment).data());
  ::close(ends[1]);
  ChildOutcome outcome;
  if (error == 0) {
    outcome.errors = read_to_end(ends[0]);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  ::close(ends[0]);
  if (error == ENOENT) return {child_missing, ""};
  if (error != 0) fail(error, words[0]);
  return outcome;
}

}  // namespace orrery::report
