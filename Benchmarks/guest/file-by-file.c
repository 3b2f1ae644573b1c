// SPDX-License-Identifier: MIT
//
// PID 1 that copies the tree into a tmpfs file by file and unlinks each file once it is copied, so
// that memory holds the tree once and the largest file twice. It does, system call by system call,
// what the init of LinuxKit does (github.com/linuxkit/linuxkit, pkg/init): all directories first;
// blocks of 32 KiB; owner, times and mode by path; hard links become files of their own; then the
// old directories go, the tmpfs moves over the root. Written anew.
//
// bench_options=… in the environment gives the options of the tmpfs; there are none by default.

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEW_ROOT "/.bench/new"

static dev_t root_device;

static void stop(const char *what, const char *path) {
  fprintf(stderr, "file-by-file: %s %s: %s\n", what, path, strerror(errno));
  exit(1);
}

static void copy_metadata(const struct stat *status, const char *path) {
  const struct timespec times[2] = {status->st_atim, status->st_mtim};

  if (lchown(path, status->st_uid, status->st_gid) < 0) stop("chown", path);
  if (utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW) < 0) stop("utimensat", path);
  // After chown: that takes setuid away.
  if (!S_ISLNK(status->st_mode) && chmod(path, status->st_mode & 07777) < 0) stop("chmod", path);
}

static void copy_data(const char *from, const char *to, mode_t mode) {
  static char block[32768];
  int target = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, mode & 07777);
  int source = open(from, O_RDONLY | O_CLOEXEC);
  if (target < 0) stop("open", to);
  if (source < 0) stop("open", from);

  ssize_t count;
  while ((count = read(source, block, sizeof block)) > 0) {
    for (ssize_t done = 0; done < count;) {
      ssize_t written = write(target, block + done, count - done);
      if (written < 0) stop("write", to);
      done += written;
    }
  }
  if (count < 0) stop("read", from);
  if (close(source) < 0 || close(target) < 0) stop("close", to);
}

static void make_directory(const char *path, const char *to, const struct stat *status) {
  if (mkdir(to, status->st_mode & 07777) < 0 && (strcmp(path, "/") != 0 || errno != EEXIST)) {
    stop("mkdir", to);
  }
  copy_metadata(status, to);
}

static void move_file(const char *path, const char *to, const struct stat *status) {
  char target[PATH_MAX];

  if (S_ISREG(status->st_mode)) {
    copy_data(path, to, status->st_mode);
    unlink(path);
  } else if (S_ISLNK(status->st_mode)) {
    ssize_t length = readlink(path, target, sizeof target - 1);
    if (length < 0) stop("readlink", path);
    target[length] = 0;
    if (symlink(target, to) < 0) stop("symlink", to);
  } else if (mknod(to, status->st_mode, status->st_rdev) < 0) {
    stop("mknod", to);
  }
  copy_metadata(status, to);
}

static void remove_old(const char *path, const char *to, const struct stat *status) {
  (void)to;
  if (S_ISDIR(status->st_mode)) {
    rmdir(path);
  } else {
    unlink(path);
  }
}

typedef void visitor(const char *path, const char *to, const struct stat *status);

// Calls `directory` and `other` for all that is on the root's own file system, sorted by name;
// with `is_inner_first`, a directory comes after what is in it.
static void walk(const char *path, visitor *directory, visitor *other, int is_inner_first) {
  char to[PATH_MAX];
  struct stat status;
  if (lstat(path, &status) < 0) stop("lstat", path);
  if (status.st_dev != root_device) return;
  snprintf(to, sizeof to, "%s%s", NEW_ROOT, path);

  if (!S_ISDIR(status.st_mode)) {
    if (other) other(path, to, &status);
    return;
  }

  if (directory && !is_inner_first) directory(path, to, &status);
  struct dirent **names;
  int count = scandir(path, &names, NULL, alphasort);
  if (count < 0) stop("scandir", path);
  for (int index = 0; index < count; index++) {
    const char *name = names[index]->d_name;
    if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
      char inner[PATH_MAX];
      snprintf(inner, sizeof inner, "%s/%s", strcmp(path, "/") == 0 ? "" : path, name);
      walk(inner, directory, other, is_inner_first);
    }
    free(names[index]);
  }
  free(names);
  if (directory && is_inner_first) directory(path, to, &status);
}

int main(int count, char **arguments) {
  (void)count;
  struct stat status;
  if (stat("/", &status) < 0) stop("stat", "/");
  root_device = status.st_dev;
  umask(0);

  if (mkdir(NEW_ROOT, 0755) < 0) stop("mkdir", NEW_ROOT);
  if (mount("rootfs", NEW_ROOT, "tmpfs", 0, getenv("bench_options")) < 0) stop("mount", NEW_ROOT);

  walk("/", make_directory, NULL, 0);
  walk("/", NULL, move_file, 0);
  if (chdir(NEW_ROOT) < 0) stop("chdir", NEW_ROOT);
  walk("/", remove_old, remove_old, 1);

  if (mount(".", "/", NULL, MS_MOVE, NULL) < 0) stop("move", NEW_ROOT);
  if (chroot(".") < 0 || chdir("/") < 0) stop("chroot", NEW_ROOT);

  arguments[0] = "/.leafroot-boot/init";
  execv(arguments[0], arguments);
  stop("exec", arguments[0]);
}
