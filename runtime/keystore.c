/* See keystore.h. */
#include "runtime/keystore.h"

#include <cjson/cJSON.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "backend/hash/keccak.h"
#include "ir/support/file.h"

enum { DERIVED = 32, BLOCK = 16, SALT_MAX = 64 };
/* The usual 2^18, 8 takes 256 MiB. */
static const struct keystore_limits usual = {UINT64_C(1) << 30, 20000000};

/* Hex without 0x of at most `most` bytes; returns how many there are, 0 for none. */
static size_t read_hex(uint8_t *out, size_t most, const cJSON *item)
{
    const char *text = cJSON_IsString(item) ? item->valuestring : "";
    size_t count = strlen(text) / 2;
    if (strlen(text) % 2 != 0 || count > most)
        return 0;
    for (size_t i = 0; i < count; i++) {
        char pair[3] = {text[2 * i], text[2 * i + 1], 0}, *end;
        out[i] = (uint8_t)strtoul(pair, &end, 16);
        if (*end != '\0' || pair[0] == '-' || pair[0] == '+' || pair[0] == ' ')
            return 0;
    }
    return count;
}

static const cJSON *member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static uint64_t number(const cJSON *object, const char *name)
{
    const cJSON *item = member(object, name);
    double value = cJSON_IsNumber(item) ? item->valuedouble : 0;
    return value >= 1 && value < 0x1p53 ? (uint64_t)value : 0;
}

static bool is_text(const cJSON *object, const char *name, const char *text)
{
    const cJSON *item = member(object, name);
    return cJSON_IsString(item) && strcmp(item->valuestring, text) == 0;
}

static enum status malformed(const char *path, const char *what, struct diag *diag)
{
    return diag_set(diag, STATUS_BAD_INPUT, "'%s' is not a keystore that can be read: %s", path,
                    what);
}

static enum status derive_scrypt(uint8_t derived[DERIVED], const cJSON *parameters,
                                 const uint8_t *salt, size_t salt_count, const char *password,
                                 const char *path, const struct keystore_limits *limits,
                                 struct diag *diag)
{
    uint64_t n = number(parameters, "n"), r = number(parameters, "r"), p = number(parameters, "p");
    /* RFC 7914, 2: N is a power of two below 2^(16 r). */
    if (n < 2 || (n & (n - 1)) != 0 || r == 0 || p == 0 || p > 16 || r > 1024 ||
        (r < 4 && n >> (16 * r) != 0) || n > limits->memory_bytes / (128 * r))
        return malformed(path, "its scrypt parameters are out of range", diag);
    if (EVP_PBE_scrypt(password, strlen(password), salt, salt_count, n, r, p,
                       limits->memory_bytes + (1 << 20), derived, DERIVED) != 1)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory to open '%s'", path);
    return STATUS_OK;
}

static enum status derive_pbkdf2(uint8_t derived[DERIVED], const cJSON *parameters,
                                 const uint8_t *salt, size_t salt_count, const char *password,
                                 const char *path, const struct keystore_limits *limits,
                                 struct diag *diag)
{
    uint64_t rounds = number(parameters, "c");
    if (rounds == 0 || rounds > limits->rounds || !is_text(parameters, "prf", "hmac-sha256"))
        return malformed(path, "its PBKDF2 parameters are out of range", diag);
    if (PKCS5_PBKDF2_HMAC(password, (int)strlen(password), salt, (int)salt_count, (int)rounds,
                          EVP_sha256(), DERIVED, derived) != 1)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory to open '%s'", path);
    return STATUS_OK;
}

static enum status derive(uint8_t derived[DERIVED], const cJSON *crypto, const char *password,
                          const char *path, const struct keystore_limits *limits, struct diag *diag)
{
    const cJSON *parameters = member(crypto, "kdfparams");
    uint8_t salt[SALT_MAX];
    size_t salt_count = read_hex(salt, sizeof salt, member(parameters, "salt"));
    if (salt_count == 0 || number(parameters, "dklen") != DERIVED)
        return malformed(path, "it has no salt, or a derived key of another length", diag);
    if (is_text(crypto, "kdf", "scrypt"))
        return derive_scrypt(derived, parameters, salt, salt_count, password, path, limits, diag);
    if (is_text(crypto, "kdf", "pbkdf2"))
        return derive_pbkdf2(derived, parameters, salt, salt_count, password, path, limits, diag);
    return malformed(path, "its key derivation is neither scrypt nor pbkdf2", diag);
}

static enum status decrypt(uint8_t key[KEYSTORE_KEY_BYTES], const uint8_t *cipher,
                           const uint8_t iv[BLOCK], const uint8_t derived[DERIVED],
                           struct diag *diag)
{
    int count = 0;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool done = context != NULL &&
                EVP_DecryptInit_ex(context, EVP_aes_128_ctr(), NULL, derived, iv) == 1 &&
                EVP_DecryptUpdate(context, key, &count, cipher, KEYSTORE_KEY_BYTES) == 1 &&
                count == KEYSTORE_KEY_BYTES;
    EVP_CIPHER_CTX_free(context);
    return done ? STATUS_OK : diag_set(diag, STATUS_DEVICE, "OpenSSL does not decrypt AES-128-CTR");
}

