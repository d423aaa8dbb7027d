/* label: fast */
#include "runtime/keystore.h"

#include <stdio.h>
#include <string.h>

#include "ir/support/file.h"
#include "tests/harness/harness.h"

/* A test vector of the Web3 Secret Storage Definition: password "testpassword". Its vector for
 * scrypt has parameters that RFC 7914 forbids. */
static const char pbkdf2_vector[] =
    "{\"crypto\":{\"cipher\":\"aes-128-ctr\",\"cipherparams\":{\"iv\":"
    "\"6087dab2f9fdbbfaddc31a909735c1e6\"},\"ciphertext\":"
    "\"5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46\",\"kdf\":\"pbkdf2\","
    "\"kdfparams\":{\"c\":262144,\"dklen\":32,\"prf\":\"hmac-sha256\",\"salt\":"
    "\"ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd\"},\"mac\":"
    "\"517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2\"},\"id\":"
    "\"3198bc9c-6672-5ab3-d995-4942343ae5b6\",\"version\":3}";
/* Written by cast 1.7.1 for the first account of every development chain: password "secret". */
static const char scrypt_keystore[] =
    "{\"crypto\":{\"cipher\":\"aes-128-ctr\",\"cipherparams\":{\"iv\":\"382d5bb5056be1d26"
    "77d665be0fa17de\"},\"ciphertext\":\"5a9a7b016afe0815c3c019963af4b1384a1a9230ee17e344"
    "4cb20e71a24fe525\",\"kdf\":\"scrypt\",\"kdfparams\":{\"dklen\":32,\"n\":8192,\"p\":1"
    ",\"r\":8,\"salt\":\"cd5c55540f9f1a771728cd80919d1cb6508b182954c8151e9752cc1cba194340"
    "\"},\"mac\":\"67bf03d6520bc6b71d807cad17ce1314f6aef48e168a3df126f1afb709d5c4c0\"},\""
    "id\":\"bba991e8-2e0d-4743-a6b8-2dd3e9bab913\",\"version\":3}";
static const uint8_t secret[KEYSTORE_KEY_BYTES] = {
    0x7a, 0x28, 0xb5, 0xba, 0x57, 0xc5, 0x36, 0x03, 0xb0, 0xb0, 0x7b, 0x56, 0xbb, 0xa7, 0x52, 0xf7,
    0x78, 0x4b, 0xf5, 0x06, 0xfa, 0x95, 0xed, 0xc3, 0x95, 0xf5, 0xcf, 0x6c, 0x75, 0x14, 0xfe, 0x9d};

static enum status open_text(uint8_t key[KEYSTORE_KEY_BYTES], const char *text, size_t count,
                             const char *password, struct diag *diag)
{
    const char *path = test_path(test_temp_dir(), "account");
    REQUIRE_OK(file_write(path, text, count, FILE_MODE_PRIVATE, false, diag), diag);
    return keystore_open(key, path, password, diag);
}

static const uint8_t account[KEYSTORE_KEY_BYTES] = {
    0xac, 0x09, 0x74, 0xbe, 0xc3, 0x9a, 0x17, 0xe3, 0x6b, 0xa4, 0xa6, 0xb4, 0xd2, 0x38, 0xff, 0x94,
    0x4b, 0xac, 0xb4, 0x78, 0xcb, 0xed, 0x5e, 0xfc, 0xae, 0x78, 0x4d, 0x7b, 0xf4, 0xf2, 0xff, 0x80};

TEST(keystores_of_both_kinds_open)
{
    uint8_t key[KEYSTORE_KEY_BYTES] = {0};
    struct diag diag = {0};
    REQUIRE_OK(open_text(key, pbkdf2_vector, strlen(pbkdf2_vector), "testpassword", &diag), &diag);
    CHECK_BYTES(key, secret, sizeof secret);
    REQUIRE_OK(open_text(key, scrypt_keystore, strlen(scrypt_keystore), "secret", &diag), &diag);
    CHECK_BYTES(key, account, sizeof account);
}

