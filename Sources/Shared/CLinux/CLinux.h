// SPDX-License-Identifier: MIT
//
// What Swift's importer cannot see of Linux: variadic functions, errno, macros, system calls younger
// than the C library. Each function is one call; none of them decides anything.
//
// _GNU_SOURCE stays undefined: with it, glibc's types differ from those in Swift's Glibc module, and
// no file could use both. What it would show is named here with the kernel's values.

#ifndef LEAFROOT_CLINUX_H
#define LEAFROOT_CLINUX_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

// statx(2), as include/uapi/linux/stat.h has it. The header itself cannot be used: it and musl's
// <sys/stat.h> define the same names.
struct linux_status {
  uint32_t mask, block_size;
  uint64_t attributes;
  uint32_t links, uid, gid;
  uint16_t mode, spare0;
  uint64_t inode, size, blocks, attributes_mask;
  struct {
    int64_t seconds;
    uint32_t nanoseconds;
    int32_t spare;
  } accessed, born, changed, modified;
  uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
  uint64_t mount_id, spare1[13];
};
#define LINUX_STATX_BASIC_STATS 0x7ffU
#define LINUX_STATX_ATTR_MOUNT_ROOT 0x2000ULL

static inline int linux_errno(void) { return errno; }

static inline int linux_openat(int directory, const char *path, int flags, mode_t mode) {
  return openat(directory, path, flags | O_CLOEXEC, mode);
}

// fcntl(2) with F_SETFD, no flag.
static inline int linux_keep_on_exec(int descriptor) { return fcntl(descriptor, F_SETFD, 0); }

// fcntl(2) with F_GETFD: -1 if the descriptor is not open.
static inline int linux_descriptor_flags(int descriptor) { return fcntl(descriptor, F_GETFD); }

// sigaction(2), on the stack of sigaltstack(2) if there is one.
static inline int linux_catch(int signal, void (*handler)(int)) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
  return sigaction(signal, &action, NULL);
}

static inline int linux_statx(int directory, const char *path, int flags, unsigned mask,
                              struct linux_status *result) {
  return (int)syscall(SYS_statx, directory, path, flags, mask, result);
}

static inline long linux_getdents(int directory, void *buffer, unsigned long size) {
  return syscall(SYS_getdents64, directory, buffer, size);
}

static inline int linux_pivot_root(const char *new_root, const char *put_old) {
  return (int)syscall(SYS_pivot_root, new_root, put_old);
}

// The mount calls of Linux 5.2: fsopen(2), fsconfig(2), fsmount(2), move_mount(2), open_tree(2).
// Their numbers are the same on every architecture.
static inline int linux_fsopen(const char *type) { return (int)syscall(430, type, 1 /* CLOEXEC */); }

static inline int linux_fsconfig_create(int context) {
  return (int)syscall(431, context, 6 /* FSCONFIG_CMD_CREATE */, NULL, NULL, 0);
}

static inline int linux_fsconfig_set(int context, const char *key, const char *value) {
  return (int)syscall(431, context, 1 /* FSCONFIG_SET_STRING */, key, value, 0);
}

static inline int linux_fsconfig_reconfigure(int context) {
  return (int)syscall(431, context, 7 /* FSCONFIG_CMD_RECONFIGURE */, NULL, NULL, 0);
}

// fspick(2): the configuration of the file system that is mounted on the directory.
static inline int linux_fspick(int directory) {
  return (int)syscall(433, directory, ".", 1 /* CLOEXEC */ | 2 /* SYMLINK_NOFOLLOW */);
}

static inline int linux_fsmount(int context) {
  return (int)syscall(432, context, 1 /* CLOEXEC */, 0);
}

static inline int linux_move_mount(int from, const char *from_path, int to, const char *to_path) {
  return (int)syscall(429, from, from_path, to, to_path, 0);
}

// renameat2(2) with RENAME_NOREPLACE: EEXIST where rename(2) would replace what is there.
static inline int linux_rename(int old_directory, const char *old_name, int new_directory,
                               const char *new_name) {
  return (int)syscall(SYS_renameat2, old_directory, old_name, new_directory, new_name, 1);
}