static enum status open_json(uint8_t key[KEYSTORE_KEY_BYTES], const cJSON *root, const char *path,
                             const char *password, const struct keystore_limits *limits,
                             struct diag *diag)
{
    const cJSON *crypto = member(root, "crypto");
    uint8_t derived[DERIVED], cipher[KEYSTORE_KEY_BYTES], iv[BLOCK], mac[KECCAK256_BYTES],
        expected[KECCAK256_BYTES];
    struct keccak256 hash;
    if (number(root, "version") != 3 || !cJSON_IsObject(crypto))
        return malformed(path, "it is not of version 3", diag);
    if (!is_text(crypto, "cipher", "aes-128-ctr") ||
        read_hex(cipher, sizeof cipher, member(crypto, "ciphertext")) != sizeof cipher ||
        read_hex(iv, sizeof iv, member(member(crypto, "cipherparams"), "iv")) != sizeof iv ||
        read_hex(mac, sizeof mac, member(crypto, "mac")) != sizeof mac)
        return malformed(path, "it holds no key of 32 bytes in aes-128-ctr", diag);
    enum status status = derive(derived, crypto, password, path, limits, diag);
    if (status == STATUS_OK) {
        keccak256_init(&hash);
        keccak256_update(&hash, derived + BLOCK, BLOCK);
        keccak256_update(&hash, cipher, sizeof cipher);
        keccak256_final(&hash, expected);
        status = memcmp(expected, mac, sizeof mac) == 0
                     ? decrypt(key, cipher, iv, derived, diag)
                     : diag_set(diag, STATUS_BAD_INPUT, "the password does not open '%s'", path);
    }
    explicit_bzero(derived, sizeof derived);
    return status;
}

enum status keystore_parse(uint8_t key[KEYSTORE_KEY_BYTES], const void *text, size_t count,
                           const char *path, const char *password,
                           const struct keystore_limits *limits, struct diag *diag)
{
    cJSON *root = cJSON_ParseWithLength(text, count);
    enum status status = open_json(key, root, path, password, limits, diag);
    cJSON_Delete(root);
    return status;
}

enum status keystore_open(uint8_t key[KEYSTORE_KEY_BYTES], const char *path, const char *password,
                          struct diag *diag)
{
    struct buffer text = {0};
    enum status status = file_read(path, KEYSTORE_FILE_BYTES_MAX, &text, diag);
    if (status == STATUS_OK)
        status = keystore_parse(key, buffer_text(&text), text.count, path, password, &usual, diag);
    buffer_release(&text);
    return status;
}

/* ---- the password ---- */

static enum status take_line(char *password, unsigned size, const char *text, size_t count,
                             struct diag *diag)
{
    size_t length = 0;
    while (length < count && text[length] != '\n' && text[length] != '\r' && text[length] != '\0')
        length++;
    if (length >= size)
        return diag_set(diag, STATUS_BAD_INPUT, "the password has more than %u bytes", size - 1);
    memcpy(password, text, length);
    password[length] = '\0';
    return STATUS_OK;
}

static enum status type_password(char *password, unsigned size, struct diag *diag)
{
    static const char prompt[] = "password of the keystore: ";
    struct termios before, unseen;
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);
    if (terminal < 0 || tcgetattr(terminal, &before) != 0) {
        if (terminal >= 0)
            close(terminal);
        return diag_set(diag, STATUS_BAD_INPUT,
                        "there is no terminal to type the keystore's password at: give "
                        "--password-file FILE");
    }
    unseen = before;
    unseen.c_lflag &= ~(tcflag_t)ECHO;
    ssize_t count = -1;
    char line[1024];
    if (tcsetattr(terminal, TCSAFLUSH, &unseen) == 0 &&
        write(terminal, prompt, sizeof prompt - 1) > 0)
        count = read(terminal, line, sizeof line);
    tcsetattr(terminal, TCSAFLUSH, &before);
    bool ended = write(terminal, "\n", 1) == 1;
    close(terminal);
    enum status status = count < 0 || !ended
                             ? diag_set(diag, STATUS_IO, "the terminal gives no password")
                             : take_line(password, size, line, (size_t)count, diag);
    explicit_bzero(line, sizeof line);
    return status;
}

enum status keystore_read_password(char *password, unsigned size, const char *path,
                                   struct diag *diag)
{
    struct buffer text;
    if (path == NULL)
        return type_password(password, size, diag);
    buffer_init(&text);
    enum status status = file_read(path, KEYSTORE_FILE_BYTES_MAX, &text, diag);
    if (status == STATUS_OK)
        status = take_line(password, size, buffer_text(&text), text.count, diag);
    if (text.data != NULL)
        explicit_bzero(text.data, text.count);
    buffer_release(&text);
    return status;
}
