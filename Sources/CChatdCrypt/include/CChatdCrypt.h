// The functions of crypt(3) that chatd uses: their memory is 32 KiB with a layout that Swift need not know, and their errors are
// strings that begin with an asterisk.

#ifndef CCRYPT_H
#define CCRYPT_H

#include <stddef.h>

/// The longest hash, with its zero.
enum { crypt_hash_size = 384 };

/// Hashes a password as a setting says, which may be a hash. It may be called on several threads.
/// Returns 0, and otherwise an errno: EINVAL for a setting that is none, ERANGE for a password that is too long.
int crypt_hash(const char *_Nonnull password, const char *_Nonnull setting, char *_Nonnull hash);

/// Makes a setting with a new salt, for the method that is best.
/// Returns 0, and otherwise an errno.
int crypt_make_setting(char *_Nonnull setting);

/// Overwrites what nobody is to find in memory later.
void crypt_erase(void *_Nonnull bytes, size_t count);

#endif