TEST(a_wrong_password_is_said)
{
    uint8_t key[KEYSTORE_KEY_BYTES];
    struct diag diag = {0};
    CHECK_STATUS(open_text(key, pbkdf2_vector, strlen(pbkdf2_vector), "Testpassword", &diag),
                 STATUS_BAD_INPUT, &diag);
    CHECK(strstr(diag.text, "password") != NULL);
}

/* Each replaces the first occurrence of a text by another of no more bytes. */
TEST(keystores_that_are_none_are_refused)
{
    static const char *const changes[][2] = {
        {"\"version\":3", "\"version\":1"},
        {"\"crypto\"", "\"krypto\""},
        {"aes-128-ctr", "aes-128-cbc"},
        {"\"kdf\":\"pbkdf2\"", "\"kdf\":\"bcrypt\""},
        {"\"c\":262144", "\"c\":0"},
        {"\"c\":262144", "\"c\":1e15"},
        {"\"dklen\":32", "\"dklen\":16"},
        {"hmac-sha256", "hmac-sha512"},
        {"6087dab2", "6087dab"},
        {"5318b4d5", "5318b4zz"},
        {"517ead92", ""},
        {"ae3cd4e7", "\",\"x\":\""},
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        char text[sizeof pbkdf2_vector + 64];
        const char *at = strstr(pbkdf2_vector, changes[i][0]);
        uint8_t key[KEYSTORE_KEY_BYTES];
        struct diag diag = {0};
        REQUIRE(at != NULL);
        int count = snprintf(text, sizeof text, "%.*s%s%s", (int)(at - pbkdf2_vector),
                             pbkdf2_vector, changes[i][1], at + strlen(changes[i][0]));
        CHECK_STATUS(open_text(key, text, (size_t)count, "testpassword", &diag), STATUS_BAD_INPUT,
                     &diag);
        CHECK_MSG(strlen(diag.text) > 20, "%s: %s", changes[i][1], diag.text);
    }
}

/* scrypt with 2^30 and r = 8 would take a terabyte. */
TEST(memory_of_scrypt_has_a_limit)
{
    char text[sizeof scrypt_keystore + 64];
    uint8_t key[KEYSTORE_KEY_BYTES];
    struct diag diag = {0};
    const char *at = strstr(scrypt_keystore, "8192");
    int count = snprintf(text, sizeof text, "%.*s1073741824%s", (int)(at - scrypt_keystore),
                         scrypt_keystore, at + strlen("8192"));
    CHECK_STATUS(open_text(key, text, (size_t)count, "testpassword", &diag), STATUS_BAD_INPUT,
                 &diag);
    CHECK(strstr(diag.text, "scrypt") != NULL);
}

TEST(cut_and_altered_files_never_open)
{
    uint8_t key[KEYSTORE_KEY_BYTES];
    struct diag diag = {0};
    for (size_t count = 0; count + 1 < sizeof pbkdf2_vector; count += 7)
        CHECK_STATUS(open_text(key, pbkdf2_vector, count, "testpassword", &diag), STATUS_BAD_INPUT,
                     &diag);
    CHECK_STATUS(keystore_open(key, "/nosuch/account", "p", &diag), STATUS_BAD_INPUT, &diag);
}

TEST(the_password_is_the_first_line_of_its_file)
{
    const char *path = test_path(test_temp_dir(), "password");
    char password[16];
    struct diag diag = {0};
    REQUIRE_OK(file_write(path, "two words\r\nmore", 15, 0600, false, &diag), &diag);
    REQUIRE_OK(keystore_read_password(password, sizeof password, path, &diag), &diag);
    CHECK_TEXT(password, "two words");
    CHECK_STATUS(keystore_read_password(password, 9, path, &diag), STATUS_BAD_INPUT, &diag);
    CHECK_STATUS(keystore_read_password(password, 9, "/nosuch", &diag), STATUS_BAD_INPUT, &diag);
}