// Another mount of the directory, attached nowhere; O_PATH.
static inline int linux_clone_mount(int directory) {
  return (int)syscall(428, directory, ".", 1 /* CLONE */ | O_CLOEXEC);
}

// openat2(2), Linux 5.6.
static inline int linux_openat2(int directory, const char *path, int flags, mode_t mode,
                                uint64_t resolve) {
  uint64_t how[3] = {(unsigned)(flags | O_CLOEXEC), mode, resolve};
  return (int)syscall(437, directory, path, how, sizeof how);
}

// With RESOLVE_IN_ROOT.
static inline int linux_openat2_in_root(int root, const char *path, int flags, mode_t mode) {
  return linux_openat2(root, path, flags, mode, 0x10);
}

// With RESOLVE_NO_XDEV, RESOLVE_NO_SYMLINKS and RESOLVE_BENEATH.
static inline int linux_openat2_plainly(int directory, const char *path, int flags) {
  return linux_openat2(directory, path, flags, 0, 0x1 | 0x4 | 0x8);
}

// sched_getaffinity(2): the length in bytes of the mask that was written, or -1.
static inline long linux_affinity(unsigned long *mask, unsigned long size) {
  return syscall(SYS_sched_getaffinity, 0, size, mask);
}

// fallocate(2) with FALLOC_FL_PUNCH_HOLE, which wants FALLOC_FL_KEEP_SIZE.
static inline int linux_punch_hole(int file, off_t start, off_t count) {
  return (int)syscall(SYS_fallocate, file, 3, start, count);
}

// lseek(2).
#define LINUX_SEEK_DATA 3
#define LINUX_SEEK_HOLE 4

// mincore(2): a byte for each page, whose lowest bit says whether it is in memory.
static inline int linux_mincore(void *start, unsigned long size, unsigned char *pages) {
  return (int)syscall(SYS_mincore, start, size, pages);
}

// ioctl(2), for requests of ioctl_tty(2).
static inline int linux_terminal_control(int terminal, unsigned long request, const void *argument) {
  return (int)syscall(SYS_ioctl, terminal, request, argument);
}

// finit_module(2), without parameters for the module.
static inline int linux_load_module(int file) {
  return (int)syscall(SYS_finit_module, file, "", 0);
}

// loop(4): the number of a loop device that is not in use. `control` is open on /dev/loop-control.
static inline int linux_free_loop_device(int control) {
  return (int)syscall(SYS_ioctl, control, LOOP_CTL_GET_FREE, 0);
}

// loop(4), Linux 5.8: a read-only device on the file until its last user is gone.
static inline int linux_configure_loop_device(int device, int file) {
  struct loop_config config = {
      .fd = (unsigned)file, .info = {.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR}};
  return (int)syscall(SYS_ioctl, device, LOOP_CONFIGURE, &config);
}

static inline int linux_unshare(int flags) { return (int)syscall(SYS_unshare, flags); }

static inline int linux_setns(int descriptor, int type) {
  return (int)syscall(SYS_setns, descriptor, type);
}
#define LINUX_CLONE_NEWNS 0x20000
#define LINUX_O_PATH 010000000
// f_type of statfs(2).
#define LINUX_TMPFS_MAGIC 0x01021994U
#define LINUX_AT_EMPTY_PATH 0x1000

// Wait statuses are taken apart by macros.
static inline int linux_exited(int status) { return WIFEXITED(status); }
static inline int linux_exit_status(int status) { return WEXITSTATUS(status); }
static inline int linux_signal(int status) { return WTERMSIG(status); }

static inline void *linux_map_failed(void) { return MAP_FAILED; }

static inline dev_t linux_makedev(unsigned major, unsigned minor) { return makedev(major, minor); }
static inline unsigned linux_major(dev_t device) { return major(device); }
static inline unsigned linux_minor(dev_t device) { return minor(device); }

#endif
