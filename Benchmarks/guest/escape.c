// SPDX-License-Identifier: MIT
//
// Makes a container's root as runtimes do, with pivot_root(2) or, where that fails, as they do with
// --no-pivot; then leaves it, as a process with CAP_SYS_ADMIN and CAP_SYS_CHROOT can: it opens its
// mount namespace, unmounts its root, and enters the namespace again, which leads to the bottom of
// the mount tree. Prints one line:
//
//   @escape pivot|move ENTRIES READS WRITES
//
// ENTRIES: what it sees there, on that file system, in all depths, without what the measurement has
// put there; READS, WRITES: 1 if it reads a file with content, and if it makes one.

#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CONTAINER "/.bench/container"

static const char *const own[] = {".bench", ".leafroot-boot", "kit", NULL};

static long entries;
static int reads;

static void expect(int result, const char *step) {
  if (result >= 0) return;
  fprintf(stderr, "escape: %s: %s\n", step, strerror(errno));
  exit(1);
}

static int is_own(const char *name) {
  for (const char *const *one = own; *one; one++) {
    if (strcmp(*one, name) == 0) return 1;
  }
  return 0;
}

static void look(int directory, dev_t device, int is_top) {
  DIR *stream = fdopendir(directory);
  struct dirent *entry;
  while (stream && (entry = readdir(stream))) {
    struct stat status;
    const char *name = entry->d_name;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || (is_top && is_own(name))) continue;
    if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) < 0) continue;
    entries++;
    if (status.st_dev != device) continue;

    if (S_ISDIR(status.st_mode)) {
      int inner = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      if (inner >= 0) look(inner, device, 0);
    } else if (S_ISREG(status.st_mode) && !reads) {
      char byte;
      int file = openat(directory, name, O_RDONLY | O_NOFOLLOW);
      reads = file >= 0 && read(file, &byte, 1) == 1;
      if (file >= 0) close(file);
    }
  }
  if (stream) closedir(stream);
}

int main(void) {
  expect(unshare(CLONE_NEWNS), "unshare");
  expect(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "make private");
  expect(mkdir(CONTAINER, 0755), "mkdir");
  expect(mount("container", CONTAINER, "tmpfs", 0, NULL), "mount tmpfs");
  expect(mkdir(CONTAINER "/proc", 0755), "mkdir proc");
  expect(mount("proc", CONTAINER "/proc", "proc", 0, NULL), "mount proc");
  expect(chdir(CONTAINER), "chdir");

  const char *way = "pivot";
  if (syscall(SYS_pivot_root, ".", ".") == 0) {
    expect(umount2(".", MNT_DETACH), "umount the old root");
  } else {
    way = "move";
    expect(mount(".", "/", NULL, MS_MOVE, NULL), "move");
    expect(chroot("."), "chroot");
  }
  expect(chdir("/"), "chdir to the root");

  int namespace = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
  expect(namespace, "open the namespace");
  expect(umount2("/", MNT_DETACH), "umount the root");
  expect(setns(namespace, CLONE_NEWNS), "setns");

  struct stat status;
  int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  expect(root, "open what is reached");
  expect(fstat(root, &status), "stat what is reached");
  int file = open("/escaped", O_WRONLY | O_CREAT | O_EXCL, 0600);
  if (file >= 0) unlink("/escaped");
  look(root, status.st_dev, 1);
  printf("@escape %s %ld %d %d\n", way, entries, reads, file >= 0);
  return 0;
}
