#define _GNU_SOURCE
#include "CChatdCrypt.h"

#include <crypt.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int crypt_hash(const char *password, const char *setting, char *hash) {
    struct crypt_data *data = calloc(1, sizeof *data);
    if (!data) return ENOMEM;
    errno = EINVAL;
    const char *result = crypt_r(password, setting, data);
    int error = !result || result[0] == '*' ? errno : strlen(result) >= crypt_hash_size ? ERANGE : 0;
    if (error == 0) strcpy(hash, result);
    explicit_bzero(data, sizeof *data);
    free(data);
    return error;
}

int crypt_make_setting(char *setting) {
    errno = EINVAL;
    // Without a prefix, the library takes the method that it prefers: yescrypt, at present.
    char *result = crypt_gensalt_rn(NULL, 0, NULL, 0, setting, crypt_hash_size);
    return result && result[0] != '*' ? 0 : errno;
}

void crypt_erase(void *bytes, size_t count) {
    explicit_bzero(bytes, count);
}
